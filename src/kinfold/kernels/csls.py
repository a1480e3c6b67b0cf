"""CSLS: cosines less what is near to everything, so that a few hubs are not the answer to every question.

    csls(x, y) = 2 cos(x, y) - mean cosine of x to its nearest rows - mean cosine of y to its nearest sources

Source:
    Conneau et al. 2018 (arXiv 1710.04087).
"""

from __future__ import annotations

import numpy as np

from kinfold.kernels.topk import topk

# Where few queries meet many rows, only the nearest ones of each query are asked how crowded it is around them.
_POOL = 1000
_POINTS = 8192


def csls(
    rows: np.ndarray,
    queries: np.ndarray,
    k: int,
    sources: np.ndarray,
    *,
    neighbors: int = 10,
    norms: np.ndarray | None = None,
    source_norms: np.ndarray | None = None,
    among: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The k best rows to each query by CSLS, of those that are among the 1,000 nearest to a query.

    Args:
        rows: (n, d) float32 or float16.
        queries: (q, d) float32.
        k: Rows wanted for each query.
        sources: What the queries are of (m, d): tells how crowded it is around a row.
        neighbors: Nearest ones that a mean is over.
        norms: Lengths of the rows (n,) float32; computed where they are not given.
        source_norms: Lengths of the sources (m,) float32; computed where they are not given.
        among: Ascending row numbers to choose from; all where it is None.

    Returns:
        Scores (q, k) float32 and row numbers (q, k) int64, best first, equal scores by row number;
        -inf and -1 fill up where there are fewer than k rows.
    """
    pool = np.arange(len(rows)) if among is None else among
    if not len(pool) or not len(queries):
        return np.full((len(queries), k), -np.inf, np.float32), np.full((len(queries), k), -1, np.int64)
    norms = lengths(rows) if norms is None else norms
    depth = max(_POOL, 10 * k, neighbors)
    few = len(queries) * depth < len(pool)
    cosines, near = topk(rows, queries, depth if few else min(neighbors, len(pool)), "cosine", norms, among)
    if few:
        pool = np.unique(near[near >= 0])
    offsets = np.zeros(len(rows), np.float32)
    offsets[pool] = crowding(rows, pool, sources, neighbors, source_norms) / 2
    scores, found = topk(rows, queries, k, "cosine", norms, pool, offsets)
    return 2 * scores - cosines[:, :neighbors].mean(axis=1, keepdims=True), found


def mutual(first: np.ndarray, second: np.ndarray, neighbors: int = 10) -> tuple[np.ndarray, float]:
    """The pairs of rows that are each other's best by CSLS, and how good the best are.

    Args:
        first: (n, d) float32.
        second: (m, d) float32.
        neighbors: Nearest ones that a mean is over.

    Returns:
        Row numbers (p, 2) int64, and the mean cosine of the rows of both sides to their best.
    """
    sides = (first, lengths(first)), (second, lengths(second))
    crowded = [
        crowding(mine, np.arange(len(mine)), others, neighbors, norms)
        for (mine, _), (others, norms) in (sides, sides[::-1])
    ]
    best, cosines = [], []
    for (mine, _), (others, norms), offsets in ((*sides, crowded[1]), (*sides[::-1], crowded[0])):
        scores, found = topk(others, mine, 1, "cosine", norms, None, offsets / 2)
        best.append(found[:, 0])
        cosines.append(scores[:, 0] + offsets[found[:, 0]] / 2)
    agreed = np.flatnonzero(best[1][best[0]] == np.arange(len(first)))
    return np.stack([agreed, best[0][agreed]], axis=1), float(np.concatenate(cosines).mean())


def crowding(
    points: np.ndarray, at: np.ndarray, rows: np.ndarray, neighbors: int, norms: np.ndarray | None = None
) -> np.ndarray:
    """The mean cosine of some points to their nearest rows, or to all where there are fewer than `neighbors`.

    Args:
        points: (n, d) float32 or float16.
        at: Which of them (p,) int64.
        rows: (m, d).
        neighbors: Nearest ones that the mean is over.
        norms: Lengths of the rows (m,) float32; computed where they are not given.

    Returns:
        (p,) float32.
    """
    norms = lengths(rows) if norms is None else norms
    means = np.zeros(len(at), np.float32)
    for start in range(0, len(at) if len(rows) else 0, _POINTS):
        some = points[at[start : start + _POINTS]].astype(np.float32, copy=False)
        means[start : start + _POINTS] = topk(rows, some, min(neighbors, len(rows)), "cosine", norms)[0].mean(axis=1)
    return means


def lengths(rows: np.ndarray) -> np.ndarray:
    """Euclidean lengths (n,) float32."""
    found = np.empty(len(rows), np.float32)
    for start in range(0, len(rows), _POINTS):
        block = rows[start : start + _POINTS].astype(np.float32, copy=False)
        np.sqrt(np.einsum("ij,ij->i", block, block), out=found[start : start + len(block)])
    return found
