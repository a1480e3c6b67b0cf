"""What rankings are worth, by whether each place holds something that was looked for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

METRICS = ("recall", "ndcg", "map", "mrr", "hit")


def worth(hits: np.ndarray, relevant: np.ndarray, ks: Sequence[int]) -> dict[tuple[str, int], np.ndarray]:
    """Recall (found / min(k, relevant)), nDCG, average precision, reciprocal rank and whether anything was found.

    Args:
        hits: Whether each place holds something relevant (n, places) bool, the best place first.
        relevant: How many relevant things there are for each ranking (n,), at least 1.
        ks: Of the first so many places, ascending.

    Returns:
        For each metric of METRICS and each k the values (n,) float64.
    """
    discounts = 1 / np.log2(np.arange(2, ks[-1] + 2))
    ideal = np.cumsum(discounts)
    found = np.cumsum(hits, axis=1)
    precisions = np.cumsum(hits * found / np.arange(1, hits.shape[1] + 1), axis=1)
    gains = np.cumsum(hits * discounts[: hits.shape[1]], axis=1)
    first = np.where(hits.any(axis=1), hits.argmax(axis=1), hits.shape[1])
    values = {}
    for k in ks:
        last = min(k, hits.shape[1]) - 1
        most = np.minimum(relevant, k)
        values["recall", k] = found[:, last] / most
        values["ndcg", k] = gains[:, last] / ideal[most - 1]
        values["map", k] = precisions[:, last] / most
        values["mrr", k] = np.where(first <= last, 1 / (first + 1), 0)
        values["hit", k] = (found[:, last] > 0).astype(np.float64)
    return values
