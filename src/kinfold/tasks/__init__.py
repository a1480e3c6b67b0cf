"""What Spaces are used for: each task is a module with functions of its own.

`classify.train` learns a classifier of texts from labeled ones; `classify.predict` and `classify.evaluate` take any
classifier. `tag.train`, `tag.predict` and `tag.evaluate` do the same for spans in sentences.
`translate.translate` finds words in another language, and `mine.mine` sentences; either module's `evaluate` judges it.
`search.search` finds texts that answer questions, and `search.evaluate` judges it; `dedup.dedup` leaves out texts that
say the same again; `topics.topics` finds what texts are about.
`recommend.recommend` finds items for users, and `recommend.why` tells which items they met say so.
"""

from __future__ import annotations

import importlib
from types import ModuleType

__all__ = ["classify", "curve", "dedup", "mine", "recommend", "search", "tag", "topics", "translate"]


def __getattr__(name: str) -> ModuleType:
    if name in __all__:
        return importlib.import_module(f"kinfold.tasks.{name}")
    raise AttributeError(f"module 'kinfold.tasks' has no attribute '{name}'")
