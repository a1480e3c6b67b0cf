"""Words that a model has never seen, from the rows of their n-grams."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa

from kinfold.core.columns import to_arrow
from kinfold.core.keys import utf8
from kinfold.core.parts import Parts
from kinfold.core.progress import Progress, quiet
from kinfold.core.rows import Rows
from kinfold.core.shapes import Items
from kinfold.core.space import Space
from kinfold.encode.over import OverSpace
from kinfold.encode.terms import Terms
from kinfold.encode.words import words_of


@dataclass(frozen=True, eq=False)
class Subword(OverSpace):
    """Rows for words, seen or not, from a Space of words that have parts (fastText's).

    A known word has its row. Any other is the mean of the rows of its character n-grams, of which those that were never
    met count as rows of zeros, or are left out where the model is pruned; a word without any n-gram that has a row
    becomes a row of zeros and is counted. That is what fastText itself gives.

    Args:
        space: With the group `word` and, for unseen words, the group `ngram`.

    Raises:
        UnknownName: The Space has no words.
        BadData: Its n-grams are not those of such a Space.

    Source:
        Bojanowski et al. 2017 (arXiv 1607.04606).
    """

    methods: ClassVar[tuple[str, ...]] = ("fasttext", "supervised")
    things: ClassVar[str] = "words"

    def __post_init__(self) -> None:
        self.space.keys.range_of("word")
        self._parts  # noqa: B018 - what is wrong with them is said here

    def encode(
        self, items: Items[str] | Iterable[str], *, threads: int | None = None, progress: Progress = quiet
    ) -> Space:
        """Rows for words; a word that is there twice has one.

        Args:
            items: Words, or Items of words; where these have keys, those become the names.
            threads: How many work at once; as many as there are processors by default.
            progress: Told of how many unseen words are done.

        Returns:
            A Space of the group `word` in the frame of the model, with the attribute `seen`: whether a word is one of
            the model's own. The last step on its card counts `seen`, `unseen` and, of these, `empty` ones.

        Raises:
            BadData: One of the things is no string, or the rows are so large that their sum is infinite.
        """
        words, names = words_of(items)
        found = self.space.keys.rows(words, "word")
        seen = found >= 0
        rows = np.empty((len(words), self.dim), np.float32)
        rows[seen] = self.space.rows.take(found[seen])
        new = np.flatnonzero(~seen)
        empty = 0
        progress.start("encode", len(new), "words")
        for sums in self._parts.sums(*utf8(words.take(to_arrow(new))), threads):
            rows[new[sums.start : sums.stop]] = sums.rows * _shares(sums.counted)[:, None]
            empty += int(np.count_nonzero(sums.held == 0))
            progress.advance(sums.stop - sums.start)
        held = Rows(rows)
        held.refuse_non_finite("the words that were encoded")
        known = len(words) - len(new)
        card = self.space.card.then("encode", words=len(words), seen=known, unseen=len(new), empty=empty)
        return Space(names, held, self.space.metric, card, pa.table({"seen": pa.array(seen)}))

    def terms(self, thing: str) -> Terms:
        """What a word's row is the sum of: its own row, if it is known, and those of its n-grams."""
        names, rows, counted = self._parts.of_word(thing)
        place = int(self.space.keys.rows([thing], "word")[0])
        if place < 0:
            return Terms(names, rows / np.float64(max(counted, 1)))
        # What n-grams do not make up is the word's own row, however the file keeps that.
        shares = rows / np.float64(counted + 1)
        own = self.space.rows.take(place) - shares.sum(axis=0)
        return Terms([thing, *names], np.concatenate([own[None], shares]))

    @functools.cached_property
    def _parts(self) -> Parts:
        return Parts.of(self.space)


def _shares(counted: np.ndarray) -> np.ndarray:
    shares: np.ndarray = (1 / np.maximum(counted, 1)).astype(np.float32)
    return shares
