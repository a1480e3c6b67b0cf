"""The character n-grams of words, and the rows that a Space has for them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from kinfold.core.columns import to_numpy
from kinfold.core.errors import BadData
from kinfold.core.rows import Rows

if TYPE_CHECKING:
    from kinfold.core.space import Space

# An n-gram longer than this is none of any model, but would be counted for hours in a damaged file.
LONGEST = 100
# What is laid out for one block of words: some n-grams, some numbers of their sums.
_NGRAMS = 1 << 21
_NUMBERS = 1 << 21
# Buckets up to which a table tells the row of each at once, whatever the number of rows.
_TABLE = 1 << 22


class Sums(NamedTuple):
    """What the n-grams of some consecutive words come to.

    Args:
        start: The first of the words.
        stop: The one behind the last.
        rows: The sum of the n-grams' rows, (stop - start, dim) float32.
        counted: N-grams by which a mean is divided (stop - start,) int64; those without a row count as rows of zeros,
            unless the model is pruned.
        held: N-grams that have a row (stop - start,) int64.
    """

    start: int
    stop: int
    rows: np.ndarray
    counted: np.ndarray
    held: np.ndarray


class Parts:
    """N-grams in buckets, as fastText adds them up.

    Args:
        numbers: The bucket of each row (m,) int64.
        rows: Rows of the buckets (m, dim).
        shortest: Characters of an n-gram at least.
        longest: At most; 0 for no n-grams.
        buckets: How many buckets there are.
        pruned: Whether an n-gram without a row is left out of a mean.

    Raises:
        BadData: A bucket stands twice or is outside, or an n-gram is longer than any model's.

    Source:
        Bojanowski et al. 2017 (arXiv 1607.04606).
    """

    def __init__(
        self, numbers: np.ndarray, rows: Rows, shortest: int, longest: int, buckets: int, pruned: bool = False
    ) -> None:
        if not 0 <= longest <= LONGEST or not 0 <= buckets < 1 << 31 or (longest and not buckets):
            raise BadData(
                f"n-grams of up to {longest:,} characters in {buckets:,} buckets cannot be counted; at most {LONGEST} "
                "characters, and from 1 to 2^31 - 1 buckets."
            )
        self.order = np.argsort(numbers, kind="stable").astype(np.int32)
        self.numbers = numbers if (np.diff(numbers) > 0).all() else numbers[self.order]
        if len(numbers) and (self.numbers[0] < 0 or self.numbers[-1] >= buckets or not np.diff(self.numbers).all()):
            raise BadData(f"the n-grams are named by their buckets, each once, from 0 to {buckets - 1:,}.")
        self.rows = rows
        self.shortest, self.longest, self.buckets, self.pruned = max(shortest, 1), longest, buckets, pruned
        self._table: np.ndarray | None = None

    @classmethod
    def of(cls, space: Space) -> Parts:
        """Those of a Space of words that have parts: its group `ngram`, and what its card tells of them.

        Raises:
            BadData: The group or the card are not those of such a Space.
        """
        told = space.card.parameters
        longest, shortest, buckets = (_whole(told, name) for name in ("max_n", "min_n", "buckets"))
        group = space.groups.get("ngram", range(0))
        if longest and "ngram" not in space.groups:
            raise BadData(
                "this Space has no group 'ngram', so that the parts of its words are not known; "
                "take the whole Space, not one group of it."
            )
        names = space.keys.names.slice(group.start, len(group))
        try:
            numbers = to_numpy(names.cast("int64"))
        except ValueError as error:
            raise BadData(f"the keys of the group 'ngram' are numbers of buckets: {error}") from error
        rows = space.rows.slice(group.start, group.stop)
        return cls(numbers, rows, shortest, longest, buckets, bool(told.get("pruned", False)))

    def sums(self, data: np.ndarray, offsets: np.ndarray, threads: int | None = None) -> Iterator[Sums]:
        """The sums of consecutive words, a bounded block at a time.

        Args:
            data: UTF-8 bytes, uint8.
            offsets: (n + 1,) int64; word i is `data[offsets[i]:offsets[i + 1]]`.
            threads: How many work at once; as many as there are processors by default.
        """
        start = 0
        most_bytes = _NGRAMS // max(self.longest, 1)
        most_words = max(_NUMBERS // max(self.rows.dim, 1), 64)
        while start < len(offsets) - 1:
            fitting = int(np.searchsorted(offsets, offsets[start] + most_bytes, side="right")) - 1
            stop = max(start + 1, min(fitting, start + most_words, len(offsets) - 1))
            yield self._summed(start, stop, data, offsets[start : stop + 1], threads or os.cpu_count() or 1)
            start = stop

    def of_word(self, word: str) -> tuple[list[str], np.ndarray, int]:
        """The n-grams of one word that have a row, `<` and `>` its ends, and those rows (m, dim) float32.

        Also by how many n-grams a mean is divided, as in `Sums`.
        """
        from kinfold.kernels.subwords import ngrams

        data = np.frombuffer(word.encode(), np.uint8)
        _, ids = ngrams(data, np.array([0, len(data)]), self.shortest, self.longest, self.buckets)
        places = self._rows_of(ids)
        held = places >= 0
        names = [name for name, one in zip(spelled(word, self.shortest, self.longest), held, strict=True) if one]
        rows: np.ndarray = self.rows.take(places[held].astype(np.int64))
        return names, rows, len(names) if self.pruned else len(ids)

    def _summed(self, start: int, stop: int, data: np.ndarray, offsets: np.ndarray, threads: int) -> Sums:
        from kinfold.kernels.sparse import product
        from kinfold.kernels.subwords import ngrams

        starts, ids = ngrams(data, offsets, self.shortest, self.longest, self.buckets)
        columns = self._rows_of(ids)
        counted = np.diff(starts)
        with_row = columns >= 0
        if not with_row.all():
            columns = columns[with_row]
            starts = np.concatenate([[0], np.cumsum(with_row)])[starts]
        held = np.diff(starts)
        values = self.rows.values
        if not isinstance(values, np.ndarray) or values.dtype != np.float32:
            some, columns = np.unique(columns, return_inverse=True)
            values = self.rows.take(some)
        sums = product(starts, columns.astype(np.int32, copy=False), np.ones(len(columns), np.float32), values, threads)
        return Sums(start, stop, sums, held if self.pruned else counted, held)

    def _rows_of(self, ids: np.ndarray) -> np.ndarray:
        """The row (m,) int32 of each bucket; -1 where it has none."""
        if self._table is None and self.buckets <= max(_TABLE, 16 * len(self.numbers)):
            self._table = np.full(self.buckets, -1, np.int32)
            self._table[self.numbers] = self.order
        if self._table is not None:
            rows: np.ndarray = self._table[ids]
            return rows
        if not len(self.numbers):
            return np.full(len(ids), -1, np.int32)
        at = np.minimum(np.searchsorted(self.numbers, ids), len(self.numbers) - 1)
        found: np.ndarray = np.where(self.numbers[at] == ids, self.order[at], -1).astype(np.int32)
        return found


def spelled(word: str, shortest: int, longest: int) -> list[str]:
    """The n-grams of `<word>` as texts, in the order of `kernels.subwords.ngrams`.

    Example:
        >>> spelled("cat", 3, 4)
        ['<ca', '<cat', 'cat', 'cat>', 'at>']
    """
    if word == "</s>":
        return []
    text = f"<{word}>"
    return [
        text[first : first + length]
        for first in range(len(text))
        for length in range(shortest, min(longest, len(text) - first) + 1)
        if not (length == 1 and first in (0, len(text) - 1))
    ]


def mean(own: np.ndarray, sums: Sums) -> np.ndarray:
    """The rows of words that are known: the mean of their own rows (m, dim) and those of their n-grams.

    What is too large for float32 becomes infinite, without a warning.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        found: np.ndarray = (own + sums.rows) * (1 / (sums.counted + 1)).astype(np.float32)[:, None]
    return found


def _whole(told: Mapping[str, Any], name: str) -> int:
    value = told.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadData(f"the card says {name}={value!r}; of words that have parts, it is a whole number.")
    return value
