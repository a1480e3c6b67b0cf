"""The k best rows for each query, exactly: blocks of a BLAS product, and a threshold that leaves few scores to sort.

The product is nearly all of the work. What is left is numpy's, so that a first search compiles nothing; only for
large batches, where its passes over the scores would show, a compiled scan takes its place.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

# Together a block of scores of 4 to 16 MB: large enough for BLAS, small enough to be read again from the cache.
_QUERIES = 4096
_SCORES = 1 << 20
# Of the rows that must be copied before BLAS can read them (float16, or picked one by one).
_COPIED_BYTES = 8 << 20
# Results of one pass, so that a large k does not multiply with many queries.
_RESULTS = 1 << 22
# Scores from which the compiled scan is worth its loading, and the largest k that it is quick for.
_SCANNED = 1 << 24
_SCANNED_K = 128
# A row that is shorter has no direction: the inverse of its length would overflow.
_SHORTEST = np.float32(1e-37)


def topk(
    rows: Any,
    queries: np.ndarray,
    k: int,
    metric: str = "dot",
    norms: np.ndarray | None = None,
    among: np.ndarray | None = None,
    offsets: np.ndarray | None = None,
    refused: tuple[np.ndarray, np.ndarray] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Exact search.

    Args:
        rows: (n, d) float32 or float16, or what reads like such an array; a row with a NaN is never found.
        queries: (q, d) float32.
        k: Rows wanted for each query.
        metric: `dot`; `cosine`, of a zero row it is 0; `l2`, minus the Euclidean distance.
        norms: Lengths of the rows (n,) float32; `cosine` and `l2` need them.
        among: Ascending row numbers (m,) int64 to choose from; all where it is None.
        offsets: What is taken from every score of a row (n,) float32; not for `l2`.
        refused: Rows that a query must not find: starts (q + 1,) int64 and rows; query i refuses
            rows[starts[i]:starts[i + 1]].

    Returns:
        Scores (q, k) float32 and row numbers (q, k) int64, best first, equal scores by row number;
        -inf and -1 fill up where there are fewer than k rows.
    """
    scores = np.full((len(queries), k), -np.inf, np.float32)
    found = np.full((len(queries), k), -1, np.int64)
    candidates = _Candidates(rows, metric, norms, among, offsets)
    if candidates.count == 0 or k == 0:
        return scores, found
    step = max(1, min(_QUERIES, _RESULTS // k))
    for start in range(0, len(queries), step):
        part = np.ascontiguousarray(queries[start : start + step], np.float32)
        stop = start + len(part)
        if metric == "cosine":
            lengths = np.sqrt(np.einsum("ij,ij->i", part, part))[:, None]
            part = np.divide(part, np.where(lengths > 0, lengths, 1), dtype=np.float32)
        holes = None
        if refused is not None:
            bounds = refused[0][start : stop + 1]
            holes = _Holes(candidates, bounds - bounds[0], refused[1][bounds[0] : bounds[-1]])
        with np.errstate(over="ignore", invalid="ignore"):
            _best(candidates, part, scores[start:stop], found[start:stop], holes)
        candidates.rename(found[start:stop])
        if metric == "l2":
            _distances(rows, part, scores[start:stop], found[start:stop])
    return scores, found


class _Candidates:
    """The rows to choose from, numbered 0..count, and their scores in ranges."""

    def __init__(
        self,
        rows: Any,
        metric: str,
        norms: np.ndarray | None,
        among: np.ndarray | None,
        offsets: np.ndarray | None,
    ) -> None:
        self.first, self.chosen, self.refused = 0, None, None
        self.rows, self.count = rows, len(rows) if among is None else len(among)
        if among is not None and len(among):
            self.first, stop = int(among[0]), int(among[-1]) + 1
            norms, offsets = (each if each is None else each[self.first : stop] for each in (norms, offsets))
            span = stop - self.first
            if 4 * len(among) < span:
                self.chosen = among - self.first
            elif len(among) < span:
                # Copying rows one by one costs more than scoring those in between as well.
                self.refused = np.ones(span, np.bool_)
                self.refused[among - self.first] = False
                self.count = span
        self.copied = rows.dtype != np.float32 or self.chosen is not None
        self.factors, self.offsets = None, offsets
        if norms is not None and metric == "cosine":
            self.factors = np.divide(1, norms, out=np.zeros(len(norms), np.float32), where=norms > _SHORTEST)
        elif norms is not None and metric == "l2":
            # -|q - x| is as q.x - |x|²/2, for one q
            self.offsets = norms * norms / 2

    def width(self, queries: int) -> int:
        """How many candidates to score at a time."""
        widest = max(1024, _SCORES // queries)
        if self.copied:
            widest = min(widest, max(64, _COPIED_BYTES // (4 * max(1, self.rows.shape[1]))))
        return min(widest, self.count)

    def score(self, queries: np.ndarray, start: int, stop: int, memory: np.ndarray) -> np.ndarray:
        """Scores (q, stop - start) of the candidates start..stop, laid in `memory`."""
        if self.chosen is None:
            pick: Any = slice(start, stop)
            block = self.rows[self.first + start : self.first + stop]
        else:
            pick = self.chosen[start:stop]
            block = self.rows[self.first + pick]
        block = block.astype(np.float32, copy=False)
        scores = memory[: len(queries) * len(block)].reshape(len(queries), len(block))
        if len(queries) == 1:
            np.matmul(block, queries[0], out=scores[0])
        else:
            np.matmul(queries, block.T, out=scores)
        if self.factors is not None:
            scores *= self.factors[pick]
        if self.offsets is not None:
            scores -= self.offsets[pick]
        if self.refused is not None:
            scores[:, self.refused[pick]] = -np.inf
        return scores

    def numbers(self, rows: np.ndarray) -> np.ndarray:
        """The candidates (m,) int64 that rows are; -1 where one is none."""
        numbers = rows.astype(np.int64) - self.first
        if self.chosen is not None:
            places = np.minimum(np.searchsorted(self.chosen, numbers), len(self.chosen) - 1)
            return np.where(self.chosen[places] == numbers, places, -1)
        return np.where((numbers >= 0) & (numbers < self.count), numbers, -1)

    def rename(self, found: np.ndarray) -> None:
        """Candidate numbers become row numbers, in place."""
        real = found >= 0
        if self.chosen is not None:
            found[real] = self.chosen[found[real]]
        found[real] += self.first


class _Holes:
    """Pairs of a query and a candidate that it must not find."""

    def __init__(self, candidates: _Candidates, starts: np.ndarray, rows: np.ndarray) -> None:
        numbers = candidates.numbers(rows)
        order = np.argsort(numbers, kind="stable")
        order = order[np.searchsorted(numbers[order], 0) :]
        self._numbers = numbers[order]
        self._queries = np.repeat(np.arange(len(starts) - 1), np.diff(starts))[order]

    def make(self, block: np.ndarray, start: int) -> None:
        """Takes them out of the scores (q, m) of the candidates from `start` on, in place."""
        low, high = np.searchsorted(self._numbers, (start, start + block.shape[1]))
        block[self._queries[low:high], self._numbers[low:high] - start] = -np.inf


def _best(
    candidates: _Candidates, queries: np.ndarray, scores: np.ndarray, found: np.ndarray, holes: _Holes | None
) -> None:
    width = candidates.width(len(queries))
    memory = np.empty(len(queries) * width, np.float32)

    def score(start: int) -> np.ndarray:
        block = candidates.score(queries, start, min(start + width, candidates.count), memory)
        if holes is not None:
            holes.make(block, start)
        return block

    if len(queries) * candidates.count >= _SCANNED and scores.shape[1] <= _SCANNED_K:
        from kinfold.kernels._scan import keep_best

        step = -(-len(queries) // (os.cpu_count() or 1))
        some = [slice(first, first + step) for first in range(0, len(queries), step)]
        with ThreadPoolExecutor(len(some)) as pool:
            for start in range(0, candidates.count, width):
                block = score(start)
                # As many threads as the product just had.
                parts = ((block[each], start, scores[each], found[each]) for each in some)
                list(pool.map(lambda part: keep_best(*part), parts))
        return
    above = np.empty(memory.shape, np.bool_)
    pending: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    waiting = 0
    for start in range(0, candidates.count, width):
        block = score(start)
        good = above[: block.size].reshape(block.shape)
        # A later row loses a tie, so only what is above the k-th best so far can matter.
        if start == 0:
            np.greater_equal(block, _bound(block, scores.shape[1]), out=good)
        else:
            np.greater(block, scores[:, -1:], out=good)
        flat = np.flatnonzero(good)
        if len(flat):
            query, column = np.divmod(flat, block.shape[1])
            pending.append((query, block.ravel()[flat], column + start))
            waiting += len(flat)
        if waiting > 2 * scores.size or start == 0:
            _merge(pending, scores, found)
            pending, waiting = [], 0
    _merge(pending, scores, found)


def _bound(block: np.ndarray, k: int) -> np.ndarray:
    """What the k-th best of each line (q, m) is not below, (q, 1): the k-th best of the maxima of its pieces."""
    width = max(1, block.shape[1] // (4 * k))
    pieces = block.shape[1] // width
    if pieces < k:
        return np.full((len(block), 1), -np.inf, np.float32)
    top: np.ndarray = block[:, : pieces * width].reshape(len(block), pieces, width).max(axis=2)
    if np.isnan(top).any():
        block[np.isnan(block)] = -np.inf
        return _bound(block, k)
    return np.partition(top, pieces - k, axis=1)[:, pieces - k : pieces - k + 1]


def _merge(pending: list[tuple[np.ndarray, np.ndarray, np.ndarray]], scores: np.ndarray, found: np.ndarray) -> None:
    """Puts (query, score, candidate) triples among the best so far."""
    if not pending:
        return
    query, column = np.nonzero(found >= 0)
    parts = [(query, scores[query, column], found[query, column]), *pending]
    query, score, row = (np.concatenate(each) for each in zip(*parts, strict=True))
    # Stable, and candidates came in order: equal scores stay in the order of the rows.
    order = np.lexsort((-score, query))
    query, score, row = query[order], score[order], row[order]
    rank = np.arange(len(query)) - np.searchsorted(query, query)
    best = (rank < scores.shape[1]) & (score > -np.inf)
    scores[query[best], rank[best]] = score[best]
    found[query[best], rank[best]] = row[best]


def _distances(rows: Any, queries: np.ndarray, scores: np.ndarray, found: np.ndarray) -> None:
    """Minus the distances of what was found, from differences: |q|² - 2 q.x + |x|² would lose the small ones."""
    step = max(1, _COPIED_BYTES // (4 * max(1, rows.shape[1])))
    for query, score, row in zip(queries, scores, found, strict=True):
        some = int(np.count_nonzero(row >= 0))
        for start in range(0, some, step):
            stop = min(start + step, some)
            apart = rows[row[start:stop]].astype(np.float32) - query
            score[start:stop] = -np.sqrt(np.einsum("ij,ij->i", apart, apart))
        order = np.lexsort((row[:some], -score[:some]))
        score[:some], row[:some] = score[:some][order], row[:some][order]
