"""One shape becomes another.

`tokens.sequences` makes Sequences of texts, `phrases.join` joins frequent pairs in them, `cooccurrence.count` makes
Counts of Sequences, `weighting.ppmi` weighs Counts, and `counting.Counting` is both as a learner asks for it.
"""

from __future__ import annotations

import importlib
from types import ModuleType

__all__ = ["cooccurrence", "counting", "phrases", "tokens", "weighting"]


def __getattr__(name: str) -> ModuleType:
    if name in __all__:
        return importlib.import_module(f"kinfold.prepare.{name}")
    raise AttributeError(f"module 'kinfold.prepare' has no attribute '{name}'")
