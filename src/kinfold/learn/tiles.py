"""A matrix cut into tiles, which threads learn side by side without meeting: no result depends on how many there are.

Rows and columns are cut into as many blocks each. A step takes as many tiles as there are blocks, no two of them in the
same rows or columns; a tile waits for the tiles of the step before that share its rows or its columns.

Source: Gemulla, Nijkamp, Haas, Sismanis 2011 (stratified gradient descent).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from kinfold.core.errors import BadData
from kinfold.core.progress import Progress
from kinfold.core.spill import empty
from kinfold.core.threads import many
from kinfold.learn.passes import generator

if TYPE_CHECKING:
    import scipy.sparse as sparse

    from kinfold.kernels.glove import Entries

# Blocks on a side at most, entries of a tile at least on average, bytes of columns that stay in the nearest cache.
_BLOCKS = 32
_ENTRIES = 8192
_CACHE = 1 << 18

# Learns the entries first to last - 1, and adds loss and number to (2,).
Kernel = Callable[[int, int, np.ndarray], None]


class Tiles(NamedTuple):
    """The entries of a matrix in the order of learning.

    Args:
        entries: Kernel's entries; large ones lie in a temporary file that vanishes with them.
        bounds: (blocks, chunks + 1) int64; where the entries of a block of rows and a chunk of columns begin.
        chunks: (blocks + 1,) int64; a block of columns is the chunks chunks[i] to chunks[i + 1] - 1.
    """

    entries: Entries
    bounds: np.ndarray
    chunks: np.ndarray


def arranged(matrix: sparse.csr_array, stride: int, *, x_max: float, alpha: float, threads: int | None) -> Tiles:
    """Cuts a matrix into tiles of some thousand entries, all blocks of about as many.

    Args:
        matrix: CSR float32, columns ascending and none twice in a row.
        stride: Bytes that are learned for a column.
        x_max: Where the weight of an entry reaches 1.
        alpha: Power of the weight below.
        threads: How many work at once; as many as there are processors by default.

    Raises:
        BadData: An entry is not finite or not above 0.
        BadFile: There is no room for temporary files.
    """
    from kinfold.kernels._jit import plain
    from kinfold.kernels.glove import Entries, arrange

    starts = matrix.indptr.astype(np.int64)
    columns, values = plain(matrix.indices), plain(matrix.data)
    blocks = int(np.clip(np.sqrt(matrix.nnz / _ENTRIES), 1, _BLOCKS))
    cuts = _cuts(starts, blocks)
    stops, chunks = _chunks(_cuts(_column_starts(columns, matrix.shape[1]), blocks), max(1, _CACHE // stride))
    entries = Entries(*(empty(matrix.nnz, kind) for kind in (np.int32, np.int32, np.float32, np.float32)))
    bounds = np.zeros((blocks, len(stops) + 1), np.int64)
    places = np.empty(matrix.shape[0], np.int64)

    def work(block: int) -> int:
        first, last = int(cuts[block]), int(cuts[block + 1])
        found: int = arrange(starts, columns, values, first, last, stops, x_max, alpha, places, bounds[block], entries)
        return found

    with ThreadPoolExecutor(many(threads)) as pool:
        bad = sum(pool.map(work, range(blocks)))
    if bad:
        raise BadData(
            f"{bad:,} of {matrix.nnz:,} entries of these counts are 0, negative, NaN or infinite, and have no "
            "logarithm; counts that GloVe learns from are finite and above 0 (drop zeros: values.eliminate_zeros())."
        )
    return Tiles(entries, bounds, chunks)


def one_pass(
    tiles: Tiles, kernel: Kernel, *, seed: tuple[int, ...], threads: int | None, progress: Progress
) -> np.ndarray:
    """Goes once over all tiles, in an order that is drawn anew.

    Args:
        tiles: From `arranged`.
        kernel: What is done with a tile, free of the interpreter lock.
        seed: Of the order.
        threads: How many work at once; as many as there are processors by default.
        progress: Told of the entries of each tile and of its mean loss.

    Returns:
        The loss and the number of entries (2,) float64.
    """
    blocks = len(tiles.bounds)
    draw = generator(*seed)
    row_order, column_order = draw.permutation(blocks).tolist(), draw.permutation(blocks).tolist()
    turns = iter(range(blocks * blocks))
    stats = np.zeros((blocks * blocks, 2))
    # How many tiles of each block of rows, and of columns, are learned.
    row_steps, column_steps = [0] * blocks, [0] * blocks
    changed = threading.Condition()
    stopped = threading.Event()

    def work() -> None:
        while True:
            with changed:
                turn = next(turns, None)
                if turn is None:
                    return
                step, place = divmod(turn, blocks)
                row, column = row_order[place], column_order[(place + step) % blocks]
                while not stopped.is_set() and (row_steps[row] < step or column_steps[column] < step):
                    changed.wait()
            if stopped.is_set():
                return
            first = int(tiles.bounds[row, tiles.chunks[column]])
            last = int(tiles.bounds[row, tiles.chunks[column + 1]])
            if first < last:
                kernel(first, last, stats[turn])
                progress.advance(last - first, loss=stats[turn, 0] / (last - first))
            with changed:
                row_steps[row] += 1
                column_steps[column] += 1
                changed.notify_all()

    workers = min(many(threads), blocks)
    if workers == 1:
        work()
    else:
        with ThreadPoolExecutor(workers) as pool:
            running = [pool.submit(work) for _ in range(workers)]
            try:
                wait(running, return_when=FIRST_EXCEPTION)
            finally:
                with changed:
                    stopped.set()
                    changed.notify_all()
            for each in running:
                each.result()
    total: np.ndarray = stats.sum(axis=0)
    return total


def _cuts(starts: np.ndarray, blocks: int) -> np.ndarray:
    """Where blocks of about as many entries begin and end (blocks + 1,) int64; some may be empty."""
    inner = np.searchsorted(starts, starts[-1] * (np.arange(1, blocks) / blocks))
    return np.concatenate([[0], inner, [len(starts) - 1]])


def _column_starts(columns: np.ndarray, count: int) -> np.ndarray:
    """Entries of all columns before each (count + 1,) int64."""
    counts = np.zeros(count + 1, np.int64)
    # bincount makes 64-bit numbers of all that it is given: a little at a time.
    for start in range(0, len(columns), 1 << 20):
        counts[1:] += np.bincount(columns[start : start + (1 << 20)], minlength=count)
    return np.cumsum(counts)


def _chunks(cuts: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Blocks in equal chunks of at most so many columns: where each ends, and how many are before each block."""
    sizes = np.diff(cuts)
    numbers = -(-sizes // most)
    chunks = np.concatenate([[0], np.cumsum(numbers)])
    stops = [
        begin + size * np.arange(1, number + 1) // number
        for begin, size, number in zip(cuts[:-1], sizes, numbers, strict=True)
        if number
    ]
    return np.concatenate(stops), chunks
