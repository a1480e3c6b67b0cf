"""Tables of text: lines of `key<TAB>number…<TAB>number`, with or without a line of column names before them.

Tolerated, and noted on the card: what word2vec's text reader tolerates. Column names are a first line without a number
at its end, or one that counts from 0, as data frames name their columns. TensorBoard's projector, which keeps the keys
in a second file, is a format of its own.
"""

from __future__ import annotations

import itertools
import os
from collections import Counter
from pathlib import Path

from kinfold.core.errors import BadData
from kinfold.core.space import Space
from kinfold.core.streams import open_bytes
from kinfold.io.blocks import line_blocks
from kinfold.io.format import Format, check_choice, check_dim, chosen, created, writable_names
from kinfold.io.gather import Gatherer
from kinfold.io.lines import first_lines, numbers_at_end, read_lines, rows_expected
from kinfold.io.texts import lines_of

NAME = "tsv"

# What the column of keys is called above columns that are only numbered.
_KEYS = (b"", b"key", b"word", b"token", b"index", b"id")


def read(
    path: str | os.PathLike[str],
    *,
    bad_bytes: str = "replace",
    on_bad: str = "raise",
    group: str = "row",
    threads: int | None = None,
) -> Space:
    """A Space from the file, which may be packed (.gz .bz2 .xz .zst).

    Args:
        path: The file.
        bad_bytes: Keys that are not UTF-8: "replace" or "ignore" what is not, or "strict" to refuse.
        on_bad: Lines that are not a key and numbers: "raise" or "skip".
        group: What the rows are called.
        threads: Blocks parsed at a time; by default one a processor.

    Raises:
        BadFile: Nothing is there, or it cannot be read.
        BadData: No such file, or a damaged one; names the line.
    """
    check_choice("bad_bytes", bad_bytes, ("replace", "ignore", "strict"))
    check_choice("on_bad", on_bad, ("raise", "skip"))
    path = Path(path)
    with open_bytes(path) as stream:
        blocks = line_blocks(stream, path)
        first = next(blocks, b"")
        dim, header = _layout(first)
        if dim == 0:
            raise BadData(
                f"{path} line 1: {first[:60]!r} has no number behind a tab; a table has `key<TAB>number…` lines."
            )
        check_dim(dim, f"{path} line 1")
        gatherer = Gatherer(path, NAME, dim, expected=rows_expected(path, first, dim), bad_bytes=bad_bytes)
        rest = first.partition(b"\n")[2] if header else first
        read_lines(
            itertools.chain([rest] if rest else [], blocks),
            gatherer,
            first_line=2 if header else 1,
            on_bad=on_bad,
            separator="\t",
            threads=threads,
        )
    return gatherer.finish(group=group)


def write(
    space: Space,
    path: str | os.PathLike[str],
    *,
    group: str | None = None,
    header: bool = False,
    replace: str | None = None,
) -> None:
    """Writes one group, each number with the digits that bring the same float32 back.

    Args:
        space: What to write.
        path: The file; packed where it ends in .gz, .bz2, .xz or .zst.
        group: The group to write, the first where none is named.
        header: Whether a line of column names comes first: key, 0, 1 …
        replace: Stands in place of tabs and line ends in keys, which the format cannot hold; None refuses them.

    Raises:
        BadFile: It cannot be written.
        BadData: A key cannot be written, or there is no row: the format has no place to say how long rows are.
    """
    space = chosen(space, group)
    names = writable_names(space.keys, Path(path), ("\t", "\n", "\r"), replace)
    if not len(space):
        raise BadData(
            f"{path}: a table of no rows has no columns; write word2vec text, whose header says the dimension."
        )
    with created(path) as stream:
        if header:
            stream.write(("\t".join(["key", *map(str, range(space.dim))]) + "\n").encode())
        for lines in lines_of(space, names, "\t"):
            stream.write(lines)


def recognizes(path: Path, head: bytes) -> bool:
    """A tab, and numbers behind tabs at the end of most of the first lines."""
    lines = first_lines(head, 7)
    whole = lines[:-1] or lines
    # The first one may be column names.
    rows = whole[1:] or whole
    return b"\t" in rows[0] and 2 * sum(numbers_at_end(row, b"\t") > 0 for row in rows) >= len(rows) if rows else False


FORMAT = Format(read, write, recognizes, (".tsv",))


def _layout(block: bytes) -> tuple[int, bool]:
    """Numbers a row, 0 where no line has any, and whether the first line names columns."""
    lines = first_lines(block)
    runs = Counter(run for line in lines if (run := numbers_at_end(line, b"\t")))
    dim = max(runs, key=lambda run: (runs[run], -run)) if runs else 0
    if not dim or lines[0].count(b"\t") != dim:
        return dim, False
    key, *numbers = lines[0].split(b"\t")
    numbered = key.lower() in _KEYS and numbers == [str(place).encode() for place in range(dim)]
    return dim, numbered or numbers_at_end(lines[0], b"\t") == 0
