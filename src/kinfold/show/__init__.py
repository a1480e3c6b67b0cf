"""What people see: text for a terminal, SVG charts, the map and the one-file HTML report.

Example:
    >>> from kinfold import show
    >>> print(show.text.render(show.text.Table("epochs", ("epoch", "loss"), [(1, 0.41)]), color=False, width=40))
    epochs
    epoch   loss
        1  0.410
"""

from __future__ import annotations

import importlib
from types import ModuleType

__all__ = [
    "compare",
    "curve",
    "dimension",
    "glance",
    "html",
    "layout",
    "lines",
    "map",
    "measured",
    "quality",
    "report",
    "search",
    "svg",
    "text",
    "topics",
]


def __getattr__(name: str) -> ModuleType:
    if name in __all__:
        return importlib.import_module(f"kinfold.show.{name}")
    raise AttributeError(f"module 'kinfold.show' has no attribute '{name}'")
