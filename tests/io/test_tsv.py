"""Tables of text between tabs, with and without column names; those of the projector are told from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kinfold import io
from kinfold.core.errors import BadData, BadFile
from kinfold.core.space import Space


def test_column_names_are_no_row(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    for head in ("", "word\tx\ty\n", "word\t0\t1d\n"):
        path.write_text(head + "New York\t1\t2\r\nb\t3\t4")
        space = io.open(path)
        assert list(space.keys) == ["New York", "b"]
        assert space["b"].tolist() == [3, 4]
        assert (space.card.data["format"], space.dim) == ("tsv", 2)


def test_keys_that_are_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("10\t1\t2\n11\t3\t4\n")
    assert list(io.open(path).keys) == ["10", "11"]
    (tmp_path / "a.metadata.tsv").write_text("a\nb\n")
    assert io.open(path).dim == 3
    assert list(io.open(path).keys) == ["a", "b"]
    path.rename(tmp_path / "tensor.tsv")
    with pytest.raises(BadFile, match=r"metadata\.tsv: no such file"):
        io.open(tmp_path / "tensor.tsv")


def test_pandas_reads_ours_and_we_read_theirs(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    space = Space.of(["a", "b c", "d", "é"], rows)
    io.save(space, tmp_path / "a.tsv", header=True)
    frame = pd.read_csv(tmp_path / "a.tsv", sep="\t", index_col="key", dtype=dict.fromkeys("012", np.float32))
    assert list(frame.index) == list(space.keys)
    np.testing.assert_array_equal(frame.to_numpy(), rows)
    frame.to_csv(tmp_path / "b.tsv", sep="\t")
    np.testing.assert_array_equal(io.open(tmp_path / "b.tsv").rows.values, rows)


def test_lines_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("a\t1\t2\nb\t3\nc\t5\tsix\nd\t7\t8\n")
    with pytest.raises(BadData, match=r"a\.tsv line 2: 1 numbers where 2 were expected"):
        io.open(path)
    space = io.open(path, on_bad="skip")
    assert list(space.keys) == ["a", "d"]
    assert space.card.data["skipped: unreadable"] == 2
    path.write_text("a\tb\nc\td\n")
    with pytest.raises(BadData, match="has no number behind a tab"):
        io.open(path, "tsv")


def test_keys_that_cannot_be_written(tmp_path: Path) -> None:
    space = Space.of(["tab\there", "line\nend"], [[1], [2]])
    with pytest.raises(BadData, match="row 0 cannot be written"):
        io.save(space, tmp_path / "a.tsv")
    io.save(space, tmp_path / "a.tsv", replace=" ")
    assert list(io.open(tmp_path / "a.tsv").keys) == ["tab here", "line end"]
    with pytest.raises(BadData, match="a table of no rows"):
        io.save(Space.of([], np.empty((0, 3))), tmp_path / "b.tsv")
