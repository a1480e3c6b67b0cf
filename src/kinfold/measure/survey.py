"""One pass over all rows of a group: which of them can be compared, which are alike, and the moments of the rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kinfold.core.metric import Metric, units
from kinfold.core.progress import Progress, quiet
from kinfold.core.space import Space

# Wider rows have moments of a sample only: the whole matrix of products would be larger than the rows.
WIDEST = 2048
# A row that is shorter has no direction.
_SHORTEST = 1e-37
# Multiplications up to which products are summed in float64, and lengths beyond which they must be.
_EXACT = 1e10
_LONG = 1e12
# Narrower rows may stand within the first values of a learner by chance.
_NARROWEST = 8


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """What is known of every row of a group, and of all that can be compared together.

    Args:
        space: The group, as its rows are compared: of one side of users and items by cosine, without their biases.
        finite: Rows whose coordinates are finite, and not so long that their square is infinite (n,) bool.
        zero: Rows of zeros (n,) bool.
        owner: The first row that is the same in every coordinate (n,) int64.
        small: Rows within the box that learners draw first values from, ±1/dim (n,) bool; none where half of all are.
        constant: Coordinates in which all finite rows agree.
        count: Rows whose moments these are.
        mean: Of the rows as they are compared, at length 1 where the metric is cosine (dim,) float64.
        products: Mean of xᵀx over them (dim, dim) float64; None for rows wider than `WIDEST`.
    """

    space: Space
    finite: np.ndarray
    zero: np.ndarray
    owner: np.ndarray
    small: np.ndarray
    constant: int
    count: int
    mean: np.ndarray
    products: np.ndarray | None

    @property
    def taking(self) -> np.ndarray:
        """Rows that neighbors are looked for among (m,) int64: finite, not zero by cosine, each once of equal ones."""
        good = self.finite & (self.owner == np.arange(len(self.owner)))
        if self.space.metric is Metric.COSINE:
            good &= ~self.zero
        return np.flatnonzero(good)

    def points(self, at: np.ndarray) -> np.ndarray:
        """Some rows (m, dim) float32 as they are compared: at length 1 by cosine, around their mean by l2."""
        rows = self.space.rows.take(at)
        if self.space.metric is Metric.COSINE:
            return units(rows)
        # Differences stay what they are, and lose less to rounding.
        return rows - self.mean.astype(np.float32) if self.space.metric is Metric.L2 else rows


def survey(part: Space, *, progress: Progress = quiet) -> Survey:
    """Reads every row once, some megabytes at a time.

    Args:
        part: One group, as its rows are compared.
        progress: Told of the rows that are done.
    """
    count, dim = len(part), part.dim
    finite, zero, small = (np.zeros(count, np.bool_) for _ in range(3))
    hashes = np.zeros(count, np.uint64)
    odd = np.random.default_rng(0).integers(0, 1 << 63, dim, np.uint64) * np.uint64(2) + np.uint64(1)
    low, high = np.full(dim, np.inf, np.float32), np.full(dim, -np.inf, np.float32)
    taken, total = 0, np.zeros(dim)
    products = np.zeros((dim, dim)) if dim <= WIDEST else None
    progress.start("read", count, "rows")
    for start, block in part.rows.blocks():
        here = slice(start, start + len(block))
        with np.errstate(over="ignore", invalid="ignore"):
            lengths = np.sqrt(np.einsum("ij,ij->i", block, block))
        finite[here] = np.isfinite(lengths)
        zero[here] = lengths <= _SHORTEST
        # 0.0 and -0.0 are one number.
        hashes[here] = ((block + np.float32(0)).view(np.uint32) * odd).sum(axis=1, dtype=np.uint64)
        good = block[finite[here]] if not finite[here].all() else block
        if len(good):
            top, bottom = good.max(axis=0), good.min(axis=0)
            np.maximum(high, top, out=high)
            np.minimum(low, bottom, out=low)
            small[here][finite[here]] = np.maximum(good.max(axis=1), -good.min(axis=1)) <= 1 / dim
            if part.metric is Metric.COSINE:
                good = units(good[~zero[here][finite[here]]])
            exact = count * dim * dim < _EXACT or float(np.max(lengths[finite[here]], initial=0)) > _LONG
            good = good.astype(np.float64) if exact else good
            taken += len(good)
            total += good.sum(axis=0, dtype=np.float64)
            if products is not None:
                products += good.T @ good
        progress.advance(len(block))
    small &= ~zero
    if dim < _NARROWEST or 2 * np.count_nonzero(small) > np.count_nonzero(finite & ~zero):
        small[:] = False
    many = max(taken, 1)
    return Survey(
        part,
        finite,
        zero & finite,
        _first_equal(part, hashes, finite),
        small,
        int(np.count_nonzero(high == low)),
        taken,
        total / many,
        None if products is None else products / many,
    )


def _first_equal(part: Space, hashes: np.ndarray, finite: np.ndarray) -> np.ndarray:
    """The first row that each is equal to (n,) int64; rows that are not finite are equal to none.

    Equal hashes are looked at again, so that no two rows are called equal by chance.
    """
    owner = np.arange(len(hashes))
    order = np.argsort(hashes, kind="stable")
    same = (np.diff(hashes[order]) == 0) & finite[order[1:]] & finite[order[:-1]]
    begins = np.flatnonzero(~np.concatenate([[False], same]))
    first = order[begins[np.cumsum(~np.concatenate([[False], same])) - 1]] if len(order) else order
    others = np.flatnonzero(first != order)
    for start in range(0, len(others), 4096):
        some = others[start : start + 4096]
        equal = (part.rows.take(order[some]) == part.rows.take(first[some])).all(axis=1)
        owner[order[some[equal]]] = first[some[equal]]
    return owner
