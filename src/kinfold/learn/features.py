"""The rows that labeled texts are made of: words that are kept come first, then the buckets that their n-grams fill."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from kinfold.core.columns import to_arrow
from kinfold.core.errors import BadData
from kinfold.core.keys import Keys
from kinfold.core.shapes import Sequences
from kinfold.learn.subwords import joined, means, renumber
from kinfold.prepare.ngrams import ngrams

if TYPE_CHECKING:
    from kinfold.learn.supervised import Supervised


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
    def of(cls, texts: Sequences, learner: Supervised, known: Keys | None = None) -> Features:
        """Gives words and buckets their rows; `known` words have one however rare they are.

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
        begun = np.zeros(len(counts), bool) if known is None else known.rows(made.words) >= 0
        kept = order[(counts[order] >= learner.min_count) | begun[order]]
        buckets = renumber((made.of_words, made.of_texts), learner.buckets, len(kept))
        if not len(kept) and not len(buckets):
            raise BadData(
                f"none of the {len(counts):,} different words occurs {learner.min_count:,} times; lower min_count."
            )
        starts, parts = joined(made.word_starts, made.of_words, kept)
        ids, places = plain(texts.ids), plain(texts.starts)
        shapes = Texts(ids, places, made.end, starts, parts, made.text_starts, made.of_texts)
        return cls(made.words.take(to_arrow(kept)), counts[kept], buckets, kept, shapes)

    def means(self, rows: np.ndarray) -> np.ndarray:
        """Of each kept word the mean of its own row and those of its character n-grams (words, width) float32."""
        kept: np.ndarray = means(self.texts.part_starts, self.texts.parts, rows)[self.numbers]
        return kept
