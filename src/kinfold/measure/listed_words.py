"""Words of lists, found among the keys of a Space: which have a row, how they are written there, which are lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from kinfold.core.errors import BadData, BadOption
from kinfold.core.metric import units
from kinfold.core.report import Table, missing_words
from kinfold.core.space import Space

_NAMED = 8


class Rows(NamedTuple):
    """The words of a set that have a row.

    Args:
        words: As the list writes them.
        rows: (n, dim) float64.
        lost: Words without one.
    """

    words: list[str]
    rows: np.ndarray
    lost: list[str]

    def __len__(self) -> int:
        return len(self.words)

    def share_lost(self) -> float:
        """How much of the set is lost."""
        return len(self.lost) / max(1, len(self.lost) + len(self.words))


@dataclass(slots=True)
class ListedWords:
    """Finds words in a group of a Space, and remembers which it did not find, or only in lower case.

    Args:
        space: Words.
        group: Where they are; None means the only group, or `word` of several.
        lower: True looks words up in lower case, False as lists write them; None as written first, then in lower case.
        unit: Whether rows are brought to length 1.

    Raises:
        BadOption: None of several groups is called `word`, and none is named.
        BadData: The group has no rows.
        UnknownName: There is no such group.
    """

    space: Space
    group: str | None = None
    lower: bool | None = None
    unit: bool = False
    lowered: dict[str, None] = field(default_factory=dict, init=False)
    unusable: dict[str, None] = field(default_factory=dict, init=False)
    lost: Counter[str] = field(default_factory=Counter, init=False)

    def __post_init__(self) -> None:
        groups = self.space.groups
        if self.group is None and len(groups) > 1 and "word" not in groups:
            raise BadOption(f"this Space has the groups {', '.join(groups)}; say which one holds words: group=…")
        self.space = self.space.group(self.group or ("word" if "word" in groups else None))
        if not len(self.space):
            raise BadData("this Space has no rows, so that no word of a list is in it.")

    def find(self, words: Sequence[str]) -> Rows:
        """The rows of words that have one that can be compared: finite and not zero; each row once."""
        places, rows = self._look(words)
        _, first = np.unique(places, return_index=True)
        kept = [at for at in sorted(first.tolist()) if places[at] >= 0]
        lost = [word for word, place in zip(words, places, strict=True) if place < 0]
        return Rows([words[at] for at in kept], rows[kept], lost)

    def pairs(self, pairs: Sequence[tuple[str, str]]) -> tuple[Rows, Rows]:
        """The rows of the first and of the second words of those pairs of which both have one, and differ."""
        flat = self._look([word for pair in pairs for word in pair])
        places, rows = (each.reshape(len(pairs), 2, -1) for each in flat)
        good = (places[:, :, 0] >= 0).all(axis=1) & (rows[:, 0] != rows[:, 1]).any(axis=1)
        sides = []
        for side in (0, 1):
            lost = [pair[side] for pair, place in zip(pairs, places[:, side, 0], strict=True) if place < 0]
            named = [pair[side] for pair, used in zip(pairs, good, strict=True) if used]
            sides.append(Rows(named, rows[good, side], lost))
        return sides[0], sides[1]

    def others(self, words: Iterable[str], most: int, seed: int) -> np.ndarray:
        """Rows (n, dim) of keys that are none of these words, drawn where there are more than `most`."""
        taken = self._places(list(words))
        size = len(self.space)
        drawn = np.random.default_rng(seed).choice(size, min(size, most + len(taken)), replace=False)
        places = np.sort(np.setdiff1d(drawn, taken)[:most])
        rows = self.space.rows.take(places).astype(np.float64)
        found: np.ndarray = rows[_usable(rows)]
        return found

    def missed(self, words: Iterable[str]) -> None:
        """Counts words that a question lacks."""
        self.lost.update(dict.fromkeys(words, 1))

    def table(self) -> Table:
        """The words that questions lacked."""
        return missing_words(self.lost, "questions")

    def notes(self) -> list[str]:
        """How words were written, and which rows could not be used."""
        found = []
        if self.lowered:
            some = list(self.lowered)
            found.append(f"{len(some):,} words have a row in lower case only: {_some(some)}.")
        if self.unusable:
            found.append(f"Rows of zeros or not finite count as missing: {_some(list(self.unusable))}.")
        return found

    def _look(self, words: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """The place of each word (n,), -1 where it has no row that can be compared, and its row (n, dim)."""
        places = self._places(words)
        rows = np.zeros((len(words), self.space.dim))
        there = places >= 0
        rows[there] = self.space.rows.take(places[there])
        good = _usable(rows)
        self.unusable.update(dict.fromkeys(words[at] for at in np.flatnonzero(there & ~good).tolist()))
        places[~good], rows[~good] = -1, 0
        return places, units(rows) if self.unit else rows

    def _places(self, words: Sequence[str]) -> np.ndarray:
        """The place of each word (n,) int64, -1 where it is no key."""
        keys, small = self.space.keys, [word.lower() for word in words]
        if self.lower is not None:
            found: np.ndarray = keys.rows(small if self.lower else words)
            return found
        places, others = keys.rows(words), keys.rows(small)
        only = (places < 0) & (others >= 0)
        self.lowered.update(dict.fromkeys(words[at] for at in np.flatnonzero(only).tolist()))
        return np.where(only, others, places)


def _usable(rows: np.ndarray) -> np.ndarray:
    """Which rows are finite and not zero (n,)."""
    finite = np.isfinite(rows).all(axis=1)
    usable: np.ndarray = finite & (np.where(finite[:, None], rows, 0) != 0).any(axis=1)
    return usable


def _some(words: Sequence[str]) -> str:
    more = f" and {len(words) - _NAMED:,} more" if len(words) > _NAMED else ""
    return ", ".join(words[:_NAMED]) + more
