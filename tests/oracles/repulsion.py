"""What RAN-Debias minimizes (Kumar et al. 2020), as it stands in the paper, for one word."""

from __future__ import annotations

import numpy as np


def cost(x, word, axis, neighbors, weights):
    """Of a direction x (dim,), with neighbors (k, dim) to be left; weights are of repulsion, attraction, neutrality."""
    cosines = np.array([abs(cosine(x, each)) for each in neighbors])
    repulsion, attraction, neutrality = weights
    return (
        repulsion * (cosines.mean() if len(cosines) else 0)
        + attraction * abs(cosine(x, word) - 1) / 2
        + neutrality * abs(cosine(x, axis))
    )


def indirect_bias(word, other, axis):
    """How much of the likeness of two unit rows the axis makes (Bolukbasi et al. 2016)."""
    left, right = (each - (each @ axis) * axis for each in (word, other))
    return (word @ other - cosine(left, right)) / (word @ other)


def cosine(a, b):
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))
