"""A sparse matrix times a dense one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from kinfold.kernels._jit import jit, plain
from kinfold.kernels.ranges import even


@jit
def _product(
    starts: np.ndarray,
    columns: np.ndarray,
    values: np.ndarray,
    dense: np.ndarray,
    low: int,
    high: int,
    out: np.ndarray,
) -> None:
    width = dense.shape[1]
    for row in range(low, high):
        for at in range(width):
            out[row, at] = 0
        for entry in range(starts[row], starts[row + 1]):
            value = values[entry]
            column = columns[entry]
            for at in range(width):
                out[row, at] += value * dense[column, at]


def product(
    starts: np.ndarray, columns: np.ndarray, values: np.ndarray, dense: np.ndarray, threads: int = 1
) -> np.ndarray:
    """A matrix in CSR times a dense matrix; the same bytes for any number of threads.

    Args:
        starts: (n + 1,) int64.
        columns: (entries,) int32.
        values: (entries,) float32.
        dense: (m, width) float32.
        threads: How many share the rows.

    Returns:
        (n, width) float32.
    """
    starts, columns, values, dense = plain(starts), plain(columns), plain(values), plain(dense)
    out = np.empty((len(starts) - 1, dense.shape[1]), np.float32)
    with ThreadPoolExecutor(threads) as pool:
        parts = even(starts, 8 * threads)
        list(pool.map(lambda part: _product(starts, columns, values, dense, *part, out), parts))
    return out
