"""Small symmetric systems, solved inside other kernels: a library call for each would wait for its own threads.

    a = l lᵀ ,  l y = b ,  lᵀ x = y

Columns of l are made TARGETS at a time: what the columns before them take away is a matrix product, in tiles; only the
small triangles between are done one number at a time.
"""

from __future__ import annotations

import numpy as np

from kinfold.kernels._jit import inline
from kinfold.kernels._simd import CONTEXTS, LANES, TARGETS, score_tile_1, score_tile_2, score_tile_4

_LEAST = np.float32(1e-6)  # of a pivot, beside the diagonal that it comes from: rounding must not make it negative


@inline
def room(size):
    """Floats of a line, whole pairs of vectors; a matrix has TARGETS more lines than it needs."""
    return (size + 2 * LANES - 1) // (2 * LANES) * (2 * LANES)


@inline
def score_rows(rows, at, row, stop, to, width, s):
    """Products of as many rows from `row` on as a tile takes, none from `stop` on, with TARGETS others; how many."""
    if CONTEXTS == 4 and row + 4 <= stop:
        score_tile_4(rows, at, row, rows, to, 0, width, s, 0)
        return 4
    if row + 2 <= stop:
        score_tile_2(rows, at, row, rows, to, 0, width, s, 0)
        return 2
    score_tile_1(rows, at, row, rows, to, 0, width, s, 0)
    return 1


@inline
def factor(a, size, width, lower, at, to, s):
    """Writes l, of which nothing but the triangle is other than 0, for the lower triangle of a; both flat.

    `at` and `to` are scratch for offsets (size + TARGETS,) int64, `s` for a tile of scores.
    """
    lower[: (size + TARGETS) * width] = 0
    for row in range(size + TARGETS):
        at[row] = row * width
    for first in range(0, size, TARGETS):
        count = min(TARGETS, size - first)
        known = min((first + LANES - 1) // LANES * LANES, width)
        for j in range(TARGETS):
            to[j] = (first + j) * width
        row = first if first > 0 else size
        while row < size:
            some = score_rows(lower, at, row, size, to, known, s)
            for each in range(some):
                for j in range(min(count, row + each - first + 1)):
                    a[(row + each) * width + first + j] -= s[each * TARGETS + j]
            row += some
        for row in range(first, size):
            line = row * width
            for j in range(min(count, row - first + 1)):
                column = first + j
                value = a[line + column]
                other = column * width
                for k in range(first, column):
                    value -= lower[line + k] * lower[other + k]
                if column < row:
                    lower[line + column] = value / lower[other + column]
                else:
                    lower[line + column] = np.sqrt(max(value, _LEAST * max(a[line + column], _LEAST)))


@inline
def solve(lower, size, width, x):
    """x[:size] becomes the solution for the right side that it is."""
    for row in range(size):
        line = row * width
        value = x[row]
        for k in range(row):
            value -= lower[line + k] * x[k]
        x[row] = value / lower[line + row]
    for row in range(size - 1, -1, -1):
        line = row * width
        value = x[row] / lower[line + row]
        x[row] = value
        for k in range(row):
            x[k] -= value * lower[line + k]
