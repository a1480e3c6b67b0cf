"""Rows of a sparse matrix in ranges of about as many entries each, for threads to take in turn."""

from __future__ import annotations

import numpy as np


def even(starts: np.ndarray, pieces: int) -> list[tuple[int, int]]:
    """Ranges of rows (first, last), at most `pieces`, of about as many entries each; `starts` is (n + 1,) int64."""
    wanted = np.arange(1, pieces) * ((starts[-1] - starts[0]) / pieces)
    cuts = np.unique(np.concatenate([[0], np.searchsorted(starts, starts[0] + wanted), [len(starts) - 1]]))
    return list(zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True))
