"""Sentences that are longer than what is read at once, as windows that begin with a word."""

from __future__ import annotations

import numpy as np


def windows(owner: np.ndarray, inner: int) -> list[tuple[int, int]]:
    """Where windows over the tokens of a sentence begin and end; each shares about a quarter with the one before it.

    Args:
        owner: The word of each token (L,) int64.
        inner: Tokens of a window, at most.

    Example:
        >>> windows(np.array([0, 1, 1, 2, 3, 4]), 4)
        [(0, 4), (3, 6)]
    """
    begins = np.flatnonzero(np.diff(owner, prepend=-2) != 0)
    found, first = [], 0
    while True:
        last = min(first + inner, len(owner))
        found.append((first, last))
        if last == len(owner):
            return found
        # Back by a quarter, to where a word begins; a word that is longer than a window is cut.
        wanted = first + inner - inner // 4
        earlier = begins[(begins > first) & (begins <= wanted)]
        first = int(earlier[-1]) if len(earlier) else wanted


def central(spans: list[tuple[int, int]], tokens: np.ndarray) -> np.ndarray:
    """Which window each token (m,) int64 is read from: the one in which it is farthest from the edges."""
    begins, ends = np.array(spans).T
    margins = np.minimum(tokens[:, None] - begins, ends - 1 - tokens[:, None])
    # The edges of a sentence are no edges of a window.
    margins = np.where((begins == 0) & (tokens[:, None] < ends), ends - 1 - tokens[:, None], margins)
    margins = np.where(
        (ends == ends[-1]) & (tokens[:, None] >= begins), np.maximum(margins, tokens[:, None] - begins), margins
    )
    inside = (tokens[:, None] >= begins) & (tokens[:, None] < ends)
    found: np.ndarray = np.where(inside, margins, -1).argmax(axis=1)
    return found
