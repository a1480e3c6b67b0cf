"""The nearest rows of another Space by CSLS, which tells partners from rows that are near to everything."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kinfold.core.columns import to_arrow
from kinfold.core.errors import BadOption
from kinfold.core.frequency import most_frequent
from kinfold.core.hits import Hits
from kinfold.core.nearest import checked_k
from kinfold.core.space import Space


def csls(
    source: Space,
    target: Space,
    keys: Sequence[str],
    k: int = 10,
    *,
    neighbors: int = 10,
    restrict: int | None = None,
    group: str | None = None,
) -> list[Hits]:
    """The k best rows of the target to each key of the source: 2 cos(x, y) less how crowded it is around x and y.

    How crowded it is around a row is its mean cosine to the nearest rows of the other Space. Cosines are used whatever
    the metric.

    Args:
        source: What the keys are of.
        target: What is searched; in the same frame.
        keys: Keys of the source.
        k: Rows wanted for each.
        neighbors: How many nearest rows a mean is over.
        restrict: Only so many rows of either side take part, the most frequent ones; None for all. The keys always do.
        group: Of both; the first group of either where it is None.

    Raises:
        FrameMismatch: The Spaces are in different frames.
        UnknownKey: A key is the name of no row of the source.
        BadOption: `k`, `neighbors` or `restrict` below 1.
        UnknownName: One of the Spaces has no such group.

    Source:
        Conneau et al. 2018 (arXiv 1710.04087).

    Example:
        >>> here = Space.of(["dog", "cat"], [[1, 0], [0, 1]])
        >>> there = Space(here.keys, here.rows, here.metric, here.card)
        >>> csls(here, there, ["cat"], k=1, neighbors=1)
        [Hits(cat: cat 0.000)]
    """
    if isinstance(keys, str):
        raise BadOption(f"keys are a list of keys, not the one key '{keys}'; put it in a list.")
    source, there = source.group(group), target.group(group)
    rows = np.array([source.keys.row(key) for key in keys], np.int64)
    scores, found = rows_across(source, there, rows, k, "csls", neighbors=neighbors, restrict=restrict)
    return named(target, there, keys, scores, found)


def named(target: Space, part: Space, keys: Sequence[str], scores: np.ndarray, found: np.ndarray) -> list[Hits]:
    """Hits of scores (q, k) and rows (q, k) of a group of the target, -1 where there is none."""
    start = target.keys.range_of(next(iter(part.groups))).start
    hits = []
    for key, score, row in zip(keys, scores, found, strict=True):
        some = row >= 0
        names = part.keys.names.take(to_arrow(row[some])).to_pylist()
        hits.append(Hits(names, score[some], row[some] + start, key))
    return hits


def rows_across(
    source: Space,
    target: Space,
    rows: np.ndarray,
    k: int,
    by: str,
    *,
    neighbors: int = 10,
    restrict: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The k best rows of one Space to some rows of another, without names.

    Args:
        source: What the rows are of.
        target: What is searched; in the same frame.
        rows: (q,) int64.
        k: Rows wanted for each.
        by: `csls`, or `nearest`: by the target's metric.
        neighbors: For csls, how many nearest rows a mean is over.
        restrict: Only so many rows of either side take part, the most frequent ones; None for all.

    Returns:
        Scores (q, k) float32 and rows (q, k) int64; -inf and -1 fill up where there are fewer.

    Raises:
        FrameMismatch: The Spaces are in different frames.
        BadOption: `k`, `neighbors` or `restrict` below 1.
    """
    source.same_frame(target)
    for name, value in (("neighbors", neighbors), ("restrict", restrict)):
        if value is not None and value < 1:
            raise BadOption(f"{name} is {value}; it must be at least 1.")
    vectors, k, among = source.rows.take(rows), checked_k(k), _frequent(target, restrict)
    if by == "nearest":
        return target.topk(vectors, k, among)
    from kinfold.kernels.csls import csls as kernel

    sources, norms, often = source.rows.dense(), source.rows.norms, _frequent(source, restrict)
    if often is not None:
        sources, norms = sources[often], norms[often]
    return kernel(
        target.rows.dense(),
        vectors,
        k,
        sources,
        neighbors=neighbors,
        norms=target.rows.norms,
        source_norms=norms,
        among=among,
    )


def _frequent(space: Space, restrict: int | None) -> np.ndarray | None:
    """The rows (m,) int64 that take part, ascending; None for all."""
    return None if restrict is None or restrict >= len(space) else np.sort(most_frequent(space, restrict)[0])
