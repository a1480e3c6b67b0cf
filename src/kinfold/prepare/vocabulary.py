"""Words and their ids while a corpus is read, and the cut when it has been."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from kinfold.core.errors import BadData
from kinfold.core.shapes import Block
from kinfold.prepare.characters import Characters

_FIRST_SLOTS = 1 << 16


class Vocabulary:
    """Words in the order in which they were first met, each with its count; grows as it needs to. For one thread."""

    def __init__(self) -> None:
        self.words = 0
        self._slots = np.zeros(_FIRST_SLOTS, np.int64)
        self._hashes = np.empty(0, np.uint64)
        self._counts = np.empty(0, np.int64)
        self._firsts = np.empty(0, np.int64)
        self._arena = np.empty(0, np.uint8)
        self._offsets = np.zeros(1, np.int64)
        self._room()

    @property
    def counts(self) -> np.ndarray:
        """How often each word was met (words,) int64."""
        return self._counts[: self.words]

    @property
    def firsts(self) -> np.ndarray:
        """Where each word was first met (words,) int64, in an order over the whole corpus."""
        return self._firsts[: self.words]

    def scan(self, block: Block, characters: Characters, order: int) -> tuple[np.ndarray, np.ndarray]:
        """Tokenizes a block.

        Args:
            block: Its texts.
            characters: What a token is.
            order: Before all tokens of this block, after those of earlier ones.

        Returns:
            Ids (tokens,) int32, and tokens up to the end of each text (texts,) int64.
        """
        from kinfold.kernels import tokens as kernel

        data, ends = _plain(block.data), _plain(block.ends)
        ids = np.empty((len(data) + 1) // 2, np.int32)
        id_ends = np.empty(len(ends), np.int64)
        state = np.zeros(4, np.int64)
        self._reserve(2 * len(data))
        while True:
            state[kernel.WORDS] = self.words
            complete = kernel.scan(
                data, ends, *characters, order, state, *self._parts(), ids, id_ends
            )  # fmt: skip
            self.words = int(state[kernel.WORDS])
            if complete:
                return ids[: state[kernel.MADE]], id_ends
            self._grow()

    def enter(
        self, data: np.ndarray, starts: np.ndarray, order: int, characters: Characters | None = None
    ) -> np.ndarray:
        """Takes tokens that are cut already: token t is `data[starts[t]:starts[t + 1]]`.

        Returns:
            Ids (tokens,) int32.
        """
        from kinfold.kernels import tokens as kernel

        ids = np.empty(len(starts) - 1, np.int32)
        nothing = np.zeros(0, np.int32)
        pages, points = (nothing, nothing) if characters is None else (characters.pages, characters.points)
        state = np.zeros(4, np.int64)
        self._reserve(2 * int(starts[-1] - starts[0]))
        data, starts = _plain(data), _plain(starts)
        while True:
            state[kernel.WORDS] = self.words
            complete = kernel.enter(data, starts, pages, points, order, state, *self._parts(), ids)
            self.words = int(state[kernel.WORDS])
            if complete:
                return ids
            self._grow()

    def absorb(self, other: Vocabulary) -> np.ndarray:
        """Takes the words and counts of another one; returns the ids (words of the other,) int32 that they have here."""
        before, counts, firsts = self.words, self.counts.copy(), self.firsts.copy()
        ids = self.enter(other._arena[: other._offsets[other.words]], other._offsets[: other.words + 1], 0)
        self._counts[: self.words] = 0
        self._counts[:before] = counts
        self._counts[ids] += other.counts
        self._firsts[before : self.words] = np.iinfo(np.int64).max
        self._firsts[:before] = firsts
        self._firsts[ids] = np.minimum(self._firsts[ids], other.firsts)
        return ids

    def names(self, words: np.ndarray) -> pa.LargeStringArray:
        """The strings of some words."""
        every = pa.LargeStringArray.from_buffers(
            self.words, pa.py_buffer(self._offsets[: self.words + 1]), pa.py_buffer(self._arena)
        )
        return every.take(pa.array(words))

    def cut(self, min_count: int, max_size: int | None) -> np.ndarray:
        """The words (m,) int64 to keep: frequent ones first, of equals the one that came first.

        Raises:
            BadData: None is left.
        """
        kept = np.flatnonzero(self.counts >= min_count)
        order = kept[np.lexsort((self.firsts[kept], -self.counts[kept]))][:max_size]
        if not len(order):
            raise BadData(self._nothing_left(min_count))
        return order

    def _nothing_left(self, min_count: int) -> str:
        if not self.words:
            return "the texts hold no token at all; check the source, its column and the tokenizer."
        top = np.lexsort((self.firsts, -self.counts))[:3]
        often = ", ".join(f"'{name}' {self.counts[word]:,}×" for name, word in zip(self.names(top).to_pylist(), top))
        return (
            f"none of {self.words:,} different words ({int(self.counts.sum()):,} tokens) occurs {min_count:,} times; "
            f"the most frequent: {often}. Lower min_count or give more text."
        )

    def _parts(self) -> tuple[Any, ...]:
        return self._slots, self._hashes, self._counts, self._firsts, self._arena, self._offsets

    def _reserve(self, size: int) -> None:
        need = int(self._offsets[self.words]) + size
        if len(self._arena) < need:
            self._arena = _resized(self._arena, max(need, 2 * len(self._arena)))

    def _grow(self) -> None:
        from kinfold.kernels.tokens import refill

        self._slots = np.zeros(2 * len(self._slots), np.int64)
        self._room()
        refill(self._hashes, self.words, self._slots)

    def _room(self) -> None:
        words = len(self._slots) // 2
        self._hashes, self._counts, self._firsts = (
            _resized(each, words) for each in (self._hashes, self._counts, self._firsts)
        )
        self._offsets = _resized(self._offsets, words + 1)


def _resized(array: np.ndarray, size: int) -> np.ndarray:
    larger = np.empty(size, array.dtype)
    larger[: len(array)] = array
    return larger


def _plain(array: np.ndarray) -> np.ndarray:
    from kinfold.kernels._jit import plain

    return plain(array)
