"""Intervals by resampling: what the estimate would have been with other observations of the same kind.

Source:
    Efron, Tibshirani 1993 (percentile bootstrap).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kinfold.core.errors import BadData, BadOption

# Numbers drawn at a time, some 30 MB.
_DRAWN = 1 << 22
_FEW_VALUES = 256


def bootstrap(
    statistic: Callable[..., np.ndarray],
    *columns: np.ndarray,
    samples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[float, float]:
    """The interval of a statistic of observations.

    Args:
        statistic: Takes columns (samples, n), one line a resample, and gives (samples,).
        columns: Each (n,); entry i of all of them is one observation, and stays together. A difference between two
            methods is paired by giving both columns: what both do alike cancels out.
        samples: Resamples.
        level: Share of them inside the interval.
        seed: Of the draws.

    Returns:
        Lower and upper end; NaN where the statistic is NaN in every resample.

    Raises:
        BadData: There is no observation, or the columns differ in length.
        BadOption: `samples` below 1 or `level` outside 0..1.

    Example:
        >>> low, high = bootstrap(lambda x: np.median(x, axis=1), np.arange(101.0))
        >>> low < 50 < high
        True
    """
    lengths = {len(column) for column in columns}
    if len(lengths) != 1 or 0 in lengths:
        raise BadData(f"an interval rests on columns of one length, at least 1, not of {sorted(lengths)}.")
    _check(samples, level)
    count = lengths.pop()
    rng = np.random.default_rng(seed)
    step = max(1, _DRAWN // count)
    values = []
    for start in range(0, samples, step):
        draws = rng.integers(0, count, (min(step, samples - start), count))
        values.append(statistic(*(np.asarray(column)[draws] for column in columns)))
    return _percentiles(np.concatenate(values), level)


def of_mean(values: np.ndarray, *, samples: int = 1000, level: float = 0.95, seed: int = 0) -> tuple[float, float]:
    """The interval of the mean of observations (n,).

    Where they take few values (right or wrong, 0 to 10 of 10 found), how often each is drawn is drawn at once.

    Raises:
        BadData: There is no observation.
        BadOption: `samples` below 1 or `level` outside 0..1.
    """
    values = np.asarray(values, np.float64)
    distinct, counts = np.unique(values, return_counts=True)
    if not 0 < len(distinct) <= _FEW_VALUES:
        return bootstrap(lambda drawn: drawn.mean(axis=1), values, samples=samples, level=level, seed=seed)
    _check(samples, level)
    drawn = np.random.default_rng(seed).multinomial(len(values), counts / len(values), samples)
    return _percentiles(drawn @ distinct / len(values), level)


def of_share(some: int, of: int, *, level: float = 0.95) -> tuple[float, float]:
    """The exact interval of a share, by how many of so many there are; it has a width where there are none, or all.

    Raises:
        BadData: There is no observation.

    Source:
        Clopper, Pearson 1934.

    Example:
        >>> low, high = of_share(0, 1000)
        >>> low, round(high, 4)
        (0.0, 0.0037)
    """
    from scipy.special import betaincinv

    if not 0 <= some <= of or of < 1:
        raise BadData(f"an interval of a share rests on at least one observation, not on {some} of {of}.")
    _check(1, level)
    low = betaincinv(some, of - some + 1, (1 - level) / 2) if some else 0.0
    high = betaincinv(some + 1, of - some, (1 + level) / 2) if some < of else 1.0
    return float(low), float(high)


def of_difference(
    first: np.ndarray, second: np.ndarray, *, samples: int = 1000, level: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """The interval of mean(first) - mean(second), both (n,) of the same observations.

    Raises:
        BadData: They differ in length, or there is no observation.
        BadOption: `samples` below 1 or `level` outside 0..1.

    Example:
        >>> right, wrong = np.array([1, 1, 1, 0] * 50), np.array([1, 0, 1, 0] * 50)
        >>> of_difference(right, wrong)[0] > 0
        True
    """
    if np.shape(first) != np.shape(second):
        raise BadData(f"paired observations are of one length, not {np.shape(first)} and {np.shape(second)}.")
    apart = np.asarray(first, np.float64) - np.asarray(second, np.float64)
    return of_mean(apart, samples=samples, level=level, seed=seed)


def _percentiles(values: np.ndarray, level: float) -> tuple[float, float]:
    values = values[~np.isnan(values)]
    if not len(values):
        return float("nan"), float("nan")
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _check(samples: int, level: float) -> None:
    if samples < 1 or not 0 < level < 1:
        raise BadOption(f"an interval takes at least 1 sample and a level between 0 and 1, not {samples} and {level}.")
