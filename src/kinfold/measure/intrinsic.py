"""On how many dimensions rows lie where they are near each other, however many coordinates they have.

Both estimates read distances to nearest rows alone. On few rows in many dimensions they come out too small, since the
nearest rows are far away then: a thousand rows cannot tell 20 dimensions from 30.
"""

from __future__ import annotations

import numpy as np

from kinfold.core.intervals import of_mean

# Of the ratios, the largest tenth is only counted: they come from rows far from any other.
_HELD = 0.9


def two_nn(first: np.ndarray, second: np.ndarray) -> tuple[float, float, float]:
    """The dimension, and its 95 % interval, by the ratios of the distances to the two nearest rows.

    The logarithm of a ratio is exponential with the dimension as its rate. The largest tenth is censored, and the
    interval is exact for independent ratios.

    Args:
        first: Distances to the nearest row (n,).
        second: Distances to the one behind it (n,); rows whose nearest is at 0 are left out.

    Returns:
        NaN where fewer than ten ratios are left, or all are 1.

    Source:
        Facco, d'Errico, Rodriguez, Laio 2017 (ratios); the estimate is that of largest likelihood.
    """
    from scipy.special import gammaincinv

    good = (first > 0) & np.isfinite(second)
    logs = np.sort(np.log(second[good] / first[good]))
    held = int(_HELD * len(logs))
    if held < 9:
        return (float("nan"),) * 3
    total = float(logs[:held].sum() + (len(logs) - held) * logs[held - 1])
    if total <= 0:
        return (float("nan"),) * 3
    low, high = gammaincinv(held, [0.025, 0.975]) / total
    return (held - 1) / total, float(low), float(high)


def levina_bickel(distances: np.ndarray, *, seed: int = 0) -> tuple[float, float, float]:
    """The dimension, and its 95 % interval, by the distances to the k nearest rows.

    1 / dimension is the mean over rows of the mean of ln(T_k / T_j), j < k.

    Args:
        distances: Ascending (n, k); rows whose nearest is at 0 are left out.
        seed: Of the interval, which resamples rows.

    Returns:
        NaN where fewer than ten rows are left, k is below 3, or all distances are alike.

    Source:
        Levina, Bickel 2004; MacKay, Ghahramani 2005 (the mean is of inverses).
    """
    k = distances.shape[1]
    good = distances[distances[:, 0] > 0] if k else distances
    if len(good) < 10 or k < 3:
        return (float("nan"),) * 3
    inverse = np.log(good[:, -1:] / good[:, :-1]).mean(axis=1)
    mean = float(inverse.mean())
    low, high = of_mean(inverse, seed=seed)
    return (1 / mean, 1 / high, 1 / low) if low > 0 else (float("nan"),) * 3
