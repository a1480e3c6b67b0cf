"""Sequences become Counts: how often two keys stand within a window of each other."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Literal

import numpy as np

from kinfold.core.errors import BadOption
from kinfold.core.progress import Progress, quiet
from kinfold.core.shapes import Counts, Sequences

if TYPE_CHECKING:
    import scipy.sparse as sparse

# Positions that are held sorted by key at a time (4 bytes each), and entries of the rows that a thread makes at a time.
_BLOCK = 1 << 26
_ENTRIES = 1 << 21


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
    the number of threads.

    Args:
        data: Where the keys stand.
        window: Largest distance.
        weighting: flat counts each pair as 1, harmonic as 1 / distance.
        threads: How many work at once; as many as there are processors by default.
        progress: Told of the tokens that are done.

    Raises:
        BadOption: `window` or `threads` below 1, or another weighting.
        BadData: An id is the row of no key.

    Source:
        Pennington, Socher, Manning 2014 (harmonic weights); Levy, Goldberg, Dagan 2015.
    """
    import scipy.sparse as sparse

    if not isinstance(window, int | np.integer) or not 1 <= window <= 10_000:
        raise BadOption(f"window is {window!r}; it is a whole number from 1 to 10,000.")
    if weighting not in ("flat", "harmonic"):
        raise BadOption(f"weighting is '{weighting}'; it is one of: flat, harmonic.")
    if threads is not None and threads < 1:
        raise BadOption(f"threads is {threads}; it is at least 1.")
    threads = threads or os.cpu_count() or 1
    distances = np.arange(1, window + 1, dtype=np.float64)
    weights = np.ones(window) if weighting == "flat" else 1 / distances
    _ = data.counts  # refuses ids outside the keys before a kernel sees them
    progress.start("counting neighbors", len(data.ids), "tokens")
    keys = len(data.keys)
    values = sparse.csr_array((keys, keys), dtype=np.float32)
    for start in range(0, len(data.ids), _BLOCK):
        part = _block(data, start, min(start + _BLOCK, len(data.ids)), weights, threads, progress)
        values = part if start == 0 else values + part
    return Counts(data.keys, data.keys, values)


def _block(
    data: Sequences, start: int, stop: int, weights: np.ndarray, threads: int, progress: Progress
) -> sparse.csr_array:
    """The counts of the positions start..stop with all of their neighbors."""
    import scipy.sparse as sparse

    from kinfold.kernels.cooccurrence import places_of, rows_of

    keys, window = len(data.keys), len(weights)
    left, right = max(0, start - window), min(len(data.ids), stop + window)
    ids = np.ascontiguousarray(data.ids[left:right])
    begins = np.zeros(len(ids), np.uint8)
    low, high = np.searchsorted(data.starts, [left, right])
    begins[data.starts[low:high] - left] = 1
    starts, places = places_of(ids, start - left, stop - left, keys)
    # Ranges of rows that make a bounded number of entries each.
    ends = np.cumsum(np.minimum(2 * window * np.diff(starts), keys))
    cuts = np.searchsorted(ends, np.arange(0, int(ends[-1]) + _ENTRIES, _ENTRIES)) if keys else np.zeros(0, np.int64)
    cuts = np.unique(np.concatenate([[0], cuts, [keys]]))
    ranges = list(zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True))

    def work(part: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        made = rows_of(ids, begins, starts, places, *part, weights)
        progress.advance(int(starts[part[1]] - starts[part[0]]))
        return made

    with ThreadPoolExecutor(threads) as pool:
        done = list(pool.map(work, ranges))
    sizes, columns, values = (list(each) for each in zip(*done, strict=True)) if done else ([], [], [])
    del done
    row_starts = np.concatenate([[0], np.cumsum(np.concatenate([*sizes, np.zeros(0, np.int64)]))])
    wide = np.int64 if row_starts[-1] > np.iinfo(np.int32).max else np.int32
    joined = _joined(columns, np.int32).astype(wide, copy=False)
    return sparse.csr_array((_joined(values, np.float32), joined, row_starts.astype(wide)), shape=(keys, keys))


def _joined(parts: list[np.ndarray], dtype: type) -> np.ndarray:
    """All parts one after another; each is let go when it has been copied."""
    out: np.ndarray = np.empty(sum(len(part) for part in parts), dtype)
    start = 0
    parts.reverse()
    while parts:
        part = parts.pop()
        out[start : start + len(part)] = part
        start += len(part)
    return out
