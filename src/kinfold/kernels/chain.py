"""Linear chains: the best tags of sentences, and the sums over all of them, with steps that may be forbidden.

    score of tags t = first[t_0] + sum_i scores[i, t_i] + sum_i step[t_i-1, t_i]

Source:
    Viterbi 1967; Rabiner 1989 (forward and backward sums).
"""

from __future__ import annotations

import math

import numpy as np

from kinfold.kernels._jit import inline, jit


@jit
def best(scores, starts, first, step, back, path):
    """The best tags of every sentence; of equal ones those that come first.

    Args:
        scores: (n, T) float32 of the words of all sentences, logarithms.
        starts: (m + 1,) int64; where each sentence begins.
        first: (T,) float32 for the first word.
        step: (T, T) float32 from tag to tag; -inf forbids.
        back: (n, T) int64, overwritten.
        path: (n,) int64, the tags.
    """
    tags = scores.shape[1]
    here, before = np.zeros(tags), np.zeros(tags)
    for sentence in range(len(starts) - 1):
        begin, end = starts[sentence], starts[sentence + 1]
        if begin == end:
            continue
        for tag in range(tags):
            here[tag] = first[tag] + scores[begin, tag]
        for word in range(begin + 1, end):
            for tag in range(tags):
                before[tag] = here[tag]
            for tag in range(tags):
                top, source = -np.inf, 0
                for other in range(tags):
                    value = before[other] + step[other, tag]
                    if value > top:
                        top, source = value, other
                here[tag] = top + scores[word, tag]
                back[word, tag] = source
        tag = 0
        for other in range(tags):
            if here[other] > here[tag]:
                tag = other
        for word in range(end - 1, begin - 1, -1):
            path[word] = tag
            tag = back[word, tag]


@jit
def sums(scores, starts, first, step, ahead, behind):
    """Logarithms of sums over all tags before and behind each word.

    Args:
        scores: (n, T) float32, as of `best`.
        starts: (m + 1,) int64.
        first: (T,) float32.
        step: (T, T) float32.
        ahead: (n, T) float64; over all tags up to a word that end in this tag, with the word's score.
        behind: (n, T) float64; over all tags after a word that has this tag, without the word's score.
    """
    tags = scores.shape[1]
    some = np.zeros(tags)
    for sentence in range(len(starts) - 1):
        begin, end = starts[sentence], starts[sentence + 1]
        if begin == end:
            continue
        for tag in range(tags):
            ahead[begin, tag] = first[tag] + scores[begin, tag]
            behind[end - 1, tag] = 0.0
        for word in range(begin + 1, end):
            for tag in range(tags):
                for other in range(tags):
                    some[other] = ahead[word - 1, other] + step[other, tag]
                ahead[word, tag] = _log_sum(some) + scores[word, tag]
        for word in range(end - 2, begin - 1, -1):
            for tag in range(tags):
                for other in range(tags):
                    some[other] = step[tag, other] + scores[word + 1, other] + behind[word + 1, other]
                behind[word, tag] = _log_sum(some)


@inline
def _log_sum(values):
    top = values.max()
    if top == -np.inf:
        return top
    total = 0.0
    for value in values:
        total += math.exp(value - top)
    return top + math.log(total)
