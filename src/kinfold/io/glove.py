"""GloVe's text files: lines of `key number … number`, with or without a header `rows dim`.

Tolerated, and noted on the card: what word2vec's text reader tolerates; the row `<unk>` beyond the header's count that
`-write-header 1` leaves; keys with spaces and numbers in them ('. . .', as in the 840B file): how many numbers a row
has is what most of the first 100 lines say, and all before them is the key.

Source: GloVe's glove.c (Pennington, Socher, Manning 2014).
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
from kinfold.io.format import Format, check_choice, check_dim, chosen, created, header_of, writable_names
from kinfold.io.gather import Gatherer
from kinfold.io.glove_parameters import without_contexts
from kinfold.io.lines import first_lines, numbers_at_end, read_lines, rows_expected
from kinfold.io.texts import lines_of
from kinfold.io.vocabulary import counts_beside, with_counts

NAME = "glove"


def read(
    path: str | os.PathLike[str],
    *,
    bad_bytes: str = "replace",
    on_bad: str = "raise",
    group: str = "word",
    vocabulary: str | os.PathLike[str] | None = None,
    all_parameters: bool = False,
    contexts: str = "add",
    threads: int | None = None,
) -> Space:
    """A Space from the file, which may be packed (.gz .bz2 .xz .zst).

    Args:
        path: The file.
        bad_bytes: Keys that are not UTF-8: "replace" or "ignore" what is not, or "strict" to refuse.
        on_bad: Lines that are not a key and numbers: "raise" or "skip".
        group: What the rows are called.
        vocabulary: A file of lines `key count`, which become the attribute `count`.
        all_parameters: Whether the file was written with `-model 0`: lines have both rows of a word and their biases.
        contexts: Of such a file, the rows of words as contexts: "add" them, or "drop" them.
        threads: Blocks parsed at a time; by default one a processor.

    Raises:
        BadFile: Nothing is there, or it cannot be read.
        BadData: No such file, or a damaged one; names the line.
    """
    check_choice("bad_bytes", bad_bytes, ("replace", "ignore", "strict"))
    check_choice("on_bad", on_bad, ("raise", "skip"))
    check_choice("contexts", contexts, ("add", "drop"))
    path = Path(path)
    with open_bytes(path) as stream:
        blocks = line_blocks(stream, path)
        first = next(blocks, b"")
        dim, header = _layout(first)
        if dim == 0:
            raise BadData(
                f"{path} line 1: {first[:60]!r} has no number at its end; a GloVe file has `key number … number` lines."
            )
        check_dim(dim, f"{path} line 1")
        gatherer = Gatherer(path, NAME, dim, expected=rows_expected(path, first, dim), bad_bytes=bad_bytes)
        rest = first.partition(b"\n")[2] if header else first
        read_lines(
            itertools.chain([rest] if rest else [], blocks),
            gatherer,
            first_line=2 if header else 1,
            on_bad=on_bad,
            threads=threads,
        )
    space = gatherer.finish(group=group, declared=header[0] if header else None)
    return with_counts(without_contexts(space, contexts) if all_parameters else space, vocabulary, bad_bytes)


def write(
    space: Space,
    path: str | os.PathLike[str],
    *,
    group: str | None = None,
    replace: str | None = None,
    vocabulary: str | os.PathLike[str] | None = None,
) -> None:
    """Writes one group without a header, each number with the digits that bring the same float32 back.

    Args:
        space: What to write.
        path: The file; packed where it ends in .gz, .bz2, .xz or .zst.
        group: The group to write, the first where none is named.
        replace: Stands in place of spaces and line ends in keys, which other readers cannot take; None refuses them.
        vocabulary: Where the attribute `count` is written too, in lines of `key count`.

    Raises:
        BadFile: It cannot be written.
        BadData: A key cannot be written, or there is no row: the format has no place to say how long rows are.
    """
    space = chosen(space, group)
    names = writable_names(space.keys, Path(path), (" ", "\n"), replace)
    if not len(space):
        raise BadData(f"{path}: a GloVe file cannot be empty; write word2vec text, whose header says the dimension.")
    with counts_beside(space, names, vocabulary), created(path) as stream:
        first = True
        for lines in lines_of(space, names):
            if first and header_of(lines.partition(b"\n")[0]):
                # One coordinate, and a key and a number that look like a header: the number is made a decimal.
                lines = lines.replace(b"\n", b".0\n", 1)
            stream.write(lines)
            first = False


def recognizes(path: Path, head: bytes) -> bool:
    """No header, and numbers at the end of most of the first lines."""
    lines = first_lines(head, 5)
    if not lines or header_of(lines[0]) is not None:
        return False
    whole = lines[:-1] or [b" ".join(lines[0].split(b" ")[:-1])]
    return b"\t" not in lines[0] and 2 * sum(numbers_at_end(each) > 0 for each in whole) >= len(whole)


def _layout(block: bytes) -> tuple[int, tuple[int, int] | None]:
    """Numbers a row, 0 where no line has any, and the header if there is one."""
    lines = first_lines(block)
    header = header_of(lines[0]) if lines else None
    runs = Counter(run for line in lines[1 if header else 0 :] if (run := numbers_at_end(line)))
    if header and header[1] in runs:
        return header[1], header
    if header:
        runs.update([1])
    return (max(runs, key=lambda run: (runs[run], -run)) if runs else 0), None


FORMAT = Format(read, write, recognizes, (".glove",))
