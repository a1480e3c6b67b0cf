"""GloVe's binary files, `vectors.bin` with `vocab.txt` beside it; and what to do with all parameters of a model.

The binary file has neither header nor keys: float64 of a word's row and its bias, word after word, then the same of the
words as contexts. Text that GloVe wrote with `-model 0` has both in one line. By default a key's row is the sum of
both, as in the text that GloVe writes by itself.

Source: GloVe's glove.c (Pennington, Socher, Manning 2014).
"""

from __future__ import annotations

import dataclasses
import os
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from kinfold.core.card import born
from kinfold.core.errors import BadData, BadFile
from kinfold.core.files import existing
from kinfold.core.rows import Rows
from kinfold.core.space import Space
from kinfold.core.spill import Matrix
from kinfold.io.format import Format, check_choice, check_dim, refuse_packed
from kinfold.io.matrix import blocks_of, space_of
from kinfold.io.vocabulary import read_counts

NAME = "glove-binary"


def read(
    path: str | os.PathLike[str],
    *,
    vocabulary: str | os.PathLike[str] | None = None,
    contexts: str = "add",
    bad_bytes: str = "replace",
    group: str = "word",
) -> Space:
    """A Space from the file and its vocabulary; the counts become the attribute `count`.

    Args:
        path: The file.
        vocabulary: Lines of `key count`; by default `vocab.txt` beside the file.
        contexts: The rows of words as contexts: "add" them, or "drop" them.
        bad_bytes: Keys that are not UTF-8: "replace" or "ignore" what is not, or "strict" to refuse.
        group: What the rows are called.

    Raises:
        BadFile: One of the files is missing or cannot be read.
        BadData: The file's size does not go with the number of keys.
        BadOption: The name says that it is compressed.
    """
    check_choice("bad_bytes", bad_bytes, ("replace", "ignore", "strict"))
    check_choice("contexts", contexts, ("add", "drop"))
    refuse_packed(path)
    path = existing(path)
    beside = Path(vocabulary) if vocabulary is not None else path.with_name("vocab.txt")
    if vocabulary is None and not beside.exists():
        raise BadFile(f"{beside}: no such file; the keys of {path.name} are read from it. Or pass vocabulary=….")
    counts: Counter[str] = Counter()
    names, occurrences = read_counts(beside, bad_bytes, counts)
    size, rows = os.path.getsize(path), len(names)
    width = size // (16 * rows) if rows else 0
    if width < 2 or size != 16 * rows * width:
        raise BadData(
            f"{path}: {size:,} bytes are no whole number of float64 for each of the {rows:,} keys of {beside.name}, "
            "twice. The file is cut short, or the vocabulary is another model's."
        )
    check_dim(width - 1, str(path))
    values = np.memmap(path, "<f8", "r", 0, (2, rows, width)).view(np.ndarray)
    table = pa.table({"count": occurrences})
    return space_of(path, NAME, Halves(values[0], values[1], contexts), names, counts, group=group, table=table)


def recognizes(path: Path, head: bytes) -> bool:
    """Numbers of the size of a model's, of an even number of rows, and a vocabulary beside them."""
    if path.is_dir() or not head or os.path.getsize(path) % 16 or not path.with_name("vocab.txt").exists():
        return False
    sizes = np.abs(np.frombuffer(head[: len(head) // 8 * 8], "<f8"))
    return bool(np.all((sizes > 1e-30) & (sizes < 1e5)))


FORMAT = Format(read, None, recognizes)


class Halves:
    """Rows of words, with those of the same words as contexts added or not; the last column, the bias, is dropped.

    Args:
        words: (n, dim + 1).
        contexts: (n, dim + 1).
        what: "add" or "drop".
    """

    def __init__(self, words: np.ndarray, contexts: np.ndarray, what: str) -> None:
        self._parts = (words, contexts) if what == "add" else (words,)
        self.shape = (len(words), words.shape[1] - 1)
        self.dtype: np.dtype[Any] = words.dtype

    def __getitem__(self, rows: Any) -> np.ndarray:
        total: np.ndarray = sum(part[rows][:, :-1] for part in self._parts)
        return total


def without_contexts(space: Space, contexts: str) -> Space:
    """A Space of rows of which each is a word's, its bias, and the same of the word as a context.

    Args:
        space: As it was read.
        contexts: "add" or "drop".

    Raises:
        BadData: Rows have not an even number of coordinates.
    """
    if space.dim % 2 or space.dim < 4:
        raise BadData(
            f"{space.card.data['file']}: rows of {space.dim} numbers are not all parameters of a model, which are an "
            "even number; leave all_parameters out."
        )
    values, half = space.rows.values, space.dim // 2
    halves = Halves(values[:, :half], values[:, half:], contexts)
    rows = Matrix(half - 1, np.float32, len(space)).room(0)
    for start, block in blocks_of(halves):
        rows[start : start + len(block)] = block
    card = dataclasses.replace(space.card, frame=born("file", rows))
    return dataclasses.replace(space, rows=Rows(rows), card=card)
