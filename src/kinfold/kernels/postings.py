"""Scores of texts by the words that they share with a query."""

from __future__ import annotations

import numpy as np

from kinfold.kernels._jit import jit, plain


@jit
def _add(starts, rows, weights, words, times, scores):
    for at in range(len(words)):
        often = times[at]
        for entry in range(starts[words[at]], starts[words[at] + 1]):
            scores[rows[entry]] += often * weights[entry]


def scores(
    starts: np.ndarray, rows: np.ndarray, weights: np.ndarray, words: np.ndarray, times: np.ndarray, count: int
) -> np.ndarray:
    """The sum of what each word counts in each text.

    Args:
        starts: (vocabulary + 1,) int64; word w is in the texts `rows[starts[w]:starts[w + 1]]`.
        rows: (entries,) int32.
        weights: What it counts there (entries,) float32.
        words: Of the query (m,) int64.
        times: How often each is in it (m,) int64.
        count: How many texts there are.

    Returns:
        (count,) float32.
    """
    found = np.zeros(count, np.float32)
    _add(plain(starts), plain(rows), plain(weights), plain(words), plain(times.astype(np.float32)), found)
    return found
