"""Large arrays beyond memory: in memory while small, else in a temporary file that vanishes with them.

The file has no name, or loses it when it is closed, so nothing is left behind however the process ends.
"""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import tempfile
from typing import IO, Any

import numpy as np
import pyarrow as pa

from kinfold.core.errors import BadFile
from kinfold.core.memory import ample

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
            with self._file as file:
                return _mapped(file, self._bytes, self._kind)
        except OSError as error:
            raise _no_room(self._bytes, error) from error


class Matrix:
    """Rows (n, dim) that become more: in memory while that is ample, else in a file.

    Args:
        dim: Coordinates of a row.
        kind: Type of the numbers.
        rows: How many there may be; memory and disk are asked for as many, and more later where it is too few.
    """

    def __init__(self, dim: int, kind: Any, rows: int = 0) -> None:
        self._kind = np.dtype(kind)
        self._file: IO[bytes] | None = None
        self._rows = np.empty((0, dim), self._kind)
        self.room(rows)

    def __del__(self) -> None:
        if self._file is not None:
            self._file.close()

    def room(self, rows: int) -> np.ndarray:
        """All rows, writeable, of which there are at least that many; those that were there keep their numbers.

        An array that was given before stays valid. What is written to it later is seen in the new one only if both are
        in a file.

        Raises:
            BadFile: The folder for temporary files is full or cannot be written.
        """
        if rows > len(self._rows):
            before, dim = self._rows, self._rows.shape[1]
            rows = max(rows, len(before) * 3 // 2)
            size = rows * dim * self._kind.itemsize
            if self._file is None and ample(size):
                self._rows = np.empty((rows, dim), self._kind)
                self._rows[: len(before)] = before
            else:
                self._rows = self._in_file(size).reshape(rows, dim)
        return self._rows

    def _in_file(self, size: int) -> np.ndarray:
        try:
            begun = self._file is not None
            self._file = self._file or _temporary()
            _lengthen(self._file, size)
            mapped = _mapped(self._file, size, self._kind)
        except OSError as error:
            raise _no_room(size, error) from error
        if not begun:
            mapped[: self._rows.size] = self._rows.reshape(-1)
        return mapped


class Batches:
    """Takes record batches of one schema; `table` gives them as one. In memory while that is ample, else in a file.

    Args:
        schema: Of the batches.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self.schema = schema
        self._parts: list[pa.RecordBatch] = []
        self._bytes = 0
        self._file: IO[bytes] | None = None
        self._writer: Any = None

    def __del__(self) -> None:
        if self._file is not None:
            self._file.close()

    def append(self, batch: pa.RecordBatch) -> None:
        """Adds a batch.

        Raises:
            BadFile: The folder for temporary files is full or cannot be written.
        """
        self._bytes += batch.nbytes
        if self._file is None and ample(self._bytes):
            self._parts.append(batch)
            return
        try:
            if self._file is None:
                self._file = _temporary()
                self._writer = pa.ipc.new_stream(pa.PythonFile(self._file, "w"), self.schema)
                for each in self._parts:
                    self._writer.write_batch(each)
                self._parts.clear()
            self._writer.write_batch(batch)
        except OSError as error:
            raise _no_room(self._bytes, error) from error

    def table(self) -> pa.Table:
        """All batches; memory-mapped where they are in a file.

        Raises:
            BadFile: The folder for temporary files is full.
        """
        if self._file is None:
            return pa.Table.from_batches(self._parts, self.schema)
        try:
            self._writer.close()
            self._file.flush()
            held = pa.py_buffer(mmap.mmap(self._file.fileno(), 0))
        except OSError as error:
            raise _no_room(self._bytes, error) from error
        return pa.ipc.open_stream(held).read_all()


def empty(size: int, kind: Any, in_memory: int = _IN_MEMORY) -> np.ndarray:
    """An array (size,) to be filled; memory-mapped where it is large.

    Raises:
        BadFile: The folder for temporary files is full or cannot be written.
    """
    kind = np.dtype(kind)
    if size * kind.itemsize <= in_memory:
        return np.empty(size, kind)
    try:
        with _temporary() as file:
            _lengthen(file, size * kind.itemsize)
            return _mapped(file, size * kind.itemsize, kind)
    except OSError as error:
        raise _no_room(size * kind.itemsize, error) from error


def _temporary() -> IO[bytes]:
    return tempfile.TemporaryFile(prefix="kinfold.")


def _lengthen(file: IO[bytes], size: int) -> None:
    """Makes a file of that many bytes; a full disk is an error now, and not a crash when the memory is touched."""
    begins = os.fstat(file.fileno()).st_size
    with contextlib.suppress(AttributeError):
        try:
            os.posix_fallocate(file.fileno(), begins, size - begins)
            return
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
                raise
    file.seek(begins)
    zeros = bytes(1 << 20)
    while begins < size:
        begins += file.write(zeros[: min(size - begins, len(zeros))])
    file.flush()


def _mapped(file: IO[bytes], size: int, kind: np.dtype) -> np.ndarray:
    # The map holds the file, which is gone when the last array on it is, though it be closed before.
    file.flush()
    return np.frombuffer(mmap.mmap(file.fileno(), size), kind)


def _no_room(size: int, error: OSError) -> BadFile:
    return BadFile(
        f"{tempfile.gettempdir()}: {size:,} bytes of numbers cannot be kept there ({error.strerror}). "
        "Set TMPDIR to a folder with more room."
    )
