"""Whether another run, another seed or another epoch puts the same rows near each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kinfold.core.metric import Metric
from kinfold.measure.spectrum import drawn, nearest, shared
from kinfold.measure.survey import Survey

_QUERIES = 2000


@dataclass(frozen=True, slots=True, eq=False)
class Overlap:
    """How many of the nearest rows two Spaces agree on.

    Args:
        k: Neighbors of each.
        both: Keys that both have rows for that can be compared.
        among: Rows of the first that neighbors were looked for among (m,), a sample of these.
        asked: Places in `among` (q,).
        shares: The share of the k nearest that is the same in both (q,) float64.
        here: Neighbors in the first Space, as places in `among` (q, k).
        there: The same for the other.
    """

    k: int
    both: int
    among: np.ndarray
    asked: np.ndarray
    shares: np.ndarray
    here: np.ndarray
    there: np.ndarray

    @property
    def chance(self) -> float:
        """What the share would be, were one of the two drawn at random."""
        return self.k / (len(self.among) - 1)


def overlap(one: Survey, other: Survey, k: int, *, sample: int, seed: int = 0) -> Overlap | None:
    """Compares the neighbors of keys that both Spaces have; their frames may differ. None where fewer than 3 do.

    Args:
        one: Rows of a group.
        other: Rows of the same group in another Space.
        k: Neighbors of each.
        sample: Most rows that neighbors are looked for among.
        seed: Of what is drawn.
    """
    places = other.space.keys.rows(one.space.keys.names)
    usable = np.zeros(len(places), np.bool_)
    usable[_usable(one)] = True
    there = np.zeros(len(other.space) + 1, np.bool_)
    there[_usable(other)] = True  # place -1 is the last, which stays False
    both = np.flatnonzero(usable & there[places])
    if len(both) < 3:
        return None
    among = drawn(both, sample, seed)
    asked = drawn(np.arange(len(among)), _QUERIES, seed)
    k = min(k, len(among) - 1)
    here = nearest(one.points(among), asked, k, one.space.metric)[1]
    found = nearest(other.points(places[among]), asked, k, other.space.metric)[1]
    return Overlap(k, len(both), among, asked, shared(here, found) / k, here, found)


def _usable(surveyed: Survey) -> np.ndarray:
    """Rows that can be compared, those that are equal to others too."""
    good = surveyed.finite
    return np.flatnonzero(good & ~surveyed.zero if surveyed.space.metric is Metric.COSINE else good)
