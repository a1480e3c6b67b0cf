"""What a row of a factor model has to do with its entries: the scores of all, and the weighted sum of their rows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kinfold.kernels._jit import inline
from kinfold.kernels._simd import LINE, TARGETS, add_rows, prefetch_read, score_tile_1

_AHEAD = 4 * TARGETS  # entries whose rows are asked for before they are needed


class Entries(NamedTuple):
    """Of one side.

    Args:
        starts: (n + 1,) int64; row i has the entries starts[i]..starts[i + 1].
        others: (entries,) int32 rows of the other side.
        weights: (entries,) float32, l of each; q is less by `less`.
        less: float32.
        penalty: (n,) float32.
        toward: Rows that the penalty pulls to, flat like those that are solved; empty for zero.
    """

    starts: np.ndarray
    others: np.ndarray
    weights: np.ndarray
    less: np.float32
    penalty: np.ndarray
    toward: np.ndarray


@inline
def unpack(entries, row, width, offsets, linear, square):
    """Where the row of each entry begins and what it weighs; filled up to a tile with entries that weigh nothing."""
    begin = entries.starts[row]
    count = entries.starts[row + 1] - begin
    for j in range(count):
        offsets[j] = np.int64(entries.others[begin + j]) * width
        linear[j] = entries.weights[begin + j]
        square[j] = linear[j] - entries.less
    for j in range(count, count + TARGETS):
        offsets[j] = offsets[count - 1]
        linear[j] = square[j] = np.float32(0)
    return count


@inline
def ask_ahead(fixed, offsets, first, count, width):
    """Asks for the rows that will be needed some tiles later."""
    for j in range(first + _AHEAD, min(first + _AHEAD + TARGETS, count)):
        for column in range(0, width, LINE):
            prefetch_read(fixed, offsets[j] + column)


@inline
def slope(x, out, offsets, linear, square, count, fixed, width, alone, s):
    """Adds sum_j (l_j - q_j x.h_j) h_j to out, a tile at a time while its rows are near; returns sum_j l_j x.h_j."""
    total = np.float32(0)
    for first in range(0, count, TARGETS):
        ask_ahead(fixed, offsets, first, count, width)
        score_tile_1(x, alone, 0, fixed, offsets, first, width, s, 0)
        for j in range(TARGETS):
            total += linear[first + j] * s[j]
            s[j] = linear[first + j] - square[first + j] * s[j]
        add_rows(out, 0, fixed, offsets, first, width, s, 0)
    return total


@inline
def curvature(x, out, offsets, square, count, fixed, width, alone, s):
    """Adds sum_j q_j (x.h_j) h_j to out."""
    for first in range(0, count, TARGETS):
        score_tile_1(x, alone, 0, fixed, offsets, first, width, s, 0)
        for j in range(TARGETS):
            s[j] *= square[first + j]
        add_rows(out, 0, fixed, offsets, first, width, s, 0)


@inline
def longest(starts, first, last):
    longest = 0
    for row in range(first, last):
        longest = max(longest, starts[row + 1] - starts[row])
    return longest
