"""Files, frames and iterables become shapes.

`text.read` gives Items of texts, `docstrings.read` those of the Python packages installed here, and `pairs.read` gives
Pairs of words.
"""

from __future__ import annotations

import importlib
from types import ModuleType

__all__ = ["docstrings", "pairs", "text"]


def __getattr__(name: str) -> ModuleType:
    if name in __all__:
        return importlib.import_module(f"kinfold.sources.{name}")
    raise AttributeError(f"module 'kinfold.sources' has no attribute '{name}'")
