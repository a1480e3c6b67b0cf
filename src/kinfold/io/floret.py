"""floret's hash tables: `.floret`, a row a bucket in text, and the models (`.bin`) that they come from.

Words have no rows of their own; each is the mean of the rows of the buckets that it and its n-grams fall into, which
`encode.floret` computes. The buckets become the group `ngram`, named by their numbers, and what finds them is on the
card. Of a model, only the table is read, and only if it is one of floret's mode that is not quantized.

Tolerated in text, and noted on the card: what word2vec's text reader tolerates. Refused: a table of which buckets are
missing (unless `on_bad="skip"`, which counts them as rows of zeros).

Source: floret 0.10 (Explosion), FastText::saveFloretVectors and Args::save.
"""

from __future__ import annotations

import dataclasses
import itertools
import mmap
import os
import struct
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from kinfold.core.card import born
from kinfold.core.columns import to_numpy
from kinfold.core.errors import BadData
from kinfold.core.files import existing
from kinfold.core.space import Space
from kinfold.core.streams import bare_name, open_bytes
from kinfold.io.blocks import line_blocks
from kinfold.io.format import Format, check_choice, check_dim
from kinfold.io.gather import Gatherer
from kinfold.io.lines import first_lines, numbers_at_end, read_lines, rows_expected
from kinfold.io.matrix import space_of

NAME = "floret"
GROUP = "ngram"

_MAGIC = struct.pack("<i", 793712314)
# Arguments of a model: those of fastText, and two of floret's before the last but one.
_ARGUMENTS = struct.Struct("<16id")
_DICTIONARY = struct.Struct("<3i2q")
_SEED = 2166136261
# No model has longer n-grams, but a damaged file would be counted for hours.
_LONGEST = 100


def read(path: str | os.PathLike[str], *, on_bad: str = "raise", threads: int | None = None) -> Space:
    """A Space from the file; text may be packed (.gz .bz2 .xz .zst).

    Args:
        path: The file.
        on_bad: Lines that are not a bucket and numbers, and buckets without a line: "raise" or "skip".
        threads: Blocks parsed at a time; by default one a processor.

    Raises:
        BadFile: Nothing is there, or it cannot be read.
        BadData: No such file, or a damaged one; names the line.
    """
    check_choice("on_bad", on_bad, ("raise", "skip"))
    path = existing(path)
    with open_bytes(path) as stream:
        if stream.read(4) == _MAGIC:
            return _read_model(path)
    with open_bytes(path) as stream:
        blocks = line_blocks(stream, path)
        first = next(blocks, b"")
        line, _, rest = first.partition(b"\n")
        told = _header_of(line)
        if told is None:
            raise BadData(
                f"{path} line 1: {line[:60]!r} is not the header of a .floret file: buckets, dimension, shortest and "
                "longest n-gram, hashes, seed, and what stands before and behind a word."
            )
        dim = told.pop("dim")
        _check(told, f"{path} line 1")
        check_dim(dim, f"{path} line 1")
        runs = [numbers_at_end(each) for each in first_lines(rest)]
        if runs and dim not in runs:
            raise BadData(f"{path}: the header says {dim:,} numbers a row, but line 2 has {runs[0]:,}.")
        gatherer = Gatherer(path, NAME, dim, expected=rows_expected(path, first, dim))
        read_lines(
            itertools.chain([rest] if rest else [], blocks), gatherer, first_line=2, on_bad=on_bad, threads=threads
        )
    return _checked(gatherer.finish(group=GROUP, declared=told["buckets"]), told, path, on_bad)


def recognizes(path: Path, head: bytes) -> bool:
    """The header of a table, or of a model with two arguments more than fastText's have."""
    if head.startswith(_MAGIC):
        mode, hashes, frequency = struct.unpack_from("<2i4xd", head.ljust(72, b"\0"), 52)
        # The last one of fastText's own arguments stands two places before, and another number here.
        return mode in (1, 2) and 1 <= hashes <= 4 and 0 < frequency < 1
    line, feed, _ = head.partition(b"\n")
    return bool(feed) and _header_of(line) is not None and not bare_name(path).lower().endswith(".tsv")


FORMAT = Format(read, None, recognizes)


def _header_of(line: bytes) -> dict[str, Any] | None:
    """What finds the buckets of a word, and the dimension; None where the line is no header."""
    fields = line.strip(b"\r").split(b" ")
    if len(fields) != 8 or not all(field.isdigit() and len(field) <= 10 for field in fields[:6]):
        return None
    buckets, dim, shortest, longest, hashes, seed = map(int, fields[:6])
    opens, closes = (field.decode(errors="replace") for field in fields[6:])
    found = {"buckets": buckets, "dim": dim, "min_n": shortest, "max_n": longest}
    return {**found, "hashes": hashes, "hash_seed": seed, "opens": opens, "closes": closes}


def _check(told: dict[str, Any], place: str) -> None:
    good = 1 <= told["buckets"] < 1 << 31 and told["min_n"] >= 0 and 0 <= told["max_n"] <= _LONGEST
    if not good or not 1 <= told["hashes"] <= 4 or told["hash_seed"] >= 1 << 32:
        raise BadData(
            f"{place}: {told['buckets']:,} buckets, n-grams of {told['min_n']} to {told['max_n']} characters and "
            f"{told['hashes']} hashes are those of no model; the file is damaged or of another format."
        )


def _checked(space: Space, told: dict[str, Any], path: Path, on_bad: str) -> Space:
    """The Space with what finds its buckets, once their names are those of buckets.

    Raises:
        BadData: They are not, or some have no row.
    """
    try:
        numbers = to_numpy(space.keys.names.cast(pa.int64()))
    except pa.ArrowInvalid as error:
        raise BadData(f"{path}: the lines are numbered by their buckets ({error}).") from error
    if len(numbers) and not 0 <= numbers.min() <= numbers.max() < told["buckets"]:
        raise BadData(f"{path}: a line has the number {numbers.max():,}, but there are {told['buckets']:,} buckets.")
    if len(numbers) < told["buckets"] and on_bad == "raise":
        raise BadData(
            f"{path}: {len(numbers):,} of {told['buckets']:,} buckets have a row. The file is cut short: fetch it "
            'again, or pass on_bad="skip" to take rows of zeros for the others.'
        )
    card = dataclasses.replace(
        space.card,
        frame=born(NAME, space.rows.values),
        method=NAME,
        parameters={**space.card.parameters, "dim": space.dim, **told},
    )
    return dataclasses.replace(space, card=card)


def _read_model(path: Path) -> Space:
    """The table of a model.

    Raises:
        BadData: The model is of another kind, or damaged.
    """
    size = os.path.getsize(path)
    with open(path, "rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            arguments = _ARGUMENTS.unpack_from(data, 0)
            dim, kind, buckets, shortest, longest, mode, hashes = (arguments[at] for at in (2, 9, 10, 11, 12, 13, 14))
            entries, words, labels, _, pruned = _DICTIONARY.unpack_from(data, _ARGUMENTS.size)
            at = _ARGUMENTS.size + _DICTIONARY.size
            for _ in range(min(entries, size)):
                if (end := data.find(b"\0", at)) < 0:
                    raise ValueError("a word without an end")
                at = end + 10
            quantized = data[at]
            rows, columns = struct.unpack_from("<2q", data, at + 1)
        except (struct.error, ValueError, IndexError) as error:
            raise BadData(f"{path}: the model is cut short or damaged ({error}).") from error
    if mode != 2 or kind == 3 or labels or pruned >= 0 or quantized:
        raise BadData(
            f"{path}: a model that floret trained, but not a hash table of its own mode; only those that are neither "
            "classifiers nor quantized are read. Let it write its vectors with save_vectors."
        )
    told = {"buckets": buckets, "min_n": shortest, "max_n": longest, "hashes": hashes, "hash_seed": _SEED}
    told |= {"opens": "<", "closes": ">"}
    _check(told, str(path))
    check_dim(dim, str(path))
    begins = at + 17
    if (rows, columns) != (words + buckets, dim) or words < 0 or begins + 4 * rows * columns > size:
        raise BadData(
            f"{path} byte {at + 1:,}: a matrix of {rows:,} × {columns:,} numbers does not go with {words:,} words, "
            f"{buckets:,} buckets and {dim:,} coordinates, or with the {max(0, size - begins):,} bytes that follow."
        )
    values = np.memmap(path, "<f4", "r", begins + 4 * words * dim, (buckets, dim)).view(np.ndarray)
    names = pa.array(np.arange(buckets)).cast(pa.large_string())
    return _checked(space_of(path, NAME, values, names, Counter(), group=GROUP), told, path, "raise")
