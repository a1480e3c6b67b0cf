"""The words of a test, found among the keys of a Space; and the lines of a test, read with their places."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kinfold.core.columns import lower_cased
from kinfold.core.errors import BadData, BadFile, BadOption
from kinfold.core.files import existing
from kinfold.core.frequency import most_frequent
from kinfold.core.keys import Keys
from kinfold.core.metric import units
from kinfold.core.space import Space


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """The rows that take part in a test.

    Args:
        keys: Their names.
        vectors: Their coordinates (n, dim) float32, of unit length; zero rows stay zero.
        lower: Whether the words of the test are lower-cased before they are looked up.
        available: Rows of the group that these are the most frequent of.
    """

    keys: Keys
    vectors: np.ndarray
    lower: bool
    available: int

    @classmethod
    def of(cls, space: Space, restrict: int | None, lower: bool | None, group: str | None = None) -> Vocabulary:
        """The first `restrict` rows of a group by frequency.

        By frequency means by the attribute `count` where there is one, else in the order of the rows. `lower` None
        means: if the keys themselves are all in lower case. `group` None means the only one, or `word` of several.

        Raises:
            BadOption: `restrict` is below 1, or the Space has several groups, none is called `word` and none was named.
            UnknownName: There is no such group.
        """
        if restrict is not None and restrict < 1:
            raise BadOption(f"restrict is {restrict}; it is a number of rows, at least 1, or None for all.")
        if group is None and len(space.groups) > 1:
            if "word" not in space.groups:
                raise BadOption(
                    f"this Space has the groups {', '.join(space.groups)}; say which one holds words: group=…"
                )
            group = "word"
        space = space.group(group)
        rows, _ = most_frequent(space, restrict)
        keys = space.keys.take(rows)
        vectors = units(space.rows.take(rows))
        if lower is None:
            lower = lower_cased(keys.names)
        return cls(keys, vectors, lower, len(space))

    def find(self, words: Iterable[str]) -> dict[str, int]:
        """The row of each word that has one."""
        distinct = list(dict.fromkeys(words))
        rows = self.keys.rows([self.cased(word) for word in distinct])
        return {word: row for word, row in zip(distinct, rows.tolist(), strict=True) if row >= 0}

    def cased(self, word: str) -> str:
        """The word as it is looked up."""
        return word.lower() if self.lower else word


def lines(path: str | os.PathLike[str]) -> Iterator[tuple[str, str]]:
    """`(place, line)` of each line of a text file that is not blank; the place names file and line.

    Raises:
        BadFile: Nothing is there, or it cannot be read.
        BadData: A line is not UTF-8.
    """
    found = existing(path)
    if found.is_dir():
        raise BadFile(f"{found}: is a folder; name a file in it.")
    with open(found, "rb") as file:
        for number, raw in enumerate(file, 1):
            place = f"{found} line {number:,}"
            try:
                line = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()
            except UnicodeDecodeError as error:
                raise BadData(
                    f"{place}: byte {error.start} is not UTF-8; a test is a UTF-8 text file, convert it first."
                ) from error
            if line:
                yield place, line


def stem(path: str | os.PathLike[str]) -> str:
    """The name of a file without folder and ending."""
    return Path(path).stem
