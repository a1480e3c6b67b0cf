"""What fastText's files begin with: the arguments that a model was trained with."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kinfold.core.errors import BadData
from kinfold.core.parts import LONGEST
from kinfold.io.cursor import Cursor
from kinfold.io.format import check_dim

MAGIC = b"\xba\x16\x4f\x2f"
VERSION = 12
LOSSES = {1: "hierarchical", 2: "negative", 3: "softmax", 4: "one-vs-all"}
MODES = {1: "cbow", 2: "skipgram", 3: "supervised"}
# Entries, words, labels; tokens.
SIZES = struct.Struct("<3iq")

_VERSION = struct.Struct("<4si")
_ARGUMENTS = struct.Struct("<12id")


@dataclass(frozen=True, slots=True)
class Header:
    """The arguments that a model was trained with, in the order of the file."""

    dim: int
    window: int
    epochs: int
    min_count: int
    negatives: int
    word_ngrams: int
    loss: str
    mode: str
    buckets: int
    min_n: int
    max_n: int
    rate_update: int
    subsample: float

    @property
    def method(self) -> str:
        """The learner: `supervised` or `fasttext`."""
        return "supervised" if self.mode == "supervised" else "fasttext"

    def packed(self) -> bytes:
        """As a file of version 12 begins."""
        values = [getattr(self, name) for name in self.__slots__]
        values[6] = next(code for code, loss in LOSSES.items() if loss == self.loss)
        values[7] = next(code for code, mode in MODES.items() if mode == self.mode)
        return _VERSION.pack(MAGIC, VERSION) + _ARGUMENTS.pack(*values)


def read_header(cursor: Cursor) -> tuple[Header, int, tuple[str, ...]]:
    """The arguments, the file's version (0 where it has none) and notes.

    Raises:
        BadData: The file ends before them, is of another version, or they are not those of a model.
    """
    start: tuple[Any, ...] = cursor.take(_VERSION, "the header")
    version = start[1]
    if start[0] != MAGIC:
        # Files of before 2017 begin with the arguments.
        begun = np.frombuffer(_VERSION.pack(*start), np.uint8)
        rest = np.empty(_ARGUMENTS.size - len(begun), np.uint8)
        cursor.fill(rest, "the header")
        version, values = 0, _ARGUMENTS.unpack(np.concatenate([begun, rest]).tobytes())
    elif version not in (11, VERSION):
        raise BadData(f"{cursor.path}: a fastText model of version {version}; versions 11 and 12 can be read.")
    else:
        values = cursor.take(_ARGUMENTS, "the header")
    if values[6] not in LOSSES or values[7] not in MODES or not _is_subsample(values[12]):
        raise BadData(
            f"{cursor.path}: the header says loss {values[6]}, model {values[7]}, sampling {values[12]:g}; fastText "
            "knows none of these. The file is damaged, or of another program: floret's .bin files begin alike."
        )
    fields = [*values]
    fields[6:8] = LOSSES[values[6]], MODES[values[7]]
    header = Header(*fields)
    check_dim(header.dim, str(cursor.path))
    return _sensible(header, version, cursor)


def _is_subsample(value: float) -> bool:
    # floret has two integers more, so that others stand in the place of this number.
    return math.isfinite(value) and (value == 0 or 1e-30 < value < 1e30)


def _sensible(header: Header, version: int, cursor: Cursor) -> tuple[Header, int, tuple[str, ...]]:
    notes: tuple[str, ...] = ()
    if header.buckets < 0 or header.max_n > LONGEST:
        raise BadData(
            f"{cursor.path}: the header says {header.buckets:,} buckets for n-grams of up to {header.max_n:,} "
            f"characters; at least 0 and at most {LONGEST} can be. The file is damaged."
        )
    if header.mode == "supervised" and version != VERSION and header.max_n > 0:
        header = replace(header, min_n=0, max_n=0)
        notes = ("before version 12, classifiers have no n-grams of characters, whatever the header says",)
    if header.max_n > 0 and not header.buckets:
        said = f"n-grams of {header.min_n} to {header.max_n} characters and no bucket for them"
        header = replace(header, min_n=0, max_n=0)
        notes = (f"the header says {said}: words were read without n-grams",)
    if header.max_n < max(header.min_n, 1) and header.max_n:
        header = replace(header, min_n=0, max_n=0)
    if header.mode == "supervised" and header.word_ngrams > 1 and not header.buckets:
        notes = (*notes, f"the header says n-grams of {header.word_ngrams} words and no bucket for them: none are used")
        header = replace(header, word_ngrams=1)
    return header, version, notes


def is_old(head: bytes) -> bool:
    """Whether a file without magic bytes begins as those of before 2017 do: plausible arguments, sizes that add up."""
    if len(head) < _ARGUMENTS.size + SIZES.size:
        return False
    values = _ARGUMENTS.unpack_from(head)
    size, words, labels, tokens = SIZES.unpack_from(head, _ARGUMENTS.size)
    dim, window, epochs, *_ = values
    return (
        1 <= dim <= 100_000
        and all(0 <= value <= 1_000_000 for value in (window, epochs, *values[3:6], *values[9:12]))
        and values[6] in LOSSES
        and values[7] in MODES
        and values[8] >= 0
        and 0 <= values[12] <= 1
        and words + labels == size
        and words > 0
        and labels >= 0
        and tokens >= 0
    )
