"""Data, Spaces → a recommendation: which settings to take, and how many dimensions.

Example:
    >>> from kinfold.choose import Quality, best, halving
    >>> trials = halving([{"dim": dim} for dim in (2, 4, 8)], lambda each, _: Quality(-abs(each["dim"] - 4)), budget=9)
    >>> best(trials).setting
    {'dim': 4}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kinfold.choose.halving import Quality, Trial, best, halving, rungs
from kinfold.choose.report import Search, told

if TYPE_CHECKING:
    from kinfold.choose.dimensions import dimension

__all__ = ["Quality", "Search", "Trial", "best", "dimension", "halving", "rungs", "told"]


def __getattr__(name: str) -> Any:
    # Loaded on use: it reads Spaces and learns anew, which who chooses settings alone does not.
    if name == "dimension":
        from kinfold.choose.dimensions import dimension

        return dimension
    raise AttributeError(f"module 'kinfold.choose' has no attribute '{name}'")
