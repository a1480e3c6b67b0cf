"""Texts and their labels as slow, obvious Python: one row and one label at a time, in float64."""

from __future__ import annotations

import numpy as np
from oracles.sgns import Draws, sigmoid
from oracles.subwords import fnv

_MASK = (1 << 64) - 1


def wide(word: str) -> int:
    value = fnv(word.encode())
    return (value - (1 << 32) if value >= 1 << 31 else value) & _MASK


def word_ngrams(words: list[str], longest: int, buckets: int) -> list[int]:
    """The buckets of a text's word n-grams; `words` ends with </s>."""
    found = []
    for begin in range(len(words)):
        value = wide(words[begin])
        for word in words[begin + 1 : begin + longest]:
            value = (value * 116049371 + wide(word)) & _MASK
            found.append(value % buckets)
    return found


def texts_pass(rows, labels, order, done, inner, outer, kind, noise, tree, rate, decay, seed):
    """`inner` and `outer` (labels, d) float64 are updated; returns the loss and the number of texts.

    `rows` are those of each text, with repeats, and `labels` its labels; `noise` is (negatives, keep, other), `tree`
    the path of each label as pairs of node and turn.
    """
    draws = Draws(seed)
    loss, count = 0.0, 0
    for place, text in enumerate(order):
        if not len(rows[text]) or not len(labels[text]):
            continue
        now = rate - decay * done[place]
        hidden = inner[rows[text]].mean(axis=0)
        label = labels[text][0]
        if len(labels[text]) > 1 and kind != "one-vs-all":
            draws.next()
            label = labels[text][draws.last_below(len(labels[text]))]
        change = np.zeros_like(hidden)
        if kind in ("softmax", "one-vs-all"):
            scores = outer @ hidden
            y = np.zeros(len(outer))
            y[labels[text] if kind == "one-vs-all" else label] = 1
            if kind == "softmax":
                p = np.exp(scores - scores.max())
                p /= p.sum()
                loss -= np.log(p[label])
            else:
                p = sigmoid(scores)
                loss += np.sum(np.logaddexp(0, scores) - y * scores)
            change += (y - p) @ outer * now
            outer += now * np.outer(y - p, hidden)
        else:
            pairs = [(label, 1)]
            if kind == "hierarchical":
                pairs = tree[label]
            else:
                negatives, keep, other = noise
                for _ in range(negatives):
                    drawn = label
                    while drawn == label:
                        draws.next()
                        cell = draws.last_below(len(outer))
                        drawn = cell if draws.next() <= keep[cell] else int(other[cell])
                    pairs.append((drawn, 0))
            for target, y in pairs:
                score = outer[target] @ hidden
                loss += np.logaddexp(0, score) - y * score
                g = now * (y - sigmoid(score))
                change += g * outer[target]
                outer[target] += g * hidden
        for row in rows[text]:
            inner[row] += change / len(rows[text])
        count += 1
    return loss, count
