"""Files, frames and iterables become shapes.

`text.read` gives Items of texts, `documents.read` of texts with names and attributes, `labeled.read` of texts with
labels; `docstrings.read` those of the Python packages installed here. `pairs.read` gives Pairs of words,
`text_pairs.read` TextPairs, `interactions.read` Interactions of users and items, and `attributes.read` what is known of
either. `conll.read` gives sentences with a tag for each word, `shares.read` real shares beside words.
"""

from __future__ import annotations

import importlib
from types import ModuleType

__all__ = [
    "attributes",
    "conll",
    "docstrings",
    "documents",
    "interactions",
    "labeled",
    "pairs",
    "shares",
    "text",
    "text_pairs",
]


def __getattr__(name: str) -> ModuleType:
    if name in __all__:
        return importlib.import_module(f"kinfold.sources.{name}")
    raise AttributeError(f"module 'kinfold.sources' has no attribute '{name}'")
