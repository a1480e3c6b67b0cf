"""The window kernel as slow, obvious Python: one dot product at a time, in float64."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

_MASK = (1 << 64) - 1


class Draws:
    """The same random numbers as the kernel's."""

    def __init__(self, seed):
        self.state = seed
        self.next()

    def next(self):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) & _MASK
        return self.state >> 32

    def last_below(self, stop):
        return ((self.state >> 32) * stop) >> 32


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def windows(ids, starts, keep, inner, outer, window, shrink, cbow, negatives, noise, paths, rate, decay, seed):
    """`inner` (n, d) and `outer` (n or more, d) float64 are updated; returns the loss and the number of scores."""
    rows = len(keep)
    draws = Draws(seed)
    ahead = [0] * negatives
    loss, scores = 0.0, 0

    def draw_noise():
        draws.next()
        cell = draws.last_below(rows)
        return cell if draws.next() <= noise[0][cell] else int(noise[1][cell])

    for first, last in pairwise(starts):
        kept = [int(word) for word in ids[first:last] if draws.next() <= keep[word]]
        if len(kept) < 2:
            continue
        now = rate - decay * first
        for center, word in enumerate(kept):
            reach = window
            if shrink:
                draws.next()
                reach = 1 + draws.last_below(window)
            around = [
                kept[at] for at in range(max(0, center - reach), min(len(kept), center + reach + 1)) if at != center
            ]
            if negatives:
                targets, labels = [word], [1.0]
                for at in range(negatives):
                    other = ahead[at]
                    while other == word and rows > 1:
                        other = draw_noise()
                    targets.append(other)
                    labels.append(0.0)
                ahead = [draw_noise() for _ in range(negatives)]
            else:
                path = slice(paths[0][word], paths[0][word + 1])
                targets, labels = list(paths[1][path]), list(paths[2][path])
            contexts = inner[around].mean(axis=0, keepdims=True) if cbow else inner[around].copy()
            change = np.zeros_like(contexts)
            # Targets go by tiles of six; a tile sees the contexts as the tiles before it left them.
            s = contexts @ outer[targets].T
            g = now * (np.array(labels) - sigmoid(s))
            loss += np.sum(np.logaddexp(0, s)) - np.sum(s * np.array(labels))
            for tile in range(0, len(targets), 6):
                seen = contexts + change
                part = targets[tile : tile + 6]
                old = outer[part].copy()
                change += g[:, tile : tile + 6] @ old
                for place, target in enumerate(part):
                    # A target that stands twice in a tile is written twice from its old value; the last one stays.
                    outer[target] = old[place] + g[:, tile + place] @ seen
            for place, row in enumerate(around):
                inner[row] += change[0 if cbow else place]
            scores += g.size
    return loss, scores
