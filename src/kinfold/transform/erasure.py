"""What is erased: the labels of rows; and how: an affine map that a fit gives, for every Space of the same frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from kinfold.core.errors import BadData, BadOption, FrameMismatch
from kinfold.core.kinds import kinds
from kinfold.core.space import Space
from kinfold.transform.concept import rows_of
from kinfold.transform.moved import Moving

Lists = Mapping[str, Sequence[str]]


class Labels(NamedTuple):
    """Rows of a group that are known to be of one kind or another.

    Args:
        rows: (m,) int64, ascending.
        kinds: Of each (m,) int64, from 0 on; every kind has a row.
        names: Of the kinds.
    """

    rows: np.ndarray
    kinds: np.ndarray
    names: list[str]


def labels_of(part: Space, attribute: str | None, words: Lists, lower: bool | None) -> list[Labels]:
    """The labels by an attribute and those by lists of words, each where it is given, of a Space of one group.

    A word that stands in several lists is left out of all.

    Raises:
        BadOption: Neither is given, or the attribute tells no kinds.
        BadData: There are fewer than two kinds.
        UnknownName: There is no such attribute.
    """
    if attribute is None and not words:
        raise BadOption("nothing says what to erase; give an attribute of the Space, or lists of words.")
    found = []
    if attribute is not None:
        owners, names = kinds(part, attribute)
        rows = np.flatnonzero(owners >= 0)
        found.append(Labels(rows, owners[rows], names))
    if words:
        lists = [rows_of(part, each, lower) for each in words.values()]
        every, first, often = np.unique(np.concatenate(lists), return_index=True, return_counts=True)
        owner = np.repeat(np.arange(len(lists)), [len(each) for each in lists])[first]
        found.append(_only(every[often == 1], owner[often == 1], list(words)))
    for each in found:
        if len(each.names) < 2:
            told = f"{len(each.rows):,} rows of {len(each.names)} kind{'' if len(each.names) == 1 else 's'}"
            raise BadData(
                f"what is to be erased is told of {told}, where at least two are to be made alike; see that words are "
                "written as the keys are, and stand in one list each."
            )
    return found


def room_for(labels: Sequence[Labels], dim: int) -> None:
    """Does nothing where rows of so many coordinates keep one that tells none of the kinds.

    Raises:
        BadData: They do not.
    """
    if sum(len(each.names) - 1 for each in labels) >= dim:
        raise BadData(
            f"{sum(len(each.names) for each in labels)} kinds take as many directions as the {dim} dimensions that "
            "there are, and nothing would be left; merge kinds."
        )


def _only(rows: np.ndarray, owners: np.ndarray, names: list[str]) -> Labels:
    held, places = np.unique(owners, return_inverse=True)
    return Labels(rows, places, [names[each] for each in held.tolist()])


@dataclass(frozen=True, slots=True, eq=False)
class Erasure:
    """A fitted map that takes a concept out of rows: x goes to x · matrix + offset.

    Args:
        step: What it is called on a card.
        frame: Whose rows it takes.
        group: The group that is moved; None for the first.
        matrix: (dim, dim) float64.
        offset: (dim,) float64.
        details: What the card says.
    """

    step: str
    frame: str
    group: str | None
    matrix: np.ndarray
    offset: np.ndarray
    details: dict[str, Any]

    def of(self, rows: np.ndarray) -> np.ndarray:
        """What becomes of rows (m, dim)."""
        found: np.ndarray = rows @ self.matrix.astype(np.float32) + self.offset.astype(np.float32)
        return found

    def apply(self, space: Space) -> Space:
        """The Space with moved rows.

        Raises:
            FrameMismatch: It is in another frame than the one that was fitted to.
            BadData: A row is not finite.
        """
        if space.frame != self.frame:
            raise FrameMismatch(
                f"this erasure takes rows of the frame {self.frame}, but the Space is in {space.frame}; fit one for it."
            )
        moving = Moving(space, self.group)
        for some in moving.blocks():
            moving.rows[some] = self.of(moving.rows[some])
        return moving.done(self.step, **self.details)
