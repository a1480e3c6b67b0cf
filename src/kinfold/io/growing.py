"""Rows that come block after block."""

from __future__ import annotations

from typing import Any

import numpy as np

# Rows that are moved at a time.
_MOVED = 4096


class Growing:
    """Rows (n, width), of which nobody knows yet how many there will be; memory grows with what was read.

    Args:
        width: Numbers a row.
        kind: Of a number.
        expected: How many rows there may be; a hint that only saves copying.
    """

    def __init__(self, width: int, kind: Any, expected: int = 0) -> None:
        self.row_bytes = width * np.dtype(kind).itemsize
        self._rows = np.empty((expected, width), kind)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def room(self, rows: int) -> np.ndarray:
        """Memory for that many more rows at least; `keep` says how many were filled."""
        if self._size + rows > len(self._rows):
            most = max(self._size + rows, len(self._rows) * 3 // 2)
            larger = np.empty((most, self._rows.shape[1]), self._rows.dtype)
            larger[: self._size] = self._rows[: self._size]
            self._rows = larger
        return self._rows[self._size :]

    def keep(self, rows: int) -> None:
        """So many rows were put into the room."""
        self._size += rows

    def filled(self) -> np.ndarray:
        """All rows that were kept, on the same memory."""
        return self._rows[: self._size]


def moved_up(rows: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """The rows that are kept, ascending (m,) int64, one after another at the beginning of the same memory."""
    for start in range(0, len(kept), _MOVED):
        some = kept[start : start + _MOVED]
        rows[start : start + len(some)] = rows[some]
    return rows[: len(kept)]
