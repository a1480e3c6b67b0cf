"""What Spaces are used for: each task is a module with functions of its own."""

from __future__ import annotations

import importlib
from types import ModuleType

__all__: list[str] = []


def __getattr__(name: str) -> ModuleType:
    if name in __all__:
        return importlib.import_module(f"kinfold.tasks.{name}")
    raise AttributeError(f"module 'kinfold.tasks' has no attribute '{name}'")
