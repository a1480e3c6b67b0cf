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


class Means:
    """Rows that are means of parts: made when a word comes into reach, given back when it has left it."""

    def __init__(self, inner, parts):
        self.inner, self.parts = inner, parts
        self.rows, self.first = {}, {}

    def enter(self, place, word):
        self.rows[place] = self.inner[self.parts["rows"][word]].mean(axis=0)
        self.first[place] = self.rows[place].copy()

    def leave(self, place, word, rate):
        change = self.rows.pop(place) - self.first.pop(place)
        for row in self.parts["rows"][word]:
            pace = self.parts["pace"][row]
            self.inner[row] += pace * change
            if pace:
                share = min(rate * self.parts["pull"][row], 1)
                self.inner[row] += share * (self.parts["anchors"][row] - self.inner[row])


def windows(
    ids,
    starts,
    keep,
    inner,
    outer,
    window,
    shrink,
    cbow,
    negatives,
    noise,
    paths,
    rate,
    decay,
    seed,
    tags=None,
    parts=None,
    both=True,
):
    """`inner` (n, d) and `outer` (n or more, d) float64 are updated; returns the loss and the number of scores.

    `tags` are rows of `inner`, one a sequence; `parts` has the rows of each word, and the pace, anchor and pull of each
    row of `inner`; without `both`, only `inner` is updated, and every sequence begins with the same random numbers.
    """
    rows = len(keep)
    draws = Draws(seed)
    ahead = [0] * negatives
    loss, scores = 0.0, 0

    def draw_noise():
        draws.next()
        cell = draws.last_below(rows)
        return cell if draws.next() <= noise[0][cell] else int(noise[1][cell])

    for number, (first, last) in enumerate(pairwise(starts)):
        if not both:
            draws = Draws(seed ^ (int(last - first) * 0x9E3779B97F4A7C15 & _MASK))
            ahead = [draw_noise() for _ in ahead]
        kept = [int(word) for word in ids[first:last] if draws.next() <= keep[word]]
        if len(kept) < (1 if tags is not None else 2):
            continue
        now = rate - decay * first
        means = Means(inner, parts) if parts else None
        if means:
            for place in range(min(window, len(kept))):
                means.enter(place, kept[place])
            tag_row = inner[tags[number]].copy() if tags is not None else None
        for center, word in enumerate(kept):
            reach = window
            if shrink and window:
                draws.next()
                reach = 1 + draws.last_below(window)
            if means:
                if center - window - 1 >= 0:
                    means.leave(center - window - 1, kept[center - window - 1], now)
                if center + window < len(kept):
                    means.enter(center + window, kept[center + window])
            around = [at for at in range(max(0, center - reach), min(len(kept), center + reach + 1)) if at != center]
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
            if means:
                each = [means.rows[at] for at in around] + ([tag_row] if tags is not None else [])
                sizes = [len(parts["rows"][kept[at]]) for at in around] + ([1] if tags is not None else [])
            else:
                places = [kept[at] for at in around] + ([tags[number]] if tags is not None else [])
                each, sizes = [inner[at] for at in places], [1] * len(places)
            each = np.array(each)
            contexts = np.average(each, axis=0, weights=sizes)[None] if cbow else each.copy()
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
                    if both:
                        outer[target] = old[place] + g[:, tile + place] @ seen
            for place in range(len(each)):
                row_change = change[0 if cbow else place]
                if not means:
                    inner[places[place]] += row_change
                elif place < len(around):
                    means.rows[around[place]] += row_change
                else:
                    tag_row += row_change
            scores += g.size
        if means:
            for place in range(max(0, len(kept) - window - 1), len(kept)):
                means.leave(place, kept[place], now)
            if tags is not None:
                inner[tags[number]] = tag_row
    return loss, scores


def documents(ids, starts, keep, inner, outer, negatives, noise, rate, decay, seed, tags, both=True):
    """PV-DBOW: six words and six noise words at a time; returns the loss and the number of scores."""
    draws = Draws(seed)
    ahead = [0] * 6
    losses: tuple[list[float], list[float]] = [], []
    weights, scores = [], 0

    def draw_noise():
        draws.next()
        cell = draws.last_below(len(keep))
        return cell if draws.next() <= noise[0][cell] else int(noise[1][cell])

    for number, (first, last) in enumerate(pairwise(starts)):
        if not both:
            draws = Draws(seed ^ (int(last - first) * 0x9E3779B97F4A7C15 & _MASK))
            ahead = [draw_noise() for _ in ahead]
        kept = [int(word) for word in ids[first:last] if draws.next() <= keep[word]]
        now = rate - decay * first
        for at in range(0, len(kept), 6):
            words = kept[at : at + 6]
            # What is a word itself is no noise.
            others = [other for other in ahead if other not in words]
            ahead = [draw_noise() for _ in ahead]
            weight = negatives * len(words) / 6
            for rows, label, share in ((words, 1.0, 1.0), (others, 0.0, weight)):
                x, old = inner[tags[number]].copy(), outer[rows].copy()
                s = old @ x
                losses[int(label)].append(np.sum(np.logaddexp(0, s) - s * label))
                g = now * (label - sigmoid(s)) * share
                if both:
                    for row, before, each in zip(rows, old, g, strict=True):
                        outer[row] = before + each * x
                inner[tags[number]] = x + g @ old
            weights.append(weight)
            scores += len(words) * (1 + negatives)
    return sum(losses[1]) + sum(losses[0]) * np.mean(weights), scores
