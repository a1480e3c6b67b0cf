"""Pairs of texts by number, so that a batch knows which of its texts are the same and which go together."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from kinfold.core.columns import to_numpy
from kinfold.core.errors import BadData
from kinfold.core.shapes import TextPairs


class Numbered(NamedTuple):
    """Pairs of texts whose texts are numbers: each text stands once.

    Args:
        texts: All texts, strings (t,).
        left: (n,) int64.
        right: (n,) int64, or None.
        negatives: (m,) int64, or None; those of pair i are starts[i]:starts[i + 1].
        starts: (n + 1,) int64.
        scores: (n,) float64 or None; within -1 and 1 unless only their order counts.
        known: Numbers left · t + right of all pairs, sorted.
    """

    texts: pa.LargeStringArray
    left: np.ndarray
    right: np.ndarray | None
    negatives: np.ndarray | None
    starts: np.ndarray
    scores: np.ndarray | None
    known: np.ndarray

    @classmethod
    def of(cls, data: TextPairs) -> Numbered:
        """The same with numbers.

        Raises:
            BadData: All texts are the same.
        """
        parts = [data.left, *([] if data.right is None else [data.right])]
        starts = np.zeros(len(data) + 1, np.int64)
        if data.negatives is not None:
            parts.append(data.negatives.flatten())
            starts[1:] = np.cumsum([len(each) for each in data.negatives])
        held = pa.chunked_array(parts).combine_chunks().dictionary_encode()
        texts = held.dictionary
        if len(texts) < 2:
            raise BadData(f"all texts are the same, {texts[0].as_py()[:40]!r}; nothing tells them apart.")
        numbers = to_numpy(held.indices).astype(np.int64)
        left, right, negatives = numbers[: len(data)], None, None
        if data.right is not None:
            right = numbers[len(data) : 2 * len(data)]
        if data.negatives is not None:
            negatives = numbers[2 * len(data) :]
        scores = data.scores
        if scores is not None and (scores.min() < -1 or scores.max() > 1):
            scores = (scores - scores.min()) / (scores.max() - scores.min())
        known = np.zeros(0, np.int64) if right is None else np.unique(left * len(texts) + right)
        return cls(texts, left, right, negatives, starts, scores, known)

    def negatives_of(self, some: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The negatives (m,) of some pairs, and which of these each is of (m,)."""
        if self.negatives is None:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        counts = (self.starts[1:] - self.starts[:-1])[some]
        owners = np.repeat(np.arange(len(some)), counts)
        inner = np.arange(len(owners)) - np.repeat(np.cumsum(counts) - counts, counts)
        return self.negatives[self.starts[some][owners] + inner], owners

    def belongs(self, left: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Which of others (m,) go with which of left (n,), or are the same text: (n, m) bool."""
        asked = left[:, None] * len(self.texts) + others
        places = np.searchsorted(self.known, asked).clip(max=max(0, len(self.known) - 1))
        found: np.ndarray = (self.known[places] == asked) | (left[:, None] == others)
        return found
