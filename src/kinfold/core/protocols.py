"""What the parts of a room have in common."""

from __future__ import annotations

import os
from typing import Any, ClassVar, Protocol, TypeVar

from kinfold.core.errors import ShapeMismatch
from kinfold.core.progress import Progress, quiet
from kinfold.core.report import Report
from kinfold.core.shapes import Items
from kinfold.core.space import Space

Shape = TypeVar("Shape", contravariant=True)
Raw = TypeVar("Raw")


class Learner(Protocol[Shape]):
    """A frozen dataclass of hyper-parameters; nothing fitted is kept inside."""

    takes: ClassVar[type]

    def fit(self, data: Shape, *, seed: int = 0, threads: int | None = None, progress: Progress = quiet) -> Space:
        """Learns a Space. The same seed and one thread give the same bytes."""


class Encoder(Protocol[Raw]):
    """A map from raw things to rows of one frame."""

    frame: str
    dim: int

    def encode(self, items: Items[Raw], *, progress: Progress = quiet) -> Space:
        """Rows for the items, in the encoder's frame."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes what `kinfold.encoder` opens again: a Space's file where that is all of it, else a folder."""


class Transform(Protocol):
    """Makes one Space of another."""

    def apply(self, space: Space) -> Space:
        """The transformed Space; its card says what was done."""


class Measure(Protocol):
    """Judges Spaces."""

    def __call__(self, *spaces: Space) -> Report:
        """What was found."""


def takes(learner: Any, data: Any) -> None:
    """Does nothing where the data is of the shape that the learner takes.

    Raises:
        ShapeMismatch: It is not.
    """
    wanted = type(learner).takes
    if not isinstance(data, wanted):
        raise ShapeMismatch(
            f"{type(learner).__name__} learns from {wanted.__name__}, not from {type(data).__name__}; "
            f"`kinfold.prepare` and `kinfold.recipes` bring data to that shape."
        )
