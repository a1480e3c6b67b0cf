"""Random numbers in kernels: the state is an argument and comes back changed."""

from __future__ import annotations

import numpy as np

from kinfold.kernels._jit import inline

_STEP = np.uint64(6364136223846793005)
_ADD = np.uint64(1442695040888963407)
_HIGH = np.uint64(32)


@inline
def advance(state: np.uint64) -> np.uint64:
    """The next state of a 64-bit linear congruential generator (Knuth); its high half is random."""
    return state * _STEP + _ADD


@inline
def below(state: np.uint64, stop: np.uint64) -> np.int64:
    """A number in 0..stop - 1, stop < 2^32, from the high half of a state."""
    return np.int64(((state >> _HIGH) * stop) >> _HIGH)


@inline
def high(state: np.uint64) -> np.uint32:
    """The high half of a state: uniform in 0..2^32 - 1."""
    return np.uint32(state >> _HIGH)


def alias_table(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Tables that draw i with probability weights[i] / sum in constant time (Walker 1977; Vose 1991).

    Args:
        weights: (n,) at least 0, not all 0.

    Returns:
        `keep` (n,) uint32 and `other` (n,) int32: draw a cell i uniformly and 32 random bits r; take i if
        r <= keep[i], else other[i].
    """
    count = len(weights)
    share = np.asarray(weights, np.float64) * (count / np.sum(weights, dtype=np.float64))
    keep = np.ones(count)
    other = np.arange(count, dtype=np.int32)
    small = [int(i) for i in np.flatnonzero(share < 1)]
    large = [int(i) for i in np.flatnonzero(share >= 1)]
    while small and large:
        low, top = small.pop(), large[-1]
        keep[low], other[low] = share[low], top
        share[top] -= 1 - share[low]
        if share[top] < 1:
            small.append(large.pop())
    return (keep * (2.0**32 - 1)).astype(np.uint32), other
