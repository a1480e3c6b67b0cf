"""The rows that labeled texts are made of: words that are kept come first, then the buckets that their n-grams fill."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from kinfold.core.columns import to_arrow
from kinfold.core.errors import BadData
from kinfold.core.shapes import Sequences
from kinfold.prepare.ngrams import ngrams

if TYPE_CHECKING:
    from kinfold.learn.supervised import Supervised

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """What texts are made of.

    Args:
        words: Names of the words that are kept, frequent ones first.
        counts: How often each was met (words,) int64.
        buckets: The buckets that are filled (m,) int64, ascending; bucket i is row `len(words) + i`.
        numbers: The word of `texts` that each kept word is (words,) int64.
        texts: `kernels.supervised.Texts`.
    """

    words: pa.LargeStringArray
    counts: np.ndarray
    buckets: np.ndarray
    numbers: np.ndarray
    texts: Any

    def __len__(self) -> int:
        return len(self.words) + len(self.buckets)

    @classmethod
    def of(cls, texts: Sequences, learner: Supervised) -> Features:
        """Gives words and buckets their rows.

        Raises:
            BadData: Nothing has a row.
        """
        from kinfold.kernels._jit import plain
        from kinfold.kernels.supervised import Texts

        made = ngrams(
            texts, longest=learner.word_ngrams, min_n=learner.min_n, max_n=learner.max_n, buckets=learner.buckets
        )
        counts = np.zeros(len(made.words), np.int64)
        counts[: len(texts.keys)] = texts.counts
        counts[made.end] += len(texts)
        order = np.argsort(-counts, kind="stable")
        kept = order[counts[order] >= learner.min_count]
        buckets = _renumber(made.of_words, made.of_texts, learner.buckets, len(kept))
        if not len(kept) and not len(buckets):
            raise BadData(
                f"none of the {len(counts):,} different words occurs {learner.min_count:,} times; lower min_count."
            )
        starts, parts = _joined(made.word_starts, made.of_words, kept)
        ids, places = plain(texts.ids), plain(texts.starts)
        shapes = Texts(ids, places, made.end, starts, parts, made.text_starts, made.of_texts)
        return cls(made.words.take(to_arrow(kept)), counts[kept], buckets, kept, shapes)

    def means(self, rows: np.ndarray) -> np.ndarray:
        """Of each kept word the mean of its own row and those of its character n-grams (words, width) float32."""
        from kinfold.kernels.sparse import product

        sizes = np.diff(self.texts.part_starts)
        shares = np.repeat(np.float32(1) / np.maximum(sizes, 1).astype(np.float32), sizes)
        means = product(self.texts.part_starts, self.texts.parts, shares, rows)
        kept: np.ndarray = means[self.numbers]
        return kept


def _renumber(of_words: np.ndarray, of_texts: np.ndarray, buckets: int, first: int) -> np.ndarray:
    """Replaces buckets by their rows, from `first` on, in place; returns the buckets that are filled, ascending."""
    if not len(of_words) and not len(of_texts):
        return np.zeros(0, np.int64)
    # Memory that is only touched where a bucket is filled.
    row_of = np.zeros(buckets, np.int32)
    pieces = [each[at : at + _CHUNK] for each in (of_words, of_texts) for at in range(0, len(each), _CHUNK)]
    for piece in pieces:
        row_of[piece] = 1
    filled = np.flatnonzero(row_of)
    row_of[filled] = np.arange(first, first + len(filled), dtype=np.int32)
    for piece in pieces:
        piece[:] = row_of[piece]
    return filled


def _joined(starts: np.ndarray, rows: np.ndarray, kept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Starts and rows of words with the kept ones' own rows, 0 to len(kept) - 1, before those of their n-grams."""
    own = np.full(len(starts) - 1, -1, np.int32)
    own[kept] = np.arange(len(kept), dtype=np.int32)
    joined = starts + np.append(0, np.cumsum(own >= 0))
    parts = np.empty(joined[-1], np.int32)
    is_own = np.zeros(len(parts), bool)
    is_own[joined[:-1][own >= 0]] = True
    parts[is_own] = own[own >= 0]
    parts[~is_own] = rows
    return joined, parts
