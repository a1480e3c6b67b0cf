"""Texts as bags: the mean of the rows of their words, of the words' character n-grams and of their word n-grams."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from kinfold.core.columns import to_arrow, to_numpy
from kinfold.core.errors import BadData
from kinfold.core.keys import Keys
from kinfold.core.progress import Progress, quiet
from kinfold.core.rows import Rows
from kinfold.core.shapes import Items, Sequences
from kinfold.core.space import Space
from kinfold.encode.over import OverSpace
from kinfold.encode.terms import Terms
from kinfold.prepare.cutting import cut_as
from kinfold.prepare.ngrams import END, NGrams, ngrams
from kinfold.prepare.tokens import sequences
from kinfold.sources.labeled import PREFIX

_LONGEST = 100  # words or characters of an n-gram
_BLANKS = str.maketrans(dict.fromkeys("\t\n\v\f\r\0", " "))


class Means(NamedTuple):
    """What texts became.

    Args:
        rows: (texts, dim) float32; zeros where nothing of a text has a row.
        words: Words of each text (texts,) int64, without the one that ends it.
        known: How many of these are in the vocabulary (texts,) int64.
    """

    rows: np.ndarray
    words: np.ndarray
    known: np.ndarray


@dataclass(frozen=True, eq=False)
class Bag(OverSpace):
    """Rows for texts, from a Space that was learned from labeled ones (`supervised`).

    A known word counts as its own row and those of its character n-grams, an unknown one as its n-grams alone; n-grams
    that were never met count as rows of zeros. As in fastText, every text ends with the word `</s>`.

    Args:
        space: With the groups `word` and, where it has n-grams, `ngram`.
        text: How texts are cut into words: `tokenizer` and `lower` of `prepare.tokens`; by default as on the card, and
            as fastText does where that does not say.

    Raises:
        UnknownName: The Space has no words.
        BadData: Its card or the names of its n-grams make no sense (when they are needed).
        BadOption: It was learned with a tokenizer of one's own, which has to be given again (when it is needed).

    Source:
        Joulin et al. 2017 (arXiv 1607.01759).
    """

    text: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        self.space.keys.range_of("word")

    def encode(
        self, items: Items[Any] | Iterable[Any], *, threads: int | None = None, progress: Progress = quiet
    ) -> Space:
        """Rows for texts.

        Args:
            items: Texts, or lists of words, which are taken as they are.
            threads: How many work at once; as many as there are processors by default.
            progress: Told of how many bytes are done.

        Returns:
            A Space of the group `document`, in the frame of the words, with the attributes `words` and `known`: how
            many words a text has, and how many of these are in the vocabulary.
        """
        items = Items.of(items)
        made = self.means(items, threads=threads, progress=progress)
        keys = items.keys
        if keys is None:
            keys = Keys([str(number) for number in range(len(made.rows))], "document")
        table = pa.table({"words": to_arrow(made.words), "known": to_arrow(made.known)})
        card = self.space.card.then("encode", texts=len(keys))
        return Space(keys, Rows(made.rows), self.space.metric, card, table)

    def means(self, items: Items[Any], *, threads: int | None = None, progress: Progress = quiet) -> Means:
        """`encode` without names."""
        from kinfold.kernels.sparse import product

        texts = self._texts(items, threads, progress)
        made = self._ngrams(texts)
        words = self.space.keys.rows(made.words, "word")
        of_words, of_texts = self._rows_of(made.of_words), self._rows_of(made.of_texts)
        sums, sizes = self._words(made, words, of_words)
        workers = threads or os.cpu_count() or 1
        rows = product(texts.starts, texts.ids, np.ones(len(texts.ids), np.float32), sums, workers)
        rows += sums[made.end]
        totals = _sums_within(sizes[texts.ids], texts.starts) + sizes[made.end]
        if len(of_texts):
            found, columns, dense = self._dense(of_texts)
            rows += product(made.text_starts, columns, found, dense, workers)
            counted = found.astype(np.int64) if self._pruned else np.ones(len(found), np.int64)
            totals += _sums_within(counted, made.text_starts)
        rows /= np.maximum(totals, 1).astype(np.float32)[:, None]
        known = _sums_within((words[texts.ids] >= 0).astype(np.int64), texts.starts)
        return Means(rows, np.diff(texts.starts), known)

    def terms(self, thing: str) -> Terms:
        """What a text's row is the sum of: its words with their n-grams, the word `</s>`, and its word n-grams."""
        texts = self._texts(Items([thing]), 1, quiet)
        made = self._ngrams(texts)
        sums, sizes = self._words(made, self.space.keys.rows(made.words, "word"), self._rows_of(made.of_words))
        ids = np.append(texts.ids, made.end)
        grams = self._rows_of(made.of_texts)
        held = grams >= 0
        total = sizes[ids].sum() + (held.sum() if self._pruned else len(grams))
        words = made.words.take(to_arrow(ids)).to_pylist()
        longest = self._number("word_ngrams", 1, 1, _LONGEST)
        # Each begins with a word of the text, and may end with the word behind it.
        named = [
            " ".join(words[first:stop])
            for first in range(len(texts.ids))
            for stop in range(first + 2, min(first + longest, len(words)) + 1)
        ]
        rows = np.concatenate([sums[ids], self.space.rows.take(grams[held])]) / np.float64(max(total, 1))
        return Terms([*words, *(name for name, one in zip(named, held, strict=True) if one)], rows)

    def _ngrams(self, texts: Sequences) -> NGrams:
        return ngrams(
            texts,
            longest=self._number("word_ngrams", 1, 1, _LONGEST),
            min_n=self._number("min_n", 0, 0, _LONGEST),
            max_n=self._number("max_n", 0, 0, _LONGEST),
            buckets=self._number("buckets", 0, 0, 2**31 - 1),
        )

    def _texts(self, items: Items[Any], threads: int | None, progress: Progress) -> Sequences:
        cut = cut_as(self.space, **(self.text or {}), otherwise=cut_as_fasttext)
        return sequences(items, min_count=1, keep_empty=True, **cut, threads=threads, progress=progress)

    def _words(self, made: NGrams, words: np.ndarray, of_words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of each word the sum of its rows (n, dim) float32, and how many they are (n,) int64."""
        from kinfold.kernels.sparse import product

        parts = np.diff(made.word_starts)
        if self._pruned:
            parts = _sums_within((of_words >= 0).astype(np.int64), made.word_starts)
        known = words >= 0
        sizes = parts + known
        sums = np.zeros((len(words), self.dim), np.float32)
        sums[known] = self.space.rows.take(words[known]) * sizes[known, None].astype(np.float32)
        if len(of_words):
            unknown = np.repeat(~known, np.diff(made.word_starts))
            found, columns, dense = self._dense(np.where(unknown, of_words, -1))
            sums += product(made.word_starts, columns, found, dense)
        return sums, sizes

    def _dense(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Which entries have a row (m,) float32 1 or 0, where it stands (m,) int32, and the rows that are needed."""
        needed, columns = np.unique(rows, return_inverse=True)
        dense = self.space.rows.take(np.maximum(needed, 0))
        return (rows >= 0).astype(np.float32), columns.astype(np.int32), dense

    def _rows_of(self, buckets: np.ndarray) -> np.ndarray:
        """The rows (m,) int64 of some buckets, -1 where they have none."""
        numbers, rows = self._buckets
        if not len(numbers):
            return np.full(len(buckets), -1, np.int64)
        at = np.minimum(np.searchsorted(numbers, buckets), len(numbers) - 1)
        return np.where(numbers[at] == buckets, rows[at], -1)

    @functools.cached_property
    def _buckets(self) -> tuple[np.ndarray, np.ndarray]:
        """Numbers of the buckets that have a row, ascending, and these rows."""
        if "ngram" not in self.space.groups:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        rows = self.space.keys.range_of("ngram")
        try:
            numbers = to_numpy(self.space.keys.group("ngram").names.cast(pa.int64()))
        except pa.ArrowInvalid as error:
            raise BadData(f"the keys of the group 'ngram' are numbers of buckets ({error}).") from error
        order = np.argsort(numbers, kind="stable")
        return numbers[order], rows.start + order

    @property
    def _pruned(self) -> bool:
        return bool(self.space.card.parameters.get("pruned", False))

    def _number(self, name: str, default: int, least: int, most: int) -> int:
        value = self.space.card.parameters.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or not least <= value <= most:
            raise BadData(f"the card's parameter {name} is {value!r}; it is a whole number from {least} to {most:,}.")
        return int(value)


def cut_as_fasttext(text: str) -> list[str]:
    """The words of a text as the original has them.

    ASCII white space and NUL stand between them, `</s>` ends the text, and what looks like a label is left out.

    Example:
        >>> cut_as_fasttext("__label__x don't  stop")
        ["don't", 'stop']
    """
    words = text.translate(_BLANKS).split(" ")
    if END in words:
        words = words[: words.index(END)]
    return [word for word in words if word and not word.startswith(PREFIX)]


def _sums_within(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """The sum (n,) int64 of the values of each range of `starts` (n + 1,)."""
    sums = np.append(0, np.cumsum(values))
    within: np.ndarray = sums[starts[1:]] - sums[starts[:-1]]
    return within
