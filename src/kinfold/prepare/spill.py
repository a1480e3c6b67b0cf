"""Large arrays beyond memory: in memory while small, else in a temporary file that vanishes with them.

The file has no name, or loses it when it is closed, so nothing is left behind however the process ends.
"""

from __future__ import annotations

import mmap
import tempfile
from typing import IO, Any

import numpy as np

from kinfold.core.errors import BadFile

_IN_MEMORY = 16 << 20


class Spill:
    """Takes arrays one after another; `join` gives them as one. A context, which closes what was not joined.

    Args:
        kind: Type of the numbers.
        in_memory: Bytes that are kept in memory before a file is begun.
    """

    def __init__(self, kind: Any, in_memory: int = _IN_MEMORY) -> None:
        self._kind = np.dtype(kind)
        self._limit = in_memory
        self._parts: list[np.ndarray] = []
        self._bytes = 0
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Spill:
        return self

    def __exit__(self, *error: object) -> None:
        if self._file is not None:
            self._file.close()

    def append(self, part: np.ndarray) -> None:
        """Adds a copy of these numbers.

        Raises:
            BadFile: The folder for temporary files is full or cannot be written.
        """
        self._bytes += part.size * self._kind.itemsize
        if self._file is None and self._bytes <= self._limit:
            self._parts.append(part.astype(self._kind))
            return
        try:
            if self._file is None:
                self._file = _temporary()
                for each in self._parts:
                    self._file.write(each.data)
                self._parts.clear()
            self._file.write(np.ascontiguousarray(part, self._kind).data)
        except OSError as error:
            raise _no_room(self._bytes, error) from error

    def join(self) -> np.ndarray:
        """All numbers, writeable; memory-mapped where they are in a file.

        Raises:
            BadFile: The folder for temporary files is full.
        """
        if self._file is None:
            joined = np.concatenate([np.zeros(0, self._kind), *self._parts])
            self._parts.clear()
            return joined
        try:
            return _mapped(self._file, self._bytes, self._kind)
        except OSError as error:
            raise _no_room(self._bytes, error) from error


def empty(size: int, kind: Any, in_memory: int = _IN_MEMORY) -> np.ndarray:
    """An array (size,) to be filled; memory-mapped where it is large.

    Raises:
        BadFile: The folder for temporary files is full or cannot be written.
    """
    kind = np.dtype(kind)
    if size * kind.itemsize <= in_memory:
        return np.empty(size, kind)
    try:
        file = _temporary()
        # Written, not only made longer: a full disk is an error now, and not a crash when the memory is touched.
        left = size * kind.itemsize
        zeros = bytes(1 << 20)
        while left:
            left -= file.write(zeros[: min(left, len(zeros))])
        return _mapped(file, size * kind.itemsize, kind)
    except OSError as error:
        raise _no_room(size * kind.itemsize, error) from error


def _temporary() -> IO[bytes]:
    return tempfile.TemporaryFile(prefix="kinfold.")


def _mapped(file: IO[bytes], size: int, kind: np.dtype) -> np.ndarray:
    # The map holds the file: it is closed here, and gone when the last array on it is.
    with file:
        file.flush()
        return np.frombuffer(mmap.mmap(file.fileno(), size), kind)


def _no_room(size: int, error: OSError) -> BadFile:
    return BadFile(
        f"{tempfile.gettempdir()}: {size:,} bytes of numbers cannot be kept there ({error.strerror}). "
        "Set TMPDIR to a folder with more room."
    )
