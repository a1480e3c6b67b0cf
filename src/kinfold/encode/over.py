"""What all encoders over a Space have in common."""

from __future__ import annotations

import os
from dataclasses import dataclass

from kinfold.core.space import Space


@dataclass(frozen=True, eq=False)
class OverSpace:
    """An encoder that is a Space and a way to use it: its rows are in the Space's frame."""

    space: Space

    @property
    def frame(self) -> str:
        """That of the Space."""
        return self.space.frame

    @property
    def dim(self) -> int:
        """Coordinates of a row."""
        return self.space.dim

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the Space, which is all of it: one file, which `kinfold.encoder` opens again.

        Raises:
            BadFile: The folder cannot be written.
        """
        self.space.save(path)
