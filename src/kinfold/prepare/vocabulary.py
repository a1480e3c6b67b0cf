"""Words and their numbers while a corpus is read, and the cut when it has been."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from kinfold.core.errors import BadData
from kinfold.core.keys import Keys
from kinfold.core.shapes import Block
from kinfold.prepare.characters import Characters

_FIRST_SLOTS = 1 << 16
_SLACK = 8  # the kernels read whole eights of bytes


class Vocabulary:
    """Words in the order in which they were first met, each with its count. Grows as it needs to; for one thread."""

    def __init__(self) -> None:
        self._state = np.zeros(3, np.int64)
        self._slots = np.zeros(_FIRST_SLOTS, np.int64)
        self._words = np.empty((_FIRST_SLOTS // 2, 4), np.int64)
        self._firsts = np.empty(_FIRST_SLOTS // 2, np.int64)
        self._arena = np.empty(_SLACK, np.uint8)
        self._low = np.empty(0, np.uint8)
        self._starts = self._stops = np.empty(0, np.int64)

    def __len__(self) -> int:
        return int(self._state[0])

    @property
    def counts(self) -> np.ndarray:
        """How often each word was met (words,) int64."""
        counts: np.ndarray = self._words[: len(self), 3]
        return counts

    @property
    def firsts(self) -> np.ndarray:
        """Where each word was first met (words,) int64, in an order over the whole corpus."""
        return self._firsts[: len(self)]

    def scan(self, block: Block, characters: Characters, order: int) -> tuple[np.ndarray, np.ndarray]:
        """Tokenizes a block.

        Args:
            block: Its texts.
            characters: What a token is.
            order: Before all tokens of this block, behind those of earlier ones.

        Returns:
            Ids (tokens,) int32, and tokens up to the end of each text (texts,) int64.
        """
        from kinfold.kernels._jit import plain
        from kinfold.kernels.tokens import cut, simplify

        data, ends = plain(block.data), plain(block.ends)
        self._grow_scratch(len(data), len(ends))
        simplify(data, characters.letters, self._low)
        made = np.empty(len(ends), np.int64)
        cut(data, self._low, ends, characters.pages, characters.points, self._starts, self._stops, made)
        tokens = made[-1] if len(made) else 0
        return self._enter(self._low, self._starts[:tokens], self._stops[:tokens], order), made

    def enter(
        self, data: np.ndarray, starts: np.ndarray, order: int, characters: Characters | None = None
    ) -> np.ndarray:
        """Takes tokens that are cut already: token t is `data[starts[t]:starts[t + 1]]`, valid UTF-8.

        Args:
            data: (bytes,) uint8.
            starts: (tokens + 1,) int64.
            order: As of `scan`.
            characters: What each character becomes; None leaves all as they are.

        Returns:
            Ids (tokens,) int32.
        """
        from kinfold.kernels._jit import plain
        from kinfold.kernels.tokens import rewrite

        size = int(starts[-1] - starts[0])
        if characters is None:
            padded = np.empty(size + _SLACK, np.uint8)
            padded[:size] = data[starts[0] : starts[-1]]
            starts = starts - starts[0]
        else:
            padded, cut = np.empty(2 * size + _SLACK, np.uint8), plain(starts)
            starts = np.empty(len(cut), np.int64)
            rewrite(plain(data), cut, characters.pages, characters.points, padded, starts)
        return self._enter(padded, starts[:-1], starts[1:], order)

    def _enter(self, data: np.ndarray, starts: np.ndarray, stops: np.ndarray, order: int) -> np.ndarray:
        from kinfold.kernels.tokens import DONE, USED, enter

        self._state[DONE] = 0
        need = int(self._state[USED] + (stops - starts).sum()) + _SLACK
        if len(self._arena) < need:
            self._arena = _resized(self._arena, max(need, 2 * len(self._arena)))
        ids = np.empty(len(starts), np.int32)
        while not enter(
            data, starts, stops, order, self._state, self._slots, self._words, self._firsts, self._arena, ids
        ):
            self._grow()
        return ids

    def absorb(self, other: Vocabulary) -> np.ndarray:
        """Takes the words and counts of another one; returns the numbers (words of it,) int32 that they have here."""
        before, counts, firsts = len(self), self.counts.copy(), self.firsts.copy()
        ids = self.enter(other._arena, other._offsets(), 0)
        self.counts[:before] = counts
        self.counts[before:] = 0
        self.counts[ids] += other.counts
        self.firsts[:before] = firsts
        self.firsts[before:] = np.iinfo(np.int64).max
        self.firsts[ids] = np.minimum(self.firsts[ids], other.firsts)
        return ids

    def names(self, words: np.ndarray) -> pa.LargeStringArray:
        """The strings of some words."""
        buffers = [None, pa.py_buffer(self._offsets()), pa.py_buffer(self._arena)]
        return pa.Array.from_buffers(pa.large_string(), len(self), buffers).take(pa.array(words))

    def cut(self, min_count: int, max_size: int | None, known: Keys | None = None) -> np.ndarray:
        """The words (m,) int64 to keep: frequent ones first, of equals the one that came first; known ones all.

        A `min_count` of 0 keeps the known ones only.

        Raises:
            BadData: None is left, and it is not only known ones that are wanted.
        """
        every = np.arange(len(self))
        spared = np.zeros(len(self), bool) if known is None else known.rows(self.names(every)) >= 0
        kept = np.flatnonzero(spared | (self.counts >= min_count if min_count else False))
        order = kept[np.lexsort((self.firsts[kept], -self.counts[kept]))]
        if max_size is not None:
            order = order[spared[order] | (np.cumsum(~spared[order]) <= max_size - spared.sum())]
        if not len(order) and min_count:
            raise BadData(self._nothing_left(min_count))
        return order

    def _nothing_left(self, min_count: int) -> str:
        if not len(self):
            return "the texts hold no token at all; check the source, its column and the tokenizer."
        top = np.lexsort((self.firsts, -self.counts))[:3]
        often = ", ".join(
            f"'{name}' {count:,}×" for name, count in zip(self.names(top).to_pylist(), self.counts[top], strict=True)
        )
        return (
            f"none of the {len(self):,} different tokens ({int(self.counts.sum()):,} in all) occurs {min_count:,} "
            f"times; the most frequent: {often}. Lower min_count or give more text."
        )

    def _offsets(self) -> np.ndarray:
        """Where each word begins in the arena, and where the last one ends (words + 1,) int64."""
        return np.append(self._words[: len(self), 1], self._state[1])

    def _grow_scratch(self, size: int, texts: int) -> None:
        if len(self._low) < 3 * size + 2 * _SLACK:
            self._low = np.empty(3 * size + 2 * _SLACK, np.uint8)
        # Two tokens of a text have something between them.
        if len(self._starts) < (size + texts) // 2:
            self._starts = np.empty((size + texts) // 2, np.int64)
            self._stops = np.empty((size + texts) // 2, np.int64)

    def _grow(self) -> None:
        from kinfold.kernels.tokens import refill

        self._slots = np.zeros(2 * len(self._slots), np.int64)
        self._words = _resized(self._words, len(self._slots) // 2)
        self._firsts = _resized(self._firsts, len(self._slots) // 2)
        refill(len(self), self._words, self._arena, self._slots)


def _resized(array: np.ndarray, size: int) -> np.ndarray:
    larger = np.empty((size, *array.shape[1:]), array.dtype)
    larger[: len(array)] = array
    return larger
