"""The two matrices that sequences are learned into, as the window kernel wants them."""

from __future__ import annotations

import numpy as np


class Matrices:
    """Both matrices, rows padded to whole vectors; the outer one has a last row that only fills up tiles.

    Args:
        inner: Rows of the first.
        outer: Rows of the second, without the last one; they begin at zero.
        dim: Coordinates of a row.
        rng: Draws what rows of the first begin with: uniformly within `spread / dim`.
        spread: How far from zero.
        drawn: How many of the first matrix are drawn; the others begin at zero. All by default.
    """

    def __init__(
        self,
        inner: int,
        outer: int,
        dim: int,
        rng: np.random.Generator,
        spread: float = 0.5,
        drawn: int | None = None,
    ) -> None:
        from kinfold.kernels._jit import aligned
        from kinfold.kernels._simd import LANES

        self.dim = dim
        self.width = (dim + LANES - 1) // LANES * LANES
        self.inner = aligned(inner, self.width)
        self.outer = aligned(outer + 1, self.width)
        drawn = inner if drawn is None else drawn
        for start in range(0, drawn, 65_536):
            block = self.inner_rows[start : min(start + 65_536, drawn), :dim]
            block[:] = (rng.random(block.shape, dtype=np.float32) - np.float32(0.5)) * np.float32(2 * spread / dim)

    def close_up(self, flat: np.ndarray, rows: int) -> np.ndarray:
        """The first rows (rows, dim) of a padded matrix, moved together in its own memory, which they take over."""
        if self.dim != self.width:
            padded = flat.reshape(-1, self.width)
            for start in range(0, rows, 4096):
                block = padded[start : min(start + 4096, rows), : self.dim].copy()
                flat[start * self.dim : start * self.dim + block.size] = block.reshape(-1)
        closed: np.ndarray = flat[: rows * self.dim].reshape(rows, self.dim)
        return closed

    @property
    def inner_rows(self) -> np.ndarray:
        """(n, width) float32."""
        return self.inner.reshape(-1, self.width)

    @property
    def outer_rows(self) -> np.ndarray:
        """(n + 1, width) float32."""
        return self.outer.reshape(-1, self.width)
