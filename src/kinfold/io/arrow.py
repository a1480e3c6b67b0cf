"""Kinfold's own file: every group, attribute and the card, in one Arrow IPC file."""

from __future__ import annotations

import os
from pathlib import Path

from kinfold.core.space import Space
from kinfold.io.format import Format, refuse_packed


def read(path: str | os.PathLike[str]) -> Space:
    """The Space, memory-mapped.

    Raises:
        BadFile: Nothing is there, or it cannot be read.
        BadData: It is not the file of a Space, or a damaged one.
        BadOption: Its name says that it is compressed.
    """
    refuse_packed(path)
    return Space.open(path)


def write(space: Space, path: str | os.PathLike[str], *, group: str | None = None) -> None:
    """Writes all groups, or one.

    Raises:
        BadFile: It cannot be written.
        UnknownName: There is no such group.
        BadOption: The name says that it is to be compressed.
    """
    refuse_packed(path)
    (space if group is None else space.group(group)).save(path)


def recognizes(path: Path, head: bytes) -> bool:
    """The magic bytes of an Arrow IPC file."""
    return head.startswith(b"ARROW1")


FORMAT = Format(read, write, recognizes, (".arrow", ".feather", ".ipc"), keeps="all")
