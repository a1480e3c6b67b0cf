"""What a search in texts found, with what its scores are made of; and rankings made one by their ranks."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kinfold.core.hits import Hits

# The constant of reciprocal ranks.
_RANK = 60


@dataclass(frozen=True, slots=True, eq=False)
class Found(Hits):
    """Hits of a question, with what their scores are made of.

    Args:
        parts: By name, `dense`, `bm25`, `hybrid` or `rerank`: what each hit scores by it (k,) float32, NaN for none.
        ranks: By `dense` and `bm25`: the place of each hit there (k,) float32, from 1, NaN where it took no part.
        snippets: Of each hit the part of its text around the words of the question; empty where there are no texts.
    """

    parts: Mapping[str, np.ndarray] = field(default_factory=dict)
    ranks: Mapping[str, np.ndarray] = field(default_factory=dict)
    snippets: Sequence[str] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        told = Hits.to_dict(self)
        for at, hit in enumerate(told["hits"]):
            for name, values in self.parts.items():
                hit[name] = None if np.isnan(values[at]) else float(values[at])
            for name, values in self.ranks.items():
                hit[f"{name}_rank"] = None if np.isnan(values[at]) else int(values[at])
            hit["snippet"] = self.snippets[at] if self.snippets else ""
        return told

    def take(self, some: np.ndarray) -> Found:
        """Some of the hits by their place (m,), in this order."""
        return dataclasses.replace(
            self,
            keys=[self.keys[at] for at in some.tolist()],
            scores=self.scores[some],
            rows=self.rows[some],
            parts={name: values[some] for name, values in self.parts.items()},
            ranks={name: values[some] for name, values in self.ranks.items()},
            snippets=[self.snippets[at] for at in some.tolist()] if self.snippets else (),
        )


def fused(lists: Sequence[np.ndarray], weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows (m,) int64 of several rankings and the sum of weight / (60 + rank) of each (m,), the largest first."""
    rows = np.concatenate(lists).astype(np.int64)
    shares = np.concatenate(
        [weight / (_RANK + np.arange(1, len(each) + 1)) for weight, each in zip(weights, lists, strict=True)]
    )
    every, place = np.unique(rows, return_inverse=True)
    scores = np.bincount(place, shares, len(every))
    order = np.argsort(-scores, kind="stable")
    order = order[scores[order] > 0]
    return every[order], scores[order]


def places(ranking: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The rank of each row (k,) in a ranking, from 1, NaN where it is not in it."""
    places = {row: float(at) for at, row in enumerate(ranking.tolist(), 1)}
    return np.array([places.get(row, np.nan) for row in rows.tolist()], np.float32)
