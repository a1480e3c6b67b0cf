"""Negatives that are hard to tell from what is right: near by the model itself, and not known to belong.

Source:
    Xiong et al. 2020 (arXiv 2007.00808); what is too near to be wrong: Moreira et al. 2024 (arXiv 2407.15831).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kinfold.core.metric import units
from kinfold.kernels.topk import topk

# Looked at for each negative that is wanted, since the nearest may be too near.
_MORE = 8


def hard_negatives(
    left: np.ndarray,
    right: np.ndarray,
    rows: Callable[[np.ndarray], np.ndarray],
    *,
    count: int,
    skip: int,
    below: float,
    dot: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Texts of the right that are near to one of the left and do not go with it.

    Args:
        left: Numbers of texts (n,) int64.
        right: What goes with each (n,) int64.
        rows: Gives texts, by their numbers, their rows.
        count: Wanted for each pair; there may be fewer.
        skip: The nearest ones that are passed over.
        below: Share of the similarity of the pair that a negative has at most; of one below 0 as much less.
        dot: Inner products for cosines.

    Returns:
        Numbers of texts (m,) int64 and starts (n + 1,) int64: those of pair i are from starts[i] on.
    """
    asked, own = np.unique(left, return_inverse=True)
    corpus, place = np.unique(right, return_inverse=True)
    queries, candidates = rows(asked), rows(corpus)
    if not dot:
        queries, candidates = units(queries), units(candidates)
    alike = np.einsum("ij,ij->i", queries[own], candidates[place])
    most = alike - (1 - below) * np.abs(alike)
    # The same text is no negative of itself, though it stand on the right of another pair.
    itself = np.flatnonzero(np.isin(asked, corpus))
    links = np.unique(
        np.concatenate([np.stack([own, place], 1), np.stack([itself, np.searchsorted(corpus, asked[itself])], 1)]),
        axis=0,
    )
    starts = np.searchsorted(links[:, 0], np.arange(len(asked) + 1)).astype(np.int64)
    refused = starts, np.ascontiguousarray(links[:, 1]).astype(np.int64)
    k = min(len(corpus), skip + _MORE * count)
    scores, found = topk(candidates, queries, k, refused=refused)
    scores, found = scores[own, skip:], found[own, skip:]
    fit = (found >= 0) & (scores <= most[:, None])
    fit &= np.cumsum(fit, axis=1) <= count
    return corpus[found[fit]], np.concatenate([[0], np.cumsum(fit.sum(axis=1))]).astype(np.int64)
