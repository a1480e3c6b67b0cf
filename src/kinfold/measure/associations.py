"""The published measures of bias as formulas over rows: each takes sets of rows (n, dim) and gives numbers.

Cosines are of float64 rows; a set has at least one row, and none of its rows is zero.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kinfold.core.metric import units
from kinfold.measure.judgment import spearman


class Direction(NamedTuple):
    """A direction that pairs of rows span.

    Args:
        vector: (dim,) of length 1, towards the first rows of the pairs.
        share: Of the pairs' differences, how much lies along it.
    """

    vector: np.ndarray
    share: float


def associations(rows: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """How much nearer each row (n,) is to the first attributes than to the second: mean cosine less mean cosine.

    Source:
        Caliskan, Bryson, Narayanan 2017: s(w, A, B) of WEAT.
    """
    found: np.ndarray = units(rows) @ (units(first).mean(axis=0) - units(second).mean(axis=0))
    return found


def relative_norm_distances(first: np.ndarray, second: np.ndarray, attributes: np.ndarray) -> np.ndarray:
    """How much farther each attribute (n,) is from the mean of the first targets than from that of the second.

    Their mean is RND: below 0 the attributes are nearer to the first targets. Rows count as long as they are.

    Source:
        Garg, Schiebinger, Jurafsky, Zou 2018.
    """
    far, near = (np.linalg.norm(attributes - each.mean(axis=0), axis=1) for each in (first, second))
    apart: np.ndarray = far - near
    return apart


def negative_sentiment(targets: Sequence[np.ndarray], good: np.ndarray, bad: np.ndarray) -> np.ndarray:
    """The probability that each target row (n,), of all sets one after another, is like the bad attributes.

    A logistic regression, its penalty 1, is fitted on all rows of both attributes.

    Source:
        Sweeney, Najafian 2019 (RNSB).
    """
    from sklearn.linear_model import LogisticRegression

    rows = np.concatenate([good, bad])
    model = LogisticRegression(solver="newton-cholesky", tol=1e-8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of rows so long that the last digits do not settle
        model.fit(rows, np.repeat([1, -1], [len(good), len(bad)]))
    chances: np.ndarray = model.predict_proba(np.concatenate(targets))[:, 0]
    return chances


def divergence_from_even(chances: np.ndarray) -> float:
    """RNSB: the Kullback–Leibler divergence of negative sentiment over targets from the even distribution; 0 is fair.

    Source:
        Sweeney, Najafian 2019.
    """
    shares = chances / chances.sum()
    told = shares[shares > 0]
    return float(told @ np.log(told * len(shares)))


def mean_distances(rows: np.ndarray, attributes: Sequence[np.ndarray]) -> np.ndarray:
    """The mean over attribute sets of each row's mean cosine distance (n,) to a set; their mean is MAC.

    Source:
        Manzini, Lim, Tsvetkov, Black 2019.
    """
    found: np.ndarray = 1 - units(rows) @ np.mean([units(each).mean(axis=0) for each in attributes], axis=0)
    return found


def coherence(first: np.ndarray, second: np.ndarray, attributes: np.ndarray) -> float:
    """ECT: the rank correlation of attributes by their cosine to the means of both targets; 1 is fair, NaN if all tie.

    Source:
        Dev, Phillips 2019.
    """
    sides = [units(attributes) @ units(each.mean(axis=0)[None])[0] for each in (first, second)]
    return float(spearman(*sides)) if len(attributes) > 1 else float("nan")


def relational(rows: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The inner product of each row with the direction from each pair's second to its first row (n, pairs).

    Its mean is RIPA. Rows count as long as they are. The row of a pair without a difference is NaN.

    Source:
        Ethayarajh, Duvenaud, Hirst 2019.
    """
    apart = first - second
    with np.errstate(invalid="ignore", divide="ignore"):
        found: np.ndarray = rows @ (apart / np.linalg.norm(apart, axis=1, keepdims=True)).T
    return found


def same(rows: np.ndarray, attributes: Sequence[np.ndarray]) -> np.ndarray:
    """How far each row (n,) leans in the space that differences of the attributes' means span; the mean is SAME.

    Of two attributes it is the cosine with their difference, and has a sign: above 0 towards the first. Of more it is
    the length of the projection, which, unlike a sum of its parts, does not depend on the order of the attributes.

    Source:
        Schröder, Schulz, Hammer 2021 and 2024.
    """
    centers = np.stack([units(each).mean(axis=0) for each in attributes])
    if len(centers) == 2:
        leaning: np.ndarray = units(rows) @ units((centers[0] - centers[1])[None])[0]
        return leaning
    _, sizes, axes = np.linalg.svd(centers[1:] - centers[0], full_matrices=False)
    spanned = axes[sizes > 1e-9 * max(float(sizes.max(initial=0)), 1e-30)]
    lengths: np.ndarray = np.linalg.norm(units(rows) @ spanned.T, axis=1)
    return lengths


def direction_of(first: np.ndarray, second: np.ndarray) -> Direction:
    """The first principal component of pairs, each of them around its own middle, at unit length.

    Source:
        Bolukbasi et al. 2016, section 5.1.
    """
    halves = (units(first) - units(second)) / 2
    _, sizes, axes = np.linalg.svd(halves, full_matrices=False)
    total = float((sizes**2).sum())
    if not total:
        return Direction(np.zeros(halves.shape[1]), float("nan"))
    towards = np.sign((halves @ axes[0]).sum()) or 1.0
    return Direction(towards * axes[0], float(sizes[0] ** 2 / total))


def direct_bias(rows: np.ndarray, direction: np.ndarray, strictness: float = 1.0) -> np.ndarray:
    """|cos|^c of each row (n,) with a direction of unit length; their mean is the direct bias, 0 is fair.

    Source:
        Bolukbasi et al. 2016, section 5.2.
    """
    leaning: np.ndarray = np.abs(units(rows) @ direction) ** strictness
    return leaning


def indirect_bias(rows: np.ndarray, others: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """β: what share of the similarity of each row (n,) and another is due to a direction of unit length.

    NaN where the two are orthogonal, or one of them lies along the direction.

    Source:
        Bolukbasi et al. 2016, section 5.3.
    """
    first, second = units(rows), units(others)
    whole = np.einsum("ij,ij->i", first, second)
    without = [each - np.outer(each @ direction, direction) for each in (first, second)]
    lengths = np.linalg.norm(without[0], axis=1) * np.linalg.norm(without[1], axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        found: np.ndarray = (whole - np.einsum("ij,ij->i", *without) / lengths) / whole
    return np.where(np.isfinite(found), found, np.nan)
