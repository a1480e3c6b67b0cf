"""What a concept is to a transform: words that differ in it alone, and the directions in which they differ."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from kinfold.core.errors import BadData, BadOption
from kinfold.core.metric import units
from kinfold.core.space import Space
from kinfold.transform.links import spelled

# Words that an error names.
_NAMED = 5


class Sets(NamedTuple):
    """Words that differ in one thing alone, as rows.

    Args:
        rows: Of each set (two or more,) int64; only sets of which at least two words have a row.
        asked: Sets that were looked up.
        missing: Words that have no row, each once.
    """

    rows: list[np.ndarray]
    asked: int
    missing: list[str]

    def at_least_one(self, what: str) -> Sets:
        """The sets themselves.

        Raises:
            BadData: None is left.
        """
        if self.rows:
            return self
        words = ", ".join(f"'{word}'" for word in self.missing[:_NAMED])
        lacking = f"; without one are {words}" if words else ""
        raise BadData(
            f"none of {self.asked:,} {what} has two words with a row{lacking}. "
            "Give words of this Space, see that they are written as its keys are, or name another group."
        )


def checked(sets: Iterable[Iterable[str]], what: str) -> tuple[tuple[str, ...], ...]:
    """Sets of words as tuples.

    Raises:
        BadOption: One is a string, or has fewer than two words.
    """
    found = tuple((each,) if isinstance(each, str) else tuple(map(str, each)) for each in sets)
    for each in found:
        if len(each) < 2:
            raise BadOption(f"{what}: {each[0] if each else ''!r} is no pair; each is two words or more.")
    return found


def sets_of(space: Space, sets: Iterable[Sequence[str]], lower: bool | None) -> Sets:
    """The rows of sets of words in a Space of one group; a set that stands twice counts once."""
    every = list(dict.fromkeys(tuple(spelled(each, space.keys, lower)) for each in sets))
    missing: dict[str, None] = {}
    found = []
    for words in every:
        rows = space.keys.rows(words)
        missing.update(dict.fromkeys(word for word, row in zip(words, rows.tolist(), strict=True) if row < 0))
        held = np.array(list(dict.fromkeys(rows[rows >= 0].tolist())), np.int64)
        if len(held) > 1:
            found.append(held)
    return Sets(found, len(every), list(missing))


def rows_of(space: Space, words: Iterable[str], lower: bool | None) -> np.ndarray:
    """The rows (m,) int64 of those words that have one in a Space of one group, ascending and each once."""
    found = space.keys.rows(spelled([words] if isinstance(words, str) else words, space.keys, lower))
    return np.unique(found[found >= 0])


def directions(rows: Sequence[np.ndarray], count: int) -> np.ndarray:
    """The directions (count, dim) float64 in which the rows of sets differ most: principal, orthogonal, of length 1.

    Each points from the last words of the sets to the first ones.

    Args:
        rows: Of each set (two or more, dim).
        count: How many directions.

    Raises:
        BadOption: The sets differ in fewer directions, or rows have no more.

    Source:
        Bolukbasi et al. 2016 (arXiv 1607.06520); Manzini et al. 2019 (sets of more than two).
    """
    around = np.concatenate([each - each.mean(axis=0) for each in map(_wide, rows)])
    _, strengths, found = np.linalg.svd(around, full_matrices=False)
    held = int(np.count_nonzero(strengths > 1e-6 * max(strengths[0], 1e-30)))
    if count >= around.shape[1]:
        raise BadOption(
            f"components is {count}, but rows have {around.shape[1]} coordinates, and nothing would be left of them."
        )
    if count > held:
        raise BadOption(
            f"components is {count}, but the words differ in {held} directions; give more of them, or take fewer."
        )
    found = found[:count]
    across = sum(_wide(each)[0] - _wide(each)[-1] for each in rows)
    turned: np.ndarray = found * np.where(found @ across < 0, -1.0, 1.0)[:, None]
    return turned


def direction_of(space: Space, sets: Sets, count: int, unit: bool) -> np.ndarray:
    """The directions (count, dim) float64 of sets of words of a Space of one group, of rows or of these at length 1."""
    taken = (space.rows.take(each).astype(np.float64) for each in sets.rows)
    return directions([units(each) if unit else each for each in taken], count)


def _wide(rows: np.ndarray) -> np.ndarray:
    wide: np.ndarray = np.asarray(rows, np.float64)
    return wide
