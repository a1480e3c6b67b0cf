"""What a row is the sum of: the words, tokens or n-grams that an encoder adds up."""

from __future__ import annotations

from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np


class Terms(NamedTuple):
    """Vectors that add up to a row.

    Args:
        names: What they are of (m,), in the order of the text; a name may come again.
        rows: (m, dim) float64.
    """

    names: list[str]
    rows: np.ndarray


@runtime_checkable
class Linear(Protocol):
    """An encoder whose rows are sums of what their parts give."""

    def terms(self, thing: str) -> Terms:
        """The terms of one thing's row: their sum is what `encode` gives."""
