"""The k best of block after block of scores, for batches so large that numpy's passes would show beside the product."""

from __future__ import annotations

import numpy as np

from kinfold.kernels._jit import inline, jit
from kinfold.kernels._simd import above, lowest

_PIECE = 64


@inline
def _insert(score, row, scores, found, query):
    rank = scores.shape[1] - 1
    while rank > 0 and scores[query, rank - 1] < score:
        scores[query, rank] = scores[query, rank - 1]
        found[query, rank] = found[query, rank - 1]
        rank -= 1
    scores[query, rank] = score
    found[query, rank] = row


@jit
def keep_best(block: np.ndarray, start: int, scores: np.ndarray, found: np.ndarray) -> None:
    """Inserts a block of scores (q, m) of the candidates start.. among the best so far, (q, k) both, best first.

    Candidates come in ascending order, so of equal scores the one that is there stays in front.
    """
    queries, width = block.shape
    last = scores.shape[1] - 1
    flat = block.reshape(-1)
    whole = width - width % _PIECE
    for query in range(queries):
        for low in range(0, whole, _PIECE):
            better = above(flat, query * width + low, scores[query, last])
            while better != 0:
                column = low + lowest(better)
                better &= better - 1
                score = block[query, column]
                if score > scores[query, last]:
                    _insert(score, start + column, scores, found, query)
        for column in range(whole, width):
            score = block[query, column]
            if score > scores[query, last]:
                _insert(score, start + column, scores, found, query)
