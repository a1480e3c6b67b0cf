"""Skip-gram and CBOW, with negative sampling or the hierarchical softmax: one step for a window serves all four.

Lock-free: several threads update the same rows, and a lost update is the price of not waiting (Hogwild).

For a window with context rows x_1..x_B and target rows o_1..o_S with labels l_j:

    s_ij = x_i . o_j ,  g_ij = rate (l_j - sigmoid(s_ij))
    x_i += sum_j g_ij o_j ,  o_j += sum_i g_ij x_i

The contexts of a window share its negatives, so both sides are small matrix products (pWord2Vec, Ji et al. 2016).
"""

from __future__ import annotations

import numpy as np

from kinfold.kernels._jit import inline, jit
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

_PRODUCTS = 100  # factors of at most 2 that a float32 product holds before its logarithm is taken
_NEVER = np.float32(-1e4)  # a score whose gradient and loss are 0


@inline
def _settle(losses, state):
    """The loss that `losses` holds, which is emptied."""
    loss = 0.0
    for lane in range(LANES):
        loss += losses[lane] + np.log(np.float64(losses[LANES + lane]))
        losses[lane] = 0
        losses[LANES + lane] = 1
    state[0] = 0
    return loss


@inline
def _step(inner, at, count, outer, to, labels, targets, width, rate, s, losses, state):
    """One window; returns a part of its loss, the rest waits in `losses`.

    `at[:count]` and `to[:targets]` are offsets of rows; `targets` is a multiple of TARGETS, and a label of -1 marks a
    place that only fills up a tile. Gradients lie in `s` by tiles of (count, TARGETS).
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
                    s[place + row * TARGETS] = _NEVER
    total = targets * count
    for place in range(total, total + LANES):
        s[place] = _NEVER
    for place in range(0, total, LANES):
        sigmoid_step(s, place, rate, losses)
        state[0] += 1
        if state[0] == _PRODUCTS:
            loss += _settle(losses, state)
    for target in range(targets):
        if labels[target] > 0:
            place = target // TARGETS * TARGETS * count + target % TARGETS
            for row in range(count):
                s[place + row * TARGETS] += rate
    for first in range(0, targets, TARGETS):
        column = 0
        if COLUMNS == 2:
            while column + 2 * LANES <= width:
                update_columns_2(inner, at, count, outer, to, first, column, s, first * count)
                column += 2 * LANES
        while column < width:
            update_columns_1(inner, at, count, outer, to, first, column, s, first * count)
            column += LANES
    return loss


@inline
def _mean_of(inner, at, count, width, mean, before):
    share = np.float32(1) / np.float32(count)
    column = 0
    while column + 4 * LANES <= width:
        sum_rows_4(inner, at, count, column, share, mean, before)
        column += 4 * LANES
    while column < width:
        sum_rows_1(inner, at, count, column, share, mean, before)
        column += LANES


@inline
def _give_back(inner, at, count, width, mean, before):
    """The whole change of the mean goes to every context, as in word2vec.c: the rate does not depend on the window."""
    for place in range(width):
        before[place] = mean[place] - before[place]
    for place in range(count):
        add_row(inner, at[place], before, width)


@inline
def _prefetch_row(flat, row, width):
    for column in range(0, width, LINE):
        prefetch(flat, row * width + column)


@jit
def windows(
    ids,
    starts,
    keep,
    inner,
    outer,
    width,
    window,
    shrink,
    cbow,
    negatives,
    cell_keep,
    cell_other,
    path_starts,
    path_nodes,
    path_labels,
    rate,
    decay,
    seed,
    stats,
):
    """Goes once over some sequences, updating rows in place; lock-free.

    Args:
        ids: (tokens,) int32.
        starts: (sequences + 1,) int64, offsets into `ids`.
        keep: (n,) uint32; a token stays if a random number in 0..2^32 - 1 is not above it (subsampling).
        inner: n rows, flat float32, `width` floats each, a multiple of LANES; the vectors.
        outer: Rows of words (or of nodes of the tree) and one last row for padding, laid out like `inner`.
        width: Floats of a row.
        window: Words on each side; drawn in 1..window if `shrink`.
        shrink: Whether windows shrink at random.
        cbow: Predict the word from the mean of its contexts, else each context from the word (skip-gram).
        negatives: Noise words a window; 0 where `path_starts` and its fellows describe the tree.
        cell_keep: (n,) uint32, with `cell_other` the alias table of the noise.
        cell_other: (n,) int32.
        path_starts: (n + 1,) int64, offsets of each word's path in the tree; empty for negative sampling.
        path_nodes: int32 rows of `outer`.
        path_labels: int32, 0 or 1.
        rate: Learning rate at offset 0 of `ids`.
        decay: What it loses with every token.
        seed: Of the random numbers.
        stats: (2,) float64; the loss and the number of scores are added.
    """
    rows = len(keep)
    longest = 0
    for sequence in range(len(starts) - 1):
        longest = max(longest, starts[sequence + 1] - starts[sequence])
    kept = np.empty(longest + 1, np.int32)
    tree = negatives == 0
    most = 1 + negatives
    for word in range(len(path_starts) - 1):
        most = max(most, path_starts[word + 1] - path_starts[word])
    targets = (most + TARGETS - 1) // TARGETS * TARGETS
    nowhere = np.int64(len(outer) - width)
    at = np.empty(2 * window, np.int64)
    to = np.full(targets, nowhere, np.int64)
    labels = np.full(targets, -1, np.int64)
    if not tree:
        labels[: 1 + negatives] = 0
        labels[0] = 1
    s = np.empty(2 * window * targets + 2 * LANES, np.float32)
    losses = np.zeros(2 * LANES, np.float32)
    losses[LANES:] = 1
    state = np.zeros(1, np.int64)
    ahead = np.zeros(negatives, np.int64)
    mean = np.zeros(width, np.float32)
    before = np.zeros(width, np.float32)
    alone = np.zeros(1, np.int64)
    cells = np.uint64(rows)
    spread = np.uint64(window)
    draw = advance(np.uint64(seed))
    loss = 0.0
    scores = 0
    for sequence in range(len(starts) - 1):
        length = 0
        for place in range(starts[sequence], starts[sequence + 1]):
            draw = advance(draw)
            # No branch: whether a token stays cannot be foreseen.
            kept[length] = ids[place]
            length += high(draw) <= keep[ids[place]]
        if length < 2:
            continue
        now = np.float32(rate - decay * starts[sequence])
        for center in range(length):
            reach = window
            if shrink:
                draw = advance(draw)
                reach = 1 + below(draw, spread)
            word = np.int64(kept[center])
            count = 0
            for place in range(max(0, center - reach), min(length, center + reach + 1)):
                if place != center:
                    at[count] = np.int64(kept[place]) * width
                    count += 1
            if tree:
                first = path_starts[word]
                used = path_starts[word + 1] - first
                targets = (used + TARGETS - 1) // TARGETS * TARGETS
                for j in range(targets):
                    to[j] = np.int64(path_nodes[first + j]) * width if j < used else nowhere
                    labels[j] = path_labels[first + j] if j < used else -1
            else:
                used = 1 + negatives
                to[0] = word * width
                for j in range(negatives):
                    other = ahead[j]
                    while other == word and rows > 1:
                        draw = advance(draw)
                        cell = below(draw, cells)
                        draw = advance(draw)
                        other = cell if high(draw) <= cell_keep[cell] else np.int64(cell_other[cell])
                    to[1 + j] = other * width
                # The next window's noise is drawn now and its lines asked for: the wait for memory is over by then.
                for j in range(negatives):
                    draw = advance(draw)
                    cell = below(draw, cells)
                    draw = advance(draw)
                    instead = np.int64(cell_other[cell])  # read in any case, so that no branch has to be foreseen
                    ahead[j] = cell if high(draw) <= cell_keep[cell] else instead
                    _prefetch_row(outer, ahead[j], width)
                if center + 1 < length:
                    _prefetch_row(outer, np.int64(kept[center + 1]), width)
            if center + window + 1 < length:
                _prefetch_row(inner, np.int64(kept[center + window + 1]), width)
            # CBOW is the same step with one context row, the mean; its change goes back to every context.
            rows_here, at_here, count_here = inner, at, count
            if cbow:
                _mean_of(inner, at, count, width, mean, before)
                rows_here, at_here, count_here = mean, alone, 1
            loss += _step(rows_here, at_here, count_here, outer, to, labels, targets, width, now, s, losses, state)
            if cbow:
                _give_back(inner, at, count, width, mean, before)
            scores += used * count_here
    stats[0] += loss + _settle(losses, state)
    stats[1] += scores
