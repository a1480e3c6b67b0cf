"""Words as means of the rows of a hash table, as floret has it."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from kinfold.core.columns import to_numpy
from kinfold.core.errors import BadData
from kinfold.core.progress import Progress, quiet
from kinfold.core.rows import Rows
from kinfold.core.shapes import Items
from kinfold.core.space import Space
from kinfold.encode.over import OverSpace
from kinfold.encode.words import words_of

# Words whose n-grams are counted at a time.
_WORDS = 16_384


@dataclass(frozen=True, eq=False)
class Floret(OverSpace):
    """Rows for any words from a Space of hashed n-grams, as `kinfold.open` reads it from floret's files.

    A word is the mean of the rows of the buckets that it and its character n-grams fall into, as floret gives it;
    buckets without a row count as rows of zeros. The word `</s>` has none and becomes a row of zeros. (To the one word
    that is the most frequent in its training, the library's model adds a row that its `.floret` file has not.)

    Args:
        space: With the group `ngram`.

    Raises:
        UnknownName: The Space has no n-grams.
        BadData: Its card does not say how words find their buckets.

    Source:
        floret 0.10 (Explosion); Bojanowski et al. 2017 (arXiv 1607.04606); Svenstrup et al. 2017 (arXiv 1709.03933).
    """

    methods: ClassVar[tuple[str, ...]] = ("floret",)
    things: ClassVar[str] = "words"

    def __post_init__(self) -> None:
        self._rows_of_buckets  # noqa: B018 - what is wrong with them is said here

    def encode(
        self, items: Items[str] | Iterable[str], *, threads: int | None = None, progress: Progress = quiet
    ) -> Space:
        """Rows for words; a word that is there twice has one.

        Args:
            items: Words, or Items of words; where these have keys, those become the names.
            threads: How many work at once; as many as there are processors by default.
            progress: Told of how many words are done.

        Returns:
            A Space of the group `word` in the frame of the n-grams. The last step on its card counts words, and those
            that are `empty`.

        Raises:
            BadData: One of the things is no string.
        """
        words, keys = words_of(items)
        progress.start("encode", len(words), "words")
        rows = np.empty((len(words), self.dim), np.float32)
        empty = 0
        for start in range(0, len(words), _WORDS):
            means, counted = self._means(words.slice(start, _WORDS), threads or os.cpu_count() or 1)
            rows[start : start + len(means)] = means
            empty += int(np.count_nonzero(counted == 0))
            progress.advance(len(means))
        card = self.space.card.then("encode", words=len(words), empty=empty)
        return Space(keys, Rows(rows), self.space.metric, card)

    @functools.cached_property
    def _rows_of_buckets(self) -> np.ndarray:
        """The row of each bucket (buckets,) int64; -1 where it has none."""
        group, told = self.space.keys.range_of("ngram"), self.space.card.parameters
        names = self.space.keys.names.slice(group.start, len(group))
        try:
            numbers = to_numpy(names.cast(pa.int64()))
            found = np.full(int(told["buckets"]), -1, np.int64)
            found[numbers] = np.arange(group.start, group.stop)
            good = 0 <= int(told["max_n"]) <= 100 and 1 <= int(told["hashes"]) <= 4 and len(found) < 1 << 31
            good = good and 0 <= int(told["hash_seed"]) < 1 << 32 and (not len(numbers) or numbers.min() >= 0)
        except (pa.ArrowInvalid, KeyError, TypeError, ValueError, IndexError) as error:
            raise BadData(f"this Space is no hash table of floret's ({error!r}).") from error
        if not good:
            raise BadData("this Space is no hash table of floret's: its card says of n-grams what cannot be.")
        return found

    def _means(self, words: pa.LargeStringArray, threads: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows (n, dim) of some words, and how many buckets each has."""
        from kinfold.kernels.murmur import word_buckets
        from kinfold.kernels.sparse import product

        told: dict[str, Any] = dict(self.space.card.parameters)
        _, offsets, data = pa.concat_arrays([words]).buffers()
        starts, ids = word_buckets(
            np.frombuffer(data, np.uint8) if data is not None and data.size else np.zeros(1, np.uint8),
            np.frombuffer(offsets, np.int64, len(words) + 1),
            opens=str(told["opens"]).encode(),
            closes=str(told["closes"]).encode(),
            shortest=max(1, int(told["min_n"])),
            longest=int(told["max_n"]),
            buckets=int(told["buckets"]),
            hashes=int(told["hashes"]),
            seed=int(told["hash_seed"]),
        )
        counted = np.diff(starts)
        columns = self._rows_of_buckets[ids]
        held = columns >= 0
        starts = np.concatenate([[0], np.cumsum(held)])[starts]
        shares = np.repeat((1 / np.maximum(counted, 1)).astype(np.float32), counted)[held]
        # Only the rows that occur: what is mapped is not read for a few words.
        some, columns = np.unique(columns[held], return_inverse=True)
        return product(starts, columns.astype(np.int32), shares, self.space.rows.take(some), threads), counted
