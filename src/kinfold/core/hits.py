"""What a search found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Hits:
    """The nearest rows to one query, best first; equal scores in the order of the rows.

    Args:
        keys: Names (k,).
        scores: float32 (k,); a larger one is nearer.
        rows: Rows of the searched Space (k,) int64.
        query: What was asked for, where it has a name.
    """

    keys: list[str]
    scores: np.ndarray
    rows: np.ndarray
    query: str = ""

    def __len__(self) -> int:
        return len(self.keys)

    def __iter__(self) -> Iterator[tuple[str, float]]:
        return zip(self.keys, self.scores.tolist(), strict=True)

    def __getitem__(self, place: int) -> tuple[str, float]:
        return self.keys[place], float(self.scores[place])

    def __repr__(self) -> str:
        pairs = ", ".join(f"{key} {score:.3f}" for key, score in self)
        return f"Hits({self.query + ': ' if self.query else ''}{pairs})"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {"query": self.query, "hits": [{"key": key, "score": score} for key, score in self]}
