"""The k best rows for each query, exactly: blocks of a BLAS product, and a threshold that leaves few scores to sort.

This kernel is BLAS and numpy, not numba: the product is all of the work, and a first search compiles nothing.
"""

from __future__ import annotations

import numpy as np

_QUERIES = 256
_ROWS = 4096


def topk(
    rows: np.ndarray,
    queries: np.ndarray,
    k: int,
    metric: str = "dot",
    norms: np.ndarray | None = None,
    among: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Exact search.

    Args:
        rows: (n, d) float32 or float16.
        queries: (q, d) float32.
        k: Rows wanted for each query.
        metric: `dot`; `cosine`, of a zero row it is 0; `l2`, minus the Euclidean distance.
        norms: Lengths of the rows (n,) float32; `cosine` and `l2` need them.
        among: Ascending row numbers (m,) int64 to choose from; all where it is None.

    Returns:
        Scores (q, k) float32 and row numbers (q, k) int64, best first, equal scores by row number;
        -inf and -1 fill up where there are fewer than k rows.
    """
    count = len(rows) if among is None else len(among)
    scores = np.full((len(queries), k), -np.inf, np.float32)
    found = np.full((len(queries), k), -1, np.int64)
    if count == 0 or k == 0:
        return scores, found
    sides = _Sides(rows, metric, norms, among)
    for start in range(0, len(queries), _QUERIES):
        part = np.ascontiguousarray(queries[start : start + _QUERIES], np.float32)
        if metric == "cosine":
            lengths = np.sqrt(np.einsum("ij,ij->i", part, part))[:, None]
            part = part / np.where(lengths > 0, lengths, 1)
        stop = start + len(part)
        if len(part) == 1:
            _best_of_all(sides, part[0], count, scores[start], found[start])
        else:
            _best_by_blocks(sides, part, count, scores[start:stop], found[start:stop])
    if among is not None:
        found[found >= 0] = among[found[found >= 0]]
    return scores, found


class _Sides:
    """Scores of a range of the candidates."""

    def __init__(self, rows: np.ndarray, metric: str, norms: np.ndarray | None, among: np.ndarray | None) -> None:
        self.rows, self.metric, self.norms, self.among = rows, metric, norms, among

    def score(self, queries: np.ndarray, start: int, stop: int) -> np.ndarray:
        """Scores of candidates start..stop: (q, stop - start), or (stop - start,) for one query (d,)."""
        pick = slice(start, stop) if self.among is None else self.among[start:stop]
        block = self.rows[pick].astype(np.float32, copy=False)
        scores = block @ queries if queries.ndim == 1 else queries @ block.T
        if self.metric == "cosine":
            assert self.norms is not None
            norms = self.norms[pick]
            with np.errstate(divide="ignore", invalid="ignore"):
                scores /= norms
            if not norms.all():
                scores[..., norms == 0] = 0
        elif self.metric == "l2":
            assert self.norms is not None
            # -|q - x| = -sqrt(|q|^2 - 2 q.x + |x|^2)
            squares = np.einsum("...j,...j->...", queries, queries)
            scores *= -2
            scores += self.norms[pick] ** 2
            scores += squares if queries.ndim == 1 else squares[:, None]
            np.sqrt(np.maximum(scores, 0, out=scores), out=scores)
            np.negative(scores, out=scores)
        return scores


def _best_of_all(sides: _Sides, query: np.ndarray, count: int, scores: np.ndarray, found: np.ndarray) -> None:
    step = count if sides.among is None and sides.rows.dtype == np.float32 else 1 << 16
    every = np.concatenate([sides.score(query, at, min(at + step, count)) for at in range(0, count, step)])
    _keep(np.zeros(count, np.int64), every, np.arange(count), scores[None], found[None])


def _best_by_blocks(sides: _Sides, queries: np.ndarray, count: int, scores: np.ndarray, found: np.ndarray) -> None:
    k = scores.shape[1]
    pending: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    waiting = 0
    for start in range(0, count, _ROWS):
        block = sides.score(queries, start, min(start + _ROWS, count))
        # A later row loses a tie, so only what is above the k-th best so far can matter.
        worst = scores[:, -1:]
        if start == 0 and block.shape[1] > k:
            worst = np.nextafter(np.partition(block, -k, axis=1)[:, -k : block.shape[1] - k + 1], np.float32(-np.inf))
        flat = np.flatnonzero(block > worst)
        if len(flat):
            query, column = np.divmod(flat, block.shape[1])
            pending.append((query, block.ravel()[flat], column + start))
            waiting += len(flat)
        if waiting > 2 * scores.size or start == 0:
            _merge(pending, scores, found)
            pending, waiting = [], 0
    _merge(pending, scores, found)


def _merge(pending: list[tuple[np.ndarray, np.ndarray, np.ndarray]], scores: np.ndarray, found: np.ndarray) -> None:
    if not pending:
        return
    query, column = np.nonzero(found >= 0)
    pending = [(query, scores[query, column], found[query, column]), *pending]
    _keep(*(np.concatenate(each) for each in zip(*pending, strict=True)), scores, found)


def _keep(query: np.ndarray, score: np.ndarray, row: np.ndarray, scores: np.ndarray, found: np.ndarray) -> None:
    """Writes the k best of (query, score, row) triples, row ascending within a query, to `scores` and `found`."""
    k = scores.shape[1]
    if len(scores) == 1 and len(score) > 4 * k:
        worst = np.partition(score, -k)[-k]
        few = np.flatnonzero(score >= worst)
        query, score, row = query[few], score[few], row[few]
    order = np.lexsort((row, -score, query))
    query, score, row = query[order], score[order], row[order]
    rank = np.arange(len(query)) - np.searchsorted(query, query)
    best = (rank < k) & (score > -np.inf)
    scores[query[best], rank[best]] = score[best]
    found[query[best], rank[best]] = row[best]
