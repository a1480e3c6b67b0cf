"""What a fit of sequences begins with: its keys, and how often each was met."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from kinfold.core.errors import BadData
from kinfold.core.keys import Keys
from kinfold.core.shapes import Sequences
from kinfold.core.space import Space
from kinfold.learn.start import Start, joined


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """The keys of some sequences, behind those of what the fit starts from.

    Args:
        keys: All of them (n,).
        data: The sequences, in the numbers of these keys.
        counts: How often each was met (n,) int64, in the data and in those that the start was learned from.
        here: How often in these data (n,) int64.
        start: What it starts from, or None.
        words: The rows of the start, or None; they are the first `len(words)` keys.
        steps: What the card will remember.
    """

    keys: Keys
    data: Sequences
    counts: np.ndarray
    here: np.ndarray
    start: Start | None = None
    words: Space | None = None
    steps: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def of(cls, data: Sequences, start: Start | None, dim: int) -> Vocabulary:
        """Joins the keys of the data to those of the start.

        Raises:
            BadData: Fewer than two keys.
            BadOption: The start has another dimension.
        """
        here = data.counts
        if start is None:
            found = cls(data.keys, data, here, here)
        else:
            start.check_dim(dim)
            words = start.words
            keys, places = joined(words.keys, data.keys)
            met = np.zeros(len(keys), np.int64)
            met[places] = here
            before = start.counts(words, data)
            counts = met.copy()
            if before is not None:
                counts[: len(words)] += before
            moved = dataclasses.replace(data, keys=keys, ids=places.astype(np.int32)[data.ids])
            new = len(keys) - len(words)
            steps = (*start.space.card.steps, start.told(len(data.keys) - new, new))
            found = cls(keys, moved, counts, met, start, words, steps)
        if len(found.keys) < 2:
            raise BadData(
                f"the texts or sequences hold {len(found.keys)} different word(s) of the vocabulary; at least two are "
                "needed, to tell one from the other. Is there text, and is min_count small enough for it?"
            )
        return found

    @property
    def known(self) -> int:
        """How many keys begin with a row of the start; they are the first ones."""
        return 0 if self.words is None else len(self.words)
