from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import numpy as np
import pytest

from kinfold.core.errors import BadData, BadFile, UnknownName
from kinfold.sources.labeled import read

LINES = ["__label__sea the waves", "__label__land __label__farm the hay", "no label at all", ""]


def both(items) -> tuple[list[str], list[list[str]]]:
    return list(items.raw), items.labels.to_pylist()


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_lines_hold_their_labels(tmp_path, ending):
    path = tmp_path / f"a.txt{ending}"
    path.write_bytes((gzip.compress if ending else bytes)(("\r\n".join(LINES) + "\n").encode()))
    expected = ["the waves", "the hay", "no label at all", ""], [["sea"], ["land", "farm"], [], []]
    assert both(read(path)) == both(read(LINES)) == both(read(iter(LINES))) == expected


def test_another_prefix_or_none(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("1 a film\n0 another\n\n")
    assert both(read(path, prefix="")) == (["a film", "another", ""], [["1"], ["0"], []])
    assert both(read(["a #b c"], prefix="#")) == (["a c"], [["b"]])


ROWS = [{"t": "a, b", "l": "x y"}, {"t": None, "l": "z"}, {"t": "c", "l": None}]


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_columns_of_tables(tmp_path, ending):
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / f"a{ending}"
    if ending == ".parquet":
        pq.write_table(pa.Table.from_pylist(ROWS), path)
    elif ending == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    else:
        gap = "\t" if ending == ".tsv" else ","
        path.write_text(f'l{gap}t\nx y{gap}"a, b"\nz{gap}\n{gap}c\n')
    assert both(read(path, text="t", label="l")) == (["a, b", "", "c"], [["x y"], ["z"], []])
    with pytest.raises(UnknownName, match="no column 'label'"):
        read(path, text="t")
    with pytest.raises(UnknownName, match="no column 'text'"):
        read(path, label="l")


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([1, 2], [["1"], ["2"]]),
        (["a", None], [["a"], []]),
        ([["a", "b"], []], [["a", "b"], []]),
        ([[3], None], [["3"], []]),
        ([True, False], [["true"], ["false"]]),
    ],
)
def test_labels_of_many_kinds(tmp_path, labels, expected):
    import pandas as pd
    import polars as pl
    import pyarrow as pa
    import pyarrow.parquet as pq

    texts = ["x", "y"]
    table = pa.table({"text": texts, "label": labels})
    pq.write_table(table, tmp_path / "a.parquet")
    (tmp_path / "a.jsonl").write_text(
        "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in zip(texts, labels, strict=True))
    )
    frames = [table, pl.DataFrame({"text": texts, "label": labels}), pl.LazyFrame({"text": texts, "label": labels})]
    for source in [tmp_path / "a.parquet", tmp_path / "a.jsonl", *frames]:
        assert both(read(source)) == (texts, expected)
    for given in [labels, iter(labels), table["label"], pl.Series(labels), pd.Series(labels, dtype=object)]:
        assert both(read(texts, given)) == (texts, expected)
    assert both(read(pd.DataFrame({"text": texts, "label": pd.Categorical(["a", "b"])})))[1] == [["a"], ["b"]]
    assert both(read(texts, np.array([0, 1])))[1] == [["0"], ["1"]]


def test_a_file_of_texts_with_labels_apart(tmp_path):
    (tmp_path / "texts.txt").write_text("one\ntwo\n")
    assert both(read(tmp_path / "texts.txt", ["a", "b"])) == (["one", "two"], [["a"], ["b"]])


@pytest.mark.parametrize(
    ("source", "options", "error", "text"),
    [
        (["no labels"], {}, BadData, "none of the 1 texts has a label. A label begins with '__label__'"),
        (["", " "], {"prefix": ""}, BadData, "none of the 2 texts"),
        (["a"], {"labels": [None]}, BadData, "none of the 1 texts has a label"),
        (["a"], {"labels": "a"}, BadData, "one a text, in a list"),
        (["a"], {"labels": [{"a": 1}]}, BadData, "struct"),
        (["a", "b"], {"labels": ["a", 1]}, BadData, "several types"),
        (5, {}, BadData, "from int"),
        ("nowhere.txt", {}, BadFile, "no such file"),
        (".", {}, BadFile, "is a folder"),
    ],
)
def test_what_cannot_be_used_is_said(source, options, error, text):
    with pytest.raises(error, match=text):
        read(source, **options)


def test_a_file_without_labels_is_named(tmp_path):
    path = tmp_path / "plain.txt"
    path.write_text("just a text\nand another\n")
    with pytest.raises(BadData, match=r"plain\.txt: none of the 2 texts has a label.*pass an empty prefix"):
        read(path)
    path = tmp_path / "none.csv"
    path.write_text("text,label\na,\nb,\n")
    with pytest.raises(BadData, match=r"none\.csv, column 'label': none of the 2 texts"):
        read(path)
    path = tmp_path / "mixed.jsonl"
    path.write_text('{"text": "a", "label": "x"}\n{"text": "b", "label": ["y"]}\n')
    with pytest.raises(BadData, match="labels are strings, numbers or lists"):
        read(path)


@pytest.mark.data
def test_real_reviews_begin_with_their_label():
    folder = Path(os.environ.get("KINFOLD_DATA", Path(__file__).parents[3] / "shared" / "data"))
    path = folder / "text" / "sst2" / "stsa.binary.dev.gz"
    if not path.exists():
        pytest.skip(f"{path} is not there; set KINFOLD_DATA")
    texts, labels = both(read(path, prefix=""))
    assert len(texts) == len(labels) == 872
    assert {label for each in labels for label in each} == {"0", "1"}
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    assert [f"{label[0]} {text}" for text, label in zip(texts, labels, strict=True)] == lines
