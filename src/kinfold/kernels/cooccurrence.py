"""How often keys stand near each other: one row of the counts at a time, summed in an array that stays in the cache."""

from __future__ import annotations

import numpy as np

from kinfold.kernels._jit import inline, jit, plain


@jit
def _places(ids: np.ndarray, low: int, high: int, starts: np.ndarray, places: np.ndarray) -> None:
    """Counting sort of the positions low..high by id; `starts` (keys + 1,) int64 ends as where each key begins."""
    for at in range(low, high):
        starts[ids[at] + 1] += 1
    for key in range(len(starts) - 1):
        starts[key + 1] += starts[key]
    for at in range(low, high):
        places[starts[ids[at]]] = at
        starts[ids[at]] += 1
    for key in range(len(starts) - 1, 0, -1):
        starts[key] = starts[key - 1]
    starts[0] = 0


@inline
def _take(sums, touched, seen, columns, out, filled):
    """Moves what a row has summed to `columns` and `out`, from `filled` on; returns where they end."""
    # Columns ascend: a row that touches many keys is read off, one that touches few is sorted.
    if 16 * seen > len(sums):
        for key in range(len(sums)):
            if sums[key] != 0:
                columns[filled] = key
                out[filled] = sums[key]
                sums[key] = 0
                filled += 1
    else:
        some = touched[:seen]
        some.sort()
        for key in some:
            columns[filled] = key
            out[filled] = sums[key]
            sums[key] = 0
            filled += 1
    return filled


@jit
def _rows(
    ids: np.ndarray,
    begins: np.ndarray,
    starts: np.ndarray,
    places: np.ndarray,
    first: int,
    last: int,
    weights: np.ndarray,
    sums: np.ndarray,
    touched: np.ndarray,
    columns: np.ndarray,
    out: np.ndarray,
    sizes: np.ndarray,
) -> None:
    window = len(weights)
    total = len(ids)
    filled = 0
    for row in range(first, last):
        seen = 0
        for which in range(starts[row], starts[row + 1]):
            at = places[which]
            for step in range(1, window + 1):
                # The first token of a sequence has nothing on its left.
                if at - step < 0 or begins[at - step + 1]:
                    break
                key = ids[at - step]
                if sums[key] == 0:
                    touched[seen] = key
                    seen += 1
                sums[key] += weights[step - 1]
            for step in range(1, window + 1):
                if at + step >= total or begins[at + step]:
                    break
                key = ids[at + step]
                if sums[key] == 0:
                    touched[seen] = key
                    seen += 1
                sums[key] += weights[step - 1]
        before = filled
        filled = _take(sums, touched, seen, columns, out, filled)
        sizes[row - first] = filled - before


@jit
def _merge(
    starts: np.ndarray,
    columns: np.ndarray,
    parts: np.ndarray,
    first: int,
    last: int,
    sums: np.ndarray,
    touched: np.ndarray,
    merged: np.ndarray,
    out: np.ndarray,
    sizes: np.ndarray,
) -> None:
    filled = 0
    for row in range(first, last):
        seen = 0
        for part in range(len(starts)):
            for place in range(starts[part, row], starts[part, row + 1]):
                key = columns[place]
                if sums[key] == 0:
                    touched[seen] = key
                    seen += 1
                sums[key] += parts[place]
        before = filled
        filled = _take(sums, touched, seen, merged, out, filled)
        sizes[row - first] = filled - before


def places_of(ids: np.ndarray, low: int, high: int, keys: int) -> tuple[np.ndarray, np.ndarray]:
    """Where each key stands.

    Args:
        ids: int32, each in 0..keys.
        low: First position that counts.
        high: The one after the last.
        keys: Number of keys.

    Returns:
        `starts` (keys + 1,) int64 and `places` (high - low,) int32: key i stands at `places[starts[i]:starts[i + 1]]`.
    """
    starts = np.zeros(keys + 1, np.int64)
    places = np.empty(high - low, np.int32)
    _places(plain(ids), low, high, starts, places)
    return starts, places


def rows_of(
    ids: np.ndarray,
    begins: np.ndarray,
    starts: np.ndarray,
    places: np.ndarray,
    first: int,
    last: int,
    weights: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The rows first..last of the co-occurrence counts.

    Args:
        ids: (total,) int32.
        begins: (total,) uint8; 1 where a sequence begins.
        starts: From `places_of`.
        places: From `places_of`.
        first: First row.
        last: The one after the last.
        weights: (window,) float64, positive; of neighbors at distance 1, 2, …

    Returns:
        Sizes of the rows (last - first,) int64; columns int32, ascending in each row; sums of weights float64.
    """
    keys = len(starts) - 1
    most = int(np.minimum(2 * len(weights) * np.diff(starts[first : last + 1]), keys).sum())
    columns, out = np.empty(most, np.int32), np.empty(most, np.float64)
    sizes = np.zeros(last - first, np.int64)
    # Float64: a sum of ones in float32 would stop at 16,777,216.
    sums, touched = np.zeros(keys, np.float64), np.empty(keys, np.int32)
    _rows(plain(ids), plain(begins), starts, places, first, last, weights, sums, touched, columns, out, sizes)
    filled = int(sizes.sum())
    return sizes, columns[:filled].copy(), out[:filled].copy()


def merged(
    starts: np.ndarray, columns: np.ndarray, parts: np.ndarray, first: int, last: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The rows first..last of the sum of several matrices, which lie one behind the other.

    Args:
        starts: (matrices, keys + 1) int64; where their rows begin in `columns` and `parts`.
        columns: int32, ascending in each row.
        parts: float64, positive.
        first: First row.
        last: The one after the last.

    Returns:
        As `rows_of`.
    """
    keys = starts.shape[1] - 1
    most = int(np.minimum(np.diff(starts[:, first : last + 1]).sum(axis=0), keys).sum())
    wide, out = np.empty(most, np.int32), np.empty(most, np.float64)
    sizes = np.zeros(last - first, np.int64)
    sums, touched = np.zeros(keys, np.float64), np.empty(keys, np.int32)
    _merge(plain(starts), plain(columns), plain(parts), first, last, sums, touched, wide, out, sizes)
    filled = int(sizes.sum())
    return sizes, wide[:filled].copy(), out[:filled].copy()
