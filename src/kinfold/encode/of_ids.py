"""Rows of a transformer for ids that no text gives: a token in the middle of a word, by itself."""

from __future__ import annotations

import numpy as np

from kinfold.core.progress import Progress, quiet
from kinfold.core.threads import many
from kinfold.encode.transformer import Transformer

# Texts that are in memory with the states of their tokens at a time.
_TEXTS = 8192


def rows_of_ids(
    transformer: Transformer, ids: np.ndarray, *, threads: int | None = None, progress: Progress = quiet
) -> np.ndarray:
    """Rows (n, dim) float32 of texts that have one token each, between the special ones.

    Args:
        transformer: The model.
        ids: Of the tokens (n,).
        threads: How many of the processor's cores work; all by default.
        progress: Told of how many are done.
    """
    begins, ends = transformer._pieces.special
    found = [np.zeros((0, transformer.dim), np.float32)]
    for first in range(0, len(ids), _TEXTS):
        texts = [np.concatenate([begins, each, ends]) for each in ids[first : first + _TEXTS, None].astype(np.int32)]
        found.append(transformer._rows(texts, None, many(threads), progress))
    return np.concatenate(found)
