"""Data, Spaces → a recommendation: which settings to take.

Example:
    >>> from kinfold.choose import Quality, best, halving
    >>> trials = halving([{"dim": dim} for dim in (2, 4, 8)], lambda each, _: Quality(-abs(each["dim"] - 4)), budget=9)
    >>> best(trials).setting
    {'dim': 4}
"""

from __future__ import annotations

from kinfold.choose.halving import Quality, Trial, best, halving, rungs
from kinfold.choose.report import Search, told

__all__ = ["Quality", "Search", "Trial", "best", "halving", "rungs", "told"]
