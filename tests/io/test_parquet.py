"""Parquet files, ours and those of pandas, polars and Arrow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kinfold import io
from kinfold.core import spill
from kinfold.core.errors import BadData, BadOption
from kinfold.core.keys import Keys
from kinfold.core.report import Finding, Report
from kinfold.core.space import Space


@pytest.fixture
def space() -> Space:
    keys = Keys(["1", "2", "1", "3", "é\n"], {"user": 2, "item": 3})
    rows = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    whole = Space.of(keys, rows, metric="dot").with_attribute("count", pa.array([5, 4, None, 2, 1]))
    whole = whole.with_attribute("context", pa.array([[1.0], None, [], [2.0], [3.0]], pa.large_list(pa.float32())))
    return whole.with_report(Report("health", (Finding("rows", 5),)))


def same(one: Space, other: Space) -> bool:
    np.testing.assert_array_equal(one.rows.values, other.rows.values)
    return one.keys == other.keys and one.table == other.table and one.metric == other.metric


def test_nothing_of_a_space_is_lost(tmp_path: Path, space: Space) -> None:
    io.save(space, tmp_path / "a.parquet")
    back = io.open(tmp_path / "a.parquet")
    assert same(back, space)
    assert back.card.to_json() == space.card.to_json()
    report = io.convert(tmp_path / "a.parquet", tmp_path / "b.arrow")
    assert report["rows written"].value == 5
    io.save(space, tmp_path / "item.parquet", group="item")
    assert io.open(tmp_path / "item.parquet").groups == {"item": range(3)}
    empty = Space.of([], np.empty((0, 7), np.float32))
    io.save(empty, tmp_path / "empty.parquet")
    assert io.open(tmp_path / "empty.parquet").rows.values.shape == (0, 7)


@pytest.mark.parametrize("library", ["pandas", "polars", "arrow"])
def test_other_libraries_read_ours_and_write_it_again(tmp_path: Path, space: Space, library: str) -> None:
    path = tmp_path / "a.parquet"
    io.save(space, path)
    if library == "pandas":
        frame = pd.read_parquet(path)
        assert frame["vector"][3].tolist() == space.rows.values[3].tolist()
        frame.to_parquet(path)
    elif library == "polars":
        read = pl.read_parquet(path)
        assert read["vector"].to_list()[3] == space.rows.values[3].tolist()
        read.write_parquet(path)
    else:
        pq.write_table(pq.read_table(path), path, row_group_size=2)
    back = io.open(path)
    assert back.keys == space.keys
    np.testing.assert_array_equal(back.rows.values, space.rows.values)
    assert back.attribute("count").to_pylist() == [5, 4, None, 2, 1]
    assert (back.metric == space.metric) == (library == "arrow")


def test_vectors_however_others_keep_them(tmp_path: Path) -> None:
    rows = [[1.0, 2.0], [3.0, 4.0]]
    cases = [
        pa.table({"word": ["a", "b"], "vector": pa.array(rows, pa.list_(pa.float64()))}),
        pa.table({"embedding": pa.array(rows, pa.large_list(pa.float16())), "token": ["a", "b"]}),
        pa.table(
            {"name": pa.array(["a", "b"]).dictionary_encode(), "x": pa.array([[1, 2], [3, 4]], pa.list_(pa.int8()))}
        ),
        pa.table({"anything": ["a", "b"], "u": [1.0, 3.0], "v": pa.array([2, 4], pa.float32()), "n": [7, 8]}),
    ]
    for table in cases:
        pq.write_table(table, tmp_path / "a.parquet")
        space = io.open(tmp_path / "a.parquet")
        assert list(space.keys) == ["a", "b"]
        assert space.rows.dense().tolist() == rows
    assert space.attribute("n").to_pylist() == [7, 8]
    pd.DataFrame(np.eye(2), index=["a", "b"]).to_parquet(tmp_path / "a.parquet")
    assert io.open(tmp_path / "a.parquet")["b"].tolist() == [0, 1]
    pq.write_table(pa.table({"id": [10, 11], "vector": rows}), tmp_path / "a.parquet")
    assert list(io.open(tmp_path / "a.parquet").keys) == ["10", "11"]


def test_columns_are_asked_for_where_nothing_says_which(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"p": ["a"], "q": ["b"], "one": [[1.0]], "two": [[2.0, 3.0]]}), path)
    with pytest.raises(BadData, match='say with vector="…"'):
        io.open(path)
    with pytest.raises(BadData, match=r"say with key=\"…\".*'q'"):
        io.open(path, vector="two")
    space = io.open(path, vector="two", key="q")
    assert (list(space.keys), space.dim) == (["b"], 2)
    assert space.table is not None
    assert space.table.column_names == ["p", "one"]
    with pytest.raises(BadData, match="no column 'kay'"):
        io.open(path, key="kay")
    with pytest.raises(BadData, match='say with vector="…"'):
        io.open(path, vector="p")
    pq.write_table(pa.table({"key": ["a"], "n": [1]}), path)
    with pytest.raises(BadData, match="neither a column of lists of numbers nor columns of them"):
        io.open(path)
    pq.write_table(pa.table({"key": [[1]], "vector": [[1.0]]}), path)
    with pytest.raises(BadData, match="cannot be names"):
        io.open(path)


def test_rows_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    keys = ["a", None, "b", "c", "a", "d", "e"]
    rows = [[1.0, 2.0], [1.0, 2.0], [1.0], None, [3.0, 4.0], [1.0, None], [5.0, 6.0]]
    pq.write_table(pa.table({"key": keys, "vector": rows, "n": range(7)}), path)
    with pytest.raises(BadData, match="row 1: has no name"):
        io.open(path)
    space = io.open(path, on_bad="skip")
    assert list(space.keys) == ["a", "e"]
    assert space.rows.dense().tolist() == [[1, 2], [5, 6]]
    assert space.attribute("n").to_pylist() == [0, 6]
    counts = {name: count for name, count in space.card.data.items() if name.startswith("skipped")}
    assert counts == {"skipped: unreadable": 3, "skipped: key seen before": 1, "skipped: NaN or infinite": 1}
    pq.write_table(pa.table({"key": ["a", "b", "c"], "vector": [[1.0, 2.0], [1.0, 2.0], [1.0]]}), path)
    with pytest.raises(BadData, match="row 2: has 1 numbers where 2 were expected"):
        io.open(path)


def test_what_was_left_out_is_told_though_there_is_a_card(tmp_path: Path, space: Space) -> None:
    io.save(space, tmp_path / "a.parquet")
    table = pq.read_table(tmp_path / "a.parquet")
    pq.write_table(pa.concat_tables([table, table.slice(0, 2)]), tmp_path / "a.parquet")
    report = io.convert(tmp_path / "a.parquet", tmp_path / "b.arrow")
    assert report["skipped: key seen before"].value == 2
    assert same(io.open(tmp_path / "b.arrow"), space)


def test_groups_are_brought_together(tmp_path: Path) -> None:
    table = pa.table(
        {"key": list("abca"), "group": ["y", "x", "y", "x"], "vector": [[1.0], [2.0], [3.0], [4.0]], "row": range(4)}
    )
    pq.write_table(table, tmp_path / "a.parquet")
    space = io.open(tmp_path / "a.parquet")
    assert {name: list(space.group(name).keys) for name in space.groups} == {"y": ["a", "c"], "x": ["b", "a"]}
    assert space.rows.dense().ravel().tolist() == [1, 3, 2, 4]
    assert space.attribute("row_").to_pylist() == [0, 2, 1, 3]


def test_many_row_groups_and_attributes_beyond_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spill, "ample", lambda size: False)
    rows = np.random.default_rng(0).normal(size=(5000, 8)).astype(np.float32)
    space = Space.of([f"k{i}" for i in range(5000)], rows).with_attribute("n", list(range(5000)))
    io.save(space, tmp_path / "a.parquet")
    pq.write_table(pq.read_table(tmp_path / "a.parquet"), tmp_path / "a.parquet", row_group_size=300)
    back = io.open(tmp_path / "a.parquet")
    assert same(back, space)


def test_damaged_files_and_options(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    io.save(Space.of(["a", "b"], [[1, 2], [3, 4]]), path)
    whole = path.read_bytes()
    for cut in (4, 20, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:cut])
        with pytest.raises(BadData, match=r"a\.parquet: not a Parquet file, or a damaged one"):
            io.open(path)
    with pytest.raises(BadOption, match="never compressed"):
        io.open(path.rename(tmp_path / "a.parquet.gz"), "parquet")
