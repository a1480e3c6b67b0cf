"""A hash index over the strings of an Arrow array: open addressing, rows as slots, bytes compared in place."""

from __future__ import annotations

import numpy as np

from kinfold.kernels._jit import jit, plain

# Multipliers of FNV-1a and of the splitmix64 finisher.
_OFFSET = np.uint64(14695981039346656037)
_PRIME = np.uint64(1099511628211)
_MIX = np.uint64(0xBF58476D1CE4E5B9)


@jit
def hash_bytes(data: np.ndarray, start: int, stop: int) -> np.uint64:
    """64-bit FNV-1a with a final mix, of data[start:stop]."""
    value = _OFFSET
    for at in range(start, stop):
        value = (value ^ np.uint64(data[at])) * _PRIME
    value ^= value >> np.uint64(31)
    value *= _MIX
    return value ^ (value >> np.uint64(29))


@jit
def _same(a: np.ndarray, a0: int, a1: int, b: np.ndarray, b0: int, b1: int) -> bool:
    if a1 - a0 != b1 - b0:
        return False
    for step in range(a1 - a0):
        if a[a0 + step] != b[b0 + step]:
            return False
    return True


@jit
def _fill(data: np.ndarray, offsets: np.ndarray, slots: np.ndarray) -> None:
    mask = np.uint64(len(slots) - 1)
    for row in range(len(offsets) - 1):
        at = hash_bytes(data, offsets[row], offsets[row + 1]) & mask
        while slots[at] >= 0:
            at = (at + np.uint64(1)) & mask
        slots[at] = row


@jit
def _find(
    data: np.ndarray,
    offsets: np.ndarray,
    slots: np.ndarray,
    wanted: np.ndarray,
    wanted_offsets: np.ndarray,
    low: int,
    high: int,
    found: np.ndarray,
) -> None:
    mask = np.uint64(len(slots) - 1)
    for place in range(len(found)):
        start, stop = wanted_offsets[place], wanted_offsets[place + 1]
        at = hash_bytes(wanted, start, stop) & mask
        while slots[at] >= 0:
            row = slots[at]
            if low <= row < high and _same(data, offsets[row], offsets[row + 1], wanted, start, stop):
                found[place] = row
                break
            at = (at + np.uint64(1)) & mask


def build_index(data: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Slots (a power of two at least twice the number of strings,) int64; -1 is empty.

    Args:
        data: UTF-8 bytes, uint8.
        offsets: (n + 1,) int64 into `data`.
    """
    size = 1 << max(4, (2 * (len(offsets) - 1)).bit_length())
    slots = np.full(size, -1, np.int64)
    _fill(plain(data), plain(offsets), slots)
    return slots


def lookup(
    data: np.ndarray,
    offsets: np.ndarray,
    slots: np.ndarray,
    wanted: np.ndarray,
    wanted_offsets: np.ndarray,
    low: int,
    high: int,
) -> np.ndarray:
    """The rows (m,) int64 in low..high of the wanted strings; -1 where there is none."""
    found = np.full(len(wanted_offsets) - 1, -1, np.int64)
    _find(plain(data), plain(offsets), slots, plain(wanted), plain(wanted_offsets), low, high, found)
    return found
