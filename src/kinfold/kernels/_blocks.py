"""Rows of a factor model solved exactly, some coordinates at a time; `kernels.als` says what is solved."""

from __future__ import annotations

import numpy as np

from kinfold.kernels._jit import inline, jit
from kinfold.kernels._least_squares import ask_ahead, longest, unpack
from kinfold.kernels._simd import (
    LANES,
    TARGETS,
    add_rows,
    outer_tile,
    score_tile_1,
)
from kinfold.kernels.cholesky import factor, room, score_rows, solve

_CHUNK = 256  # entries whose rows are scaled at a time: they stay in the cache


@inline
def _scale(scaled, line, shifted, offsets, square, begin, end, size, root):
    """Writes the rows t_j = sqrt(q_j) D^-1/2 h_j of some entries, within a block of coordinates."""
    for entry in range(begin, end):
        share = np.sqrt(max(square[entry], np.float32(0)))
        other = offsets[entry]
        place = (entry - begin) * line
        for k in range(size):
            scaled[place + k] = share * shifted[other + k] * root[k]
        scaled[place + size : place + line] = 0


@inline
def _add_scores(x, shifted, offsets, count, size, alone, s, scores):
    """scores[j] += x . h_j, within a block of coordinates."""
    for first in range(0, count, TARGETS):
        ask_ahead(shifted, offsets, first, count, size)
        score_tile_1(x, alone, 0, shifted, offsets, first, size, s, 0)
        for j in range(TARGETS):
            scores[first + j] += s[j]


@inline
def _over_entries(u, t, scaled, line, count, size, a, lower, at, to, s):
    """U becomes (I + tᵀ t)^-1 u = u - tᵀ (I + t tᵀ)^-1 t u: a system of as many equations as there are entries."""
    side = room(count)
    scaled[count * line : (count + TARGETS) * line] = 0
    for j in range(count + TARGETS):
        at[j] = j * line
    for start in range(0, count, TARGETS):
        for j in range(TARGETS):
            to[j] = (start + j) * line
        place = start
        while place < count:
            some = score_rows(scaled, at, place, count, to, line, s)
            for each in range(some):
                for j in range(min(TARGETS, place + each - start + 1)):
                    a[(place + each) * side + start + j] = s[each * TARGETS + j]
            place += some
    for j in range(count):
        a[j * side + j] += np.float32(1)
        total = np.float32(0)
        for k in range(size):
            total += scaled[j * line + k] * u[k]
        t[j] = total
    factor(a, count, side, lower, at, to, s)
    solve(lower, count, side, t)
    for j in range(count):
        for k in range(size):
            u[k] -= t[j] * scaled[j * line + k]


@jit
def by_blocks(entries, fixed, rows, diagonal, width, block, first, last, stats):
    """Solves rows first..last exactly in one block of coordinates after the other; one block is the exact solution.

    A row with fewer entries than coordinates is solved over its entries (Woodbury), others over the coordinates.

    Args:
        entries: `Entries` of the rows; no weight is less than `less`.
        fixed: Rows of the other side, flat float32, `width` floats each.
        rows: Those that are solved, likewise; in place.
        diagonal: (width,) float32 of D without the penalty.
        width: A multiple of LANES.
        block: Coordinates of a block, a multiple of LANES.
        first: The first row.
        last: Past the last one.
        stats: (1,) float64; the sum of f is added.

    Source:
        Rendle et al. 2021 (arXiv 2110.14044, iALS++).
    """
    starts = entries.starts
    most = longest(starts, first, last) + TARGETS
    line = room(min(block, width))
    offsets = np.zeros(most, np.int64)
    linear, square = np.zeros(most, np.float32), np.zeros(most, np.float32)
    scores, factors = np.zeros(most, np.float32), np.zeros(most, np.float32)
    x, g = np.zeros(width, np.float32), np.zeros(width, np.float32)
    u, root = np.zeros(line, np.float32), np.zeros(line, np.float32)
    t = np.zeros(line + TARGETS, np.float32)
    scaled = np.zeros((max(line, _CHUNK) + 2 * TARGETS) * line, np.float32)
    a = np.zeros((line + TARGETS) * line, np.float32)
    lower = np.zeros((line + TARGETS) * line, np.float32)
    alone, to = np.zeros(1, np.int64), np.zeros(TARGETS, np.int64)
    at = np.zeros(line + 2 * TARGETS, np.int64)
    s = np.zeros(4 * TARGETS + 2 * LANES, np.float32)
    value = 0.0
    for row in range(first, last):
        base = row * width
        if starts[row] == starts[row + 1]:
            rows[base : base + width] = 0
            continue
        count = unpack(entries, row, width, offsets, linear, square)
        penalty = entries.penalty[row]
        scores[: count + TARGETS] = 0
        x[:] = 0
        if block < width:  # one block is solved from anywhere
            x[:] = rows[base : base + width]
            _add_scores(x, fixed, offsets, count, width, alone, s, scores)
        for low in range(0, width, block):
            size = min(block, width - low)
            shifted = fixed[low:]
            for k in range(size):
                here = diagonal[low + k] + penalty
                root[k] = np.float32(1) / np.sqrt(here)
                g[k] = -here * x[low + k]
                if len(entries.toward):
                    g[k] += penalty * entries.toward[base + low + k]
            for j in range(count + TARGETS):
                factors[j] = linear[j] - square[j] * scores[j]
            for start in range(0, count, TARGETS):
                ask_ahead(shifted, offsets, start, count, size)
                add_rows(g, 0, shifted, offsets, start, size, factors, start)
            # Scaled by D^-1/2, the system is I + tᵀ t.
            for k in range(size):
                u[k] = g[k] * root[k]
            if count < size:
                _scale(scaled, line, shifted, offsets, square, 0, count, size, root)
                _over_entries(u, t, scaled, line, count, size, a, lower, at, to, s)
            else:
                a[: (size + TARGETS) * line] = 0
                for start in range(0, count, _CHUNK):
                    stop = min(start + _CHUNK, count)
                    _scale(scaled, line, shifted, offsets, square, start, stop, size, root)
                    for above in range(0, size, TARGETS):
                        for column in range(0, min(above + TARGETS, line), 2 * LANES):
                            outer_tile(scaled, stop - start, line, above, column, a)
                for k in range(size):
                    a[k * line + k] += np.float32(1)
                factor(a, size, line, lower, at, to, s)
                solve(lower, size, line, u)
            for k in range(size):
                u[k] *= root[k]
                x[low + k] += u[k]
            _add_scores(u, shifted, offsets, count, size, alone, s, scores)
        for j in range(count):
            value += np.float64(square[j] * scores[j] * scores[j] - 2 * linear[j] * scores[j])
        for k in range(width):
            value += np.float64((diagonal[k] + penalty) * x[k] * x[k])
            if len(entries.toward):
                value -= np.float64(2 * penalty * entries.toward[base + k] * x[k])
        rows[base : base + width] = x
    stats[0] += value
