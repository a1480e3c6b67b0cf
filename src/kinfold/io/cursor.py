"""A binary file read piece by piece."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from kinfold.core.errors import BadData
from kinfold.core.streams import COMPRESSED
from kinfold.io.growing import Growing

_BLOCK = 8 << 20


class Cursor:
    """Takes pieces of a file whose sizes the file itself tells, and no memory for more than is left of it.

    Args:
        path: The file, for errors.
        stream: Its bytes.
    """

    def __init__(self, path: Path, stream: BinaryIO) -> None:
        self.path = path
        self.at = 0
        self._stream = stream
        self._rest = np.zeros(0, np.uint8)
        self._size = None if path.suffix.lower() in COMPRESSED else os.path.getsize(path)

    @property
    def left(self) -> int | None:
        """Bytes that follow; None where the file is packed, so that nobody knows."""
        return None if self._size is None else self._size - self.at

    def need(self, count: int, what: str) -> None:
        """Does nothing where so many bytes follow, or may.

        Raises:
            BadData: Fewer do.
        """
        if self.left is not None and count > self.left:
            raise self._cut(what, count, self.left)

    def take(self, layout: struct.Struct, what: str) -> tuple[Any, ...]:
        """A few numbers.

        Raises:
            BadData: The file ends before them.
        """
        piece = np.empty(layout.size, np.uint8)
        self.fill(piece, what)
        return layout.unpack(piece.tobytes())

    def fill(self, array: np.ndarray, what: str) -> None:
        """Fills all of an array with the bytes that follow.

        Raises:
            BadData: The file ends before it is full.
        """
        self.need(array.nbytes, what)
        begin = self.at
        got = self.some(array.reshape(-1).view(np.uint8))
        if got < array.nbytes:
            self.at = begin
            raise self._cut(what, array.nbytes, got)

    def some(self, buffer: np.ndarray) -> int:
        """Fills a buffer as far as the file goes; the bytes that were read."""
        first = min(len(self._rest), len(buffer))
        buffer[:first] = self._rest[:first]
        self._rest = self._rest[first:]
        got = first
        view: Any = memoryview(buffer.data)
        while got < len(buffer):
            more = self._stream.readinto(view[got:])  # type: ignore[attr-defined]
            if not more:
                break
            got += more
        self.at += got
        return got

    def put_back(self, rest: np.ndarray) -> None:
        """Bytes that were read last and are to be read again."""
        self._rest = np.concatenate([rest, self._rest])
        self.at -= len(rest)

    def growing(self, rows: int, width: int, kind: Any, spare: int = 0) -> Growing:
        """Room for rows that are to be read and `spare` ones: all of it where the file is long enough to hold them."""
        sure = self.left is not None and rows * width * np.dtype(kind).itemsize <= self.left
        return Growing(width, kind, rows + spare if sure else 0)

    def rows_into(self, growing: Growing, rows: int, what: str) -> Iterator[np.ndarray]:
        """Reads rows into the room of `growing`, some megabytes at a time; who is given them says how many to keep.

        Raises:
            BadData: The file ends before the last row.
        """
        self.need(rows * growing.row_bytes, what)
        step = max(1, _BLOCK // max(growing.row_bytes, 1))
        for start in range(0, rows, step):
            some = min(step, rows - start)
            block = growing.room(some)[:some]
            self.fill(block, what)
            yield block

    def numbers(self, count: int, kind: Any, what: str) -> np.ndarray:
        """So many numbers (count,).

        Raises:
            BadData: The file ends before the last one.
        """
        found = self.growing(count, 1, kind)
        for block in self.rows_into(found, count, what):
            found.keep(len(block))
        return found.filled().reshape(-1)

    def _cut(self, what: str, count: int, left: int) -> BadData:
        return BadData(
            f"{self.path} byte {self.at:,}: {what} takes {count:,} bytes, but only {left:,} follow. "
            "The file is cut short or damaged; fetch it again."
        )
