"""Records of `name, space, float32 × dim`, as word2vec's binary files have them."""

from __future__ import annotations

import numpy as np

from kinfold.kernels._jit import jit, plain


@jit
def _take(
    data: np.ndarray,
    row_bytes: int,
    longest_name: int,
    rows: np.ndarray,
    starts: np.ndarray,
    stops: np.ndarray,
    finite: np.ndarray,
) -> tuple[int, int, int]:
    at = 0
    row = 0
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
            return records, row, -1 - begin if end - begin > longest_name else begin
        target = rows[row]
        bad = False
        for step in range(row_bytes):
            target[step] = data[end + 1 + step]
        for step in range(0, row_bytes, 4):
            # All bits of the exponent are set in infinities and NaN only.
            bad |= (target[step + 3] & 127) == 127 and target[step + 2] >= 128
        starts[records] = begin
        stops[records] = end
        finite[records] = not bad
        records += 1
        row += 0 if bad else 1
        at = end + 1 + row_bytes
    return records, row, at


def take_records(
    data: np.ndarray, dim: int, longest_name: int, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Copies the rows of whole records, those with a number that is not finite left out.

    Args:
        data: uint8 (bytes,); line feeds before a name are dropped.
        dim: Numbers a row.
        longest_name: Bytes of a name at most.
        rows: Filled from the start, float32 (n, dim) with at least `len(data) // (4 * dim + 1) + 1` rows.

    Returns:
        Start and stop of each name, whether its row is finite, and the bytes that were used; that is `-1 - place`
        where a name longer than the longest begins at that place.
    """
    most = len(data) // (4 * dim + 1) + 1
    starts, stops = np.empty(most, np.int64), np.empty(most, np.int64)
    finite = np.empty(most, np.bool_)
    bytes_of = rows.view(np.uint8)
    records, _, used = _take(plain(data), 4 * dim, longest_name, bytes_of, starts, stops, finite)
    return starts[:records], stops[:records], finite[:records], int(used)
