"""Which texts, and which of their tokens, go through a network together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np

from kinfold.core.errors import BadData


def padded_batches(lengths: np.ndarray, tokens: int) -> Iterator[np.ndarray]:
    """Texts (m,) of about one length, so many that their tokens, filled up to the longest, are at most `tokens`.

    Long ones come first, so that memory is asked for once.
    """
    order = np.argsort(-lengths, kind="stable")
    first = 0
    while first < len(order):
        size = max(1, tokens // max(1, int(lengths[order[first]])))
        yield order[first : first + size]
        first += size


def packed_batches(lengths: np.ndarray, tokens: int) -> Iterator[np.ndarray]:
    """Texts (m,) one after another, so many that their tokens are at most `tokens`."""
    ends = np.cumsum(lengths)
    first = 0
    while first < len(lengths):
        before = ends[first] - lengths[first]
        last = max(first + 1, int(np.searchsorted(ends, before + tokens, side="right")))
        yield np.arange(first, last)
        first = last


def overlapping(length: int, window: int) -> Iterator[tuple[int, int]]:
    """Where windows over so many tokens begin and end; each shares a quarter with the one before it."""
    step = window - window // 4
    first = 0
    while True:
        yield first, min(first + window, length)
        if first + window >= length:
            return
        first += step


def some_at_a_time(texts: Iterable[str], count: int) -> Iterator[list[str]]:
    """So many texts at a time.

    Raises:
        BadData: One of the things is no string.
    """
    things, seen = iter(texts), 0
    while some := list(islice(things, count)):
        for place, text in enumerate(some, seen):
            if not isinstance(text, str):
                raise BadData(f"text {place:,} is {type(text).__name__}; texts are strings.")
        seen += len(some)
        yield some
