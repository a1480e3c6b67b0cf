"""Arrays that grow without bound: in memory while small, then in a temporary file that vanishes with them."""

from __future__ import annotations

import mmap
import tempfile
from typing import IO

import numpy as np

from kinfold.core.errors import BadFile

_IN_MEMORY = 64 << 20


class Spill:
    """Takes arrays one after another; `join` gives them as one.

    The file has no name, or loses it when it is closed, so that nothing is left behind however the process ends.

    Args:
        kind: Type of the numbers.
        in_memory: Bytes that are kept in memory before a file is begun.
    """

    def __init__(self, kind: type, in_memory: int = _IN_MEMORY) -> None:
        self._kind = np.dtype(kind)
        self._limit = in_memory
        self._parts: list[np.ndarray] = []
        self._bytes = 0
        self._file: IO[bytes] | None = None

    def append(self, part: np.ndarray) -> None:
        """Adds a copy of these numbers.

        Raises:
            BadFile: The folder for temporary files is full or cannot be written.
        """
        self._bytes += part.nbytes
        if self._file is None and self._bytes <= self._limit:
            self._parts.append(part.astype(self._kind))
            return
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="kinfold.")
                for each in self._parts:
                    self._file.write(each.data)
                self._parts.clear()
            self._file.write(np.ascontiguousarray(part, self._kind).data)
        except OSError as error:
            raise BadFile(
                f"{tempfile.gettempdir()}: {self._bytes:,} bytes of ids cannot be kept there ({error.strerror}). "
                "Set TMPDIR to a folder with more room."
            ) from error

    def join(self) -> np.ndarray:
        """All numbers, writeable; memory-mapped where they are in a file."""
        if self._file is None:
            joined = np.concatenate([np.zeros(0, self._kind), *self._parts])
            self._parts.clear()
            return joined
        self._file.flush()
        # The map holds the file: closed here, it goes when the last array on it does.
        with self._file as file:
            return np.frombuffer(mmap.mmap(file.fileno(), self._bytes), self._kind)
