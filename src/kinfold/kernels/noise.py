"""What a vocabulary's counts decide: which tokens stay, and what a word is told from."""

from __future__ import annotations

import numpy as np

from kinfold.kernels.random import alias_table
from kinfold.kernels.sgns import Targets
from kinfold.kernels.tree import huffman

_ALL = float(2**32 - 1)


def subsampled(counts: np.ndarray, threshold: float) -> np.ndarray:
    """How much of each key's tokens stay, of 2^32 - 1 (n,) uint32: sqrt(t / f) + t / f for a frequency f.

    Args:
        counts: Of the keys (n,).
        threshold: The t above; 0 keeps all.
    """
    share = np.full(len(counts), _ALL)
    if threshold > 0:
        frequency = np.maximum(counts, 1) / max(counts.sum(), 1)
        share *= np.minimum(1, np.sqrt(threshold / frequency) + threshold / frequency)
    return share.astype(np.uint32)


def targets(counts: np.ndarray, negatives: int, exponent: float, tree: bool) -> Targets:
    """Noise by a power of the counts, or the paths of the Huffman tree.

    A key that was never met (it came with vectors to start from) is no noise either.

    Args:
        counts: Of the keys (n,) int64.
        negatives: Noise keys a window.
        exponent: The power.
        tree: Whether it is the tree.
    """
    none = np.zeros(0, np.int32)
    if tree:
        return Targets(0, np.zeros(0, np.uint32), none, *huffman(counts))
    weights = np.where(counts > 0, np.maximum(counts, 1).astype(np.float64) ** exponent, 0)
    return Targets(negatives, *alias_table(weights), np.zeros(0, np.int64), none, none)
