"""One side of a factor model for implicit feedback, solved while the other stands still: alternating least squares.

For a row x with entries (h_j, q_j, l_j), h_j a row of the other side:

    f(x) = sum_j (q_j (x.h_j)² - 2 l_j x.h_j) + xᵀ D x - 2 b.x
    gradient / 2 = (D + sum_j q_j h_j h_jᵀ) x - sum_j l_j h_j - b

D is what all pairs and the penalty add. The caller turns both sides to the eigenvectors of the other side's Gramian, in
which it is diagonal: what would cost d² multiplications a row and step costs d, and its inverse, which is known, makes
a few steps of conjugate gradients as good as many.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from kinfold.kernels._blocks import by_blocks
from kinfold.kernels._gradients import by_gradients
from kinfold.kernels._least_squares import Entries
from kinfold.kernels._simd import LANES
from kinfold.kernels.ranges import even

_BLOCK = 16_384  # rows that are turned at a time

__all__ = ["Entries", "axes", "solved", "turn"]


def axes(fixed: np.ndarray, dim: int, unobserved: float) -> tuple[np.ndarray, np.ndarray]:
    """The eigenvectors of the Gramian of the rows that stand still, and what all pairs add along them.

    Args:
        fixed: Rows (m, width) float32; coordinates behind `dim` are 0.
        dim: Coordinates of a row.
        unobserved: Weight of every pair.

    Returns:
        Axes (dim, dim) float32, one a column, for `turn`, and the diagonal (width,) float32 for `solved`.
    """
    total = np.zeros((dim, dim))
    for start in range(0, len(fixed), _BLOCK):
        part = fixed[start : start + _BLOCK, :dim]
        total += part.T @ part
    values, vectors = np.linalg.eigh(total)
    diagonal = np.zeros(fixed.shape[1], np.float32)
    diagonal[:dim] = unobserved * np.maximum(values, 0)
    return vectors.astype(np.float32), diagonal


def turn(rows: np.ndarray, axes: np.ndarray) -> None:
    """Rows (n, width) float32 by other axes (dim, dim), in place; where both sides turn, products stay as they are."""
    dim = len(axes)
    for start in range(0, len(rows), _BLOCK):
        part = rows[start : start + _BLOCK]
        part[:, :dim] = part[:, :dim] @ axes


def solved(
    entries: Entries,
    fixed: np.ndarray,
    rows: np.ndarray,
    diagonal: np.ndarray,
    *,
    steps: int = 0,
    block: int = 0,
    threads: int = 1,
    told: Callable[[int], None] = lambda entries: None,
) -> float:
    """Solves all rows of one side, in place.

    Args:
        entries: Of the rows that are solved.
        fixed: Rows of the other side (m, width) float32, by the axes in which all pairs add a diagonal.
        rows: Rows to be solved (n, width) float32, from where they are, by the same axes.
        diagonal: What all pairs add (width,) float32.
        steps: Of conjugate gradients; 0 for blocks.
        block: Coordinates of a block; 0 for all at once, which is exact.
        threads: How many work at once.
        told: Called with the number of entries when they are done.

    Returns:
        The sum of f over the rows.
    """
    width = fixed.shape[1]
    flat = fixed.reshape(-1), rows.reshape(-1)
    size = min((block + LANES - 1) // LANES * LANES, width) if block else width

    def work(part: tuple[int, int]) -> float:
        stats = np.zeros(1)
        if steps:
            by_gradients(entries, *flat, diagonal, width, steps, *part, stats)
        else:
            by_blocks(entries, *flat, diagonal, width, size, *part, stats)
        told(int(entries.starts[part[1]] - entries.starts[part[0]]))
        return float(stats[0])

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(work, even(entries.starts, 8 * threads)))
