"""fastText's hash, and the character n-grams of words that it sorts into buckets.

The hash is 32-bit FNV-1a, but each byte is widened with its sign before it is mixed in: bytes from 0x80 on change the
upper 24 bits too. Words are UTF-8 bytes one after another, word i at `data[offsets[i]:offsets[i + 1]]`.

Source: Bojanowski et al. 2017 (arXiv 1607.04606); dictionary.cc of fastText 0.9.2.
"""

from __future__ import annotations

import numpy as np

from kinfold.kernels._jit import inline, jit, plain

_OFFSET = np.uint32(2166136261)
_PRIME = np.uint32(16777619)
_OPEN, _CLOSE = 60, 62  # < and >


@inline
def _mix(value, byte):
    return np.uint32((value ^ np.uint32(np.int8(byte))) * _PRIME)


@inline
def _byte(data, start, stop, at):
    """Byte `at` of `<word>`, without writing it down."""
    if at == 0:
        return np.uint8(_OPEN)
    return data[start + at - 1] if at <= stop - start else np.uint8(_CLOSE)


@jit
def _hash(data, offsets, hashes):
    for word in range(len(hashes)):
        value = _OFFSET
        for at in range(offsets[word], offsets[word + 1]):
            value = _mix(value, data[at])
        hashes[word] = value


@jit
def _ngrams(data, offsets, shortest, longest, buckets, starts, ids):
    """Fills `ids` where it has room; returns how many there are."""
    count = 0
    for word in range(len(offsets) - 1):
        start, stop = offsets[word], offsets[word + 1]
        size = stop - start + 2
        starts[word] = count
        # The end of a text is a word like any other, but it has no parts.
        if (
            size == 6
            and data[start] == 60
            and data[start + 1] == 47
            and data[start + 2] == 115
            and data[start + 3] == 62
        ):
            continue
        for first in range(size):
            if _byte(data, start, stop, first) & 0xC0 == 0x80:
                continue
            value = _OFFSET
            at = first
            for length in range(1, longest + 1):
                if at >= size:
                    break
                value = _mix(value, _byte(data, start, stop, at))
                at += 1
                while at < size and _byte(data, start, stop, at) & 0xC0 == 0x80:
                    value = _mix(value, _byte(data, start, stop, at))
                    at += 1
                if length >= shortest and not (length == 1 and (first == 0 or at == size)):
                    if count < len(ids):
                        ids[count] = np.int32(np.uint64(value) % np.uint64(buckets))
                    count += 1
    starts[len(offsets) - 1] = count
    return count


def token_hashes(data: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """FastText's hash of each word (n,) uint32.

    Args:
        data: UTF-8 bytes, uint8.
        offsets: (n + 1,) int64 into `data`.
    """
    hashes = np.empty(len(offsets) - 1, np.uint32)
    _hash(plain(data), plain(offsets), hashes)
    return hashes


def ngrams(
    data: np.ndarray, offsets: np.ndarray, shortest: int, longest: int, buckets: int
) -> tuple[np.ndarray, np.ndarray]:
    """The buckets of the character n-grams of `<word>`, in the order in which fastText adds them up.

    An n-gram is `shortest` to `longest` code points; the lone `<` and `>` are none, the whole `<word>` is one where it
    is short enough. The word `</s>` has none.

    Args:
        data: UTF-8 bytes, uint8.
        offsets: (n + 1,) int64 into `data`.
        shortest: At least 1.
        longest: 0 for no n-grams at all.
        buckets: At least 1, below 2^31; may be 0 where `longest` is.

    Returns:
        `starts` (n + 1,) int64 and `ids` int32: word i has the buckets `ids[starts[i]:starts[i + 1]]`, with repeats.
    """
    starts = np.zeros(len(offsets), np.int64)
    data, offsets = plain(data), plain(offsets)
    # Most words fit into a guess of twelve; the count says whether a second pass is due.
    ids = np.empty(12 * len(offsets), np.int32)
    count = int(_ngrams(data, offsets, shortest, longest, max(buckets, 1), starts, ids))
    if count > len(ids):
        ids = np.empty(count, np.int32)
        _ngrams(data, offsets, shortest, longest, max(buckets, 1), starts, ids)
    return starts, ids[:count]
