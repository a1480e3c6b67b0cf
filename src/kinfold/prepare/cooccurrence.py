"""Sequences become Counts: how often two keys stand within a window of each other.

Memory is bounded: a block of positions at a time is sorted by key, and what it counts goes to a temporary file. Several
blocks are merged row by row.
"""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from kinfold.core.errors import BadOption
from kinfold.core.progress import Progress, quiet
from kinfold.core.shapes import Counts, Sequences
from kinfold.core.spill import Spill, empty
from kinfold.io.order import in_order

if TYPE_CHECKING:
    import scipy.sparse as sparse

# Positions that are held sorted by key at a time (5 bytes each), and entries of the rows that a thread makes at a time.
_BLOCK = 1 << 25
_ENTRIES = 1 << 21
# Entries from which on scipy wants 64-bit numbers for all that it counts with.
_NARROW = np.iinfo(np.int32).max


class _Rows(NamedTuple):
    """Some rows of a matrix: their sizes (n,) int64, columns int32 and sums float64."""

    sizes: np.ndarray
    columns: np.ndarray
    sums: np.ndarray


def count(
    data: Sequences,
    *,
    window: int = 5,
    weighting: Literal["flat", "harmonic"] = "flat",
    threads: int | None = None,
    progress: Progress = quiet,
) -> Counts:
    """Counts each ordered pair of keys that stand at most `window` apart in a sequence; the result is symmetric.

    A key that stands twice within a window is counted with itself, from either side. The result does not depend on
    the number of threads. Large counts lie in temporary files that vanish with them.

    Args:
        data: Where the keys stand.
        window: Largest distance.
        weighting: flat counts each pair as 1, harmonic as 1 / distance.
        threads: How many work at once; as many as there are processors by default.
        progress: Told of the tokens that are done.

    Raises:
        BadOption: `window` or `threads` below 1, or another weighting.
        BadData: An id is the row of no key.
        BadFile: There is no room for temporary files.

    Source:
        Pennington, Socher, Manning 2014 (harmonic weights); Levy, Goldberg, Dagan 2015.
    """
    check(window, weighting)
    if threads is not None and threads < 1:
        raise BadOption(f"threads is {threads}; it is at least 1.")
    threads = threads or os.cpu_count() or 1
    _ = data.counts  # refuses ids outside the keys before a kernel sees them
    weights, unit = _weights(window, weighting)
    progress.start("counting neighbors", len(data.ids), "tokens")
    blocks = [(start, min(start + _BLOCK, len(data.ids))) for start in range(0, len(data.ids), _BLOCK)] or [(0, 0)]
    made = (_block(data, start, stop, weights, threads, progress) for start, stop in blocks)
    if len(blocks) == 1:
        return Counts(data.keys, data.keys, _matrix(next(made), len(data.keys), unit))
    with Spill(np.int64) as starts, Spill(np.int32) as columns, Spill(np.float64) as sums:
        total = 0
        for rows in made:
            sizes = []
            for part in rows:
                sizes.append(part.sizes)
                columns.append(part.columns)
                sums.append(part.sums)
            starts.append(total + _starts(sizes))
            total += int(sum(each.sum() for each in sizes))
        places = starts.join().reshape(len(blocks), -1)
        parts = _merge(places, columns.join(), sums.join(), threads, progress)
        return Counts(data.keys, data.keys, _matrix(parts, len(data.keys), unit))


def check(window: int, weighting: str) -> None:
    """Does nothing where these can be counted with.

    Raises:
        BadOption: They cannot.
    """
    if not isinstance(window, int | np.integer) or isinstance(window, bool) or not 1 <= window <= 10_000:
        raise BadOption(f"window is {window!r}; it is a whole number from 1 to 10,000.")
    if weighting not in ("flat", "harmonic"):
        raise BadOption(f"weighting is '{weighting}'; it is one of: flat, harmonic.")


def _weights(window: int, weighting: str) -> tuple[np.ndarray, float]:
    """Weights (window,) float64 of neighbors at distance 1, 2, …, as whole numbers, and what makes 1.

    Sums of whole numbers are exact up to 2^53, so that the counts do not depend on how positions were cut into blocks.
    """
    if weighting == "flat":
        return np.ones(window), 1.0
    unit = math.lcm(*range(1, window + 1)) if window <= 22 else 1 << 36
    return np.round(unit / np.arange(1, window + 1)), float(unit)


def _block(
    data: Sequences, start: int, stop: int, weights: np.ndarray, threads: int, progress: Progress
) -> Iterator[_Rows]:
    """All rows, in order, of the counts of the positions start..stop with all of their neighbors."""
    from kinfold.kernels.cooccurrence import places_of, rows_of

    keys, window = len(data.keys), len(weights)
    left, right = max(0, start - window), min(len(data.ids), stop + window)
    ids = np.ascontiguousarray(data.ids[left:right])
    begins = np.zeros(len(ids), np.uint8)
    low, high = np.searchsorted(data.starts, [left, right])
    begins[data.starts[low:high] - left] = 1
    starts, places = places_of(ids, start - left, stop - left, keys)

    def work(rows: tuple[int, int]) -> _Rows:
        first, last = rows
        made = rows_of(ids, begins, starts, places, first, last, weights)
        progress.advance(int(starts[last] - starts[first]))
        return _Rows(*made)

    return in_order(_ranges(np.minimum(2 * window * np.diff(starts), keys)), work, threads)


def _merge(
    starts: np.ndarray, columns: np.ndarray, sums: np.ndarray, threads: int, progress: Progress
) -> Iterator[_Rows]:
    """All rows, in order, of the sum of matrices that lie one behind the other."""
    from kinfold.kernels.cooccurrence import merged

    progress.start("merging counts", len(columns), "entries")

    def work(rows: tuple[int, int]) -> _Rows:
        first, last = rows
        made = merged(starts, columns, sums, first, last)
        progress.advance(int((starts[:, last] - starts[:, first]).sum()))
        return _Rows(*made)

    return in_order(_ranges(np.diff(starts).sum(axis=0)), work, threads)


def _ranges(most: np.ndarray) -> Iterator[tuple[int, int]]:
    """Ranges of rows that make a bounded number of entries each; `most` (rows,) bounds those of a row."""
    ends = np.cumsum(most)
    total = int(ends[-1]) if len(ends) else 0
    cuts = np.searchsorted(ends, np.arange(0, total + _ENTRIES, _ENTRIES))
    return itertools.pairwise(np.unique(np.concatenate([[0], cuts, [len(ends)]])).tolist())


def _matrix(rows: Iterator[_Rows], keys: int, unit: float) -> sparse.csr_array:
    """CSR float32 of its rows in order; large ones lie in temporary files that vanish with it."""
    import scipy.sparse as sparse

    sizes = []
    with Spill(np.int32) as columns, Spill(np.float32) as values:
        for part in rows:
            sizes.append(part.sizes)
            columns.append(part.columns)
            values.append(part.sums / unit)
        starts = _starts(sizes)
        places = columns.join()
        if starts[-1] > _NARROW:
            places = _widened(places)
        matrix = sparse.csr_array((values.join(), places, starts.astype(places.dtype)), shape=(keys, keys))
        matrix.has_canonical_format = True
        return matrix


def _starts(sizes: list[np.ndarray]) -> np.ndarray:
    """Where rows of these sizes begin and end (rows + 1,) int64."""
    return np.concatenate([[0], np.cumsum(np.concatenate([*sizes, np.zeros(0, np.int64)]))])


def _widened(columns: np.ndarray) -> np.ndarray:
    """The same numbers as int64."""
    wide = empty(len(columns), np.int64)
    for start in range(0, len(columns), _ENTRIES):
        wide[start : start + _ENTRIES] = columns[start : start + _ENTRIES]
    return wide
