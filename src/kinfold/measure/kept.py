"""What a transform that moves rows keeps: similarities of pairs, neighbors of keys, and the rows themselves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kinfold.core.errors import BadData
from kinfold.core.frequency import most_frequent
from kinfold.core.intervals import bootstrap, of_mean
from kinfold.core.metric import Metric, units
from kinfold.core.nearest import alike, one_side
from kinfold.core.report import Finding, Table
from kinfold.core.space import Space
from kinfold.measure.judgment import spearman

# Rows that are asked for their neighbors, rows that these are looked for among, pairs whose similarities are compared.
_ASKED, _AMONG, _PAIRS = 1000, 200_000, 10_000
# Keys that moved most, and neighbors of each, that are shown.
_SHOWN, _NEAR = 20, 5


def kept(before: Space, after: Space, *, k: int = 10, seed: int = 0) -> tuple[list[Finding], Table]:
    """What is kept of a group whose rows were moved, on its most frequent rows; zero rows take no part.

    Args:
        before: One group.
        after: The same keys; rows are compared coordinate by coordinate, so nothing was turned.
        k: Neighbors of each key.
        seed: Of what is drawn and of intervals.

    Returns:
        Of the group `cost`: the rank correlation of `similarities kept`, the overlap `nearest k kept`, and the mean
        `cosine to the row before`; a table of the keys that moved most, with their neighbors before and after.

    Raises:
        BadData: All rows are zero.
    """
    own = next(iter(before.groups))
    if one_side(before, own, own):
        before, after = alike(before), alike(after)
    rng = np.random.default_rng(seed)
    often = most_frequent(before)[0]
    often = often[before.rows.norms[often] > 0][:_AMONG]
    if not len(often):
        raise BadData("all rows are zero, so that there is nothing that could be kept; learn them again.")
    among = np.sort(often)
    pairs = rng.choice(often, (min(_PAIRS, len(often) ** 2), 2))
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    findings = []
    if len(pairs) > 2:
        scores = [_scores(side, pairs) for side in (before, after)]
        value = float(spearman(*scores))
        low, high = bootstrap(spearman, *scores, samples=200, seed=seed) if np.isfinite(value) else (None, None)
        findings.append(Finding("similarities kept", value, low, high, len(pairs), group="cost"))
    k = min(k, len(often) - 1)
    asked = np.sort(rng.choice(often, min(_ASKED, len(often)), replace=False))
    if k > 0:
        one, other = (others(side, asked, among, k) for side in (before, after))
        findings.append(
            _mean(f"nearest {k} kept", (one[:, :, None] == other[:, None, :]).any(axis=2).mean(axis=1), seed)
        )
    cosines = np.concatenate([_cosines(before, after, some) for some in np.array_split(often, len(often) // 8192 + 1)])
    findings.append(_mean("cosine to the row before", cosines, seed))
    order = np.argsort(cosines, kind="stable")[:_SHOWN]
    most = often[order]
    near = [others(side, most, among, k).tolist() for side in (before, after)]
    lines = [
        [before.keys[row], cosine, len(set(old) & set(new)), _names(before, old), _names(before, new)]
        for row, cosine, old, new in zip(most.tolist(), cosines[order].tolist(), *near, strict=True)
    ]
    return findings, Table("Moved most", ("key", "cosine", f"kept of {k}", "near before", "near after"), lines)


def others(space: Space, rows: np.ndarray, among: np.ndarray, k: int) -> np.ndarray:
    """The k nearest others (m, k) int64 of some rows (m,), among ascending ones that hold them and at least k more."""
    near = space.topk(space.rows.take(rows), k + 1, among)[1]
    own = near == rows[:, None]
    own[~own.any(axis=1), -1] = True  # not its own best by the inner product, or among more copies of itself
    found: np.ndarray = near[~own].reshape(len(rows), k)
    return found


def _mean(name: str, values: np.ndarray, seed: int) -> Finding:
    return Finding(name, float(values.mean()), *of_mean(values, seed=seed), len(values), group="cost")


def _scores(space: Space, pairs: np.ndarray) -> np.ndarray:
    """The similarity of each pair of rows (m,)."""
    left, right = (space.rows.take(pairs[:, side]) for side in (0, 1))
    if space.metric is Metric.L2:
        far: np.ndarray = -np.linalg.norm(left - right, axis=1)
        return far
    if space.metric is Metric.COSINE:
        left, right = units(left), units(right)
    found: np.ndarray = np.einsum("ij,ij->i", left, right)
    return found


def _cosines(before: Space, after: Space, rows: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.einsum("ij,ij->i", units(before.rows.take(rows)), units(after.rows.take(rows)))
    return found


def _names(space: Space, rows: Sequence[int]) -> str:
    return ", ".join(space.keys[row] for row in rows[:_NEAR])
