"""What transforms share that move the rows of one group and leave all others where they are."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from kinfold.core.card import born
from kinfold.core.errors import BadData
from kinfold.core.space import Space

# Attributes that are coordinates of what a row was.
_COORDINATES = ("own", "context")


def movable(space: Space, group: str | None) -> tuple[Space, int]:
    """A group whose rows can be moved, and how many of its coordinates say where a row stands.

    Args:
        space: What is moved.
        group: Whose rows; the first group where it is None.

    Raises:
        BadData: The group has no rows, rows without coordinates, or one that is not finite.
        UnknownName: There is no such group.
    """
    part = space.group(group)
    if not len(part) or not space.dim:
        raise BadData("there is nothing to debias: the Space has no rows, or rows without coordinates.")
    part.rows.refuse_non_finite("rows to be debiased")
    # Biases of items are the last coordinates.
    return part, space.dim - int(space.card.data.get("biases", 0))


class Moving:
    """A copy of the rows of a Space, those of one group to be written over.

    Args:
        space: What is moved.
        group: Whose rows; the first group where it is None.

    Raises:
        BadData: The group has no rows, rows without coordinates, or one that is not finite.
        UnknownName: There is no such group.
    """

    def __init__(self, space: Space, group: str | None) -> None:
        self.space = space
        self.part, self.dim = movable(space, group)
        self._values = np.empty((len(space), space.dim), np.float32)
        for start, block in space.rows.blocks():
            self._values[start : start + len(block)] = block
        self.home = space.keys.range_of(next(iter(self.part.groups)))

    @property
    def rows(self) -> np.ndarray:
        """The group's rows (n, dim) float32 to be written over."""
        return self._values[self.home.start : self.home.stop, : self.dim]

    def blocks(self) -> list[slice]:
        """Consecutive rows of the group, some 8 MB each."""
        size = max(1, (8 << 20) // (4 * self.space.dim))
        return [slice(start, min(start + size, len(self.part))) for start in range(0, len(self.part), size)]

    def done(self, step: str, **details: Any) -> Space:
        """The Space with the new rows, in a frame of its own; coordinates of what words were made of are left out."""
        from kinfold.core.rows import Rows

        rows = Rows(self._values)
        rows.refuse_non_finite("debiased rows")
        table = self.space.table
        dropped = [] if table is None else [name for name in _COORDINATES if name in table.column_names]
        if table is not None and dropped:
            table = table.drop_columns(dropped) if len(dropped) < table.num_columns else None
        details = {**details, "group": next(iter(self.part.groups)), "moved": len(self.part), "dropped": dropped}
        card = self.space.card.then(step, frame=born(step, self._values), **details)
        return dataclasses.replace(self.space, rows=rows, card=card, table=table)
