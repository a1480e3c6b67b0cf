"""Text from anywhere, as Items: files and folders, tables, frames and iterables."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

from kinfold.core.errors import BadData, BadFile, BadOption
from kinfold.core.files import existing
from kinfold.core.shapes import Block, Items
from kinfold.sources.columns import FileColumn, of_frame
from kinfold.sources.lines import Lines
from kinfold.sources.strings import Lists, Strings, first_and_all
from kinfold.sources.tables import is_table

BadBytes = Literal["replace", "ignore", "strict"]


def read(source: Any, *, column: str | None = None, bad_bytes: BadBytes = "replace") -> Items[Any]:
    """Text as Items, read when they are used, a bounded block at a time.

    Every line of a file is a text. In a folder all files are read, sorted by path; left out are hidden ones, those that
    are not text, and tables where no column is named (`raw.left_out` lists them). A generator can be read once.

    Args:
        source: A path or a list of paths: plain text, tables (.jsonl, .ndjson, .csv, .tsv, .parquet) with a `column`,
            folders; text and tables may end in .gz, .bz2, .xz or .zst. Or any iterable of strings, or of lists of
            tokens; or a pandas or Polars series, or a frame with a `column`.
        column: Which column of a table holds the text; rows without a value are left out.
        bad_bytes: What happens to bytes that are not UTF-8: replace (by U+FFFD), ignore, or strict (an error).

    Returns:
        Items whose `raw` gives strings, and blocks of UTF-8 (`core.shapes.Blocks`); lists of tokens come as they are.

    Raises:
        BadFile: A file or folder is missing or cannot be read.
        BadData: A file is not text or is damaged, or has bytes that `strict` does not tolerate (both while it is read);
            or a thing is neither a string nor a list of tokens.
        BadOption: `bad_bytes` is unknown, or a table needs a column.
        UnknownName: A table has no such column.

    Example:
        >>> list(read(["one text", "another"]).raw)
        ['one text', 'another']
    """
    if bad_bytes not in ("replace", "ignore", "strict"):
        raise BadOption(f"bad_bytes={bad_bytes!r} is not known; it is 'replace', 'ignore' or 'strict'.")
    if isinstance(source, str | os.PathLike):
        return Items(Files([source], column, bad_bytes))
    if isinstance(source, list | tuple) and source and all(is_path(each) for each in source):
        return Items(Files(source, column, bad_bytes))
    if (found := of_frame(source, column)) is not None:
        return Items(found)
    if not isinstance(source, Iterable) or isinstance(source, bytes | dict):
        raise BadData(
            f"text cannot be read from {type(source).__name__}; give a path, or an iterable of str or of token lists."
        )
    first, things = first_and_all(source)
    if first is None or isinstance(first, str):
        return Items(Strings(things, bad_bytes))
    if isinstance(first, Iterable) and not isinstance(first, bytes | dict):
        return Items(Lists(things))
    raise BadData(
        f"the first thing is {type(first).__name__}; texts are str or lists of tokens. Take the text out of it."
    )


class Files:
    """Texts of files and of all files in folders, one file after another.

    Args:
        paths: Files and folders.
        column: Of tables.
        bad_bytes: As of `read`.

    Raises:
        BadFile: One is missing or cannot be read.
        BadData: There is nothing to read in them.
    """

    def __init__(self, paths: Iterable[Any], column: str | None, bad_bytes: BadBytes) -> None:
        self.left_out: list[Path] = []
        self._files: list[Lines | FileColumn] = []
        for each in paths:
            path = _existing(each)
            if not path.is_dir():
                self._files.append(FileColumn(path, column, bad_bytes) if is_table(path) else Lines(path, bad_bytes))
                continue
            for inner in _walk(path):
                if is_table(inner) and column is not None:
                    self._files.append(FileColumn(inner, column, bad_bytes))
                elif is_table(inner) or not Lines(inner, bad_bytes).is_text():
                    self.left_out.append(inner)
                else:
                    self._files.append(Lines(inner, bad_bytes))
        if not self._files:
            raise BadData(
                f"there is no text to read: {len(self.left_out):,} files are binary, or tables that need a `column`."
            )

    @property
    def size(self) -> int | None:
        """Bytes in all; None where that is not known before they are read."""
        sizes = [each.size for each in self._files]
        return None if None in sizes else sum(size for size in sizes if size is not None)

    def blocks(self) -> Iterator[Block]:
        """The texts, a bounded block at a time."""
        for each in self._files:
            yield from each.blocks()

    def __iter__(self) -> Iterator[str]:
        for each in self._files:
            yield from each


def is_path(thing: Any) -> bool:
    """Whether a thing means a file: a path, or a string that is the name of one that is there."""
    # Nobody means the name of a file that is there as a text to learn from.
    return isinstance(thing, os.PathLike) or (isinstance(thing, str) and len(thing) < 4096 and _is_file(thing))


def _is_file(name: str) -> bool:
    try:
        return os.path.isfile(name)
    except ValueError:  # a NUL in it
        return False


def _existing(path: Any) -> Path:
    name = os.fspath(path)
    hint = " To learn from the string itself, put it in a list." if isinstance(path, str) and " " in path else ""
    try:
        return existing(path)
    except (OSError, ValueError) as error:
        shown = name if len(name) < 100 else f"{name[:100]!r}…"
        text = str(error) if isinstance(error, BadFile) else f"{shown}: is not the name of a file."
        raise BadFile(text + hint) from error


def _walk(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
