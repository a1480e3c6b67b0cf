"""Temperature: one number that divides scores, so that probabilities are as often right as they say.

Source:
    Guo et al. 2017 (arXiv 1706.04599).
"""

from __future__ import annotations

import numpy as np

# Fewer held-out texts than these say nothing of how sure a classifier may be.
_FEWEST = 10
_WIDEST = float(np.log(20))


def chances(scores: np.ndarray, each: bool = False) -> np.ndarray:
    """Probabilities (n, L) float32 of scores (n, L): together 1, or of each label by itself."""
    from scipy.special import expit, softmax

    found: np.ndarray = (expit(scores) if each else softmax(scores, axis=1)).astype(np.float32)
    return found


def loss(scores: np.ndarray, targets: np.ndarray) -> float:
    """The mean logarithmic loss.

    Args:
        scores: (n, L).
        targets: The right label of each (n,) int64, or which labels are right (n, L) bool.
    """
    from scipy.special import log_softmax

    if targets.ndim == 2:
        return float(np.logaddexp(0, np.where(targets, -scores, scores)).sum(axis=1).mean())
    return float(-log_softmax(scores, axis=1)[np.arange(len(targets)), targets].mean())


def temperature(scores: np.ndarray, targets: np.ndarray) -> float:
    """What to divide scores by: the likeliest value on texts that were held out, with log T normal around 0.

    Args:
        scores: Of texts that were not learned from (n, L).
        targets: As of `loss`.

    Returns:
        From 1/20 to 20; 1 where there are fewer than ten texts.
    """
    from scipy.optimize import minimize_scalar

    if len(targets) < _FEWEST:
        return 1.0
    scores = scores.astype(np.float64)

    def worth(logarithm: float) -> float:
        return loss(scores * np.exp(-logarithm), targets) * len(targets) + logarithm**2 / 2

    found = minimize_scalar(worth, bounds=(-_WIDEST, _WIDEST), method="bounded", options={"xatol": 1e-4})
    return float(np.exp(found.x))
