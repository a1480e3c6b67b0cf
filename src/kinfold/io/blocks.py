"""Whole lines of a file, some megabytes at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from kinfold.core.errors import BadData

_BLOCK = 2 << 20
_LONGEST_LINE = 64 << 20


def line_blocks(stream: BinaryIO, path: Path) -> Iterator[bytes]:
    """Whole lines, some megabytes a block; the last line gets its line feed where it has none.

    Raises:
        BadData: A line is longer than 64 MiB, or the archive is damaged.
    """
    rest: list[bytes] = []
    held = 0
    while data := stream.read(_BLOCK):
        cut = data.rfind(b"\n") + 1
        if not cut:
            rest.append(data)
            held += len(data)
            if held > _LONGEST_LINE:
                raise BadData(
                    f"{path}: a line is longer than {_LONGEST_LINE >> 20} MiB; this is no text file of vectors."
                )
            continue
        yield b"".join((*rest, data[:cut]))
        rest, held = [data[cut:]], len(data) - cut
    if last := b"".join(rest):
        yield last + b"\n"
