"""What fields of learners have in common: whole numbers in a range, and a rate that falls."""

from __future__ import annotations

from typing import Any

import numpy as np

from kinfold.core.errors import BadOption


def whole(owner: Any, **ranges: tuple[int, int]) -> None:
    """Does nothing where fields are whole numbers, each from its lowest to its highest.

    Raises:
        BadOption: One is not; names it.
    """
    for name, (low, high) in ranges.items():
        value = getattr(owner, name)
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or not low <= value <= high:
            raise BadOption(f"{name} is {value!r}; it is a whole number from {low} to {high:,}.")


def falling(rate: float, final_rate: float) -> None:
    """Does nothing where a learning rate falls, from above 0 and below 10 to at least 0.

    Raises:
        BadOption: It does not.
    """
    if not 0 < rate < 10 or not 0 <= final_rate <= rate:
        raise BadOption(
            f"the rate falls from learning_rate {rate} to final_rate {final_rate}; "
            "choose 0 <= final_rate <= learning_rate, and learning_rate above 0 and below 10."
        )
