"""All pairs of rows that are nearer than a threshold, in blocks of a BLAS product; and groups that pairs make."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

# Cosines of a block, 32 MB.
_TALL, _WIDE = 2048, 4096


def near_pairs(
    rows: np.ndarray,
    threshold: float,
    best: np.ndarray | None = None,
    told: Callable[[float], object] = bool,
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Pairs of rows whose inner product is at least a threshold, a block at a time; no matrix of all is ever made.

    Args:
        rows: (n, d) float32, of unit length where the cosine is meant.
        threshold: The least product.
        best: (n,) float32, changed in place where it is given: the largest product of each row with another.
        told: Called with how many rows are done since the last time.

    Yields:
        First rows (m,) int64, second rows (m,) int64, each larger than the first, and products (m,) float32.
    """
    count = len(rows)
    for top in range(0, count, _TALL):
        tall = rows[top : top + _TALL]
        for left in range(top, count, _WIDE):
            wide = rows[left : left + _WIDE]
            products = tall @ wide.T
            # Each pair once, and no row with itself: rows before the diagonal are done.
            if left < top + len(tall):
                down, across = np.arange(top, top + len(tall)), np.arange(left, left + len(wide))
                products[down[:, None] >= across] = -np.inf
            if best is not None:
                some = slice(top, top + len(tall)), slice(left, left + len(wide))
                np.maximum(best[some[0]], products.max(axis=1), out=best[some[0]])
                np.maximum(best[some[1]], products.max(axis=0), out=best[some[1]])
            flat = np.flatnonzero(products.ravel() >= threshold)
            if len(flat):
                first, second = np.divmod(flat, len(wide))
                yield first + top, second + left, products.ravel()[flat]
        told(len(tall))


def joined(owner: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Groups after some more pairs: what two pairs share is one group.

    Args:
        owner: The group of each thing (n,) int64, named by the first of its things.
        first: (m,) int64.
        second: (m,) int64.

    Returns:
        The new groups (n,), named in the same way.
    """
    import scipy.sparse as sparse
    from scipy.sparse.csgraph import connected_components

    count = len(owner)
    ones = np.ones(len(first), np.bool_)
    graph = sparse.coo_array((ones, (owner[first], owner[second])), (count, count))
    _, labels = connected_components(graph, directed=False)
    labels = labels[owner]
    _, places, which = np.unique(labels, return_index=True, return_inverse=True)
    named: np.ndarray = places[which].astype(np.int64)
    return named
