"""Double-hard debiasing: a direction of frequency goes first, so that the direction of the concept is cleaner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kinfold.core.errors import BadData
from kinfold.core.frequency import most_frequent
from kinfold.core.metric import Metric, units
from kinfold.core.options import whole
from kinfold.core.space import Space
from kinfold.transform.concept import checked, directions, rows_of, sets_of
from kinfold.transform.hard import cases, described, harden
from kinfold.transform.kmeans import kmeans
from kinfold.transform.moments import moments_of
from kinfold.transform.moved import Moving

_ITERATIONS, _RESTARTS = 25, 2


@dataclass(frozen=True, slots=True)
class DoubleHardDebias:
    """The mean of all rows and one of their principal directions go out of all rows, then they are hard debiased.

    How often words occur shapes the main directions of a Space, and with them the direction of a concept. Each of the
    first principal directions is tried: the words that lean most to either side are hard debiased without it, and
    clustered in two; taken is the one after which clusters tell least of the sides. All else is as of `HardDebias`.

    Args:
        pairs: Words that differ in the concept alone: pairs, or sets of more than two.
        equalize: Pairs or sets that become equally far from what is neutral; none by default.
        specific: Words whose meaning is the concept, which keep it.
        components: Directions of the concept.
        candidates: Principal directions that are tried.
        biased: Words of either side that are clustered.
        restrict: Only so many rows are candidates for that, the most frequent ones.
        cased: Whether pairs to equalize are also looked for in lower case, in Title Case and in UPPER CASE.
        group: Whose rows; the first group where it is None.
        lower: Whether words are lower-cased; by default where all keys are in lower case.
        seed: Of the clusters.

    Raises:
        BadOption: A field outside its range, a set of fewer than two words, or more components than they differ in.
        BadData: No pair has two rows, there are fewer than four rows, or a row is not finite.
        UnknownName: There is no such group.

    Source:
        Wang et al. 2020 (arXiv 2005.00965).

    Example:
        >>> rows = np.random.default_rng(0).normal(size=(60, 5))
        >>> space = Space.of([f"w{i}" for i in range(60)], rows)
        >>> fair = DoubleHardDebias(pairs=[("w0", "w1")], specific=("w0", "w1"), candidates=3).apply(space)
        >>> fair.card.steps[-1]["removed"] in (0, 1, 2)
        True
    """

    pairs: Sequence[Sequence[str]]
    equalize: Sequence[Sequence[str]] = ()
    specific: Sequence[str] = ()
    components: int = 1
    candidates: int = 20
    biased: int = 500
    restrict: int = 50_000
    cased: bool = True
    group: str | None = None
    lower: bool | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        whole(
            self,
            components=(1, 1000),
            candidates=(1, 1000),
            biased=(2, 1 << 20),
            restrict=(4, 1 << 31),
            seed=(0, 1 << 31),
        )
        for name in ("pairs", "equalize"):
            object.__setattr__(self, name, checked(getattr(self, name), name))

    def apply(self, space: Space) -> Space:
        """The Space with moved rows."""
        moving = Moving(space, self.group)
        pairs = sets_of(moving.part, self.pairs, self.lower).at_least_one("pairs")
        equal = sets_of(moving.part, cases(self.equalize) if self.cased else self.equalize, self.lower)
        specific = rows_of(moving.part, self.specific, self.lower)
        unit = space.metric is Metric.COSINE

        def seen(rows: np.ndarray) -> np.ndarray:
            return units(rows) if unit else rows

        sums = moments_of(seen(moving.rows[some]) for some in moving.blocks())
        mean, main = sums.mean.astype(np.float32), sums.principal(self.candidates).astype(np.float32)
        pool = np.setdiff1d(most_frequent(moving.part, self.restrict)[0], specific)
        if len(pool) < 4:
            raise BadData(f"{len(pool)} rows are neutral, too few to be clustered; at least 4, or take method='hard'.")
        axis = directions([seen(moving.rows[each]) for each in pairs.rows], 1)[0].astype(np.float32)
        leaning = np.concatenate(
            [seen(moving.rows[some]) @ axis for some in np.array_split(pool, len(pool) // 4096 + 1)]
        )
        order = np.argsort(leaning, kind="stable")
        most = min(self.biased, len(pool) // 2)
        sides = pool[np.concatenate([order[:most], order[-most:]])]
        told = [
            self._told(seen(moving.rows[sides]) - mean, [seen(moving.rows[each]) - mean for each in pairs.rows], u)
            for u in main
        ]
        removed = int(np.argmin(told))
        out = main[removed]

        def first(rows: np.ndarray) -> np.ndarray:
            around = rows - mean
            left: np.ndarray = around - (around @ out)[:, None] * out
            return left

        step = harden(moving, self.components, pairs, equal, specific, first)
        return moving.done("double-hard-debias", **described(self), **step, removed=removed, told=told)

    def _told(self, rows: np.ndarray, pairs: list[np.ndarray], out: np.ndarray) -> float:
        """How often two clusters of rows (2m, dim), m of either side, tell it, without a direction and debiased."""
        left = rows - (rows @ out)[:, None] * out
        basis = directions([each - (each @ out)[:, None] * out for each in pairs], self.components).astype(np.float32)
        found = units(left - (left @ basis.T) @ basis)
        best = max(
            (
                kmeans(found, 2, spherical=True, iterations=_ITERATIONS, seed=self.seed + run)
                for run in range(_RESTARTS)
            ),
            key=lambda each: each.fit,
        )
        near = (found @ best.centers.T).argmax(axis=1)
        right = float(np.mean(near == np.repeat([0, 1], len(rows) // 2)))
        return max(right, 1 - right)
