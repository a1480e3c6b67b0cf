"""The words and labels of fastText's files, and the buckets that a pruned model kept."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kinfold.core.errors import BadData
from kinfold.io.cursor import Cursor
from kinfold.io.fasttext_header import SIZES, Header
from kinfold.io.gather import Gatherer

# What labels begin with in texts and in files; a Space has them without it.
PREFIX = "__label__"

_PRUNED = struct.Struct("<q")
_ENTRY = 10  # bytes of an entry beside its name
_CHUNK = 8 << 20
_JOINED = 65_536
# No word of a text, but what is read where a file is damaged.
_LONGEST_NAME = 10_000
# fastText's tree takes what is counted more often for a place that is not filled.
_MOST_COUNTED = 10**15


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


def read_dictionary(cursor: Cursor, header: Header, version: int, bad_bytes: str) -> Dictionary:
    """Words, labels and, of a pruned model, the buckets that were kept.

    Raises:
        BadData: The file ends before the last of them, or they contradict each other.
    """
    path = cursor.path
    size, words, labels, tokens = cursor.take(SIZES, "the dictionary's header")
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
    yield SIZES.pack(len(names), words, len(names) - words, tokens) + _PRUNED.pack(-1 if kept is None else len(kept))
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
