"""Ratings by biases and factors, one after the other: stochastic gradient descent, lock-free.

    r ~ mean + b_u + c_i + x_u.y_i ,  e = r - that
    b_u += rate (e - penalty b_u) ,  x_u += rate (e y_i - penalty x_u) ,  c_i and y_i likewise

A row is its factors, then two coordinates for the biases: (b_u, 1) of users and (1, c_i) of items, so that a product of
two rows has all but the mean.
"""

from __future__ import annotations

import numpy as np

from kinfold.kernels._jit import jit
from kinfold.kernels.sgns import prefetch_row

_AHEAD = 4  # entries whose rows are asked for before they are needed


@jit
def learn(users, items, ratings, order, first, last, left, right, width, dim, mean, rate, penalty, stats):
    """Goes once over some ratings, updating rows in place.

    Args:
        users: (m,) int32 rows of `left`.
        items: (m,) int32 rows of `right`.
        ratings: (m,) float32.
        order: (m,) int64, in which they are learned.
        first: The first place in it.
        last: Past the last one.
        left: Rows of users, flat float32, `width` floats each, of which `dim` are coordinates.
        right: Rows of items, likewise.
        width: A multiple of LANES.
        dim: Coordinates of a row, the last two of which are biases.
        mean: Of all ratings.
        rate: Learning rate.
        penalty: Of the squares.
        stats: (2,) float64; the sum of e² and the number of ratings are added.
    """
    shrink = np.float32(1) - rate * penalty
    error = 0.0
    for place in range(first, last):
        if place + _AHEAD < last:
            prefetch_row(left, np.int64(users[order[place + _AHEAD]]), width)
            prefetch_row(right, np.int64(items[order[place + _AHEAD]]), width)
        entry = order[place]
        x, y = np.int64(users[entry]) * width, np.int64(items[entry]) * width
        score = np.float32(0)
        for k in range(width):
            score += left[x + k] * right[y + k]
        apart = ratings[entry] - mean - score
        error += np.float64(apart) * np.float64(apart)
        step = rate * apart
        for k in range(width):
            a, b = left[x + k], right[y + k]
            left[x + k] = shrink * a + step * b
            right[y + k] = shrink * b + step * a
        left[x + dim - 1] = np.float32(1)
        right[y + dim - 2] = np.float32(1)
    stats[0] += error
    stats[1] += last - first
