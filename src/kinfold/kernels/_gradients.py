"""Rows of a factor model by conjugate gradients; `kernels.als` says what is solved."""

from __future__ import annotations

import numpy as np

from kinfold.kernels._jit import jit
from kinfold.kernels._least_squares import curvature, longest, slope, unpack
from kinfold.kernels._simd import LANES, TARGETS


@jit
def by_gradients(entries, fixed, rows, diagonal, width, steps, first, last, stats):
    """Some steps of conjugate gradients for rows first..last, from where they are.

    Args:
        entries: `Entries` of the rows.
        fixed: Rows of the other side, flat float32, `width` floats each.
        rows: Those that are solved, likewise; in place.
        diagonal: (width,) float32 of D without the penalty.
        width: A multiple of LANES.
        steps: At most so many.
        first: The first row.
        last: Past the last one.
        stats: (1,) float64; the sum of f is added.
    """
    starts = entries.starts
    most = longest(starts, first, last) + TARGETS
    offsets = np.zeros(most, np.int64)
    linear, square = np.zeros(most, np.float32), np.zeros(most, np.float32)
    x, r, p = np.zeros(width, np.float32), np.zeros(width, np.float32), np.zeros(width, np.float32)
    y, inverse = np.zeros(width, np.float32), np.zeros(width, np.float32)
    alone, s = np.zeros(1, np.int64), np.zeros(TARGETS + 2 * LANES, np.float32)
    value = 0.0
    for row in range(first, last):
        base = row * width
        if starts[row] == starts[row + 1]:
            rows[base : base + width] = 0
            continue
        count = unpack(entries, row, width, offsets, linear, square)
        penalty = entries.penalty[row]
        for k in range(width):
            x[k] = rows[base + k]
            inverse[k] = np.float32(1) / (diagonal[k] + penalty)
            r[k] = -(diagonal[k] + penalty) * x[k]
        pulled = np.float32(0)
        if len(entries.toward):
            for k in range(width):
                r[k] += penalty * entries.toward[base + k]
                pulled += penalty * entries.toward[base + k] * x[k]
        pulled += slope(x, r, offsets, linear, square, count, fixed, width, alone, s)
        # f(x) = -x.r - (sum_j l_j h_j + b).x , and a step of length a along p lowers it by a r.z
        now = np.float32(0)
        sloped = np.float32(0)
        for k in range(width):
            sloped += x[k] * r[k]
            p[k] = inverse[k] * r[k]
            now += r[k] * p[k]
        value -= np.float64(sloped) + np.float64(pulled)
        for _ in range(steps):
            if not now > np.float32(1e-20):
                break
            for k in range(width):
                y[k] = (diagonal[k] + penalty) * p[k]
            curvature(p, y, offsets, square, count, fixed, width, alone, s)
            curved = np.float32(0)
            for k in range(width):
                curved += p[k] * y[k]
            length = now / curved
            value -= np.float64(length) * np.float64(now)
            after = np.float32(0)
            for k in range(width):
                x[k] += length * p[k]
                r[k] -= length * y[k]
                after += inverse[k] * r[k] * r[k]
            turn = after / now
            for k in range(width):
                p[k] = inverse[k] * r[k] + turn * p[k]
            now = after
        rows[base : base + width] = x
    stats[0] += value
