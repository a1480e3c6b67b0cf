"""GloVe: weighted least squares on the logarithms of counts, by AdaGrad, one entry after another.

For an entry x of row i and column j, with rows w, c and biases a, b:

    d = w_i . c_j + a_i + b_j - ln x ,  f = min(1, (x / x_max)^alpha) ,  loss f d^2 / 2
    g = clip(f d c_j, 100) eta ,  w_i -= g / sqrt(G) ,  G += g^2           (and so for c_j, from the old w_i)
    a_i -= f d / sqrt(H) ,  H += (f d)^2                                   (and so for b_j, from the old a_i)

A pair of rows with their sums of squares is some kilobytes, and 1 / sqrt of them most of the work. So entries are
arranged to find their columns in the nearest cache: for some rows, by chunks of columns, in a chunk row by row. Two
rows at a time take turns, so that the next entry seldom waits for the row that this one changes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kinfold.kernels._adagrad import dot_rows_1, dot_rows_2, step_rows_1, step_rows_2
from kinfold.kernels._jit import inline, jit
from kinfold.kernels._simd import LINE

CLIP = np.float32(100)


class Entries(NamedTuple):
    """Entries of a matrix in the order in which they are learned.

    Args:
        rows: (entries,) int32.
        columns: (entries,) int32.
        logs: (entries,) float32, ln x.
        weights: (entries,) float32, f.
    """

    rows: np.ndarray
    columns: np.ndarray
    logs: np.ndarray
    weights: np.ndarray


@inline
def _next_run(row, last, stop, columns, ends, places):
    """The next row that has entries with columns below `stop` that were not taken yet, and which they are."""
    begin = end = np.int64(0)
    while row < last and begin == end:
        begin = end = places[row]
        while end < ends[row + 1] and columns[end] < stop:
            end += 1
        places[row] = end
        row += 1
    return row, begin, end


@inline
def _put(row, place, columns, values, at, x_max, alpha, entries):
    x = np.float64(values[place])
    entries.rows[at] = row
    entries.columns[at] = columns[place]
    entries.logs[at] = np.log(x)
    entries.weights[at] = 1 if x >= x_max else (x / x_max) ** alpha
    return not 0 < x < np.inf


@jit
def arrange(starts, columns, values, first, last, stops, x_max, alpha, places, bounds, entries):
    """Puts the entries of some rows in the order of learning, in the places that they have in the matrix.

    Args:
        starts: (rows + 1,) int64.
        columns: (entries,) int32, ascending in each row.
        values: (entries,) float32.
        first: First row.
        last: The one after the last.
        stops: (chunks,) int64; the column after the last of each chunk.
        x_max: Where the weight reaches 1.
        alpha: Power of the weight below.
        places: (rows,) int64, scratch.
        bounds: (chunks + 1,) int64; becomes where each chunk begins in `entries`.
        entries: `Entries` of the whole matrix.

    Returns:
        How many values are not finite or not above 0.
    """
    bad = 0
    at = starts[first]
    for row in range(first, last):
        places[row] = starts[row]
    for chunk in range(len(stops)):
        bounds[chunk] = at
        # One run goes up and the other one down: they meet in the same column once at most.
        row, up, top = _next_run(first, last, stops[chunk], columns, starts, places)
        upper = row - 1
        row, bottom, down = _next_run(row, last, stops[chunk], columns, starts, places)
        lower = row - 1
        while up < top or bottom < down:
            if up < top:
                bad += _put(upper, up, columns, values, at, x_max, alpha, entries)
                at += 1
                up += 1
                if up == top:
                    row, up, top = _next_run(row, last, stops[chunk], columns, starts, places)
                    upper = row - 1
            if bottom < down:
                down -= 1
                bad += _put(lower, down, columns, values, at, x_max, alpha, entries)
                at += 1
                if bottom == down:
                    row, bottom, down = _next_run(row, last, stops[chunk], columns, starts, places)
                    lower = row - 1
    bounds[len(stops)] = at
    return bad


@inline
def _settle(count, entry, entries, rows, columns, at, to, width, rate, g):
    """The differences of some entries become rates of their rows; biases move, and their losses are returned."""
    loss = np.float32(0)
    for pair in range(count):
        i, j = at[pair] + 2 * width, to[pair] + 2 * width
        difference = g[pair] + rows[i] + columns[j] - entries.logs[entry + pair]
        weighted = entries.weights[entry + pair] * difference
        loss += np.float32(0.5) * weighted * difference
        rows[i] -= weighted / np.sqrt(rows[i + 1])
        columns[j] -= weighted / np.sqrt(columns[j + 1])
        rows[i + 1] += weighted * weighted
        columns[j + 1] += weighted * weighted
        g[pair] = rate * weighted
    return loss


@jit
def learn(entries, first, last, rows, columns, width, rate, stats):
    """Learns some entries, one after another; no other thread may have their rows or columns meanwhile.

    Args:
        entries: `Entries`.
        first: The first.
        last: The one after the last.
        rows: Flat float32; for each row `width` coordinates, their sums of squares, the bias, its sum of squares, and
            what fills a cache line.
        columns: The same for the columns.
        width: A multiple of LANES.
        rate: Learning rate.
        stats: (2,) float64; the loss and the number of entries are added.
    """
    stride = 2 * width + LINE
    most = CLIP * rate
    at, to = np.zeros(2, np.int64), np.zeros(2, np.int64)
    g = np.zeros(2, np.float32)
    loss = 0.0
    entry = first
    while entry < last:
        at[0], to[0] = np.int64(entries.rows[entry]) * stride, np.int64(entries.columns[entry]) * stride
        both = entry + 1 < last
        if both:
            at[1] = np.int64(entries.rows[entry + 1]) * stride
            to[1] = np.int64(entries.columns[entry + 1]) * stride
            both = at[0] != at[1] and to[0] != to[1]
        if both:
            dot_rows_2(rows, at, columns, to, width, g)
            loss += _settle(2, entry, entries, rows, columns, at, to, width, rate, g)
            step_rows_2(rows, at, columns, to, width, g, most)
            entry += 2
        else:
            dot_rows_1(rows, at, columns, to, width, g)
            loss += _settle(1, entry, entries, rows, columns, at, to, width, rate, g)
            step_rows_1(rows, at, columns, to, width, g, most)
            entry += 1
    stats[0] += loss
    stats[1] += last - first
