"""Bayesian personalized ranking: what a user met scores above what it did not meet.

For a user x, items y_i that it met and items y_j that it did not, for every pair of both:

    g_ij = rate sigmoid(-x.(y_i - y_j))
    x += g_ij (y_i - y_j) ,  y_i += g_ij x ,  y_j -= g_ij x ,  each shrunk by 1 - rate * penalty

Three items of either kind are a tile, and nine pairs: one product scores them, one update serves all of its rows, so
that a pair costs the traffic of less than one row where one by one it is that of two. Lock-free.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kinfold.kernels._jit import inline, jit
from kinfold.kernels._simd import (
    COLUMNS,
    LANES,
    TARGETS,
    score_tile_1,
    sigmoid_step,
    update_columns_1,
    update_columns_2,
)
from kinfold.kernels.random import advance, alias_table
from kinfold.kernels.sgns import NEVER, PRODUCTS, draw_noise, prefetch_row, settle

EACH = TARGETS // 2  # items of either kind in a tile
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
def _not_met(draw, cells, drawn, mine):
    """The next state, and an item that the user did not meet."""
    other = np.int64(0)
    for _ in range(_TRIES):
        draw, other = draw_noise(draw, cells, drawn.keep, drawn.other)
        if not (mine[other >> 3] >> (other & 7)) & 1:
            break
    return draw, other


@jit
def learn(met, drawn, users, things, width, constant, order, first, last, rate, decay, penalty, both, seed, stats):
    """Goes once over what some users met, beside as many items that they did not; updates rows in place.

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
    s, g = np.zeros(TARGETS + 2 * LANES, np.float32), np.zeros(EACH * EACH + 2 * LANES, np.float32)
    losses, state = np.zeros(2 * LANES, np.float32), np.zeros(1, np.int64)
    losses[LANES:] = 1
    mine = np.zeros(len(drawn.keep) // 8 + 1, np.uint8)  # what this user met, a bit an item: it stays in the cache
    cells = np.uint64(len(drawn.keep))
    draw = advance(np.uint64(seed))
    ahead = np.zeros(EACH, np.int64)
    loss = 0.0
    pairs = 0
    for place in range(first, last):
        user = order[place]
        begin, end = met.starts[user], met.starts[user + 1]
        if end - begin == len(drawn.keep):
            continue
        base = user * width
        at[0] = base
        for entry in range(begin, end):
            mine[met.items[entry] >> 3] |= np.uint8(1 << (met.items[entry] & 7))
        for j in range(EACH):
            draw, ahead[j] = _not_met(draw, cells, drawn, mine)
        if place + 1 < last:
            prefetch_row(users, order[place + 1], width)
        for entry in range(begin, end, EACH):
            now = np.float32(rate - decay * (pairs // EACH))
            count = min(EACH, end - entry)
            for j in range(EACH):
                to[j] = np.int64(met.items[entry + j]) * width if j < count else nowhere
                to[EACH + j] = ahead[j] * width
            for j in range(EACH):
                draw, ahead[j] = _not_met(draw, cells, drawn, mine)
                prefetch_row(things, ahead[j], width)
                if entry + EACH + j < end:
                    prefetch_row(things, np.int64(met.items[entry + EACH + j]), width)
            score_tile_1(users, at, 0, things, to, 0, width, s, 0)
            # g becomes -rate sigmoid(-x.(y_i - y_j)), and the losses are added up.
            for pair in range(EACH * EACH, len(g)):
                g[pair] = NEVER
            for i in range(EACH):
                for j in range(EACH):
                    g[i * EACH + j] = s[EACH + j] - s[i] if i < count else NEVER
            for pair in range(0, EACH * EACH, LANES):
                sigmoid_step(g, pair, now, losses)
                state[0] += 1
                if state[0] == PRODUCTS:
                    loss += settle(losses, state)
            for i in range(EACH):
                s[i] = np.float32(0)
                s[EACH + i] = np.float32(0)
                for j in range(EACH):
                    s[i] -= g[i * EACH + j]
                    s[EACH + i] += g[j * EACH + i]
            keep = np.float32(1) - now * penalty
            if both:
                for j in range(TARGETS):
                    row = to[j]
                    shrink = keep**EACH if j < EACH else keep**count
                    for k in range(width):
                        things[row + k] *= shrink
            kept = keep ** (EACH * count)
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
            pairs += EACH * count
        for entry in range(begin, end):
            mine[met.items[entry] >> 3] = np.uint8(0)
    stats[0] += loss + settle(losses, state)
    stats[1] += pairs
