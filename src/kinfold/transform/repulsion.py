"""Repulsion, attraction, neutralization: words leave the neighbors that a concept alone brought near."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from kinfold.core.errors import BadOption
from kinfold.core.frequency import most_frequent
from kinfold.core.metric import units
from kinfold.core.options import whole
from kinfold.core.space import Space
from kinfold.transform.concept import checked, directions, rows_of, sets_of
from kinfold.transform.hard import described
from kinfold.transform.moved import Moving

# Words whose neighbors are found at once, and numbers of neighbors' rows that are held.
_ASKED, _HELD = 4096, 1 << 24
# A cosine so small that no share of it is the concept's.
_UNLIKE = 1e-6
_ROUNDS, _SETTLED = 100, 1e-4


@dataclass(frozen=True, slots=True)
class RepulsionAttraction:
    """Each word moves away from biased neighbors and from the direction of a concept, and stays near to what it was.

    A word's direction x becomes the one with the smallest
    repulsion · mean |cos(x, nᵢ)| + attraction · (1 - cos(x, w)) / 2 + neutralization · |cos(x, g)|, where w is what it
    was, g the direction of the pairs, and nᵢ are those of its nearest neighbors whose likeness to it comes from g by
    more than the threshold (indirect bias). The paper goes there by Adam; it is a convex problem, whose dual has bounds
    alone, and is solved for many words at once. Lengths stay. The frame is a new one.

    Args:
        pairs: Words that differ in the concept alone: pairs, or sets of more than two.
        specific: Words whose meaning is the concept, which stay as they are.
        repulsion: Weight of being far from biased neighbors.
        attraction: Weight of being near to what a word was.
        neutralization: Weight of having no part in the direction.
        threshold: Indirect bias from which on a neighbor is to be left.
        neighbors: Nearest rows that are looked at.
        restrict: Only so many rows have neighbors and are some, the most frequent ones; others are neutralized alone.
        group: Whose rows; the first group where it is None.
        lower: Whether words are lower-cased; by default where all keys are in lower case.

    Raises:
        BadOption: A field outside its range, or a set of fewer than two words.
        BadData: No pair has two rows, or a row is not finite.
        UnknownName: There is no such group.

    Source:
        Kumar et al. 2020 (RAN-Debias; arXiv 2006.01938); Bolukbasi et al. 2016 (indirect bias).

    Example:
        >>> rows = [[1, 0, 0.1], [-1, 0, 0.1], [0.5, 1, 0], [0.5, 0, 1]]
        >>> space = Space.of(["she", "he", "nurse", "nanny"], rows)
        >>> fair = RepulsionAttraction(pairs=[("she", "he")], specific=("she", "he")).apply(space)
        >>> fair.similarity("nurse", "nanny") < 0.1 < space.similarity("nurse", "nanny")
        True
    """

    pairs: Sequence[Sequence[str]]
    specific: Sequence[str] = ()
    repulsion: float = 0.125
    attraction: float = 0.75
    neutralization: float = 0.125
    threshold: float = 0.05
    neighbors: int = 100
    restrict: int = 50_000
    group: str | None = None
    lower: bool | None = None

    def __post_init__(self) -> None:
        whole(self, neighbors=(1, 10_000), restrict=(1, 1 << 31))
        object.__setattr__(self, "pairs", checked(self.pairs, "pairs"))
        if not all(0 <= weight < np.inf for weight in (self.repulsion, self.neutralization, self.threshold)):
            raise BadOption("repulsion, neutralization and threshold are finite numbers of at least 0.")
        if not 2 * (self.repulsion + self.neutralization) < self.attraction < np.inf:
            raise BadOption(
                f"attraction is {self.attraction!r}; it is more than twice repulsion and neutralization together, or "
                "words would leave what they mean."
            )

    def apply(self, space: Space) -> Space:
        """The Space with moved rows."""
        moving = Moving(space, self.group)
        pairs = sets_of(moving.part, self.pairs, self.lower).at_least_one("pairs")
        specific = rows_of(moving.part, self.specific, self.lower)
        axis = directions([units(moving.rows[each]) for each in pairs.rows], 1)[0].astype(np.float32)
        often = np.sort(most_frequent(moving.part, self.restrict)[0])
        before = units(moving.rows[often])
        stays = np.zeros(len(moving.part), bool)
        stays[specific] = True
        for block in moving.blocks():
            rows = np.flatnonzero(~stays[block]) + block.start
            moving.rows[rows] = self._neutralized(units(moving.rows[rows]), axis) * _lengths(moving.rows[rows])
        asked = np.flatnonzero(~stays[often])
        repelled = 0
        for start in range(0, len(asked), _ASKED):
            some = asked[start : start + _ASKED]
            near, biased = self._neighbors(before, some, before @ axis)
            repelled += int(biased.sum())
            for of, others in _together(near, biased, moving.dim):
                rows = often[some[of]]
                moving.rows[rows] = self._settled(before[some[of]], before[others], axis) * _lengths(moving.rows[rows])
        found = {"pairs_found": len(pairs.rows), "specific_found": len(specific), "repelled": repelled}
        return moving.done("repulsion-attraction", **described(self), **found, missing=pairs.missing)

    def _neighbors(self, rows: np.ndarray, some: np.ndarray, along: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The nearest rows (m, k) int64 to some of them, and which of these are to be left (m, k) bool."""
        from kinfold.kernels.topk import topk

        k = min(self.neighbors + 1, len(rows))
        likeness, near = topk(rows, rows[some], k, "cosine", np.ones(len(rows), np.float32))
        mine, theirs = along[some][:, None], along[near]
        outside = np.sqrt(np.maximum(1 - mine**2, 1e-12) * np.maximum(1 - theirs**2, 1e-12))
        held = np.abs(likeness) > _UNLIKE
        indirect = 1 - (likeness - mine * theirs) / outside / np.where(held, likeness, 1)
        return near, held & (indirect > self.threshold) & (near != some[:, None])

    def _neutralized(self, wanted: np.ndarray, axis: np.ndarray) -> np.ndarray:
        """The best directions (m, dim) of words that have no neighbors to leave."""
        return units(self._without(np.float32(self.attraction / 2) * wanted, axis))

    def _without(self, wanted: np.ndarray, axis: np.ndarray) -> np.ndarray:
        """What is wanted (m, dim), its part along the axis shortened by the weight of neutralization, to 0 at most."""
        along = wanted @ axis
        kept = np.sign(along) * np.maximum(np.abs(along) - np.float32(self.neutralization), 0)
        found: np.ndarray = wanted + (kept - along)[:, None] * axis
        return found

    def _settled(self, own: np.ndarray, others: np.ndarray, axis: np.ndarray) -> np.ndarray:
        """The best directions (m, dim) of words (m, dim) that are to leave others (m, k, dim).

        With signs s and t between -1 and 1, |cos| is the largest of s cos: so the best direction is that of the
        shortest attraction/2 · w - repulsion · mean(sᵢ nᵢ) - neutralization · t g. Signs begin at 1, where nearly all
        of them stay.
        """
        weight = np.float32(self.repulsion)
        signs = np.ones(others.shape[:2], np.float32)
        moving = np.arange(len(own))
        found = np.empty_like(own)
        for _ in range(_ROUNDS):
            pull = np.einsum("ik,ikj->ij", signs[moving], others[moving]) / others.shape[1]
            wanted = np.float32(self.attraction / 2) * own[moving] - weight * pull
            found[moving] = self._without(wanted, axis)
            if not weight:
                break
            turned = signs[moving] + np.einsum("ikj,ij->ik", others[moving], found[moving]) / weight
            turned = np.clip(turned, -1, 1)
            open_ = np.abs(turned - signs[moving]).max(axis=1) > _SETTLED
            signs[moving] = turned
            moving = moving[open_]
            if not len(moving):
                break
        return units(found)


def _together(near: np.ndarray, biased: np.ndarray, dim: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Words (m,) with as many neighbors to be left, and these (m, k), some at a time; those with none are left out."""
    count = biased.sum(axis=1)
    for k in np.unique(count[count > 0]).tolist():
        words = np.flatnonzero(count == k)
        others = near[words][biased[words]].reshape(-1, k)
        step = max(1, _HELD // (k * dim))
        for start in range(0, len(words), step):
            yield words[start : start + step], others[start : start + step]


def _lengths(rows: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.linalg.norm(rows, axis=1)[:, None]
    return found
