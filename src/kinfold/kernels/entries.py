"""Entries of `name, NUL, count int64, kind int8`, as the dictionaries of fastText's files have them."""

from __future__ import annotations

import numpy as np

from kinfold.kernels._jit import jit, plain

# Behind a name: the NUL, eight bytes of the count, one of the kind.
_BEHIND = 10


@jit
def _take(data, longest_name, starts, stops, counts, kinds):
    at = 0
    entries = 0
    size = len(data)
    while entries < len(starts):
        end = at
        limit = min(size, at + longest_name + 1)
        while end < limit and data[end] != 0:
            end += 1
        if end - at > longest_name:
            return entries, -1 - at
        if end + _BEHIND > size:
            break
        count = np.uint64(0)
        for place in range(8):
            count |= np.uint64(data[end + 1 + place]) << np.uint64(8 * place)
        starts[entries] = at
        stops[entries] = end
        counts[entries] = np.int64(count)
        kinds[entries] = np.int8(data[end + 9])
        entries += 1
        at = end + _BEHIND
    return entries, at


def take_entries(
    data: np.ndarray, most: int, longest_name: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int]:
    """Whole entries from the start of some bytes.

    Args:
        data: uint8 (bytes,).
        most: Entries wanted.
        longest_name: Bytes of a name at most.

    Returns:
        Start and stop of each name, count (int64) and kind (int8) of each, and the bytes that were used; that is
        `-1 - place` where a name longer than the longest begins at that place.
    """
    room = min(most, len(data) // _BEHIND)
    starts, stops, counts = (np.empty(room, np.int64) for _ in range(3))
    kinds = np.empty(room, np.int8)
    entries, used = _take(plain(data), longest_name, starts, stops, counts, kinds)
    return starts[:entries], stops[:entries], counts[:entries], kinds[:entries], int(used)
