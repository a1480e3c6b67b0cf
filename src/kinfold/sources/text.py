"""Text from anywhere, as Items: files and folders, tables, frames and iterables."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from kinfold.core.errors import BadData, BadOption
from kinfold.core.files import existing
from kinfold.core.shapes import Block, Items

BadBytes = Literal["replace", "ignore", "strict"]

# Bytes of a block: small enough for the caches, large enough that Python's part is nothing.
_BLOCK = 2 << 20
_STRINGS = 1 << 15


def read(source: Any, *, column: str | None = None, bad_bytes: BadBytes = "replace") -> Items[Any]:
    """Text as Items that are read when they are used, a bounded block at a time.

    Args:
        source: A path, or a list of them: plain text, .gz, .bz2, .xz or .zst of it, of which every line is a text;
            tables (.jsonl, .ndjson, .csv, .tsv, .parquet) with a `column`; folders of these. Or strings; lists of
            tokens; a pandas or Polars series, or a frame with a `column`.
        column: Which column of a table holds the text; rows without a value are left out.
        bad_bytes: What happens to bytes that are not UTF-8: replace (by U+FFFD), ignore, or strict (an error).

    Returns:
        Items whose `raw` gives strings, and blocks of UTF-8 (`core.shapes.Blocks`); lists of tokens come as they are.

    Raises:
        BadFile: A file or folder is missing or cannot be read.
        BadData: A file is not text, or holds bad bytes that are not to be tolerated (while it is being read).
        BadOption: `bad_bytes` is unknown, or a table needs a column.

    Example:
        >>> list(read(["one text", "another"]).raw)
        ['one text', 'another']
    """
    if bad_bytes not in ("replace", "ignore", "strict"):
        raise BadOption(f"bad_bytes={bad_bytes!r} is not known; it is 'replace', 'ignore' or 'strict'.")
    if isinstance(source, str | os.PathLike):
        return Items(_files([source], column, bad_bytes))
    if isinstance(source, list | tuple) and source and all(_names_file(each) for each in source):
        return Items(_files(source, column, bad_bytes))
    things = iter(source)
    first = next(things, None)
    if first is None or isinstance(first, str):
        return Items(Strings(source if things is not source else itertools.chain([first] if first else [], things)))
    return Items(source)


def _names_file(thing: Any) -> bool:
    return isinstance(thing, os.PathLike) or (isinstance(thing, str) and len(thing) < 1024 and Path(thing).is_file())


def _files(paths: Iterable[Any], column: str | None, bad_bytes: BadBytes) -> Lines:
    return Lines([existing(path) for path in paths], bad_bytes)


class Lines:
    """The lines of files."""

    def __init__(self, paths: list[Path], bad_bytes: BadBytes) -> None:
        self.paths = paths
        self.bad_bytes = bad_bytes

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(path.stat().st_size for path in self.paths)

    def blocks(self) -> Iterator[Block]:
        """The texts, a bounded block at a time."""
        for path in self.paths:
            with open(path, "rb") as file:
                while chunk := file.read(_BLOCK):
                    chunk += file.readline()
                    if not chunk.isascii():
                        chunk = chunk.decode("utf-8", self.bad_bytes).encode()
                    data = np.frombuffer(chunk, np.uint8)
                    ends = np.flatnonzero(data == 10) + 1
                    if not len(ends) or ends[-1] < len(data):
                        ends = np.append(ends, len(data))
                    yield Block(data, ends)

    def __iter__(self) -> Iterator[str]:
        for block in self.blocks():
            start = 0
            for end in block.ends.tolist():
                yield block.data[start:end].tobytes().decode().rstrip("\r\n")
                start = end


class Strings:
    """Strings from an iterable."""

    def __init__(self, strings: Iterable[str]) -> None:
        self.strings = strings

    def blocks(self) -> Iterator[Block]:
        """The texts, a bounded block at a time."""
        things = iter(self.strings)
        while batch := list(itertools.islice(things, _STRINGS)):
            array = pa.array(batch, pa.large_string())
            _, starts, data = array.buffers()
            yield Block(
                np.frombuffer(data, np.uint8) if data is not None and data.size else np.zeros(0, np.uint8),
                np.frombuffer(starts, np.int64, len(array) + 1)[1:],
            )

    def __iter__(self) -> Iterator[str]:
        return iter(self.strings)
