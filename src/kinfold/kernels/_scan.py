"""The k best of block after block of scores, for batches so large that numpy's passes would show beside the product."""

from __future__ import annotations

import numpy as np

from kinfold.kernels._jit import jit

_PIECE = 64


@jit
def keep_best(block: np.ndarray, start: int, scores: np.ndarray, found: np.ndarray) -> None:
    """Inserts a block of scores (q, m) of the candidates start.. among the best so far, (q, k) both, best first.

    Candidates come in ascending order, so of equal scores the one that is there stays in front.
    """
    queries, width = block.shape
    k = scores.shape[1]
    for query in range(queries):
        worst = scores[query, k - 1]
        for low in range(0, width, _PIECE):
            high = min(low + _PIECE, width)
            # Without a branch inside, so that it is done many scores at a time.
            any_better = False
            for column in range(low, high):
                any_better |= block[query, column] > worst
            if not any_better:
                continue
            for column in range(low, high):
                score = block[query, column]
                if score > worst:
                    rank = k - 1
                    while rank > 0 and scores[query, rank - 1] < score:
                        scores[query, rank] = scores[query, rank - 1]
                        found[query, rank] = found[query, rank - 1]
                        rank -= 1
                    scores[query, rank] = score
                    found[query, rank] = start + column
                    worst = scores[query, k - 1]
