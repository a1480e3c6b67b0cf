"""Passes over sequences on several threads, and the schedule that does not depend on how many there are."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

import numpy as np

from kinfold.core.progress import Progress
from kinfold.core.threads import many

_LONGEST = 10_000  # tokens of a sequence; a longer one is cut, so that threads can share it


# The sequences first to last - 1, a seed, and where loss and scores are added (2,).
Kernel = Callable[[int, int, int, np.ndarray], None]


def one_pass(
    starts: np.ndarray,
    kernel: Kernel,
    *,
    seed: tuple[int, ...],
    threads: int | None,
    progress: Progress,
    least: int = 1_000,
) -> np.ndarray:
    """Goes once over all sequences: threads take pieces in order, and a piece has its seed whoever takes it.

    Args:
        starts: (sequences + 1,) int64; `cut` them first.
        kernel: What is done with a piece, free of the interpreter lock.
        seed: Of this pass.
        threads: How many work at once; as many as there are processors by default.
        progress: Told of the tokens of each piece and of its mean loss.
        least: Tokens of a piece, at least; more where a kernel is done with them soon.

    Returns:
        The loss and the number of scores (2,) float64 of the whole pass.
    """
    pieces = enumerate(_pieces(starts, least))
    taking = threading.Lock()
    stopped = threading.Event()

    def work() -> np.ndarray:
        stats = np.zeros(2)
        while not stopped.is_set():
            with taking:
                number, (first, last) = next(pieces, (0, (0, 0)))
            if first == last:
                break
            before = stats.copy()
            kernel(first, last, int(generator(*seed, number).integers(0, 2**63 - 1)), stats)
            loss, scores = stats - before
            progress.advance(int(starts[last] - starts[first]), loss=loss / max(scores, 1))
        return stats

    workers = many(threads)
    if workers == 1:
        return work()
    with ThreadPoolExecutor(workers) as pool:
        running = [pool.submit(work) for _ in range(workers)]
        try:
            wait(running, return_when=FIRST_EXCEPTION)
        finally:
            stopped.set()
        total: np.ndarray = np.sum([each.result() for each in running], axis=0)
    return total


def _pieces(starts: np.ndarray, least: int) -> Iterator[tuple[int, int]]:
    """Ranges of sequences of `least` to 50,000 tokens, at least some 64 of them where that leaves enough in each."""
    size = min(max(int(starts[-1]) // 64, least), 50_000)
    first = 0
    while first < len(starts) - 1:
        last = max(first + 1, int(np.searchsorted(starts, starts[first] + size, side="right")) - 1)
        yield first, last
        first = last


def cut(starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cuts every sequence above the longest into pieces of at most that.

    Returns:
        Starts (m + 1,) int64 of the pieces, and the sequence (m,) int64 that each is a piece of.
    """
    lengths = np.diff(starts)
    if not len(lengths) or lengths.max() <= _LONGEST:
        return starts, np.arange(len(lengths))
    pieces = np.maximum(1, -(-lengths // _LONGEST))
    owners = np.repeat(np.arange(len(lengths)), pieces)
    number = np.arange(len(owners)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    return np.append(starts[owners] + number * _LONGEST, starts[-1]).astype(np.int64), owners


def generator(*seed: int) -> np.random.Generator:
    """Random numbers of a seed of several whole numbers."""
    return np.random.default_rng([each & (2**64 - 1) for each in seed])
