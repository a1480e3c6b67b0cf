"""word2vec's text files: a line `rows dim`, then lines of `key number … number`.

Tolerated, and noted on the card: another number of rows than the header says, no last line feed, CR LF, a space at a
line's end (word2vec and fastText write one), keys with spaces, keys that are not UTF-8, a key twice (the first row
counts), rows with NaN or infinity (left out). Refused: a line that is not a key and numbers (unless `on_bad="skip"`),
and a header whose number of coordinates no line has.

Source: word2vec.c of Mikolov et al. 2013; fastText's and gensim's writers.
"""

from __future__ import annotations

import itertools
import os
from pathlib import Path

from kinfold.core.errors import BadData
from kinfold.core.space import Space
from kinfold.core.streams import open_bytes
from kinfold.io.blocks import line_blocks
from kinfold.io.format import Format, check_choice, check_dim, chosen, created, header_of, writable_names
from kinfold.io.gather import Gatherer
from kinfold.io.lines import first_lines, is_text, numbers_at_end, read_lines, rows_expected
from kinfold.io.texts import lines_of
from kinfold.io.vocabulary import counts_beside, with_counts

NAME = "word2vec-text"


def read(
    path: str | os.PathLike[str],
    *,
    bad_bytes: str = "replace",
    on_bad: str = "raise",
    group: str = "word",
    vocabulary: str | os.PathLike[str] | None = None,
    threads: int | None = None,
) -> Space:
    """A Space from the file, which may be packed (.gz .bz2 .xz .zst).

    Args:
        path: The file.
        bad_bytes: Keys that are not UTF-8: "replace" or "ignore" what is not, or "strict" to refuse.
        on_bad: Lines that are not a key and numbers: "raise" or "skip".
        group: What the rows are called.
        vocabulary: A file of lines `key count`, which become the attribute `count`.
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
        line, _, rest = first.partition(b"\n")
        header = header_of(line)
        if header is None:
            raise BadData(
                f"{path} line 1: {line[:60]!r} is not the header `rows dim` of a word2vec text file. "
                'Without a header it may be a GloVe file: format="glove".'
            )
        declared, dim = header
        check_dim(dim, f"{path} line 1")
        runs = [numbers_at_end(each) for each in first_lines(rest)]
        if runs and dim not in runs:
            raise BadData(
                f"{path}: the header says {dim:,} numbers a row, but line 2 has {runs[0]:,}. "
                "Correct the header, or name the format if this is no word2vec text file."
            )
        gatherer = Gatherer(path, NAME, dim, expected=rows_expected(path, first, dim), bad_bytes=bad_bytes)
        read_lines(
            itertools.chain([rest] if rest else [], blocks), gatherer, first_line=2, on_bad=on_bad, threads=threads
        )
    return with_counts(gatherer.finish(group=group, declared=declared), vocabulary, bad_bytes)


def write(
    space: Space,
    path: str | os.PathLike[str],
    *,
    group: str | None = None,
    replace: str | None = None,
    vocabulary: str | os.PathLike[str] | None = None,
) -> None:
    """Writes one group, each number with the digits that bring the same float32 back.

    Args:
        space: What to write.
        path: The file; packed where it ends in .gz, .bz2, .xz or .zst.
        group: The group to write, the first where none is named.
        replace: Stands in place of spaces and line ends in keys, which the format cannot hold; None refuses them.
        vocabulary: Where the attribute `count` is written too, in lines of `key count`.

    Raises:
        BadFile: It cannot be written.
        BadData: A key cannot be written.
    """
    space = chosen(space, group)
    names = writable_names(space.keys, Path(path), (" ", "\n"), replace)
    with counts_beside(space, names, vocabulary), created(path) as stream:
        stream.write(f"{len(space)} {space.dim}\n".encode())
        for lines in lines_of(space, names):
            stream.write(lines)


def recognizes(path: Path, head: bytes) -> bool:
    """A header of two integers, and a line of text or nothing behind it."""
    line, _, rest = head.partition(b"\n")
    header = header_of(line)
    return header is not None and (not rest or is_text(rest, header[1]))


FORMAT = Format(read, write, recognizes, (".vec", ".txt"))
