"""Pairs of texts from files, frames and lists."""

import gzip
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from kinfold.core.errors import BadData, BadFile, BadOption, UnknownName
from kinfold.core.shapes import TextPairs, describe
from kinfold.sources.text_pairs import read

QUOTED = [("a, b", 'he said "yes"'), ("two\nlines", "c")]


def write(tmp_path, name, text):
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


def columns(pairs):
    return pairs.left.to_pylist(), pairs.right.to_pylist()


def test_a_table_by_its_usual_names(tmp_path):
    found = read(write(tmp_path, "p.csv", "id,query,answer\n1,a,b\n2,c,d\n"))
    assert found.kind == "pairs"
    assert columns(found) == (["a", "c"], ["b", "d"])


def test_quotes_hold_commas_and_lines_and_errors_name_the_line_of_the_file(tmp_path):
    frame = pd.DataFrame(QUOTED, columns=["left", "right"])
    path = tmp_path / "p.csv"
    frame.to_csv(path, index=False)
    assert list(zip(*columns(read(path)), strict=True)) == QUOTED
    path.write_text(path.read_text() + "x,\n")
    with pytest.raises(BadData, match=r"p\.csv line 5: its second text is empty"):
        read(path)
    assert read(path, on_bad="skip").skipped == 1


def test_every_format_gives_the_same(tmp_path):
    frame = pd.DataFrame({"sentence1": ["a", "c"], "sentence2": ["b", 'd "e"'], "score": [1.5, 4.0]})
    frame.to_csv(tmp_path / "p.csv", index=False)
    frame.to_csv(tmp_path / "p.tsv", sep="\t", index=False)
    parquet.write_table(pa.Table.from_pandas(frame), tmp_path / "p.parquet")
    write(tmp_path, "p.jsonl.gz", "\n".join(map(json.dumps, frame.to_dict("records"))))
    for source in (tmp_path / "p.csv", tmp_path / "p.tsv", tmp_path / "p.parquet", tmp_path / "p.jsonl.gz", frame):
        found = read(source)
        assert found.kind == "scored"
        assert columns(found) == (["a", "c"], ["b", 'd "e"'])
        assert found.scores.tolist() == [1.5, 4.0]


def test_negatives_in_several_columns_or_in_lists(tmp_path):
    path = write(tmp_path, "p.csv", "anchor,positive,negative_1,negative_2\na,b,c,d\ne,f,g,\n")
    found = read(path)
    assert found.kind == "triplets"
    assert found.negatives.to_pylist() == [["c", "d"], ["g"]]
    lists = [{"query": "a", "positive": "b", "negatives": ["c", "d"]}, {"query": "e", "positive": "f", "negatives": []}]
    found = read(write(tmp_path, "p.jsonl", "\n".join(map(json.dumps, lists))))
    assert found.negatives.to_pylist() == [["c", "d"], []]
    assert read([("a", "b", "c"), ("e", "f", "g")]).negatives.to_pylist() == [["c"], ["g"]]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("a b\tc d\ne\tf\n", "pairs"),
        ("a\tb\t0.5\nc\td\t3\n", "scored"),
        ("one\ttwo\thow much\na\tb\t0.5\nc\td\t3\n", "scored"),
        ("a\tb\tc\nd\te\tf\n", "triplets"),
        ("a text\nanother\n\nthird\n", "texts"),
    ],
)
def test_lines_without_a_header_are_told_apart(tmp_path, text, kind):
    found = read(write(tmp_path, "p.txt", text))
    assert found.kind == kind
    assert len(found) == {"texts": 3}.get(kind, 2)


def test_columns_by_name_and_by_number(tmp_path):
    path = write(tmp_path, "p.tsv", "x\ty\tz\na\tb\t1\nc\td\t2\n")
    named = read(path, left="y", right="x", score="z")
    assert columns(named) == (["b", "d"], ["a", "c"])
    bare = write(tmp_path, "q.tsv", "1\ta\tb\n2\tc\td\n")
    assert columns(read(bare, left="2", right="3", score="1")) == (["a", "c"], ["b", "d"])
    assert read(path, text="x").left.to_pylist() == ["a", "c"]


@pytest.mark.parametrize(
    ("text", "options", "error", "says"),
    [
        ("x,y,z,w\n1,2,3,4\n", {}, UnknownName, "It has: x, y, z, w"),
        ("query,reply\na,b\n", {}, UnknownName, "Name right"),
        ("query,answer\na,b\n", {"score": "scor"}, UnknownName, "no column 'scor'"),
        ("query,answer,score\na,b,1\nc,d,n/a\n", {}, BadData, r"p\.csv line 3: its score 'n/a'"),
        ("query,answer,score\na,b,1\nc,d\n", {}, BadData, r"p\.csv line 3: its score"),
        ("query,answer\n,b\n", {}, BadData, "line 2: its text is empty"),
        ("query,answer\n", {}, BadData, "holds no text"),
        ("", {}, BadData, "holds no text"),
        ("query,answer\na,b\n", {"on_bad": "drop"}, BadOption, "on_bad"),
        ("query,answer\na,b\n", {"text": "query", "left": "query"}, BadOption, "text by itself"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, text, options, error, says):
    with pytest.raises(error, match=says):
        read(write(tmp_path, "p.csv", text), **options)


def test_what_is_no_pair_at_all():
    with pytest.raises(BadFile, match="no such file"):
        read("none.csv")
    with pytest.raises(BadData, match="is no pair"):
        read([("a",)])
    with pytest.raises(BadData, match="pair 1: has not a score"):
        read([("a", "b", 1.0), ("c", "d")])
    with pytest.raises(BadData, match="NaN"):
        TextPairs.of(["a"], ["b"], scores=[np.nan])


def test_the_fingerprint_knows_the_texts():
    one, two = (describe(read([("a", "b"), ("c", each)])) for each in "de")
    assert one["pairs"] == 2
    assert one["hash"] != two["hash"]


@pytest.mark.data
def test_the_sts_benchmark_is_read_as_it_is():
    folder = Path(os.environ.get("KINFOLD_DATA", Path(__file__).parents[3] / "shared" / "data"))
    path = folder / "text" / "stsbenchmark" / "sts-dev.csv"
    if not path.exists():
        pytest.skip(f"{path} is not there; set KINFOLD_DATA")
    found = read(path)
    assert (len(found), found.kind) == (1500, "scored")
    assert found.left[0].as_py() == "A man with a hard hat is dancing."
    assert found.scores.max() == 5
