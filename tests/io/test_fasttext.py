"""fastText's models, read and written, against a reader that goes field by field."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from oracles import fasttext as oracle

import kinfold as kf
from kinfold import Space, io
from kinfold.core.codes import Codes
from kinfold.core.columns import matrix_of
from kinfold.core.errors import BadData, BadOption
from kinfold.core.keys import Keys

UNSEEN = ["unseenish", "naïvely", "日本語", "x", "", "<", "ships", "</s"]
# What a file of version 12 has no place for, or another place.
REWRITTEN = {
    "version 11",
    "version 11 classifier",
    "old",
    "old classifier",
    "quantized with its output",
    "quantized tree of words",
}


def written(folder: Path, model: oracle.Model, name: str = "model.bin") -> Path:
    path = folder / name
    path.write_bytes(model.file())
    return path


def opened(folder: Path, kind: str) -> tuple[oracle.Model, Space]:
    model = oracle.model(kind)
    return model, io.open(written(folder, model))


@pytest.mark.parametrize("kind", oracle.KINDS)
def test_every_row_is_what_the_model_says(kind: str, tmp_path: Path) -> None:
    model, space = opened(tmp_path, kind)
    assert list(space.group("word").keys) == [word.decode() for word in model.words]
    for word in model.words:
        np.testing.assert_allclose(space[f"word:{word.decode()}"], model.vector(word), atol=1e-6)
    rows = model.input_rows()[len(model.words) :]
    buckets = (
        range(model.buckets) if model.kept is None else [bucket for bucket, _ in sorted(model.kept, key=lambda p: p[1])]
    )
    dense = not isinstance(model.input, oracle.Coded)
    held = [(str(bucket), row) for bucket, row in zip(buckets, rows, strict=True) if row.any() or not dense]
    ngrams = space.group("ngram") if "ngram" in space.groups else space.take(np.zeros(0, int))
    assert list(ngrams.keys) == [bucket for bucket, _ in held]
    if held:
        np.testing.assert_array_equal(ngrams.rows.dense(), np.array([row for _, row in held]))
    assert isinstance(space.rows.values, Codes) != dense
    assert space.attribute("count").drop_null().to_pylist() == model.word_counts + model.label_counts
    target = space.group("label" if model.labels else "word")
    sign = -1 if model.loss == "hierarchical" and not model.labels else 1
    np.testing.assert_array_equal(matrix_of(target.attribute("context"), model.dim), sign * model.output_rows())
    assert space.attribute("context").null_count == len(space) - len(target)
    if space.card.parameters["max_n"]:
        own = matrix_of(space.group("word").attribute("own"), model.dim)
        np.testing.assert_array_equal(own, model.input_rows()[: len(model.words)])
    else:
        assert "own" not in space.table.column_names


@pytest.mark.parametrize("kind", oracle.KINDS)
def test_the_card_tells_how_it_was_learned(kind: str, tmp_path: Path) -> None:
    model, space = opened(tmp_path, kind)
    told = dict(space.card.parameters)
    classifier = bool(model.labels)
    assert space.card.method == ("supervised" if classifier else "fasttext")
    assert space.frame.startswith(space.card.method)
    assert space.metric.value == ("dot" if classifier else "cosine")
    assert told["loss"] == model.loss
    assert told.get("mode") == (None if classifier else model.mode)
    expected = {"dim": 5, "window": 7, "epochs": 3, "min_count": 2, "negatives": 4, "word_ngrams": model.word_ngrams}
    assert {name: told[name] for name in expected} == expected
    assert told["subsample"] == 3e-4
    assert told["buckets"] == model.buckets
    unused = model.version != 12 and classifier
    assert (told["min_n"], told["max_n"]) == ((0, 0) if unused else (model.min_n, model.max_n))
    assert told.get("pruned", False) == (model.kept is not None)
    assert space.card.data["tokens"] == 12345
    assert space.card.data["text"] == {"tokenizer": "ascii", "lower": False}
    assert space.card.data["format"] == "fasttext"
    assert space.frame == io.open(tmp_path / "model.bin").frame


@pytest.mark.parametrize("loss", ["softmax", "one-vs-all", "negative"])
def test_rows_of_labels_are_output_rows(loss: str, tmp_path: Path) -> None:
    model, space = opened(tmp_path, f"{loss} classifier")
    assert list(space.group("label").keys) == ["sea", "land", "sky"]
    np.testing.assert_array_equal(space.group("label").rows.dense(), model.output)


def test_rows_of_labels_in_a_tree_are_the_gradient_at_zero(tmp_path: Path) -> None:
    model, space = opened(tmp_path, "hierarchical classifier")
    nodes = model.output.astype(np.float64)
    # Counts 70, 60, 3: the rarer two make node 0, in which the turn to the more frequent one counts as yes;
    # node 0 (63) and the first label (70) make node 1.
    paths = {"sea": [(1, 1)], "land": [(1, 0), (0, 1)], "sky": [(1, 0), (0, 0)]}

    def chance(text: np.ndarray, label: str) -> float:
        made = [1 / (1 + np.exp(-nodes[node] @ text)) for node, _ in paths[label]]
        return float(
            np.sum(np.log([each if turn else 1 - each for each, (_, turn) in zip(made, paths[label], strict=True)]))
        )

    for label in paths:
        steps = np.eye(5) * 1e-6
        gradient = [(chance(step, label) - chance(-step, label)) / 2e-6 for step in steps]
        np.testing.assert_allclose(space[f"label:{label}"], gradient, atol=1e-5)


@pytest.mark.parametrize("kind", oracle.KINDS)
def test_written_it_is_the_same_file(kind: str, tmp_path: Path) -> None:
    model, space = opened(tmp_path, kind)
    space.save(tmp_path / "space.arrow")
    target = tmp_path / f"again{'.ftz' if isinstance(model.input, oracle.Coded) else '.bin'}"
    io.save(kf.open(tmp_path / "space.arrow"), target, "fasttext")
    if kind not in REWRITTEN:
        model.kept = None if model.kept is None else sorted(model.kept, key=lambda pair: pair[1])
        assert target.read_bytes() == model.file()
    again = io.open(target)
    assert list(again.keys) == list(space.keys)
    np.testing.assert_array_equal(again.rows.dense(), space.rows.dense())
    assert {**again.card.parameters} == {**space.card.parameters}


@pytest.mark.parametrize("ending", [".gz", ".xz"])
def test_packed_files_are_read_and_written(ending: str, tmp_path: Path) -> None:
    model, space = opened(tmp_path, "skipgram")
    io.save(space, tmp_path / f"model.bin{ending}", "fasttext")
    again = io.open(tmp_path / f"model.bin{ending}")
    np.testing.assert_array_equal(again.rows.dense(), space.rows.dense())
    if ending == ".gz":
        assert gzip.decompress((tmp_path / "model.bin.gz").read_bytes()) == model.file()


def test_dense_is_written_of_codes_where_the_name_is_not_ftz(tmp_path: Path) -> None:
    _, space = opened(tmp_path, "quantized")
    io.save(space, tmp_path / "dense.bin", "fasttext")
    dense = io.open(tmp_path / "dense.bin")
    assert dense.rows.dtype == np.float32
    np.testing.assert_allclose(dense.rows.dense(), space.rows.dense(), atol=1e-6)


def test_a_pruned_model_is_written_as_ftz_only(tmp_path: Path) -> None:
    _, space = opened(tmp_path, "pruned")
    with pytest.raises(BadOption, match=r"\.ftz only"):
        io.save(space, tmp_path / "dense.bin", "fasttext")
    assert not (tmp_path / "dense.bin").exists()


def test_float_rows_are_not_written_as_ftz(tmp_path: Path) -> None:
    _, space = opened(tmp_path, "skipgram")
    with pytest.raises(BadOption, match="product codes, and these rows are float32"):
        io.save(space, tmp_path / "a.ftz")


def test_codes_that_are_not_of_own_rows_are_not_written_as_ftz(tmp_path: Path) -> None:
    _, space = opened(tmp_path, "quantized")
    moved = space.rows.values.exact.copy()
    moved[2] += 1
    parts = {name: getattr(space.rows.values, name) for name in Codes.__slots__}
    values = Codes(**{**parts, "exact": moved})
    other = Space.of(space.keys, values, metric="dot", table=space.table)
    other = kf.core.space.dataclasses.replace(other, card=space.card)
    with pytest.raises(BadData, match="not the mean of what their codes"):
        io.save(other, tmp_path / "a.ftz")
    buckets = space.take(np.delete(np.arange(len(space)), 20))
    with pytest.raises(BadData, match="1 of 60 buckets have no row"):
        io.save(buckets, tmp_path / "a.ftz")


def test_moved_words_keep_their_rows_when_written(tmp_path: Path) -> None:
    _, space = opened(tmp_path, "skipgram")
    rows = space.rows.dense().copy()
    rows[1:3] += 1
    moved = kf.core.space.dataclasses.replace(space, rows=kf.core.rows.Rows(rows))
    notes = io.FORMATS["fasttext"].write(moved, tmp_path / "moved.bin")
    assert any(note.startswith("2 words are not the mean") for note in notes)
    again = io.open(tmp_path / "moved.bin")
    np.testing.assert_allclose(again.rows.dense(), rows, atol=1e-6)
    without = kf.core.space.dataclasses.replace(space, table=space.table.drop_columns(["own", "context"]))
    notes = io.FORMATS["fasttext"].write(without, tmp_path / "without.bin")
    assert any("written as zeros" in note for note in notes)
    again = io.open(tmp_path / "without.bin")
    np.testing.assert_allclose(again.rows.dense(), space.rows.dense(), atol=1e-6)
    assert not matrix_of(again.group("word").attribute("context"), 5).any()


def test_words_of_any_space_are_written_without_ngrams(tmp_path: Path) -> None:
    space = Space.of(["one", "two", "New York", ""], np.arange(12, dtype=np.float32).reshape(4, 3), group="word")
    report = io.convert(saved(space, tmp_path), tmp_path / "plain.bin", format="fasttext")
    again = io.open(tmp_path / "plain.bin")
    assert list(again.keys) == ["one", "two", "New York", ""]
    np.testing.assert_array_equal(again.rows.dense(), space.rows.dense())
    assert again.card.parameters["max_n"] == again.card.parameters["buckets"] == 0
    assert again.attribute("count").to_pylist() == [1, 1, 1, 1]
    assert report["rows written"].value == 4
    assert any("output rows" in note for note in report.notes)
    groups = Space.of(Keys(["u", "a", "b"], {"user": 1, "item": 2}), np.eye(3))
    report = io.convert(saved(groups, tmp_path), tmp_path / "items.bin", format="fasttext", group="item")
    assert list(io.open(tmp_path / "items.bin").keys) == ["a", "b"]
    with pytest.raises(BadData, match="cannot be written"):
        io.save(Space.of(["a\0b"], [[1.0]]), tmp_path / "no.bin", "fasttext")
    io.save(Space.of(["a\0b"], [[1.0]]), tmp_path / "no.bin", "fasttext", replace="_")
    assert list(io.open(tmp_path / "no.bin").keys) == ["a_b"]


def test_what_stands_in_place_of_a_nul_has_other_ngrams(tmp_path: Path) -> None:
    _, space = opened(tmp_path, "skipgram")
    names = ["a\0longer\0word" if name == "ship" else name for name in space.keys]
    keys = Keys(names, {name: len(rows) for name, rows in space.groups.items()})
    io.save(kf.core.space.dataclasses.replace(space, keys=keys), tmp_path / "a.bin", "fasttext", replace="_")
    again = io.open(tmp_path / "a.bin")
    np.testing.assert_allclose(again["a_longer_word"], space["ship"], atol=1e-6)


def test_a_space_without_a_word_is_not_written(tmp_path: Path) -> None:
    for keys in (Keys([], "word"), Keys(["1"], {"word": 0, "label": 1})):
        with pytest.raises(BadData, match="no word to write"):
            io.save(Space.of(keys, np.ones((len(keys), 2))), tmp_path / "a.bin", "fasttext")
    assert not (tmp_path / "a.bin").exists()


def saved(space: Space, folder: Path) -> Path:
    space.save(folder / "saved.arrow")
    return folder / "saved.arrow"


def test_one_group_of_a_model_is_written_as_words(tmp_path: Path) -> None:
    _, space = opened(tmp_path, "softmax classifier")
    io.save(space, tmp_path / "labels.bin", "fasttext", group="label")
    assert list(io.open(tmp_path / "labels.bin").keys) == ["sea", "land", "sky"]
    io.save(space.group("word"), tmp_path / "words.bin", "fasttext")
    again = io.open(tmp_path / "words.bin")
    assert list(again.groups) == ["word"]
    np.testing.assert_array_equal(again.rows.dense(), space.group("word").rows.dense())


def test_labels_get_the_prefix_that_fasttext_knows_them_by(tmp_path: Path) -> None:
    model, space = opened(tmp_path, "softmax classifier")
    learned = kf.core.space.dataclasses.replace(
        space, card=kf.core.space.dataclasses.replace(space.card, data={"tokens": 12345})
    )
    io.save(learned, tmp_path / "learned.bin", "fasttext")
    assert b"__label__land\0" in (tmp_path / "learned.bin").read_bytes()
    assert list(io.open(tmp_path / "learned.bin").group("label").keys) == ["sea", "land", "sky"]
    model.labels = [b"#sea", b"the", b"#sky"]
    other = io.open(written(tmp_path, model))
    assert list(other.group("label").keys) == ["#sea", "the", "#sky"]
    with pytest.raises(BadData, match="'the' is a word and a label"):
        io.save(other, tmp_path / "again.bin", "fasttext")


def test_labels_of_a_tree_are_written_in_its_order(tmp_path: Path) -> None:
    model, space = opened(tmp_path, "hierarchical classifier")
    words, ngrams = len(space.groups["word"]), len(space.groups["ngram"])
    counts = space.attribute("count").to_pylist()
    turned = counts[: words + ngrams] + counts[words + ngrams :][::-1]
    io.save(space.with_attribute("count", pa.array(turned, pa.int64())), tmp_path / "turned.bin", "fasttext")
    again = io.open(tmp_path / "turned.bin")
    assert list(again.group("label").keys) == ["sky", "land", "sea"]
    np.testing.assert_array_equal(matrix_of(again.group("label").attribute("context"), 5), model.output)


def test_words_that_are_not_utf8_keep_their_vectors(tmp_path: Path) -> None:
    model = oracle.model("skipgram")
    model.words[2:4] = [b"caf\xe9", b"kter\xec"]
    path = written(tmp_path, model)
    space = io.open(path)
    assert list(space.group("word").keys)[2:4] == ["caf\ufffd", "kter\ufffd"]
    for place in (2, 3):
        np.testing.assert_allclose(space.rows.take(place), model.vector(model.words[place]), atol=1e-6)
    assert space.card.data["keys that were not UTF-8"] == 2
    assert io.open(path, bad_bytes="ignore").keys[2] == "caf"
    with pytest.raises(BadData, match=r"byte \d+: byte 3 of b'caf\\xe9' is not UTF-8"):
        io.open(path, bad_bytes="strict")
    # Written, the names are other bytes with other n-grams, and the vectors are the same all the same.
    io.save(space, tmp_path / "again.bin", "fasttext")
    np.testing.assert_allclose(io.open(tmp_path / "again.bin").rows.dense(), space.rows.dense(), atol=1e-6)


@pytest.mark.parametrize("kind", ["skipgram", "quantized", "pruned", "softmax classifier"])
def test_of_words_that_become_the_same_the_first_counts(kind: str, tmp_path: Path) -> None:
    model = oracle.model(kind)
    model.words[1:5] = [b"\xff", b"the", b"\xfe", b"\xfd"]
    space = io.open(written(tmp_path, model))
    kept = [model.words[place] for place in (0, 1, 2, 5, 6, 7)]
    assert list(space.group("word").keys) == [word.decode(errors="replace") for word in kept]
    for place, word in enumerate(kept):
        np.testing.assert_allclose(space.rows.take(place), model.vector(word), atol=1e-6)
    assert space.card.data["skipped: key seen before"] == 2
    for word in UNSEEN:
        encoded = kf.encoder(space).encode([word])
        np.testing.assert_allclose(encoded.rows.take(0), model.vector(word.encode()), atol=1e-6)
    target = space.group("label" if model.labels else "word")
    expected = model.output if model.labels else model.output[[0, 1, 2, 5, 6, 7]]
    np.testing.assert_array_equal(matrix_of(target.attribute("context"), 5), expected)


def test_what_labels_that_stand_twice_lose_is_told(tmp_path: Path) -> None:
    model = oracle.model("hierarchical classifier")
    model.labels[2] = model.labels[0]
    space = io.open(written(tmp_path, model))
    assert list(space.group("label").keys) == ["sea", "land"]
    report = io.convert(tmp_path / "model.bin", tmp_path / "a.arrow")
    assert report["skipped: key seen before"].value == 1
    assert any("no longer those of the softmax's tree" in note for note in report.notes)


def test_ngrams_without_buckets_are_passed_over(tmp_path: Path) -> None:
    model = oracle.model("no n-grams")
    model.min_n, model.max_n = 3, 6
    space = io.open(written(tmp_path, model))
    np.testing.assert_array_equal(space.rows.dense(), model.input)
    assert any("no bucket" in note for note in space.card.data["notes"])
    model = oracle.model("classifier of words")
    model.word_ngrams = 3
    space = io.open(written(tmp_path, model))
    assert space.card.parameters["word_ngrams"] == 1
    assert any("3 words and no bucket" in note for note in space.card.data["notes"])


def test_bytes_behind_the_model_are_noted(tmp_path: Path) -> None:
    model = oracle.model("skipgram")
    (tmp_path / "a.bin").write_bytes(model.file() + b"\n")
    assert "bytes behind the model were left out" in io.open(tmp_path / "a.bin").card.data["notes"]
    (tmp_path / "a.bin.gz").write_bytes(gzip.compress(model.file() + b"\n"))
    assert "bytes behind the model were left out" in io.open(tmp_path / "a.bin.gz").card.data["notes"]


def test_more_words_than_are_read_at_a_time(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    words = [f"w{number}{'x' * (number % 70)}".encode() for number in range(250_000)]
    model = oracle.Model(words, rng.random((250_000, 2), np.float32), rng.random((250_000, 2), np.float32))
    model.word_counts = list(range(250_000, 0, -1))
    space = io.open(written(tmp_path, model))
    assert space.keys.names.equals(pa.array([word.decode() for word in words], pa.large_string()))
    np.testing.assert_array_equal(space.rows.dense(), model.input)
    io.save(space, tmp_path / "again.bin", "fasttext")
    assert (tmp_path / "again.bin").read_bytes() == model.file()


MEMORY = """
import re, sys
from kinfold import io

def peak():
    return 1024 * int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])

io.open(sys.argv[1])
before = peak()
io.open(sys.argv[2])
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for the peak of the memory")
@pytest.mark.parametrize("kind", ["skipgram", "quantized"])
def test_reading_takes_about_the_memory_of_the_file(kind: str, tmp_path: Path) -> None:
    small = written(tmp_path, oracle.model(kind), "small.bin")
    rng = np.random.default_rng(0)
    words = [f"word{number}".encode() for number in range(5000)]
    counts = list(range(5000, 0, -1))
    if kind == "quantized":
        large = oracle.Model(words, oracle.coded(2_005_000, 80, 2, True, rng), np.ones((5000, 80), np.float32))
    else:
        large = oracle.Model(words, rng.random((205_000, 128), np.float32), np.ones((5000, 128), np.float32))
    large.word_counts, large.buckets, large.min_n, large.max_n = counts, len(large.input) - 5000, 3, 6
    path = written(tmp_path, large, "large.bin")
    command = [sys.executable, "-c", MEMORY, str(small), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120, env=os.environ)
    size = path.stat().st_size
    assert size > 80_000_000
    # Each bucket has a name, and a place among the attributes.
    assert int(done.stdout) < 1.2 * size + 100 * large.buckets + 30_000_000
