"""Rows and names from a file, block after block, until they are a Space."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from kinfold.core.card import Card, born
from kinfold.core.columns import to_arrow
from kinfold.core.errors import BadData
from kinfold.core.keys import Keys, first_of_each
from kinfold.core.metric import Metric
from kinfold.core.rows import Rows
from kinfold.core.space import Space
from kinfold.core.spill import Matrix
from kinfold.io.names import names_at

# What a reader leaves out, as the card and the report of a conversion call it.
DUPLICATE = "skipped: key seen before"
NOT_FINITE = "skipped: NaN or infinite"
UNREADABLE = "skipped: unreadable"

# Rows that are moved at a time.
_MOVED = 4096


class Gatherer:
    """Collects what one file holds; memory grows with what was read, never with what a header says.

    Rows that are large beside the memory that is free are kept in a temporary file.

    Args:
        path: The file.
        format: Its format's name.
        dim: Numbers a row.
        expected: How many rows there may be; a hint that only saves copying.
        bad_bytes: What becomes of names that are not UTF-8: "replace", "ignore" or "strict".
    """

    def __init__(self, path: Path, format: str, dim: int, *, expected: int, bad_bytes: str = "replace") -> None:
        self.path = path
        self.format = format
        self.dim = dim
        self.counts: Counter[str] = Counter({DUPLICATE: 0, NOT_FINITE: 0, UNREADABLE: 0})
        self._bad_bytes = bad_bytes
        self._names: list[pa.LargeStringArray] = []
        self._rows = Matrix(dim, np.float32, expected)
        self._claimed = 0
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def claim(self, rows: int) -> np.ndarray:
        """Memory of the next rows (rows, dim) float32, which any thread may fill before they are kept."""
        self._claimed += rows
        return self._rows.room(self._claimed)[self._claimed - rows : self._claimed]

    def keep(self, names: pa.LargeStringArray, rows: np.ndarray) -> None:
        """Adds these rows (n, dim) float32, one a name; those that stand where they belong are not copied."""
        stop = self._size + len(rows)
        target = self._rows.room(stop)[self._size : stop]
        if target.ctypes.data != rows.ctypes.data:
            target[:] = rows
        self._names.append(names)
        self._size = stop

    def rename(self, names: pa.LargeStringArray) -> None:
        """Gives all rows other names, where those stand in another file."""
        self._names = [names]

    def names(self, data: np.ndarray, starts: np.ndarray, stops: np.ndarray, place: Any) -> pa.LargeStringArray:
        """Strings of pieces of a block.

        Args:
            data: uint8.
            starts: Where each name begins.
            stops: And ends.
            place: `place(i)` says where in the file name i stands, for errors.

        Raises:
            BadData: A name is not UTF-8 and bad bytes are refused.
        """
        return names_at(
            data,
            starts,
            stops,
            place=lambda i: f"{self.path} {place(i)}",
            bad_bytes=self._bad_bytes,
            counts=self.counts,
        )

    def finish(
        self, *, group: str, declared: int | None = None, table: pa.Table | None = None, notes: tuple[str, ...] = ()
    ) -> Space:
        """The Space: first row of each key, with what was left out on its card.

        Raises:
            BadData: Nothing could be read, though the header does not say that there is nothing.
        """
        if not self._size and declared != 0:
            raise BadData(f"{self.path}: holds no row that could be read; is it of the format {self.format}?")
        names = pa.chunked_array(self._names, pa.large_string()).combine_chunks() if self._names else _NO_NAMES
        rows = self._rows.room(self._size)[: self._size]
        first = without_repeats(names)
        if len(first) < len(names):
            self.counts[DUPLICATE] += len(names) - len(first)
            names, rows = names.take(to_arrow(first)), moved_up(rows, first)
            table = None if table is None else table.take(to_arrow(first))
        data: dict[str, Any] = {"file": self.path.name, "format": self.format, "rows": len(names)}
        if declared is not None:
            data["rows in the header"] = declared
        data.update(self.counts)
        if notes:
            data["notes"] = list(notes)
        card = Card(born("file", rows), "file", {"format": self.format}, data=data)
        return Space(Keys.trusted(names, group), Rows(rows), Metric.COSINE, card, table)


def moved_up(rows: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """The rows that are kept, ascending (m,) int64, one after another at the beginning of the same memory."""
    for start in range(0, len(kept), _MOVED):
        some = kept[start : start + _MOVED]
        rows[start : start + len(some)] = rows[some]
    return rows[: len(kept)]


def without_repeats(names: pa.LargeStringArray) -> np.ndarray:
    """The rows (m,) int64 of each name's first occurrence."""
    from kinfold.kernels.records import may_repeat

    if not len(names):
        return np.zeros(0, np.int64)
    _, offsets, data = names.buffers()
    ends = np.frombuffer(offsets, np.int64, len(names) + 1, names.offset * 8)
    text = np.frombuffer(data, np.uint8) if data is not None and data.size else np.zeros(0, np.uint8)
    return first_of_each(names) if may_repeat(text, ends) else np.arange(len(names))


_NO_NAMES = pa.array([], pa.large_string())
