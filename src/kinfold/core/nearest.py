"""From keys and vectors to Hits: what exact search and every index have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kinfold.core.columns import to_arrow
from kinfold.core.errors import BadOption
from kinfold.core.hits import Hits

if TYPE_CHECKING:
    from kinfold.core.space import Space

# Vectors (q, dim), k, and the rows to choose from (ascending; all where it is None) → scores (q, k), rows (q, k).
Search = Callable[[np.ndarray, int, np.ndarray | None], tuple[np.ndarray, np.ndarray]]


def nearest_many(
    space: Space,
    search: Search,
    queries: Sequence[str | np.ndarray] | np.ndarray,
    k: int,
    *,
    where: str | None = None,
    group: str | None = None,
    exclude: Sequence[str] = (),
) -> list[Hits]:
    """The k nearest rows to each key or vector, found by `search`.

    Args:
        space: What is searched.
        search: How.
        queries: Keys, which are not among their own hits, or vectors (dim,).
        k: Rows wanted for each.
        where: An SQL condition on key, group and attributes that every hit fulfills.
        group: Where to look; by default a key's own group, and all rows for a vector.
        exclude: Keys that must not be hits.

    Raises:
        UnknownKey: A query is the name of no row.
        BadOption: `k` below 1, a vector of another length, or a bad condition.
    """
    if isinstance(queries, str):
        raise BadOption(f"queries are a list of keys or vectors, not the one key '{queries}'; put it in a list.")
    k = checked_k(k)
    own = np.array([space.keys.row(each) if isinstance(each, str) else -1 for each in queries], np.int64)
    vectors = np.empty((len(own), space.dim), np.float32)
    for place, row in enumerate(own.tolist()):
        vectors[place] = space.rows.take(row) if row >= 0 else checked_vectors(space, queries[place], 1)
    banned = np.array([space.keys.row(each) for each in exclude], np.int64)
    allowed = None if where is None else space.where(where)
    homes = [group if group or row < 0 else space.keys.group_of(row) for row in own.tolist()]
    hits: list[Hits] = [Hits([], np.zeros(0, np.float32), np.zeros(0, np.int64))] * len(own)
    for home in dict.fromkeys(homes):
        members = [place for place, each in enumerate(homes) if each == home]
        wanted = min(k + len(banned) + 1, len(space))
        scores, rows = search(vectors[members], wanted, among(space, home, allowed))
        for place, score, row in zip(members, scores, rows, strict=True):
            good = (row >= 0) & (row != own[place]) & ~np.isin(row, banned)
            row, score = row[good][:k], score[good][:k]
            query = queries[place]
            names = space.keys.names.take(to_arrow(row)).to_pylist()
            hits[place] = Hits(names, score, row, query if isinstance(query, str) else "")
    return hits


def among(space: Space, group: str | None, allowed: np.ndarray | None) -> np.ndarray | None:
    """The rows of a group that are also allowed, ascending int64; None means all.

    Raises:
        UnknownName: There is no such group.
    """
    if group is None:
        return allowed
    home = space.keys.range_of(group)
    if len(home) == len(space):
        return allowed
    if allowed is None:
        return np.arange(home.start, home.stop)
    return allowed[(allowed >= home.start) & (allowed < home.stop)]


def checked_k(k: int) -> int:
    """The number of rows wanted.

    Raises:
        BadOption: It is below 1.
    """
    if k < 1:
        raise BadOption(f"k is {k}; it must be at least 1.")
    return int(k)


def checked_vectors(space: Space, vectors: Any, ndim: int = 2) -> np.ndarray:
    """Queries as float32: one (dim,), or several (q, dim).

    Raises:
        BadOption: They are of another shape, or one of the numbers is not finite.
    """
    try:
        array = np.asarray(vectors, np.float32)
    except (TypeError, ValueError) as error:
        raise BadOption(f"a query is a key or a vector of {space.dim} numbers: {error}") from error
    if array.ndim != ndim or array.shape[-1] != space.dim:
        what = f"({space.dim},)" if ndim == 1 else f"(queries, {space.dim})"
        raise BadOption(f"query vectors have the shape {what} in this Space, not {array.shape}.")
    if not np.isfinite(array).all():
        raise BadOption("a query vector holds a number that is NaN or infinite.")
    return array
