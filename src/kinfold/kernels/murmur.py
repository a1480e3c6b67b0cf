"""floret's buckets of a word and its character n-grams, by MurmurHash3 (x64, 128 bits).

The 128 bits are four hashes of 32: the lower and upper half of the first 64 bits, then of the second. Words are UTF-8
bytes one after another, word i at `data[offsets[i]:offsets[i + 1]]`.

Source: Appleby's MurmurHash3, public domain; dictionary.cc of floret 0.10.
"""

from __future__ import annotations

import numpy as np

from kinfold.kernels._bytes import eight
from kinfold.kernels._jit import inline, jit, plain

_C1 = np.uint64(0x87C37B91114253D5)
_C2 = np.uint64(0x4CF5AD432745937F)
_F1 = np.uint64(0xFF51AFD7ED558CCD)
_F2 = np.uint64(0xC4CEB9FE1A85EC53)
_HALF = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)


@inline
def _turn(value, bits):
    return (value << np.uint64(bits)) | (value >> np.uint64(64 - bits))


@inline
def _end(value):
    value = (value ^ (value >> np.uint64(33))) * _F1
    value = (value ^ (value >> np.uint64(33))) * _F2
    return value ^ (value >> np.uint64(33))


@jit
def _hash(data, start, stop, seed):
    """Both halves of the hash of data[start:stop]."""
    size = stop - start
    h1, h2 = np.uint64(seed), np.uint64(seed)
    for at in range(start, start + size // 16 * 16, 16):
        h1 ^= _turn(eight(data, at) * _C1, 31) * _C2
        h1 = (_turn(h1, 27) + h2) * np.uint64(5) + np.uint64(0x52DCE729)
        h2 ^= _turn(eight(data, at + 8) * _C2, 33) * _C1
        h2 = (_turn(h2, 31) + h1) * np.uint64(5) + np.uint64(0x38495AB5)
    k1, k2 = np.uint64(0), np.uint64(0)
    tail = start + size // 16 * 16
    for at in range(tail, min(stop, tail + 8)):
        k1 |= np.uint64(data[at]) << np.uint64(8 * (at - tail))
    for at in range(tail + 8, stop):
        k2 |= np.uint64(data[at]) << np.uint64(8 * (at - tail - 8))
    h2 ^= _turn(k2 * _C2, 33) * _C1
    h1 ^= _turn(k1 * _C1, 31) * _C2
    h1 ^= np.uint64(size)
    h2 ^= np.uint64(size)
    h1 += h2
    h2 += h1
    h1, h2 = _end(h1), _end(h2)
    h1 += h2
    return h1, h2 + h1


@jit
def _buckets(data, offsets, opens, closes, shortest, longest, buckets, hashes, seed, scratch, starts, ids):
    """Fills `ids` where it has room; returns how many there are."""
    count = 0
    for word in range(len(offsets) - 1):
        starts[word] = count
        begin = offsets[word]
        # The end of a text is a word like any other, but it has no parts: </s>.
        if offsets[word + 1] - begin == 4 and (
            data[begin] == 60 and data[begin + 1] == 47 and data[begin + 2] == 115 and data[begin + 3] == 62
        ):
            continue
        size = len(opens)
        scratch[:size] = opens
        for at in range(offsets[word], offsets[word + 1]):
            scratch[size] = data[at]
            size += 1
        for at in range(len(closes)):
            scratch[size] = closes[at]
            size += 1
        # The whole word first, then its n-grams: from each character, one more character at a time.
        for first in range(-1, size if longest > 0 else 0):
            if first >= 0 and scratch[first] & 0xC0 == 0x80:
                continue
            start = max(first, 0)
            stop = size if first < 0 else first
            for length in range(1, 2 if first < 0 else longest + 1):
                if first >= 0:
                    if stop >= size:
                        break
                    stop += 1
                    while stop < size and scratch[stop] & 0xC0 == 0x80:
                        stop += 1
                    if length < shortest or (length == 1 and (first == 0 or stop == size)):
                        continue
                h1, h2 = _hash(scratch, start, stop, seed)
                for number in range(hashes):
                    half = h1 if number < 2 else h2
                    value = half & _LOW if number % 2 == 0 else half >> _HALF
                    if count < len(ids):
                        ids[count] = np.int32(value % np.uint64(buckets))
                    count += 1
    starts[len(offsets) - 1] = count
    return count


def word_buckets(
    data: np.ndarray,
    offsets: np.ndarray,
    *,
    opens: bytes,
    closes: bytes,
    shortest: int,
    longest: int,
    buckets: int,
    hashes: int,
    seed: int,
) -> tuple[np.ndarray, np.ndarray]:
    """The buckets of each word and its character n-grams, in the order in which floret adds them up; none of `</s>`.

    Args:
        data: UTF-8 bytes, uint8.
        offsets: (n + 1,) int64 into `data`.
        opens: What stands before a word.
        closes: And behind it.
        shortest: Characters of an n-gram, at least 1.
        longest: At most; 0 for the whole word alone.
        buckets: At least 1, below 2^31.
        hashes: How many buckets each has, 1 to 4.
        seed: Of the hash, below 2^32.

    Returns:
        `starts` (n + 1,) int64 and `ids` int32: word i has the buckets `ids[starts[i]:starts[i + 1]]`, with repeats.
    """
    starts = np.zeros(len(offsets), np.int64)
    largest = int(np.diff(offsets).max()) if len(offsets) > 1 else 0
    # Eight bytes are read at once, also at the end.
    scratch = np.zeros(largest + len(opens) + len(closes) + 8, np.uint8)
    marks = (np.frombuffer(opens, np.uint8).copy(), np.frombuffer(closes, np.uint8).copy())
    arguments = (
        plain(data),
        plain(offsets),
        *marks,
        shortest,
        longest,
        buckets,
        hashes,
        np.uint64(seed),
        scratch,
        starts,
    )
    ids = np.empty(16 * hashes * len(offsets), np.int32)
    count = int(_buckets(*arguments, ids))
    if count > len(ids):
        ids = np.empty(count, np.int32)
        _buckets(*arguments, ids)
    return starts, ids[:count]
