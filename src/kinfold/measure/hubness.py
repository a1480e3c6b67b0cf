"""Hubs: rows that are among the nearest of very many others, and the rows that are then among those of none.

Source:
    Radovanović, Nanopoulos, Ivanović 2010 (k-occurrence, its skewness, antihubs); Conneau et al. 2018 (CSLS).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kinfold.core.intervals import bootstrap
from kinfold.core.metric import Metric
from kinfold.measure.spectrum import nearest

_RESAMPLES = 300


@dataclass(frozen=True, slots=True, eq=False)
class Hubness:
    """Among how many nearest each point is.

    Args:
        k: Neighbors of each.
        occurrences: How often each point is one of them (m,) int64.
        corrected: The same by CSLS: scores less half the mean score of a point to its own nearest.
    """

    k: int
    occurrences: np.ndarray
    corrected: np.ndarray

    @classmethod
    def of(cls, points: np.ndarray, k: int, metric: Metric) -> Hubness:
        """Compares all points with each other.

        Args:
            points: (m, dim) float32, as they are compared; more than k of them.
            k: Neighbors of each.
            metric: By what they are near; by `l2` CSLS is of minus squared distances, which for rows of length 1 is
                that of cosines.
        """
        every = np.arange(len(points))
        scores, found = nearest(points, every, k, metric)
        crowding = scores.mean(axis=1, dtype=np.float64) / 2
        _, corrected = nearest(points, every, k, metric, crowding)
        counted = [np.bincount(each.ravel(), minlength=len(points)) for each in (found, corrected)]
        return cls(k, counted[0], counted[1])


def skewness(counts: np.ndarray) -> np.ndarray:
    """The skewness of each line (lines, n), float64; 0 where all its numbers are alike."""
    apart = counts - counts.mean(axis=-1, keepdims=True)
    spread = np.sqrt((apart**2).mean(axis=-1))
    cubes = (apart**3).mean(axis=-1)
    found: np.ndarray = np.divide(cubes, spread**3, out=np.zeros_like(cubes), where=spread > 0)
    return found


def skew(occurrences: np.ndarray, *, seed: int = 0) -> tuple[float, float, float]:
    """The skewness of occurrences (m,), and its 95 % interval."""
    low, high = bootstrap(skewness, occurrences.astype(np.float64), samples=_RESAMPLES, seed=seed)
    return float(skewness(occurrences[None].astype(np.float64))[0]), low, high
