"""Words that are the mean of their own row and the rows of their n-grams' buckets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_CHUNK = 1 << 20


def renumber(pieces: Sequence[np.ndarray], buckets: int, first: int, more: np.ndarray | None = None) -> np.ndarray:
    """Replaces buckets by their rows, from `first` on, in place; only buckets that are met have one.

    Args:
        pieces: Arrays of buckets, int32.
        buckets: How many there are.
        first: The row of the lowest of them.
        more: Buckets (k,) int64 that have a row too.

    Returns:
        The buckets that have a row (m,) int64, ascending; bucket i has row `first + i`.
    """
    if not any(len(each) for each in pieces) and (more is None or not len(more)):
        return np.zeros(0, np.int64)
    # Memory that is only touched where a bucket is filled.
    row_of = np.zeros(buckets, np.int32)
    parts = [each[at : at + _CHUNK] for each in pieces for at in range(0, len(each), _CHUNK)]
    for part in parts:
        row_of[part] = 1
    if more is not None:
        row_of[more] = 1
    filled = np.flatnonzero(row_of)
    row_of[filled] = np.arange(first, first + len(filled), dtype=np.int32)
    for part in parts:
        part[:] = row_of[part]
    return filled


def joined(starts: np.ndarray, rows: np.ndarray, kept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Starts and rows of words with the kept ones' own rows, 0 to len(kept) - 1, before those of their n-grams.

    Args:
        starts: (n + 1,) int64; word i has the n-grams `rows[starts[i]:starts[i + 1]]`.
        rows: int32.
        kept: Words (m,) int64 that have an own row.
    """
    own = np.full(len(starts) - 1, -1, np.int32)
    own[kept] = np.arange(len(kept), dtype=np.int32)
    moved = starts + np.append(0, np.cumsum(own >= 0))
    parts = np.empty(moved[-1], np.int32)
    is_own = np.zeros(len(parts), bool)
    is_own[moved[:-1][own >= 0]] = True
    parts[is_own] = own[own >= 0]
    parts[~is_own] = rows
    return moved, parts


def means(starts: np.ndarray, parts: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """The means (n, width) float32 of rows of a matrix (m, width) float32; zeros for a word without parts."""
    from kinfold.kernels.sparse import product

    sizes = np.diff(starts)
    shares = np.repeat(np.float32(1) / np.maximum(sizes, 1).astype(np.float32), sizes)
    found: np.ndarray = product(starts, parts, shares, matrix)
    return found
