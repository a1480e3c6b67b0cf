"""Records of `name, space, float32 × dim`, as word2vec's binary files have them."""

from __future__ import annotations

import numpy as np

from kinfold.kernels._bytes import four
from kinfold.kernels._jit import jit, plain
from kinfold.kernels.names import hash_bytes

# Of a float32's bits: all but the sign, and those of infinity.
_SIZE = np.uint32(0x7FFFFFFF)
_INFINITE = np.uint32(0x7F800000)


@jit
def _scan(
    data: np.ndarray, row_bytes: int, longest_name: int, starts: np.ndarray, stops: np.ndarray
) -> tuple[int, int]:
    at = 0
    records = 0
    size = len(data)
    while records < len(starts):
        begin = at
        while begin < size and data[begin] == 10:
            begin += 1
        end = begin
        limit = min(size, begin + longest_name + 1)
        while end < limit and data[end] != 32:
            end += 1
        if end >= limit or end + 1 + row_bytes > size:
            # -1: no name is this long, so that this is no record at all.
            return records, -1 - begin if end - begin > longest_name else begin
        starts[records] = begin
        stops[records] = end
        records += 1
        at = end + 1 + row_bytes
    return records, at


def scan_records(data: np.ndarray, dim: int, longest_name: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Where the names of whole records are; a row begins one byte behind its name.

    Args:
        data: uint8 (bytes,); line feeds before a name are dropped.
        dim: Numbers a row.
        longest_name: Bytes of a name at most.

    Returns:
        Start and stop of each name, and the bytes that were used; that is `-1 - place` where a name longer than the
        longest begins at that place.
    """
    most = len(data) // (4 * dim + 1) + 1
    starts, stops = np.empty(most, np.int64), np.empty(most, np.int64)
    records, used = _scan(plain(data), 4 * dim, longest_name, starts, stops)
    return starts[:records], stops[:records], int(used)


@jit
def _copy(data: np.ndarray, places: np.ndarray, bits: np.ndarray, finite: np.ndarray) -> None:
    dim = bits.shape[1]
    for row in range(len(places)):
        begin = places[row]
        most = np.uint32(0)
        for place in range(dim):
            value = four(data, begin + 4 * place)
            bits[row, place] = value
            most = max(most, value & _SIZE)
        # All bits of the exponent are set in infinities and NaN only.
        finite[row] = most < _INFINITE


def copy_rows(data: np.ndarray, places: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Copies rows that stand anywhere in bytes; which of them are finite (n,) bool.

    Args:
        data: uint8 (bytes,).
        places: Where each row begins (n,) int64; it ends within the bytes.
        rows: Filled, float32 (n, dim).
    """
    finite = np.empty(len(places), np.bool_)
    _copy(plain(data), plain(places), rows.view(np.uint32), finite)
    return finite


@jit
def _repeats(data: np.ndarray, offsets: np.ndarray, slots: np.ndarray) -> bool:
    mask = np.uint64(len(slots) - 1)
    for row in range(len(offsets) - 1):
        # 0 marks an empty slot.
        value = hash_bytes(data, offsets[row], offsets[row + 1]) | np.uint64(1)
        at = (value >> np.uint64(1)) & mask
        while slots[at] != 0:
            if slots[at] == value:
                return True
            at = (at + np.uint64(1)) & mask
        slots[at] = value
    return False


def may_repeat(data: np.ndarray, offsets: np.ndarray) -> bool:
    """Whether a string may stand twice; False is certain, True only likely, since 63-bit hashes are compared.

    Args:
        data: UTF-8 bytes, uint8.
        offsets: (n + 1,) int64 into `data`.
    """
    slots = np.zeros(1 << max(4, (2 * len(offsets)).bit_length()), np.uint64)
    return bool(_repeats(plain(data), plain(offsets), slots))
