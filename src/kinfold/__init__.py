"""Kinfold learns embeddings, judges them and keeps them alive.

Example:
    >>> import kinfold as kf
    >>> space = kf.words(["the cat sat on the mat", "the dog sat on the rug"] * 50, dim=8, min_count=1, threads=1)
    >>> len(space.nearest("cat", k=3))
    3
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from kinfold import choose, encode, io, learn, measure, prepare, search, show, sources, tasks, transform
    from kinfold.core.report import Finding, Report
    from kinfold.core.space import Space
    from kinfold.encode import encoder
    from kinfold.io import convert, open
    from kinfold.measure.comparison import compare
    from kinfold.quality.check import check
    from kinfold.recipes.audit import audit
    from kinfold.recipes.debias import debias
    from kinfold.recipes.distill import distill
    from kinfold.recipes.documents import documents
    from kinfold.recipes.encoders import pretrain, tune_encoder
    from kinfold.recipes.explain import explain
    from kinfold.recipes.items import items
    from kinfold.recipes.report import report
    from kinfold.recipes.texts import texts
    from kinfold.recipes.tuning import tune
    from kinfold.recipes.words import words
    from kinfold.transform.align import align

_PLACES = {
    "Finding": "kinfold.core.report",
    "Report": "kinfold.core.report",
    "Space": "kinfold.core.space",
    "align": "kinfold.transform.align",
    "audit": "kinfold.recipes.audit",
    "compare": "kinfold.measure.comparison",
    "check": "kinfold.quality.check",
    "convert": "kinfold.io",
    "debias": "kinfold.recipes.debias",
    "distill": "kinfold.recipes.distill",
    "documents": "kinfold.recipes.documents",
    "encoder": "kinfold.encode",
    "explain": "kinfold.recipes.explain",
    "items": "kinfold.recipes.items",
    "open": "kinfold.io",
    "pretrain": "kinfold.recipes.encoders",
    "report": "kinfold.recipes.report",
    "texts": "kinfold.recipes.texts",
    "tune": "kinfold.recipes.tuning",
    "tune_encoder": "kinfold.recipes.encoders",
    "words": "kinfold.recipes.words",
}
_ROOMS = ("choose", "encode", "io", "learn", "measure", "prepare", "search", "show", "sources", "tasks", "transform")

__all__ = [
    "Finding",
    "Report",
    "Space",
    "align",
    "audit",
    "check",
    "choose",
    "compare",
    "convert",
    "debias",
    "distill",
    "documents",
    "encode",
    "encoder",
    "explain",
    "io",
    "items",
    "learn",
    "measure",
    "open",
    "prepare",
    "pretrain",
    "report",
    "search",
    "show",
    "sources",
    "tasks",
    "texts",
    "transform",
    "tune",
    "tune_encoder",
    "words",
]


def __getattr__(name: str) -> Any:
    # Loaded on use: `import kinfold` itself takes milliseconds.
    if name in _ROOMS:
        return importlib.import_module(f"kinfold.{name}")
    if name in _PLACES:
        return getattr(importlib.import_module(_PLACES[name]), name)
    raise AttributeError(f"module 'kinfold' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
