"""How far two groups of numbers are apart: the effect size with an interval that covers, and p by permutation."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from kinfold.core.errors import BadData, BadOption

# Partitions up to which all are tried.
_ALL = 200_000
# Numbers drawn at a time, 8 MB.
_DRAWN = 1 << 20
# Quantiles that an integral over a deviation sums, and how far out a normal distribution has nothing left.
_NODES, _FAR = 200, 9.0


@dataclass(frozen=True, slots=True)
class Chance:
    """How often a difference at least as large comes about where which group a number is in means nothing.

    Args:
        two_sided: In either direction.
        one_sided: In the direction of the first group being larger; the p of WEAT's paper.
        partitions: How many were looked at.
        exact: Whether these were all that there are.
        least: The smallest two-sided p that there can be.
    """

    two_sided: float
    one_sided: float
    partitions: int
    exact: bool
    least: float


def effect_size(first: np.ndarray, second: np.ndarray) -> float:
    """The difference of two means in standard deviations of all numbers together (WEAT's d); NaN where all are alike.

    With two groups of equal size it is between -2 and 2.

    Source:
        Caliskan, Bryson, Narayanan 2017.

    Example:
        >>> round(effect_size(np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0, 2.0])), 3)
        1.044
    """
    both = np.concatenate([first, second])
    spread = float(both.std())
    if not _tells(both, spread):
        return float("nan")
    return float((first.mean() - second.mean()) / spread)


def interval_of_effect(first: np.ndarray, second: np.ndarray, level: float = 0.95) -> tuple[float, float] | None:
    """The interval of the effect size of the populations that both groups (n,), (m,) are drawn from.

    What is covered is D = (μ1 - μ2) / sqrt(σ² + p q (μ1 - μ2)²): the effect size that ever more words of the same two
    kinds, in the same proportion p : q, would have, where numbers of either kind spread by σ around their mean. The
    difference in pooled deviations, δ, has an exact interval, since t = (mean - mean) / (s sqrt(1/n + 1/m)) follows a
    noncentral t distribution with δ sqrt(nm / (n + m)); and D rises with δ alone. Resampling words, as a bootstrap
    does, covers too seldom with the eight words a group that such tests have.

    Returns:
        Both ends; None where there are fewer than three numbers, a group has none, or none differs within a group.

    Source:
        Hedges, Olkin 1985 (chapter 5); Cumming, Finch 2001.
    """
    n, m = len(first), len(second)
    freedom = n + m - 2
    if min(n, m) < 1 or freedom < 1:
        return None
    apart = float(first.mean() - second.mean())
    within = float(((first - first.mean()) ** 2).sum() + ((second - second.mean()) ** 2).sum())
    pooled = math.sqrt(within / freedom)
    if not _tells(np.concatenate([first, second]), pooled):
        return None
    scale = math.sqrt(n * m / (n + m))
    ends = _centers(apart / pooled * scale, freedom, level)
    mixed = n * m / (n + m) ** 2
    low, high = (delta / scale / math.sqrt(1 + mixed * (delta / scale) ** 2) for delta in ends)
    return low, high


def interval_of_small_mean(values: np.ndarray, level: float = 0.95) -> tuple[float, float] | None:
    """Student's interval of the mean of a few numbers (n,); None of fewer than two.

    Unlike resampling it covers with ten numbers as well as with a thousand.

    Source:
        Student 1908.
    """
    from scipy.special import stdtrit

    if len(values) < 2:
        return None
    half = float(stdtrit(len(values) - 1, (1 + level) / 2)) * float(values.std(ddof=1)) / math.sqrt(len(values))
    return float(values.mean()) - half, float(values.mean()) + half


def interval_of_correlation(
    value: float, count: int, *, ranks: bool = True, level: float = 0.95
) -> tuple[float, float] | None:
    """The interval of a correlation of `count` pairs, or of their ranks, by Fisher's z; None of fewer than five, or ±1.

    Source:
        Fisher 1921; Bonett, Wright 2000 (ranks).
    """
    from scipy.special import ndtri

    if count < 5 or not abs(value) < 1:
        return None
    half = float(ndtri((1 + level) / 2)) * math.sqrt((1 + ranks * value * value / 2) / (count - 3))
    return math.tanh(math.atanh(value) - half), math.tanh(math.atanh(value) + half)


def interval_of_share(share: float, count: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson's interval of a share of `count` things; it has a width where the share is 0 or 1, too.

    Gaps rest on it: of the exact interval (`core.intervals.of_share`), which is wider, theirs would be too wide.

    Source:
        Wilson 1927.

    Example:
        >>> low, high = interval_of_share(1.0, 10)
        >>> round(low, 2), round(high, 2)
        (0.72, 1.0)
    """
    from scipy.special import ndtri

    z = float(ndtri((1 + level) / 2))
    middle, scale = share + z * z / (2 * count), 1 + z * z / count
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return max((middle - half) / scale, 0.0), min((middle + half) / scale, 1.0)


def interval_of_gap(first: tuple[float, float, float], second: tuple[float, float, float]) -> tuple[float, float]:
    """The interval of the difference of two independent estimates, each `(value, low, high)`.

    Source:
        Zou, Donner 2008 (recovery of variances).

    Example:
        >>> [round(end, 2) for end in interval_of_gap((0.9, 0.8, 1.0), (0.5, 0.4, 0.6))]
        [0.26, 0.54]
    """
    (a, a_low, a_high), (b, b_low, b_high) = first, second
    return a - b - math.hypot(a - a_low, b_high - b), a - b + math.hypot(a_high - a, b - b_low)


def permuted(first: np.ndarray, second: np.ndarray, *, draws: int = 9999, seed: int = 0) -> Chance:
    """How often a partition of the same numbers has means at least as far apart.

    All partitions are looked at where there are at most 200,000; else `draws` of them, and p = (b + 1) / (draws + 1),
    where b are as far apart: so p is never 0, and never too small.

    Args:
        first: (n,)
        second: (m,)
        draws: Partitions that are drawn where there are too many.
        seed: Of the draws.

    Raises:
        BadData: A group is empty.
        BadOption: `draws` below 1.

    Source:
        Caliskan, Bryson, Narayanan 2017; Phipson, Smyth 2010.

    Example:
        >>> permuted(np.array([3.0, 4.0]), np.array([1.0, 2.0])).one_sided == 1 / 6
        True
    """
    if draws < 1:
        raise BadOption(f"permutations is {draws}; there is at least 1.")
    n, both = len(first), np.concatenate([first, second]).astype(np.float64)
    if not 0 < n < len(both):
        raise BadData("a group without numbers is no more or less than another.")
    # Whichever numbers the first group gets, its sum says how far the means are apart.
    both = both - both.mean()
    observed = float(both[:n].sum())
    near = 1e-9 * float(np.abs(both).sum())
    count = math.comb(len(both), n)
    exact = count <= _ALL
    upper = either = 0
    for sums in _all_sums(both, n, count) if exact else _drawn_sums(both, n, draws, seed):
        upper += int((sums >= observed - near).sum())
        either += int((np.abs(sums) >= abs(observed) - near).sum())
    if exact:
        # Of groups of one size, the other way round is as far apart.
        return Chance(either / count, upper / count, count, True, (1 + (2 * n == len(both))) / count)
    return Chance((either + 1) / (draws + 1), (upper + 1) / (draws + 1), draws, False, 1 / (draws + 1))


def _all_sums(values: np.ndarray, n: int, count: int) -> Iterator[np.ndarray]:
    flat = itertools.chain.from_iterable(itertools.combinations(range(len(values)), n))
    step = max(1, _DRAWN // n)
    for start in range(0, count, step):
        some = min(step, count - start)
        places = np.fromiter(itertools.islice(flat, some * n), np.int64, some * n)
        yield values[places.reshape(some, n)].sum(axis=1)


def _drawn_sums(values: np.ndarray, n: int, draws: int, seed: int) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(seed)
    step = max(1, _DRAWN // len(values))
    for start in range(0, draws, step):
        some = min(step, draws - start)
        yield rng.permuted(np.tile(values, (some, 1)), axis=1)[:, :n].sum(axis=1)


def _centers(t: float, freedom: int, level: float) -> list[float]:
    """The noncentralities for which t lies at the upper and at the lower end of its distribution.

    P(T <= t) is the mean of Φ(t s - center) over s = sqrt(χ² / freedom); the mean is a sum over quantiles of s.
    """
    from scipy.optimize import bisect
    from scipy.special import gammaincinv, ndtr

    nodes, weights = _quantiles()
    scaled = t * np.sqrt(gammaincinv(freedom / 2, (nodes + 1) / 2) * 2 / freedom)
    low, high = float(scaled.min()) - _FAR, float(scaled.max()) + _FAR

    def beyond(center: float, share: float) -> float:
        return float(weights @ ndtr(scaled - center)) / 2 - share

    tail = (1 - level) / 2
    return [float(bisect(beyond, low, high, args=(share,), xtol=1e-9)) for share in (1 - tail, tail)]


@functools.cache
def _quantiles() -> tuple[np.ndarray, np.ndarray]:
    """Where an integral over (-1, 1) is summed, and the weights."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return nodes, weights


def _tells(values: np.ndarray, spread: float) -> bool:
    """Whether a spread is more than rounding."""
    return spread > 1e-12 * max(float(np.abs(values).max(initial=0)), 1e-300)
