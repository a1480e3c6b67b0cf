"""What a format is, and what all of them share."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kinfold.core.errors import BadData, BadOption, did_you_mean
from kinfold.core.files import whole_file
from kinfold.core.keys import Keys
from kinfold.core.space import RESERVED, Space
from kinfold.core.streams import COMPRESSED, packed

# No model has more; what a header says beyond it is not a number of coordinates.
MAX_DIM = 1 << 20

_BLOCK_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class Format:
    """Files of one kind.

    Args:
        read: `read(path, **options) -> Space`.
        write: `write(space, path, **options)`, which may give notes for the report of a conversion; None for files that
            are only read.
        recognizes: Whether a file is of this kind, from its path and its first bytes (decompressed, 64 KiB at most).
        endings: Of the file names that are written in this format where none is named.
        keeps: What of a Space it has a place for: "all", or one group's "attributes" that are text or single numbers,
            or nothing but its "keys" and rows.
    """

    read: Callable[..., Space]
    write: Callable[..., tuple[str, ...] | None] | None
    recognizes: Callable[[Path, bytes], bool]
    endings: tuple[str, ...] = ()
    keeps: Literal["all", "attributes", "keys"] = "keys"


def header_of(line: bytes) -> tuple[int, int] | None:
    """Rows and coordinates, where the line is `rows dim` and nothing else."""
    fields = line.strip(b" \r\n\t").split(b" ")
    if len(fields) != 2 or not all(field.isdigit() and len(field) <= 20 for field in fields):
        return None
    return int(fields[0]), int(fields[1])


def check_dim(dim: int, place: str) -> None:
    """Does nothing where a header's number of coordinates can be one.

    Raises:
        BadData: It is 0 or beyond a million.
    """
    if not 1 <= dim <= MAX_DIM:
        raise BadData(
            f"{place}: the header says {dim:,} numbers a row; at least 1 and at most {MAX_DIM:,} can be read. "
            "The file is damaged or of another format."
        )


def check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Does nothing where an option has one of its values.

    Raises:
        BadOption: It has another.
    """
    if value not in choices:
        raise BadOption(f"{name}='{value}' is not one of {', '.join(choices)}.")


def refuse_packed(path: str | os.PathLike[str]) -> None:
    """Does nothing unless a file that is memory-mapped has a name that says it is compressed.

    Raises:
        BadOption: It has.
    """
    if Path(path).suffix.lower() in COMPRESSED:
        raise BadOption(f"{path}: this format is memory-mapped and never compressed; unpack it, or drop the ending.")


def chosen(space: Space, group: str | None) -> Space:
    """The group to write, the first where none is named.

    Raises:
        UnknownName: There is no such group.
    """
    return space.group(group)


def writable_names(
    keys: Keys, path: Path, refused: tuple[str, ...], replace: str | None, *, empty: bool = False
) -> pa.LargeStringArray:
    """The names of the rows as a format can hold them.

    Args:
        keys: Those of the Space.
        path: For the error's text.
        refused: Characters that the format has another use for.
        replace: What stands in their place, or None to refuse such names.
        empty: Whether the format can hold an empty name.

    Raises:
        BadData: A name is empty or has a refused character and `replace` is None, or two names become one.
        BadOption: The replacement has a refused character itself.
    """
    names = keys.names
    if replace is not None:
        if any(each in replace for each in refused):
            raise BadOption(f"replace={replace!r} holds what it is to replace.")
        for each in refused:
            names = pc.replace_substring(names, each, replace)
        names = pc.if_else(pc.equal(names, ""), replace, names) if replace and not empty else names
    bad = pc.equal(names, "" if not empty else "\n")
    for each in refused:
        bad = pc.or_(bad, pc.match_substring(names, each))
    row = pc.index(bad, True).as_py()
    if row >= 0:
        what = ", ".join(repr(each) for each in refused)
        raise BadData(
            f"{path}: the key {names[row].as_py()!r} of row {row:,} cannot be written in this format, whose keys "
            f"{'' if empty else 'are not empty and '}hold none of {what}. Pass replace='_' "
            "or write an .arrow file, which holds every key."
        )
    return Keys(names).names if replace is not None else names


def attribute_names(columns: Sequence[str], *others: str) -> list[str]:
    """Names that a Space's attributes can have, as near to those of the columns as can be: none reserved, none twice.

    Args:
        columns: As they are called in the file.
        others: Names that are taken already.
    """
    taken = {*RESERVED, *others}
    found: list[str] = []
    for place, name in enumerate(columns, 2):
        fresh = name or f"column {place}"
        while fresh in taken:
            fresh += "_"
        taken.add(fresh)
        found.append(fresh)
    return found


@contextlib.contextmanager
def created(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A file to write that appears whole or not at all, packed as its ending says.

    Raises:
        BadFile: It cannot be written.
    """
    with whole_file(path) as temporary, packed(temporary, Path(path).suffix) as stream:
        yield stream


def row_blocks(space: Space, names: pa.LargeStringArray) -> Iterator[tuple[pa.LargeStringArray, np.ndarray]]:
    """Consecutive names and float32 rows (m, dim), some megabytes a block."""
    for start, block in space.rows.blocks():
        yield names.slice(start, len(block)), np.ascontiguousarray(block)


def value_blocks(space: Space) -> Iterator[np.ndarray]:
    """Consecutive rows (m, dim) as they are kept, float32 or float16, some megabytes a block."""
    size = max(1, _BLOCK_BYTES // (4 * max(1, space.dim)))
    for start in range(0, len(space), size):
        yield space.rows.values[start : start + size]


def options_of(part: Callable[..., Any], options: dict[str, Any], what: str) -> dict[str, Any]:
    """The options, where the reader or writer knows all of them.

    Raises:
        BadOption: One is unknown to it.
    """
    known = known_options(part)
    for name in options:
        if name not in known:
            raise BadOption(
                f"{what} has no option '{name}'.{did_you_mean(name, known)} It has: {', '.join(known) or 'none'}."
            )
    return options


def known_options(part: Callable[..., Any] | None) -> list[str]:
    """The names of what a reader or a writer can be told beside the path."""
    import inspect

    if part is None:
        return []
    parameters = inspect.signature(part).parameters.items()
    return [name for name, each in parameters if each.kind is each.KEYWORD_ONLY]
