"""The coordinates of a Space."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from kinfold.core.codes import Codes
from kinfold.core.errors import BadData

_BLOCK_BYTES = 8 << 20


class Rows:
    """Coordinates (n, dim), kept as float32, float16 or product codes and read as float32.

    Args:
        values: Codes, or numbers (n, dim); float32 and float16 are kept without copying, others become float32.
        norms: Euclidean lengths (n,) float32 where they are known.

    Raises:
        BadData: Not a matrix of numbers.
    """

    __slots__ = ("_norms", "values")

    values: np.ndarray | Codes

    def __init__(self, values: Any, norms: np.ndarray | None = None) -> None:
        self._norms = norms
        if isinstance(values, Codes):
            self.values = values
            return
        try:
            array = np.asarray(values)
            if array.dtype not in (np.float32, np.float16):
                array = array.astype(np.float32)
        except (TypeError, ValueError) as error:
            raise BadData(f"rows are a matrix of numbers (n, dim): {error}") from error
        if array.ndim != 2:
            raise BadData(f"rows are a matrix (n, dim), not an array of shape {array.shape}.")
        self.values = np.ascontiguousarray(array)

    def __len__(self) -> int:
        return len(self.values)

    @property
    def dim(self) -> int:
        """Coordinates of a row."""
        return int(self.values.shape[1])

    @property
    def dtype(self) -> np.dtype[Any]:
        """How a coordinate is kept."""
        return self.values.dtype

    @property
    def precision(self) -> np.dtype[Any]:
        """What the coordinates are when they are read: float16 where they are kept so, else float32."""
        return np.dtype(np.float16 if self.dtype == np.float16 else np.float32)

    @property
    def nbytes(self) -> int:
        """Memory of the coordinates."""
        return int(self.values.nbytes)

    @property
    def norms(self) -> np.ndarray:
        """Euclidean lengths (n,) float32, computed once."""
        if self._norms is None:
            norms = np.empty(len(self), np.float32)
            for start, block in self.blocks():
                np.sqrt(np.einsum("ij,ij->i", block, block), out=norms[start : start + len(block)])
            self._norms = norms
        return self._norms

    def take(self, rows: Any) -> np.ndarray:
        """Some rows (m, dim) float32, copied."""
        some: np.ndarray = self.values[rows]
        # Picking by an array of rows copies already; by a row or a slice it does not.
        return some.astype(np.float32, copy=some.base is not None)

    def dense(self) -> np.ndarray:
        """All rows (n, dim) float32; the memory itself where it is float32."""
        return self.values[:].astype(np.float32, copy=False)

    def blocks(self) -> Iterator[tuple[int, np.ndarray]]:
        """Consecutive `(start, float32 block)` of some 8 MB each."""
        size = max(1, _BLOCK_BYTES // max(1, 4 * self.dim))
        for start in range(0, len(self), size):
            yield start, self.values[start : start + size].astype(np.float32, copy=False)

    def slice(self, start: int, stop: int) -> Rows:
        """The rows from `start` to `stop`, on the same memory."""
        held = self.values.slice(start, stop) if isinstance(self.values, Codes) else self.values[start:stop]
        return Rows(held, None if self._norms is None else self._norms[start:stop])

    def pick(self, rows: np.ndarray) -> Rows:
        """Some rows (m,) as they are kept, copied."""
        held = self.values.take(rows) if isinstance(self.values, Codes) else self.values[rows]
        return Rows(held, self.norms[rows])

    def refuse_non_finite(self, what: str = "rows") -> None:
        """Does nothing where every coordinate is a finite number.

        Raises:
            BadData: One is not; names the first row.
        """
        for start, block in self.blocks():
            # A sum is finite only if all of its terms are; one pass, no mask of the block's size.
            sums = block.sum(axis=1, dtype=np.float64)
            if not np.isfinite(sums).all():
                row = start + int(np.flatnonzero(~np.isfinite(sums))[0])
                raise BadData(f"{what}: row {row:,} holds a number that is NaN or infinite; drop it or learn it again.")
