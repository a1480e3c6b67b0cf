"""PV-DBOW: the row of a sequence is told from noise by all of its words.

Lock-free, as the windows of `sgns`. With one context for each word, every word would update the rows of its own noise,
which all threads write to. So a tile of words shares a tile of noise, each noise word with the weight that makes up for
it: for the row x of a sequence, words o_1..o_m and noise n_1..n_k in the place of `negatives` for each word,

    x += rate sum_i (1 - sigmoid(x . o_i)) o_i ,  then  x -= rate w sum_j sigmoid(x . n_j) n_j ,  w = m negatives / k
"""

from __future__ import annotations

import numpy as np

from kinfold.kernels._jit import inline, jit
from kinfold.kernels._simd import LANES, TARGETS
from kinfold.kernels.random import advance, high
from kinfold.kernels.sgns import draw_noise, prefetch_row, settle, state_of, step


@inline
def _tell(words, at, some, ahead, to, labels, from_noise, noise_labels, width, nowhere):
    """Some words as one tile of targets and the noise as another; what is one of the words is no noise."""
    for j in range(TARGETS):
        to[j] = np.int64(words[at + j]) * width if j < some else nowhere
        labels[j] = 1 if j < some else -1
    for j in range(TARGETS):
        from_noise[j] = ahead[j] * width
        noise_labels[j] = 0
        for i in range(some):
            if to[i] == from_noise[j]:
                noise_labels[j] = -1


@jit
def documents(ids, starts, keep, weights, tags, against, rate, decay, seed, stats):
    """Goes once over some sequences, updating rows in place; lock-free.

    Where outer rows do not learn, what a row becomes depends on its sequence alone, as in `sgns.windows`.

    Args:
        ids: (tokens,) int32.
        starts: (sequences + 1,) int64, offsets into `ids`.
        keep: (n,) uint32; a token stays if a random number in 0..2^32 - 1 is not above it (subsampling).
        weights: `sgns.Weights`.
        tags: (sequences,) int64; the inner row of each sequence.
        against: `sgns.Targets`, with negatives.
        rate: Learning rate at offset 0 of `ids`.
        decay: What it loses with every token.
        seed: Of the random numbers.
        stats: (2,) float64; the loss and the number of scores are added.
    """
    inner, outer, width = weights.inner, weights.outer, weights.width
    longest = 0
    for sequence in range(len(starts) - 1):
        longest = max(longest, starts[sequence + 1] - starts[sequence])
    kept = np.empty(longest + TARGETS, np.int32)
    nowhere = np.int64(len(outer) - width)
    at = np.empty(1, np.int64)
    to, labels = np.empty(TARGETS, np.int64), np.empty(TARGETS, np.int64)
    from_noise, noise_labels = np.empty(TARGETS, np.int64), np.empty(TARGETS, np.int64)
    s = np.empty(TARGETS + 2 * LANES, np.float32)
    losses, noise_losses = np.zeros(2 * LANES, np.float32), np.zeros(2 * LANES, np.float32)
    losses[LANES:] = 1
    noise_losses[LANES:] = 1
    state, noise_state = np.zeros(1, np.int64), np.zeros(1, np.int64)
    ahead = np.zeros(TARGETS, np.int64)
    cells = np.uint64(len(keep))
    draw = advance(np.uint64(seed))
    loss = noise_loss = weights_of_noise = 0.0
    words = tiles = 0
    for sequence in range(len(starts) - 1):
        if not weights.both:
            draw = state_of(seed, starts[sequence + 1] - starts[sequence])
            for j in range(TARGETS):
                draw, ahead[j] = draw_noise(draw, cells, against.keep, against.other)
        length = 0
        for place in range(starts[sequence], starts[sequence + 1]):
            draw = advance(draw)
            kept[length] = ids[place]
            length += high(draw) <= keep[ids[place]]
        at[0] = tags[sequence] * width
        now = np.float32(rate - decay * starts[sequence])
        for first in range(0, length, TARGETS):
            some = min(TARGETS, length - first)
            _tell(kept, first, some, ahead, to, labels, from_noise, noise_labels, width, nowhere)
            # The next noise is drawn now and its lines asked for: the wait for memory is over by then.
            for j in range(TARGETS):
                draw, ahead[j] = draw_noise(draw, cells, against.keep, against.other)
                prefetch_row(outer, ahead[j], width)
            for place in range(first + TARGETS, min(first + 2 * TARGETS, length)):
                prefetch_row(outer, np.int64(kept[place]), width)
            weight = np.float32(some * against.negatives) / np.float32(TARGETS)
            one = np.float32(1)
            loss += step(inner, at, 1, outer, to, labels, TARGETS, width, weights.both, now, one, s, losses, state)
            noise_loss += step(
                inner,
                at,
                1,
                outer,
                from_noise,
                noise_labels,
                TARGETS,
                width,
                weights.both,
                now,
                weight,
                s,
                noise_losses,
                noise_state,
            )
            words += some
            tiles += 1
            weights_of_noise += weight
    noise_loss += settle(noise_losses, noise_state)
    # Noise weighs in the loss what it weighs on average in the gradients.
    stats[0] += loss + settle(losses, state) + noise_loss * weights_of_noise / max(tiles, 1)
    stats[1] += words * (1 + against.negatives)
