"""Mean and covariance of many rows, a block at a time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np


class Spread(NamedTuple):
    """How rows are spread.

    Args:
        mean: (dim,) float64.
        covariance: (dim, dim) float64.
    """

    mean: np.ndarray
    covariance: np.ndarray

    def principal(self, count: int) -> np.ndarray:
        """The directions (count, dim) in which rows vary most, or all where there are fewer."""
        found: np.ndarray = np.linalg.eigh(self.covariance)[1][:, ::-1][:, :count].T
        return found


def moments_of(blocks: Iterable[np.ndarray]) -> Spread:
    """Of rows (m, dim) that come in blocks, at least one of them; sums are float64."""
    count, total, products = 0, np.zeros(1), np.zeros((1, 1))
    for block in blocks:
        wide = block.astype(np.float64)
        count += len(wide)
        total = total + wide.sum(axis=0)
        products = products + wide.T @ wide
    mean = total / count
    return Spread(mean, products / count - np.outer(mean, mean))
