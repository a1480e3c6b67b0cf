"""Spaces → Report: how good vectors are, each number with its interval and the count that it rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kinfold.core.catalogue import Catalogue, Entry

if TYPE_CHECKING:
    from kinfold.measure.analogy import analogies
    from kinfold.measure.judgment import similarity
    from kinfold.measure.neighbors import recall

__all__ = ["MEASURES", "analogies", "recall", "similarity"]

MEASURES = Catalogue(
    "measure",
    Entry("analogies", "kinfold.measure.analogy:analogies", "a is to b as c is to …, in the questions-words format"),
    Entry("similarity", "kinfold.measure.judgment:similarity", "rank correlation with how people score pairs"),
    Entry(
        "recall", "kinfold.measure.neighbors:recall", "what share of the exact nearest rows an index finds, how fast"
    ),
)


def __getattr__(name: str) -> Any:
    if name in __all__:
        return MEASURES[name]
    raise AttributeError(f"module 'kinfold.measure' has no attribute '{name}'")
