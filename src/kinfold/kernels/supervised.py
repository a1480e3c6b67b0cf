"""Texts and their labels: the mean of a text's rows is told which of the labels' rows it belongs to.

Lock-free: several threads update the same rows, and a lost update is the price of not waiting (Hogwild). What all texts
change, the rows of labels and of the commonest words, each thread changes in copies of its own (`Own`).

A text's rows x_1..x_n are those of its words, of the words' character n-grams and of its word n-grams; o_1..o_S are the
output rows that it is told from, with y_j = 1 for its label and 0 for the others:

    h = (x_1 + … + x_n) / n ,  s_j = o_j . h ,  p = softmax(s) or p_j = sigmoid(s_j) ,  g_j = rate (y_j - p_j)
    x_i += (sum_j g_j o_j) / n ,  o_j += g_j h                                           (both from the old values)

A word n-gram is told by a hash of its words' hashes, which are widened with their sign: h = first, then
h * 116049371 + next, modulo 2^64, for every next word up to the n-th.

Source: Joulin et al. 2017 (arXiv 1607.01759); fasttext.cc, loss.cc and dictionary.cc of fastText 0.9.2.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kinfold.kernels._jit import inline, jit, plain
from kinfold.kernels._simd import LANES, LINE, TARGETS, add_row, prefetch, score_tile_1
from kinfold.kernels.random import advance, below
from kinfold.kernels.sgns import draw_noise, mean_of
from kinfold.kernels.tree import huffman

# How a text is told from labels: one of all, each of all by itself, one from some drawn ones, a path in a tree.
SOFTMAX, ONE_VS_ALL, NEGATIVE, HIERARCHICAL = 0, 1, 2, 3
KINDS = {"softmax": SOFTMAX, "one-vs-all": ONE_VS_ALL, "negative": NEGATIVE, "hierarchical": HIERARCHICAL}

_FACTOR = np.uint64(116049371)
_MOST = np.float32(80)  # of a score, so that its exponential is finite
_TOGETHER = 32  # texts until what a thread has for itself is shared
_FEW = 64  # labels of which a few texts change all, however they are told


class Texts(NamedTuple):
    """What texts are made of.

    Args:
        ids: (tokens,) int32, words of all texts one after another.
        starts: (texts + 1,) int64, offsets into `ids`.
        end: The word that stands behind the last one of every text.
        part_starts: (words + 1,) int64, offsets into `parts`.
        parts: int32 rows that a word is made of; none, where it was left out of the vocabulary.
        gram_starts: (texts + 1,) int64, offsets into `grams`.
        grams: int32 rows of the word n-grams of each text.
    """

    ids: np.ndarray
    starts: np.ndarray
    end: int
    part_starts: np.ndarray
    parts: np.ndarray
    gram_starts: np.ndarray
    grams: np.ndarray


class Own(NamedTuple):
    """Copies of rows that a thread has for itself: a line that two of them write to all the time has to wait.

    Every few texts what became of a copy is added to the shared row, and it begins anew with the sum. There are copies
    of the first inner rows, those of the most frequent words, and of all outer rows where a few texts change them all.

    Args:
        start: The inner row where the thread's copies begin, behind all others.
        rows: How many they are; 0 where there is one thread, and no copies of anything.
    """

    start: int
    rows: int


class Labels(NamedTuple):
    """The labels of texts: text t has the labels `ids[starts[t]:starts[t + 1]]`, at least one.

    Args:
        ids: int32.
        starts: (texts + 1,) int64.
    """

    ids: np.ndarray
    starts: np.ndarray


def gram_starts(starts: np.ndarray, longest: int) -> np.ndarray:
    """Where the word n-grams of each text begin (texts + 1,) int64: those of 2 to `longest` words, with the end.

    Args:
        starts: (texts + 1,) int64, of the words without the end.
        longest: At least 1.
    """
    words = np.diff(starts) + 1
    most = np.minimum(longest - 1, words - 1)
    return np.append(0, np.cumsum(most * words - most * (most + 1) // 2))


def label_tree(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The Huffman tree of labels as fastText reads it: a path's turn is 1 where it goes to the more frequent child.

    Args:
        counts: (labels,) at least 0; at least two labels.

    Returns:
        `starts` (labels + 1,) int64, `nodes` int32 and `turns` int32, as of `tree.huffman`.
    """
    starts, nodes, rarer = huffman(counts)
    return starts, nodes, 1 - rarer


@jit
def word_ngrams(ids, starts, end, longest, hashes, buckets, out):
    """The buckets of the word n-grams of texts, in the order in which fastText adds them up.

    Args:
        ids: (tokens,) int32.
        starts: (texts + 1,) int64.
        end: The word behind every text.
        longest: Words of the longest n-gram.
        hashes: (words,) uint32; `subwords.token_hashes`.
        buckets: At least 1.
        out: int32, out; as many as `gram_starts` counts.
    """
    count = 0
    for text in range(len(starts) - 1):
        last = starts[text + 1]
        for begin in range(starts[text], last):
            value = _wide(hashes[ids[begin]])
            for at in range(begin + 1, min(begin + longest, last + 1)):
                value = value * _FACTOR + _wide(hashes[ids[at] if at < last else end])
                out[count] = np.int32(value % np.uint64(buckets))
                count += 1


@inline
def _wide(hashed):
    """A hash as fastText adds it up: 32 bits, widened with their sign."""
    return np.uint64(np.int64(np.int32(hashed)))


@inline
def _rows(texts, text, inner, width, own, at):
    """Writes the offsets of a text's rows to `at` and asks for their lines; returns how many there are."""
    count = 0
    last = texts.starts[text + 1]
    for place in range(texts.starts[text], last + 1):
        word = np.int64(texts.ids[place]) if place < last else np.int64(texts.end)
        for part in range(texts.part_starts[word], texts.part_starts[word + 1]):
            row = np.int64(texts.parts[part])
            at[count] = (row if row >= own.rows else own.start + row) * width
            count += 1
    for gram in range(texts.gram_starts[text], texts.gram_starts[text + 1]):
        at[count] = np.int64(texts.grams[gram]) * width
        count += 1
    for row in range(count):
        for column in range(0, width, LINE):
            prefetch(inner, at[row] + column)
    return count


@inline
def _longest(texts, order):
    """The most rows of one of these texts."""
    longest = 0
    for text in order:
        count = texts.gram_starts[text + 1] - texts.gram_starts[text]
        last = texts.starts[text + 1]
        for place in range(texts.starts[text], last + 1):
            word = np.int64(texts.ids[place]) if place < last else np.int64(texts.end)
            count += texts.part_starts[word + 1] - texts.part_starts[word]
        longest = max(longest, count)
    return longest


@jit
def texts_pass(texts, labels, order, done, weights, own, kind, against, rate, decay, seed, stats):
    """Goes once over some texts, updating rows in place; lock-free.

    Args:
        texts: `Texts`.
        labels: `Labels`.
        order: (m,) int64, the texts.
        done: (m + 1,) int64, words before each of them in the whole pass.
        weights: `sgns.Weights`.
        own: `Own`.
        kind: SOFTMAX, ONE_VS_ALL, NEGATIVE or HIERARCHICAL.
        against: `sgns.Targets`: the noise, or the paths of the tree.
        rate: Learning rate at the beginning of the pass.
        decay: What it loses with every word.
        seed: Of the random numbers.
        stats: (2,) float64; the loss and the number of texts are added.
    """
    inner, width = weights.inner, weights.width
    count = len(weights.outer) // width - 1
    copied = own.rows > 0 and (kind <= ONE_VS_ALL or count <= _FEW)  # else a text changes some of many
    outer = weights.outer.copy() if copied else weights.outer
    outer_before = weights.outer.copy() if copied else np.zeros(0, np.float32)
    first_own, own_size = own.start * width, own.rows * width
    own_before = inner[:own_size].copy()
    inner[first_own : first_own + own_size] = own_before
    most = count if kind <= ONE_VS_ALL else 1 + against.negatives
    for label in range(len(against.starts) - 1):
        most = max(most, against.starts[label + 1] - against.starts[label])
    nowhere = np.int64(count * width)
    to = np.full(most + TARGETS, nowhere, np.int64)
    y = np.zeros(most, np.float32)
    s = np.empty(len(to) + 2 * LANES, np.float32)
    hidden = np.zeros(width, np.float32)
    change = np.zeros(width, np.float32)
    alone = np.zeros(1, np.int64)
    longest = _longest(texts, order)
    at = np.empty(longest, np.int64)
    ahead = np.empty(longest, np.int64)
    cells = np.uint64(count)
    draw = advance(np.uint64(seed))
    loss = 0.0
    scores = 0
    used = 0
    if kind <= ONE_VS_ALL:
        used = count
        for label in range(count):
            to[label] = label * width
    coming = _rows(texts, order[0], inner, width, own, ahead) if len(order) else 0
    for place in range(len(order)):
        if own.rows and place % _TOGETHER == _TOGETHER - 1:
            _share(inner, 0, inner, first_own, own_before, own_size)
            _share(weights.outer, 0, outer, 0, outer_before, len(outer_before))
        at, ahead = ahead, at
        rows = coming
        if place + 1 < len(order):
            coming = _rows(texts, order[place + 1], inner, width, own, ahead)
        first, last = labels.starts[order[place]], labels.starts[order[place] + 1]
        if rows == 0 or first == last:
            continue
        now = np.float32(rate - decay * done[place])
        mean_of(inner, at, 0, rows, width, hidden, hidden, 0)
        label = np.int64(labels.ids[first])
        if last - first > 1 and kind != ONE_VS_ALL:
            draw = advance(draw)
            label = np.int64(labels.ids[first + below(draw, np.uint64(last - first))])
        if kind == ONE_VS_ALL:
            y[:] = 0
            for each in range(first, last):
                y[labels.ids[each]] = 1
        elif kind == SOFTMAX:
            y[:] = 0
            y[label] = 1
        elif kind == NEGATIVE:
            used = 1 + against.negatives
            to[0] = label * width
            y[0] = 1
            for j in range(1, used):
                draw, other = draw_noise(draw, cells, against.keep, against.other)
                while other == label:
                    draw, other = draw_noise(draw, cells, against.keep, against.other)
                to[j] = other * width
        else:
            path = against.starts[label]
            used = against.starts[label + 1] - path
            for j in range(used):
                to[j] = np.int64(against.nodes[path + j]) * width
                y[j] = against.labels[path + j]
        change[:] = 0
        # A label may be drawn twice, and is told from what it became; all others stand once among their targets.
        together = 1 if kind == NEGATIVE else used
        for start in range(0, used, together):
            for tile in range(start, start + together, TARGETS):
                score_tile_1(hidden, alone, 0, outer, to, tile, width, s, tile)
            if kind == SOFTMAX:
                loss += _softmax(s, y, used, now)
            else:
                loss += _sigmoids(s, y, start, start + together, now)
            for j in range(start, start + together):
                add_row(change, 0, outer, to[j], width, s[j])
                add_row(outer, to[j], hidden, 0, width, s[j])
        share = np.float32(1) / np.float32(rows)
        for row in range(rows):
            add_row(inner, at[row], change, 0, width, share)
        scores += 1
    _share(inner, 0, inner, first_own, own_before, own_size)
    _share(weights.outer, 0, outer, 0, outer_before, len(outer_before))
    stats[0] += loss
    stats[1] += scores


@inline
def _share(shared, at, own, own_at, before, size):
    """Adds to shared numbers what became of one's own since `before`, and begins anew with the sum."""
    for place in range(size):
        value = shared[at + place] + own[own_at + place] - before[place]
        shared[at + place] = value
        own[own_at + place] = value
        before[place] = value


@inline
def _softmax(s, y, used, rate):
    """Scores become gradients; returns the loss."""
    top = s[0]
    for j in range(1, used):
        top = max(top, s[j])
    total = np.float32(0)
    told = np.float32(0)
    for j in range(used):
        told += y[j] * (s[j] - top)
        s[j] = np.exp(s[j] - top)
        total += s[j]
    for j in range(used):
        s[j] = rate * (y[j] - s[j] / total)
    return np.log(np.float64(total)) - told


@inline
def _sigmoids(s, y, first, last, rate):
    """Scores become gradients; returns the loss."""
    loss = 0.0
    for j in range(first, last):
        score = min(max(s[j], -_MOST), _MOST)
        above = np.float32(1) + np.exp(-score)
        loss += np.log(np.float64(above)) + (1 - y[j]) * score
        s[j] = rate * (y[j] - np.float32(1) / above)
    return loss


def leaf_chances(scores: np.ndarray, starts: np.ndarray, nodes: np.ndarray, turns: np.ndarray) -> np.ndarray:
    """The probabilities (texts, labels) float32 of labels that are the leaves of a tree.

    Args:
        scores: Of the nodes (texts, labels - 1) float32.
        starts: (labels + 1,) int64; with `nodes` and `turns` the paths that `label_tree` gives.
        nodes: int32.
        turns: int32.
    """
    chances = np.empty((len(scores), len(starts) - 1), np.float32)
    _leaf_chances(plain(np.ascontiguousarray(scores)), starts, nodes, turns, chances)
    return chances


@jit
def _leaf_chances(scores, starts, nodes, turns, chances):
    taken = np.empty(scores.shape[1])
    for text in range(len(scores)):
        for node in range(scores.shape[1]):
            taken[node] = 1 / (1 + np.exp(-np.float64(scores[text, node])))
        for leaf in range(len(starts) - 1):
            chance = 1.0
            for at in range(starts[leaf], starts[leaf + 1]):
                chance *= taken[nodes[at]] if turns[at] else 1 - taken[nodes[at]]
            chances[text, leaf] = chance
