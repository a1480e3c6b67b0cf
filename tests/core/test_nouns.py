"""Card, Report, Hits, Catalogue, files and shapes."""

import json
import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse as sparse

from kinfold.core.card import Card, born
from kinfold.core.catalogue import Catalogue, Entry
from kinfold.core.errors import BadData, BadFile, MissingExtra, ShapeMismatch, UnknownName, did_you_mean
from kinfold.core.files import whole_file, whole_folder
from kinfold.core.hits import Hits
from kinfold.core.keys import Keys
from kinfold.core.protocols import takes
from kinfold.core.report import Finding, Report, Table, number
from kinfold.core.shapes import Counts, Sequences, describe


def test_a_card_comes_back_from_json():
    report = Report("r", [Finding("x", float("nan"), n=3)], [Table("t", ("a",), [[np.float32(1)]])], ["note"])
    card = Card("f", "svd", {"dim": np.int64(3)}, 7, {"keys": 4}).then("taken", rows=2).with_report(report)
    again = Card.from_json(card.to_json())
    assert json.loads(card.to_json()) == json.loads(again.to_json())
    assert again.steps[0] == {"step": "taken", "rows": 2}
    assert np.isnan(again.reports[0]["x"].value)
    newer = json.loads(card.to_json()) | {"invented": 1}
    assert Card.from_json(json.dumps(newer)) == again or Card.from_json(json.dumps(newer)).frame == "f"


@pytest.mark.parametrize("text", ["", "{", "3", "[]", "{}", '{"frame": "f", "method": "m", "reports": [1]}'])
def test_a_damaged_card_is_refused(text):
    with pytest.raises(BadData, match="card"):
        Card.from_json(text)


def test_a_frame_is_the_rows_it_was_born_with():
    rows = np.random.default_rng(0).normal(size=(10_000, 3)).astype("f4")
    assert born("m", rows) == born("m", rows.copy())
    assert born("m", rows) != born("m", rows + 1)
    assert born("m", rows) != born("m", rows[:9_999])


def test_a_report_reads_like_a_sentence_and_finds_by_name():
    whole = Finding("accuracy", 0.3745, 0.36, 0.39, 7508)
    part = Finding("accuracy", 1.0, n=2, group="capitals")
    report = Report("Analogies", [whole, part], notes=["of 30,000 rows"])
    assert str(whole) == "accuracy: 0.374 [0.360, 0.390] (n = 7,508)"
    assert str(report).splitlines() == ["Analogies", f"  {whole}", f"  {part}", "  note: of 30,000 rows"]
    assert report["accuracy"] is whole
    assert report["capitals/accuracy"] is part
    assert Report.from_dict(json.loads(json.dumps(report.to_dict()))).to_dict() == report.to_dict()
    with pytest.raises(UnknownName, match="Did you mean 'accuracy'"):
        report["acuracy"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (71290, "71,290"),
        (0.3745, "0.374"),
        (12.53, "12.5"),
        (float("nan"), "not a number"),
        (0, "0"),
        (1e-9, "1.00e-09"),
    ],
)
def test_numbers_for_people(value, text):
    assert number(value) == text


def test_hits_are_pairs():
    hits = Hits(["a", "b"], np.array([0.5, 0.25], np.float32), np.array([3, 4]), "q")
    assert list(hits) == [("a", 0.5), ("b", 0.25)]
    assert hits[1] == ("b", 0.25)
    assert repr(hits) == "Hits(q: a 0.500, b 0.250)"
    assert json.dumps(hits.to_dict())


def test_a_catalogue_loads_on_use_and_says_what_is_missing():
    offered = Catalogue(
        "room",
        Entry("loads", "json:loads", "reads"),
        Entry("heavy", "no_such_library_here:x", "needs much", extra="deep"),
    )
    assert offered["loads"] is json.loads
    assert [entry.name for entry in offered] == ["loads", "heavy"]
    assert "loads" in offered
    with pytest.raises(UnknownName, match=r"Did you mean 'loads'\? There are: loads, heavy"):
        offered["load"]
    with pytest.raises(MissingExtra, match=r"pip install 'kinfold\[deep\]'"):
        offered["heavy"]


def test_suggestions_are_near_or_absent():
    assert did_you_mean("hnws", ["hnsw", "ivf"]) == " Did you mean 'hnsw'?"
    assert did_you_mean("zebra", ["hnsw", "ivf"]) == ""


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    target = tmp_path / "file"
    target.write_text("old")

    def fail():
        with whole_file(target) as part:
            part.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert target.read_text() == "old"
    with whole_file(target) as part:
        part.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    def fail():
        with whole_folder(tmp_path / "out") as part:
            (part / "a").write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list(tmp_path.iterdir()) == []
    with whole_folder(tmp_path / "out") as part:
        (part / "a").write_text("all")
    assert (tmp_path / "out" / "a").read_text() == "all"
    with pytest.raises(BadFile, match="exists already"), whole_folder(tmp_path / "out"):
        pass


def test_shapes_refuse_parts_that_do_not_fit():
    keys = Keys(["a", "b"])
    for ids, starts in [([0, 1], [0, 1]), ([0, 1], [1, 2]), ([0], [])]:
        with pytest.raises(BadData):
            Sequences(keys, np.array(ids, np.int32), np.array(starts, np.int64))
    with pytest.raises(BadData, match="int32"):
        Sequences(keys, np.array([0, 1]), np.array([0, 2]))
    with pytest.raises(BadData, match="shape"):
        Counts(keys, keys, sparse.csr_array((2, 3), dtype=np.float32))
    data = Sequences(keys, np.array([1, 0, 1], np.int32), np.array([0, 2, 3]))
    assert list(data) == [["b", "a"], ["b"]]
    assert data.counts.tolist() == [1, 2]
    assert describe(data)["tokens"] == 3
    assert describe(Counts(keys, keys, sparse.csr_array(np.eye(2, dtype=np.float32))))["entries"] == 2


def test_a_wrong_shape_is_refused_by_name():
    from kinfold.learn.svd import SVD

    with pytest.raises(ShapeMismatch, match="SVD learns from Counts, not from dict"):
        takes(SVD(), {})


@pytest.mark.parametrize(
    "module", ["core.space", "search", "search.hnsw", "search.file", "measure.analogy", "learn.svd"]
)
def test_importing_is_cheap(module):
    heavy = ["numba", "scipy", "faiss", "duckdb", "sklearn", "pandas", "polars", "matplotlib", "umap", "typer", "rich"]
    code = f"import sys, kinfold.{module}; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
