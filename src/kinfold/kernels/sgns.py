"""Skip-gram and CBOW, with negative sampling or the hierarchical softmax: one step for a window serves all.

Lock-free: several threads update the same rows, and a lost update is the price of not waiting (Hogwild).

For a window with context rows x_1..x_B and target rows o_1..o_S with labels l_j:

    s_ij = x_i . o_j ,  g_ij = rate (l_j - sigmoid(s_ij))
    x_i += sum_j g_ij o_j ,  o_j += sum_i g_ij x_i

The contexts of a window share its negatives, so both sides are small matrix products (pWord2Vec, Ji et al. 2016).

A context is the row of a word, or the mean of several rows (a word and its n-grams: fastText), or the row of the whole
sequence (a document: PV-DM, PV-DBOW). Means are made when a word comes into reach and their changes are given back when
it has left it: once a word, where once a pair would be twenty times the memory traffic.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kinfold.kernels._jit import aligned, inline, jit
from kinfold.kernels._simd import (
    COLUMNS,
    CONTEXTS,
    LANES,
    LINE,
    TARGETS,
    add_row,
    prefetch,
    score_tile_1,
    score_tile_2,
    score_tile_4,
    sigmoid_step,
    sum_rows_1,
    sum_rows_4,
    update_columns_1,
    update_columns_2,
)
from kinfold.kernels.random import advance, below, high

PRODUCTS = 100  # factors of at most 2 that a float32 product holds before its logarithm is taken
NEVER = np.float32(-1e4)  # a score whose gradient and loss are 0
_SPREAD = np.uint64(0x9E3779B97F4A7C15)


class Weights(NamedTuple):
    """Both matrices, flat float32, `width` floats a row, a multiple of LANES.

    Args:
        inner: Rows of words, and of whatever else contexts are made of; the vectors.
        outer: Rows of words (or of nodes of the tree) and one last row for padding.
        width: Floats of a row.
        both: Whether outer rows learn too.
    """

    inner: np.ndarray
    outer: np.ndarray
    width: int
    both: bool


class Windows(NamedTuple):
    """What is a context of what.

    Args:
        reach: Words on each side; 0 where only the sequence's own row is a context (`kernels.dbow` is faster then).
        shrink: Whether a window's reach is drawn from 1 to `reach`.
        cbow: Predict the word from the mean of its contexts, else each context from the word (skip-gram).
        tags: (sequences,) int64 rows of `inner` that are contexts of every word of a sequence; empty for none.
    """

    reach: int
    shrink: bool
    cbow: bool
    tags: np.ndarray


class Parts(NamedTuple):
    """What a word's context row is the mean of; None in its place where it is simply row i of `inner`.

    Args:
        starts: (n + 1,) int64; word i is the mean of the rows `rows[starts[i]:starts[i + 1]]`, at least one.
        rows: int32 rows of `inner`.
        pace: (rows of inner,) float32, how much of a change a row takes (0 is frozen); empty where all take all of it.
        anchors: Rows that `inner` is drawn back to, laid out like it; empty for none.
        pull: (rows of inner,) float32, how strongly.
    """

    starts: np.ndarray
    rows: np.ndarray
    pace: np.ndarray
    anchors: np.ndarray
    pull: np.ndarray


class Targets(NamedTuple):
    """What a word is told from.

    Args:
        negatives: Noise words a window; 0 for the tree.
        keep: (n,) uint32, with `other` the alias table of the noise.
        other: (n,) int32.
        starts: (n + 1,) int64, offsets of each word's path in the tree; empty for negative sampling.
        nodes: int32 rows of `outer`.
        labels: int32, 0 or 1.
    """

    negatives: int
    keep: np.ndarray
    other: np.ndarray
    starts: np.ndarray
    nodes: np.ndarray
    labels: np.ndarray


def padded(rows: np.ndarray, more: int = 0) -> np.ndarray:
    """A copy of rows (n, d), flat, each filled up with zeros to whole vectors, with `more` rows of zeros behind."""
    width = (rows.shape[1] + LANES - 1) // LANES * LANES
    flat = aligned(len(rows) + more, width)
    flat.reshape(-1, width)[: len(rows), : rows.shape[1]] = rows
    return flat


@inline
def settle(losses, state):
    """The loss that `losses` holds, which is emptied."""
    loss = 0.0
    for lane in range(LANES):
        loss += losses[lane] + np.log(np.float64(losses[LANES + lane]))
        losses[lane] = 0
        losses[LANES + lane] = 1
    state[0] = 0
    return loss


@inline
def step(inner, at, count, outer, to, labels, targets, width, both, rate, weight, s, losses, state):
    """One window; returns a part of its loss, the rest waits in `losses`.

    `at[:count]` and `to[:targets]` are offsets of rows; `targets` is a multiple of TARGETS, and a label of -1 marks a
    place that only fills up a tile. `weight` is that of noise. Gradients lie in `s` by tiles of (count, TARGETS).
    """
    for first in range(0, targets, TARGETS):
        place = first * count
        row = 0
        if CONTEXTS == 4:
            while row + 4 <= count:
                score_tile_4(inner, at, row, outer, to, first, width, s, place + row * TARGETS)
                row += 4
        while row + 2 <= count:
            score_tile_2(inner, at, row, outer, to, first, width, s, place + row * TARGETS)
            row += 2
        if row < count:
            score_tile_1(inner, at, row, outer, to, first, width, s, place + row * TARGETS)
    loss = 0.0
    for target in range(targets):
        if labels[target] != 0:
            place = target // TARGETS * TARGETS * count + target % TARGETS
            for row in range(count):
                if labels[target] > 0:
                    loss -= s[place + row * TARGETS]
                else:
                    s[place + row * TARGETS] = NEVER
    total = targets * count
    for place in range(total, total + LANES):
        s[place] = NEVER
    for place in range(0, total, LANES):
        sigmoid_step(s, place, rate, losses)
        state[0] += 1
        if state[0] == PRODUCTS:
            loss += settle(losses, state)
    for target in range(targets):
        place = target // TARGETS * TARGETS * count + target % TARGETS
        if labels[target] > 0:
            for row in range(count):
                s[place + row * TARGETS] += rate
        elif weight != 1:
            for row in range(count):
                s[place + row * TARGETS] *= weight
    for first in range(0, targets, TARGETS):
        column = 0
        if COLUMNS == 2:
            while column + 2 * LANES <= width:
                update_columns_2(inner, at, count, outer, to, first, column, s, first * count, both)
                column += 2 * LANES
        while column < width:
            update_columns_1(inner, at, count, outer, to, first, column, s, first * count, both)
            column += LANES
    return loss


@inline
def mean_of(inner, at, first, last, width, mean, before, to):
    """The mean of the rows at offsets at[first:last], written from `to` on twice."""
    share = np.float32(1) / np.float32(last - first)
    column = 0
    while column + 4 * LANES <= width:
        sum_rows_4(inner, at, first, last, column, share, mean, before, to)
        column += 4 * LANES
    while column < width:
        sum_rows_1(inner, at, first, last, column, share, mean, before, to)
        column += LANES


@inline
def _weighted_mean_of(inner, at, sizes, count, width, mean, before):
    """The mean of the parts of all contexts: that of their means, each weighted with the number of its parts."""
    total = np.float32(0)
    for place in range(count):
        total += sizes[place]
    mean[:width] = 0
    for place in range(count):
        add_row(mean, 0, inner, at[place], width, sizes[place] / total)
    before[:width] = mean[:width]


@inline
def _give_back(inner, at, count, width, mean, before):
    """The whole change of the mean goes to every context, as in word2vec.c: the rate does not depend on the window."""
    for place in range(width):
        before[place] = mean[place] - before[place]
    for place in range(count):
        add_row(inner, at[place], before, 0, width, np.float32(1))


@inline
def _enter(word, slot, inner, width, parts, offsets, near, first_near):
    """Puts the mean of a word's parts into a slot of `near`, and into `first_near` to know its change later."""
    first = parts.starts[word]
    size = parts.starts[word + 1] - first
    for part in range(size):
        offsets[part] = np.int64(parts.rows[first + part]) * width
    mean_of(inner, offsets, 0, size, width, near, first_near, slot * width)


@inline
def _leave(word, slot, inner, width, parts, rate, near, first_near, change):
    """The whole change of the mean goes to every part, as in fastText; paced and drawn back where that is asked for."""
    base = slot * width
    for place in range(width):
        change[place] = near[base + place] - first_near[base + place]
    for part in range(parts.starts[word], parts.starts[word + 1]):
        row = np.int64(parts.rows[part])
        at = row * width
        pace = parts.pace[row] if len(parts.pace) else np.float32(1)
        if pace != 0:
            add_row(inner, at, change, 0, width, pace)
            if len(parts.pull) and parts.pull[row] > 0:
                share = min(rate * parts.pull[row], np.float32(1))
                add_row(inner, at, inner, at, width, -share)
                add_row(inner, at, parts.anchors, at, width, share)


@inline
def prefetch_row(flat, row, width):
    """Asks for the lines of a row, to be written soon."""
    for column in range(0, width, LINE):
        prefetch(flat, row * width + column)


@inline
def _prefetch_parts(word, inner, width, parts):
    for part in range(parts.starts[word], parts.starts[word + 1]):
        prefetch_row(inner, np.int64(parts.rows[part]), width)


@inline
def state_of(seed, length):
    """The state of a sequence that is learned by itself."""
    return advance(np.uint64(seed) ^ (np.uint64(length) * _SPREAD))


@inline
def draw_noise(draw, cells, keep, other):
    """The next state, and a noise word."""
    draw = advance(draw)
    cell = below(draw, cells)
    draw = advance(draw)
    instead = np.int64(other[cell])  # read in any case, so that no branch has to be foreseen
    return draw, (cell if high(draw) <= keep[cell] else instead)


@jit
def windows(ids, starts, keep, weights, around, parts, against, rate, decay, seed, stats):
    """Goes once over some sequences, updating rows in place; lock-free.

    Where outer rows do not learn, every sequence begins with the same random numbers and is learned by itself: what its
    tag becomes does not depend on the other sequences.

    Args:
        ids: (tokens,) int32.
        starts: (sequences + 1,) int64, offsets into `ids`.
        keep: (n,) uint32; a token stays if a random number in 0..2^32 - 1 is not above it (subsampling).
        weights: `Weights`.
        around: `Windows`.
        parts: `Parts` or None, which is compiled by itself.
        against: `Targets`.
        rate: Learning rate at offset 0 of `ids`.
        decay: What it loses with every token.
        seed: Of the random numbers.
        stats: (2,) float64; the loss and the number of scores are added.
    """
    inner, outer, width = weights.inner, weights.outer, weights.width
    reach, negatives = around.reach, against.negatives
    rows = len(keep)
    longest = 0
    for sequence in range(len(starts) - 1):
        longest = max(longest, starts[sequence + 1] - starts[sequence])
    kept = np.empty(longest + 1, np.int32)
    tree = negatives == 0
    tagged = len(around.tags) > 0
    most = 1 + negatives
    for word in range(len(against.starts) - 1):
        most = max(most, against.starts[word + 1] - against.starts[word])
    targets = (most + TARGETS - 1) // TARGETS * TARGETS
    nowhere = np.int64(len(outer) - width)
    at = np.empty(2 * reach + 1, np.int64)
    sizes = np.empty(2 * reach + 1, np.float32)
    to = np.full(targets, nowhere, np.int64)
    labels = np.full(targets, -1, np.int64)
    if not tree:
        labels[: 1 + negatives] = 0
        labels[0] = 1
    s = np.empty((2 * reach + 1) * targets + 2 * LANES, np.float32)
    losses = np.zeros(2 * LANES, np.float32)
    losses[LANES:] = 1
    state = np.zeros(1, np.int64)
    ahead = np.zeros(negatives, np.int64)
    mean = np.zeros(width, np.float32)
    before = np.zeros(width, np.float32)
    alone = np.zeros(1, np.int64)
    # Means of the words in reach, by position modulo `slots`; the one behind them is the tag's.
    slots = 2 * reach + 1
    rows_from = inner
    if parts is not None:
        near = np.zeros((slots + 1) * width, np.float32)
        first_near = np.zeros((slots + 1) * width, np.float32)
        change = np.zeros(width, np.float32)
        offsets = np.empty(np.max(np.diff(parts.starts)), np.int64)
        rows_from = near
    cells = np.uint64(rows)
    spread = np.uint64(max(reach, 1))
    draw = advance(np.uint64(seed))
    loss = 0.0
    scores = 0
    for sequence in range(len(starts) - 1):
        if not weights.both:
            draw = state_of(seed, starts[sequence + 1] - starts[sequence])
            for j in range(negatives):
                draw, ahead[j] = draw_noise(draw, cells, against.keep, against.other)
        length = 0
        for place in range(starts[sequence], starts[sequence + 1]):
            draw = advance(draw)
            # No branch: whether a token stays cannot be foreseen.
            kept[length] = ids[place]
            length += high(draw) <= keep[ids[place]]
        if length < 2 and not (tagged and length):
            continue
        now = np.float32(rate - decay * starts[sequence])
        tag = np.int64(around.tags[sequence]) * width if tagged else np.int64(0)
        if parts is not None:
            for place in range(min(reach, length)):
                _enter(np.int64(kept[place]), place, inner, width, parts, offsets, near, first_near)
            if tagged:
                alone[0] = tag
                mean_of(inner, alone, 0, 1, width, near, first_near, slots * width)
                alone[0] = 0
        for center in range(length):
            word = np.int64(kept[center])
            here = reach
            if around.shrink and reach:
                draw = advance(draw)
                here = 1 + below(draw, spread)
            if parts is not None:
                behind = center - reach - 1
                if behind >= 0:
                    gone = np.int64(kept[behind])
                    _leave(gone, behind % slots, inner, width, parts, now, near, first_near, change)
                if center + reach < length:
                    new = np.int64(kept[center + reach])
                    _enter(new, (center + reach) % slots, inner, width, parts, offsets, near, first_near)
                if center + reach + 1 < length:
                    _prefetch_parts(np.int64(kept[center + reach + 1]), inner, width, parts)
            count = 0
            for place in range(max(0, center - here), min(length, center + here + 1)):
                if place != center:
                    if parts is None:
                        at[count] = np.int64(kept[place]) * width
                    else:
                        at[count] = place % slots * width
                        sizes[count] = parts.starts[kept[place] + 1] - parts.starts[kept[place]]
                    count += 1
            if tagged:
                at[count] = tag if parts is None else slots * width
                sizes[count] = 1
                count += 1
            if tree:
                first = against.starts[word]
                used = against.starts[word + 1] - first
                targets = (used + TARGETS - 1) // TARGETS * TARGETS
                for j in range(targets):
                    to[j] = np.int64(against.nodes[first + j]) * width if j < used else nowhere
                    labels[j] = against.labels[first + j] if j < used else -1
            else:
                used = 1 + negatives
                to[0] = word * width
                for j in range(negatives):
                    other = ahead[j]
                    while other == word and rows > 1:
                        draw, other = draw_noise(draw, cells, against.keep, against.other)
                    to[1 + j] = other * width
                # The next window's noise is drawn now and its lines asked for: the wait for memory is over by then.
                for j in range(negatives):
                    draw, ahead[j] = draw_noise(draw, cells, against.keep, against.other)
                    prefetch_row(outer, ahead[j], width)
                if center + 1 < length:
                    prefetch_row(outer, np.int64(kept[center + 1]), width)
            if parts is None and reach and center + reach + 1 < length:
                prefetch_row(inner, np.int64(kept[center + reach + 1]), width)
            # CBOW is the same step with one context row, the mean; its change goes back to every context.
            rows_here, at_here, count_here = rows_from, at, count
            if around.cbow:
                if parts is None:
                    mean_of(rows_from, at, 0, count, width, mean, before, 0)
                else:
                    _weighted_mean_of(rows_from, at, sizes, count, width, mean, before)
                rows_here, at_here, count_here = mean, alone, 1
            loss += step(
                rows_here,
                at_here,
                count_here,
                outer,
                to,
                labels,
                targets,
                width,
                weights.both,
                now,
                np.float32(1),
                s,
                losses,
                state,
            )
            if around.cbow:
                _give_back(rows_from, at, count, width, mean, before)
            scores += used * count_here
        if parts is not None:
            for place in range(max(0, length - reach - 1), length):
                _leave(np.int64(kept[place]), place % slots, inner, width, parts, now, near, first_near, change)
            if tagged:
                for place in range(width):
                    change[place] = near[slots * width + place] - first_near[slots * width + place]
                add_row(inner, tag, change, 0, width, np.float32(1))
    stats[0] += loss + settle(losses, state)
    stats[1] += scores
