"""What an index finds of what there is to find, and how much sooner."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from kinfold.core.errors import BadData, BadOption
from kinfold.core.intervals import of_mean
from kinfold.core.report import Finding, Report
from kinfold.core.space import Space
from kinfold.search.index import Index


def recall(space: Space, index: Index, *, k: int = 10, queries: int = 1000, seed: int = 0) -> Report:
    """The share of the k nearest rows that an index finds, by rows of the Space as queries.

    A row is not counted among its own neighbors. Both searches take all queries in one batch, after one that warms up.

    Args:
        space: What the index was built from.
        index: What is judged.
        k: Neighbors of each query.
        queries: Rows drawn as queries; all, if there are fewer.
        seed: Of the draw and the interval.

    Returns:
        `recall@k`, and `queries per second` of the groups `exact` and the index's name.

    Raises:
        FrameMismatch: The index is over another frame.
        BadData: The Space has fewer than two rows.
        BadOption: `k` or `queries` below 1.
    """
    space.same_frame(index.space)
    if k < 1 or queries < 1:
        raise BadOption(f"recall takes at least one neighbor and one query, not k={k} and queries={queries}.")
    if len(space) < 2 or len(index.space) != len(space):
        raise BadData(
            f"recall compares an index of {len(index.space):,} rows with a Space of {len(space):,}, 2 or more."
        )
    k = min(k, len(space) - 1)
    rows = np.sort(np.random.default_rng(seed).choice(len(space), min(queries, len(space)), replace=False))
    vectors = space.rows.take(rows)
    near, exact_rate = _timed(space.topk, vectors, k + 1)
    found, index_rate = _timed(index.search, vectors, k + 1)
    shares = np.array(
        [
            len(np.intersect1d(_others(mine, row, k), _others(true, row, k))) / k
            for row, mine, true in zip(rows, found, near, strict=True)
        ]
    )
    low, high = of_mean(shares, seed=seed)
    settings = ", ".join(f"{name} {value}" for name, value in index.parameters.items())
    return Report(
        f"Recall · {index.name}",
        [
            Finding(f"recall@{k}", float(shares.mean()), low, high, len(rows)),
            Finding("queries per second", exact_rate, n=len(rows), unit="1/s", group="exact search"),
            Finding("queries per second", index_rate, n=len(rows), unit="1/s", group=index.name),
        ],
        notes=[f"{len(space):,} rows of {space.dim} by {space.metric.value}; {settings or 'no settings'}."],
    )


def _others(found: np.ndarray, row: int, k: int) -> np.ndarray:
    others: np.ndarray = found[found != row]
    return others[:k]


def _timed(
    search: Callable[[np.ndarray, int], tuple[np.ndarray, np.ndarray]], vectors: np.ndarray, k: int
) -> tuple[np.ndarray, float]:
    search(vectors[:1], k)
    start = time.perf_counter()
    _, rows = search(vectors, k)
    return rows, len(vectors) / max(time.perf_counter() - start, 1e-9)
