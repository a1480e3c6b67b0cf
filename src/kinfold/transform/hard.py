"""Hard debiasing: a direction is taken out of all words but those that mean it, and pairs become equally far."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kinfold.core.metric import Metric, units
from kinfold.core.options import whole
from kinfold.core.space import Space
from kinfold.transform.concept import Sets, checked, directions, rows_of, sets_of
from kinfold.transform.moved import Moving

Map = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, slots=True)
class HardDebias:
    """Neutralize and equalize: words lose a direction, and pairs that differ in it become equally far from all others.

    The directions are those in which the words of each pair differ most. Every row but the specific ones loses its part
    in them (neutralize); words of a pair then differ in nothing else, and by as much on either side (equalize). Where
    the metric is cosine, directions of rows are what is changed, and each keeps its length. The frame is a new one.
    Only the rows of the group move: n-grams, and what they make of unseen words, stay as they were.

    Args:
        pairs: Words that differ in the concept alone: pairs, or sets of more than two.
        equalize: Pairs or sets that become equally far from what is neutral; none by default.
        specific: Words whose meaning is the concept, which keep it.
        components: Directions.
        cased: Whether pairs to equalize are also looked for in lower case, in Title Case and in UPPER CASE.
        group: Whose rows; the first group where it is None.
        lower: Whether words are lower-cased; by default where all keys are in lower case.

    Raises:
        BadOption: A field outside its range, a set of fewer than two words, or more components than they differ in.
        BadData: No pair has two rows, or a row is not finite.
        UnknownName: There is no such group.

    Source:
        Bolukbasi et al. 2016 (arXiv 1607.06520); Manzini et al. 2019 (arXiv 1904.04047: sets, several directions).

    Example:
        >>> space = Space.of(["she", "he", "nurse"], [[1, 0, 0.1], [-1, 0, 0.1], [0.5, 1, 0]])
        >>> fair = HardDebias(pairs=[("she", "he")], specific=("she", "he")).apply(space)
        >>> abs(fair.similarity("nurse", "she") - fair.similarity("nurse", "he")) < 1e-6
        True
    """

    pairs: Sequence[Sequence[str]]
    equalize: Sequence[Sequence[str]] = ()
    specific: Sequence[str] = ()
    components: int = 1
    cased: bool = True
    group: str | None = None
    lower: bool | None = None

    def __post_init__(self) -> None:
        whole(self, components=(1, 1000))
        for name in ("pairs", "equalize"):
            object.__setattr__(self, name, checked(getattr(self, name), name))

    def apply(self, space: Space) -> Space:
        """The Space with moved rows."""
        moving = Moving(space, self.group)
        pairs = sets_of(moving.part, self.pairs, self.lower).at_least_one("pairs")
        equal = sets_of(moving.part, cases(self.equalize) if self.cased else self.equalize, self.lower)
        step = harden(moving, self.components, pairs, equal, rows_of(moving.part, self.specific, self.lower))
        return moving.done("hard-debias", **described(self), **step)


def harden(
    moving: Moving, components: int, pairs: Sets, equal: Sets, specific: np.ndarray, first: Map | None = None
) -> dict[str, Any]:
    """Writes hard debiased rows over those of a group, and says what was done.

    Args:
        moving: The rows.
        components: Directions.
        pairs: Whose differences are the directions.
        equal: What is equalized.
        specific: Rows (m,) int64 that keep their part in the directions.
        first: What becomes of all rows (m, dim), as directions where the metric is cosine, before.
    """
    rows, unit = moving.rows, moving.space.metric is Metric.COSINE

    def seen(some: np.ndarray) -> np.ndarray:
        made = units(some) if unit else some
        if first is None:
            return made
        made = first(made)
        return units(made) if unit else made

    basis = directions([seen(rows[each]) for each in pairs.rows], components)
    equals = [_equal(seen(rows[each].astype(np.float64)), basis) for each in equal.rows]
    equal_lengths = [np.linalg.norm(rows[each], axis=1)[:, None] for each in equal.rows]
    keeps = np.zeros(len(rows), bool)
    keeps[specific] = True
    narrow = basis.astype(np.float32)
    for some in moving.blocks():
        others = np.arange(some.start, some.stop) if first is not None else np.flatnonzero(~keeps[some]) + some.start
        lengths = np.linalg.norm(rows[others], axis=1)[:, None]
        made = seen(rows[others])
        along = made @ narrow.T
        along[keeps[others]] = 0
        made = made - along @ narrow
        rows[others] = units(made) * lengths if unit else made
    for each, made, lengths in zip(equal.rows, equals, equal_lengths, strict=True):
        rows[each] = made * lengths if unit else made
    return {
        "pairs_found": len(pairs.rows),
        "equalized": len(equal.rows),
        "specific_found": len(specific),
        "missing": pairs.missing,
    }


def _equal(rows: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """The rows (m, dim) of a set that differ in the basis (k, dim) alone, all of one length.

    With the middle ν outside of the basis, and w the part of a row in it less the middle there: ν + √(L² - |ν|²) w/|w|,
    where L² is the mean of the squared lengths (1 where rows are directions).
    """
    middle = rows.mean(axis=0)
    neutral = middle - (middle @ basis.T) @ basis
    apart = ((rows - middle) @ basis.T) @ basis
    high = np.sqrt(max(float(np.mean(np.sum(rows**2, axis=1))) - float(neutral @ neutral), 0.0))
    equal: np.ndarray = neutral + high * units(apart)
    return equal


def cases(sets: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    """Sets of words as they are, in lower case, in Title Case and in UPPER CASE, each once."""
    forms = (str, str.lower, str.title, str.upper)
    return list(dict.fromkeys(tuple(form(word) for word in each) for each in sets for form in forms))


def described(transform: Any) -> dict[str, Any]:
    """The fields of a debiasing for a card: lists of words by how many they hold, except what decides the direction."""
    values = {field.name: getattr(transform, field.name) for field in dataclasses.fields(transform)}
    values.pop("group")
    return {
        name: len(value)
        if isinstance(value, Sequence | dict) and not isinstance(value, str) and name != "pairs"
        else value
        for name, value in values.items()
    }
