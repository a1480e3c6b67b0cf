"""The Huffman tree of the hierarchical softmax: frequent words get short paths."""

from __future__ import annotations

import numpy as np

from kinfold.kernels._jit import jit


def huffman(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Paths from the root to each word.

    Args:
        counts: (n,) at least 0, in any order; n is at least 2.

    Returns:
        `starts` (n + 1,) int64; `nodes` int32, inner nodes 0..n - 2 on the paths; `labels` int32, 1 where the path goes
        to the rarer child and 0 to the other: 1 - code of word2vec.c.
    """
    count = len(counts)
    order = np.argsort(-np.asarray(counts, np.int64), kind="stable")
    parent, turn = _merge(np.ascontiguousarray(np.asarray(counts, np.int64)[order]))
    lengths = np.zeros(count, np.int64)
    _lengths(parent, lengths)
    starts = np.zeros(count + 1, np.int64)
    starts[1 + order] = lengths
    np.cumsum(starts, out=starts)
    nodes = np.empty(starts[-1], np.int32)
    labels = np.empty(starts[-1], np.int32)
    _paths(parent, turn, order, starts, nodes, labels)
    return starts, nodes, labels


@jit
def _merge(counts):
    """Parents (2n - 1,) and codes (2n - 1,) of the nodes; leaves in falling count come first."""
    leaves = len(counts)
    weight = np.empty(2 * leaves - 1, np.int64)
    weight[:leaves] = counts
    parent = np.full(2 * leaves - 1, -1, np.int64)
    turn = np.zeros(2 * leaves - 1, np.int32)
    leaf, inner = leaves - 1, leaves
    pair = np.empty(2, np.int64)
    for node in range(leaves, 2 * leaves - 1):
        for side in range(2):
            if leaf >= 0 and (inner >= node or weight[leaf] < weight[inner]):
                pair[side] = leaf
                leaf -= 1
            else:
                pair[side] = inner
                inner += 1
        weight[node] = weight[pair[0]] + weight[pair[1]]
        parent[pair[0]] = node
        parent[pair[1]] = node
        turn[pair[1]] = 1
    return parent, turn


@jit
def _lengths(parent, lengths):
    for leaf in range(len(lengths)):
        node = leaf
        while parent[node] >= 0:
            lengths[leaf] += 1
            node = parent[node]


@jit
def _paths(parent, turn, order, starts, nodes, labels):
    leaves = len(order)
    for leaf in range(leaves):
        place = starts[order[leaf] + 1]
        node = leaf
        while parent[node] >= 0:
            place -= 1
            nodes[place] = parent[node] - leaves
            labels[place] = 1 - turn[node]
            node = parent[node]
