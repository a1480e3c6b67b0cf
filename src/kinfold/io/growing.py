"""Rows that come block after block."""

from __future__ import annotations

from typing import Any

import numpy as np

from kinfold.core.spill import Matrix


class Growing:
    """Rows (n, width), of which nobody knows yet how many there will be; memory, or a file, grows with what was read.

    Args:
        width: Numbers a row.
        kind: Of a number.
        expected: How many rows there may be; a hint that only saves copying.
    """

    def __init__(self, width: int, kind: Any, expected: int = 0) -> None:
        self.row_bytes = width * np.dtype(kind).itemsize
        self._rows = Matrix(width, kind, expected)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def room(self, rows: int) -> np.ndarray:
        """Memory for that many more rows at least; `keep` says how many were filled."""
        return self._rows.room(self._size + rows)[self._size :]

    def keep(self, rows: int) -> None:
        """So many rows were put into the room."""
        self._size += rows

    def filled(self) -> np.ndarray:
        """All rows that were kept, on the same memory."""
        return self._rows.room(self._size)[: self._size]
