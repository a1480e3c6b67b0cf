"""Bayesian personalized ranking: what a user met scores above what it did not meet.

For a user x, an item y_i that it met and one y_j that it did not:

    g = rate sigmoid(-x.(y_i - y_j))
    x += g (y_i - y_j) ,  y_i += g x ,  y_j -= g x ,  each shrunk by 1 - rate * penalty

Pairs of a user are learned a tile at a time: one product scores them all, one update serves all of its rows. Lock-free.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kinfold.kernels._jit import inline, jit
from kinfold.kernels._simd import COLUMNS, LANES, TARGETS, score_tile_1, update_columns_1, update_columns_2
from kinfold.kernels.random import advance, alias_table
from kinfold.kernels.sgns import draw_noise, prefetch_row

PAIRS = TARGETS // 2
_TRIES = 8  # draws of an item before one that the user met is taken for want of another


class Met(NamedTuple):
    """What users met.

    Args:
        starts: (users + 1,) int64; user u met items[starts[u]:starts[u + 1]].
        items: (entries,) int32, ascending for each user.
    """

    starts: np.ndarray
    items: np.ndarray


class Noise(NamedTuple):
    """What items are drawn from, an alias table.

    Args:
        keep: (items,) uint32.
        other: (items,) int32.
    """

    keep: np.ndarray
    other: np.ndarray


def noise(counts: np.ndarray, exponent: float) -> Noise:
    """Items by a power of how often they were met (items,); those that never were are not drawn."""
    weights = np.where(counts > 0, np.maximum(counts, 1).astype(np.float64) ** exponent, 0)
    return Noise(*alias_table(weights))


@inline
def _has(items, begin, end, item):
    """Whether an item is among items[begin:end], ascending."""
    while begin < end:
        middle = (begin + end) // 2
        if items[middle] < item:
            begin = middle + 1
        elif items[middle] > item:
            end = middle
        else:
            return True
    return False


@inline
def _not_met(draw, cells, drawn, met, begin, end):
    """The next state, and an item that the user did not meet."""
    other = np.int64(0)
    for _ in range(_TRIES):
        draw, other = draw_noise(draw, cells, drawn.keep, drawn.other)
        if not _has(met.items, begin, end, other):
            break
    return draw, other


@jit
def learn(met, drawn, users, things, width, constant, order, first, last, rate, decay, penalty, both, seed, stats):
    """Goes once over what some users met, each with an item that they did not; updates rows in place.

    Args:
        met: `Met`.
        drawn: `Noise`.
        users: Rows of the users, flat float32, `width` floats each.
        things: Rows of the items and a last row that only fills up tiles, likewise.
        width: A multiple of LANES.
        constant: A coordinate of users that is always 1, so that an item's is its bias; -1 for none.
        order: (n,) int64, users in the order in which they learn.
        first: The first place in it.
        last: Past the last one.
        rate: Learning rate at the first user.
        decay: What it loses with every entry.
        penalty: Of the squares of coordinates.
        both: Whether items learn too.
        seed: Of the noise.
        stats: (2,) float64; the loss and the number of pairs are added.
    """
    nowhere = np.int64(len(things) - width)
    at = np.zeros(1, np.int64)
    to = np.full(TARGETS, nowhere, np.int64)
    s = np.zeros(TARGETS + 2 * LANES, np.float32)
    cells = np.uint64(len(drawn.keep))
    draw = advance(np.uint64(seed))
    ahead = np.zeros(PAIRS, np.int64)
    loss = 0.0
    pairs = 0
    for place in range(first, last):
        user = order[place]
        begin, end = met.starts[user], met.starts[user + 1]
        if end - begin == len(drawn.keep):
            continue
        base = user * width
        at[0] = base
        for j in range(PAIRS):
            draw, ahead[j] = _not_met(draw, cells, drawn, met, begin, end)
        if place + 1 < last:
            prefetch_row(users, order[place + 1], width)
        for entry in range(begin, end, PAIRS):
            now = np.float32(rate - decay * pairs)
            count = min(PAIRS, end - entry)
            for j in range(PAIRS):
                to[j] = np.int64(met.items[entry + j]) * width if j < count else nowhere
                to[PAIRS + j] = ahead[j] * width if j < count else nowhere
            for j in range(PAIRS):
                draw, ahead[j] = _not_met(draw, cells, drawn, met, begin, end)
                prefetch_row(things, ahead[j], width)
                if entry + PAIRS + j < end:
                    prefetch_row(things, np.int64(met.items[entry + PAIRS + j]), width)
            score_tile_1(users, at, 0, things, to, 0, width, s, 0)
            for j in range(count):
                apart = s[j] - s[PAIRS + j]
                small = np.exp(-abs(apart))
                loss += np.log1p(small) + max(-apart, np.float32(0))
                gradient = now * (small if apart >= 0 else np.float32(1)) / (np.float32(1) + small)
                s[j], s[PAIRS + j] = gradient, -gradient
            for j in range(count, PAIRS):
                s[j], s[PAIRS + j] = np.float32(0), np.float32(0)
            keep = np.float32(1) - now * penalty
            if both:
                for j in range(TARGETS):
                    row = to[j]
                    for k in range(width):
                        things[row + k] *= keep
            kept = keep**count
            for k in range(width):
                users[base + k] *= kept
            if constant >= 0:
                users[base + constant] = np.float32(1)
            column = 0
            if COLUMNS == 2:
                while column + 2 * LANES <= width:
                    update_columns_2(users, at, 1, things, to, 0, column, s, 0, both)
                    column += 2 * LANES
            while column < width:
                update_columns_1(users, at, 1, things, to, 0, column, s, 0, both)
                column += LANES
            if constant >= 0:
                users[base + constant] = np.float32(1)
            pairs += count
    stats[0] += loss
    stats[1] += pairs
