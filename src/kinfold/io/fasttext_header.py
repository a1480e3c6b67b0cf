"""What stands before the numbers in fastText's files: arguments and dictionary."""

from __future__ import annotations

import math
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kinfold.core.errors import BadData
from kinfold.core.parts import LONGEST
from kinfold.io.cursor import Cursor
from kinfold.io.format import check_dim
from kinfold.io.gather import Gatherer

MAGIC = b"\xba\x16\x4f\x2f"
VERSION = 12
LOSSES = {1: "hierarchical", 2: "negative", 3: "softmax", 4: "one-vs-all"}
MODES = {1: "cbow", 2: "skipgram", 3: "supervised"}
# What labels begin with in texts and in files; a Space has them without it.
PREFIX = "__label__"

_VERSION = struct.Struct("<4si")
_ARGUMENTS = struct.Struct("<12id")
_SIZES = struct.Struct("<3iq")
_PRUNED = struct.Struct("<q")
_ENTRY = 10  # bytes of an entry beside its name
_CHUNK = 8 << 20
_JOINED = 65_536
# No word of a text, but what is read where a file is damaged.
_LONGEST_NAME = 10_000
_MOST_COUNTED = 10**15  # fastText's tree takes what is more for a place that is not filled


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


@dataclass(frozen=True, slots=True)
class Dictionary:
    """Words and then labels.

    Args:
        names: All of them (words + labels,).
        counts: How often each occurred, int64.
        words: How many are words.
        tokens: What was read in training.
        kept: The bucket of each row behind the words' (rows,) int64, where the model is pruned; None where it is not.
        data: Bytes of the words as they are in the file, uint8; names may have been repaired.
        offsets: (words + 1,) int64 into them.
        told: How many names were repaired.
    """

    names: pa.LargeStringArray
    counts: np.ndarray
    words: int
    tokens: int
    kept: np.ndarray | None
    data: np.ndarray
    offsets: np.ndarray
    told: Counter[str]

    @property
    def labels(self) -> int:
        """How many are labels."""
        return len(self.names) - self.words


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
    if len(head) < _ARGUMENTS.size + _SIZES.size:
        return False
    values = _ARGUMENTS.unpack_from(head)
    size, words, labels, tokens = _SIZES.unpack_from(head, _ARGUMENTS.size)
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


def read_dictionary(cursor: Cursor, header: Header, version: int, bad_bytes: str) -> Dictionary:
    """Words, labels and, of a pruned model, the buckets that were kept.

    Raises:
        BadData: The file ends before the last of them, or they contradict each other.
    """
    path = cursor.path
    size, words, labels, tokens = cursor.take(_SIZES, "the dictionary's header")
    pruned = cursor.take(_PRUNED, "the dictionary's header")[0] if version else -1
    if words < 0 or labels < 0 or words + labels != size:
        raise BadData(
            f"{path}: the dictionary's header says {size:,} entries, {words:,} words and {labels:,} labels, which do "
            "not add up. The file is damaged, or of another program: floret's .bin files begin alike."
        )
    if not words:
        raise BadData(f"{path}: the model knows no word.")
    if (header.mode == "supervised") != (labels > 0):
        what = "is of a classifier, but without labels" if not labels else "has labels, but is of no classifier"
        raise BadData(f"{path}: the model {what}. The file is damaged.")
    cursor.need(size * _ENTRY, f"a dictionary of {size:,} entries")
    gatherer = Gatherer(path, "fasttext", header.dim, expected=0, bad_bytes=bad_bytes)
    names, counts, kinds, data, offsets = _entries(cursor, size, gatherer)
    if (kinds != (np.arange(size) >= words)).any():
        row = int(np.flatnonzero(kinds != (np.arange(size) >= words))[0])
        raise BadData(
            f"{path}: entry {row + 1:,} of the dictionary is of the kind {kinds[row]}; the first {words:,} are words "
            f"(0) and the other {labels:,} labels (1)."
        )
    if counts.min() < 0 or counts.max() > _MOST_COUNTED:
        row = int(np.flatnonzero((counts < 0) | (counts > _MOST_COUNTED))[0])
        raise BadData(f"{path}: entry {row + 1:,} of the dictionary is counted {counts[row]:,} times. It is damaged.")
    kept = _kept(cursor, pruned, header) if pruned >= 0 else None
    return Dictionary(names, counts, words, tokens, kept, data, offsets[: words + 1], gatherer.counts)


def packed_dictionary(
    names: pa.LargeStringArray, counts: np.ndarray, words: int, tokens: int, kept: np.ndarray | None
) -> Iterator[bytes | memoryview]:
    """Words, labels and the buckets of a pruned model as the file has them; see `Dictionary` for the arguments."""
    yield _SIZES.pack(len(names), words, len(names) - words, tokens) + _PRUNED.pack(-1 if kept is None else len(kept))
    behind = np.zeros((len(names), _ENTRY), np.uint8)
    behind[:, 1:9] = counts.astype("<i8").view(np.uint8).reshape(-1, 8)
    behind[words:, 9] = 1
    nothing = pa.scalar(b"", pa.large_binary())
    for start in range(0, len(names), _JOINED):
        some = names.slice(start, _JOINED).cast(pa.large_binary())
        ends = np.arange(0, len(some) * _ENTRY + 1, _ENTRY, dtype=np.int64)
        buffers = [None, pa.py_buffer(ends), pa.py_buffer(behind[start : start + _JOINED])]
        rest = pa.Array.from_buffers(pa.large_binary(), len(some), buffers)
        _, offsets, data = pc.binary_join_element_wise(some, rest, nothing).buffers()
        yield memoryview(data)[: int(np.frombuffer(offsets, np.int64)[len(some)])]
    if kept is not None:
        yield np.column_stack([kept, np.arange(len(kept))]).astype("<i4").tobytes()


def _entries(
    cursor: Cursor, size: int, gatherer: Gatherer
) -> tuple[pa.LargeStringArray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    from kinfold.kernels.entries import take_entries
    from kinfold.kernels.numbers import gather

    names, counts, kinds, pieces, ends = [], [], [], [], [np.zeros(1, np.int64)]
    buffer = np.empty(_CHUNK + 2 * _LONGEST_NAME, np.uint8)
    left = done = 0
    begin = cursor.at
    while done < size:
        got = cursor.some(buffer[left:])
        data = buffer[: left + got]
        starts, stops, some, kind, used = take_entries(data, size - done, _LONGEST_NAME)
        if used < 0:
            raise BadData(
                f"{cursor.path} byte {begin - 1 - used:,}: no word ends within {_LONGEST_NAME:,} bytes. It is damaged."
            )
        if not got and not len(starts):
            raise BadData(
                f"{cursor.path} byte {cursor.at:,}: the file ends within the dictionary, behind {done:,} of "
                f"{size:,} entries. It is cut short; fetch it again."
            )
        names.append(gatherer.names(data, starts, stops, lambda i, s=starts, b=begin: f"byte {b + int(s[i]):,}"))
        counts.append(some)
        kinds.append(kind)
        joined, offsets = gather(data, starts, stops)
        pieces.append(joined)
        ends.append(offsets[1:] + ends[-1][-1])
        done += len(starts)
        begin += used
        left = len(data) - used
        buffer[:left] = data[used:].copy()
    cursor.put_back(buffer[:left])
    whole = pa.chunked_array(names, pa.large_string()).combine_chunks()
    return whole, np.concatenate(counts), np.concatenate(kinds), np.concatenate(pieces), np.concatenate(ends)


def _kept(cursor: Cursor, count: int, header: Header) -> np.ndarray:
    """The bucket of each row of n-grams (count,) int64."""
    pairs = cursor.numbers(2 * count, np.int32, f"a list of {count:,} n-grams").reshape(-1, 2)
    buckets, rows = pairs[:, 0], pairs[:, 1]
    if count and (buckets.min() < 0 or buckets.max() >= header.buckets or len(np.unique(buckets)) < count):
        raise BadData(f"{cursor.path}: the n-grams that pruning left are not buckets from 0 to {header.buckets - 1:,}.")
    if not np.array_equal(np.sort(rows), np.arange(count)):
        raise BadData(f"{cursor.path}: the n-grams that pruning left do not have the rows from 0 to {count - 1:,}.")
    kept = np.empty(count, np.int64)
    kept[rows] = buckets
    return kept
