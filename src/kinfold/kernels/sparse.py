"""A sparse matrix times a dense one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from kinfold.kernels._jit import jit, plain


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
    # Ranges of rows with some 1/8 of a thread's share of the entries each.
    wanted = np.arange(1, 8 * threads) * (len(values) / (8 * threads))
    cuts = np.unique(np.concatenate([[0], np.searchsorted(starts, wanted), [len(out)]]))
    ranges = list(zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True))
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda part: _product(starts, columns, values, dense, part[0], part[1], out), ranges))
    return out
