"""Which rows of two Spaces go together: those of the pairs of a dictionary, or those of the keys that both have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from kinfold.core.columns import lower_cased
from kinfold.core.errors import BadData
from kinfold.core.keys import Keys
from kinfold.core.report import Finding, Table, missing_words
from kinfold.core.space import Space
from kinfold.sources.pairs import read


@dataclass(frozen=True, slots=True, eq=False)
class Links:
    """Rows that go together, each pair once.

    Args:
        rows: (m, 2) int64, of the source and of the target.
        weights: (m,) float32, None where the pairs have none.
        asked: Pairs that were looked up.
        covered: Those of them that have a row on both sides.
        missing: How many pairs lack each word of the source, and each of the target.
    """

    rows: np.ndarray
    weights: np.ndarray | None
    asked: int
    covered: int
    missing: tuple[Counter[str], Counter[str]]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def coverage(self) -> Finding:
        """The share of the pairs that have a row on both sides."""
        return Finding("coverage", self.covered / max(1, self.asked), n=self.asked)

    @property
    def tables(self) -> list[Table]:
        """The words that have no row, where there are any."""
        sides = zip(self.missing, ("of the source", "of the target"), strict=True)
        return [missing_words(words, "pairs", of) for words, of in sides if words]

    def at_least(self, count: int, what: str) -> Links:
        """The links themselves.

        Raises:
            BadData: There are fewer; names some of the missing words.
        """
        if len(self) >= count:
            return self
        examples = [f"'{word}'" for words in self.missing for word, _ in words.most_common(2)]
        lacking = f"; without a row are, for example, {', '.join(examples)}" if examples else ""
        raise BadData(
            f"{self.covered:,} of {self.asked:,} pairs have rows on both sides{lacking}. {what} takes at least "
            f"{count}: give other pairs, see that both sides are written as the keys are, or name another group."
        )


def linked(
    source: Space, target: Space, pairs: Any = None, *, group: str | None = None, lower: bool | None = None
) -> Links:
    """The rows of some pairs, or of the keys that both Spaces have.

    Args:
        source: Where the left side is looked up.
        target: Where the right side is looked up.
        pairs: What `sources.pairs.read` takes; None for the keys that both have.
        group: Whose keys; the first group of either where it is None.
        lower: Lower-case the pairs; None does so on each side whose keys are all in lower case.

    Raises:
        BadFile: The file of pairs is not there, or cannot be read.
        BadData: A line of it is no pair.
        UnknownName: One of the Spaces has no such group.
    """
    sides = source.group(group), target.group(group)
    starts = [
        space.keys.range_of(next(iter(side.groups))).start for space, side in zip((source, target), sides, strict=True)
    ]
    if pairs is None:
        found = sides[1].keys.rows(sides[0].keys)
        here = np.flatnonzero(found >= 0)
        rows = np.stack([here + starts[0], found[here] + starts[1]], axis=1)
        return Links(rows, None, len(here), len(here), (Counter(), Counter()))
    read_pairs = read(pairs)
    ends = np.empty((len(read_pairs), 2), np.int64)
    missing: list[Counter[str]] = []
    for at, (side, words) in enumerate(zip(sides, (read_pairs.left, read_pairs.right), strict=True)):
        cased = spelled(words, side.keys, lower)
        found = side.keys.rows(cased)[read_pairs.links[:, at]]
        without = read_pairs.links[found < 0, at]
        missing.append(Counter(cased[row] for row in without.tolist()))
        ends[:, at] = np.where(found < 0, -1, found + starts[at])
    covered = np.flatnonzero((ends >= 0).all(axis=1))
    # Words that differ only in case can be one row.
    rows, first = np.unique(ends[covered], axis=0, return_index=True)
    order = np.argsort(first)
    weights = None if read_pairs.weights is None else read_pairs.weights[covered][first[order]]
    return Links(rows[order], weights, len(read_pairs), len(covered), (missing[0], missing[1]))


def spelled(words: Iterable[str], keys: Keys, lower: bool | None) -> list[str]:
    """The words as they are looked up among keys: in lower case where `lower` says so, or is None and all keys are."""
    lower = lower_cased(keys.names) if lower is None else lower
    return [word.lower() for word in words] if lower else list(words)
