"""From keys, vectors and mixes of them to Hits: what exact search and every index have in common."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from kinfold.core.columns import to_arrow
from kinfold.core.errors import BadOption
from kinfold.core.hits import Hits
from kinfold.core.metric import Metric, units
from kinfold.core.rows import Rows

if TYPE_CHECKING:
    from kinfold.core.space import Space

# Vectors (q, dim), k, and the rows to choose from (ascending; all where it is None) → scores (q, k), rows (q, k).
Search = Callable[[np.ndarray, int, np.ndarray | None], tuple[np.ndarray, np.ndarray]]

# A key, a vector (dim,), or a mix: the weights of keys, or a list of keys and of pairs (key or vector, weight).
Query = str | np.ndarray | Mapping[str, float] | Sequence[str | tuple[str | np.ndarray, float]]

# A name of a query with more members than this counts them.
_NAMED = 8


class Asked(NamedTuple):
    """What a query stands for.

    Args:
        vector: Where the search begins (dim,) float32.
        own: Rows of its keys (m,) int64, which are not among its hits.
        home: The group of its keys, None where there is none or they are of several.
        name: What it is called; empty for a vector.
    """

    vector: np.ndarray
    own: np.ndarray
    home: str | None
    name: str


def nearest_many(
    space: Space,
    search: Search,
    queries: Sequence[Query] | np.ndarray,
    k: int,
    *,
    where: str | None = None,
    group: str | None = None,
    exclude: Sequence[str] = (),
) -> list[Hits]:
    """The k nearest rows to each query, found by `search`, or exactly where another metric is asked for.

    Args:
        space: What is searched.
        search: How.
        queries: Keys, vectors (dim,) or mixes; a key is not among the hits of its own query.
        k: Rows wanted for each.
        where: An SQL condition on key, group and attributes that every hit fulfills.
        group: Where to look; by default the group of a query's keys, and all rows where that is not one.
        exclude: Keys that must not be hits.

    Raises:
        UnknownKey: A query is the name of no row.
        BadOption: `k` below 1, a vector of another length, a mix that is none, or a bad condition.
    """
    k = checked_k(k)
    several = all_asked(space, queries)
    banned = np.array([space.keys.row(each) for each in exclude], np.int64)
    allowed = None if where is None else space.where(where)
    homes = [group or each.home for each in several]
    hits: list[Hits] = [Hits([], np.zeros(0, np.float32), np.zeros(0, np.int64))] * len(several)
    questions = [(each.home, home) for each, home in zip(several, homes, strict=True)]
    for question in dict.fromkeys(questions):
        members = [place for place, each in enumerate(questions) if each == question]
        spare = len(banned) + max(len(several[place].own) for place in members)
        vectors = np.stack([several[place].vector for place in members])
        find = search
        if one_side(space, *question):
            other = alike(space)
            vectors, find = vectors[:, : other.dim], other.topk
        scores, rows = find(vectors, min(k + spare, len(space)), among(space, question[1], allowed))
        for place, score, row in zip(members, scores, rows, strict=True):
            good = (row >= 0) & ~np.isin(row, several[place].own) & ~np.isin(row, banned)
            row, score = row[good][:k], score[good][:k]
            hits[place] = Hits(space.keys.names.take(to_arrow(row)).to_pylist(), score, row, several[place].name)
    return hits


def one_side(space: Space, one: str | None, other: str | None) -> bool:
    """Whether rows of two groups are both of users, or both of items, learned by the product of the one and the other.

    These are compared by direction: their product would say how popular they are rather than how alike.
    """
    return space.metric is Metric.DOT and one is not None and one == other and "interactions" in space.card.data


def alike(space: Space) -> Space:
    """The Space by which rows of one side are compared: by cosine, without their biases, which stand last."""
    biases = int(space.card.data.get("biases", 0))
    rows = Rows(np.ascontiguousarray(space.rows.dense()[:, : space.dim - biases])) if biases else space.rows
    return dataclasses.replace(space, metric=Metric.COSINE, rows=rows)


def compared(space: Space, group: str | None) -> Space:
    """A group as its rows are compared with each other: two users, or two items, by cosine.

    Raises:
        UnknownName: There is no such group.
    """
    part = space.group(group)
    name = next(iter(part.groups), None)
    return alike(part) if one_side(part, name, name) else part


def all_asked(space: Space, queries: Sequence[Query] | np.ndarray) -> list[Asked]:
    """What each of several queries stands for.

    Raises:
        UnknownKey: One of them is the name of no row.
        BadOption: One is no query, or all of them are one key.
    """
    if isinstance(queries, str):
        raise BadOption(f"queries are a list of keys or vectors, not the one key '{queries}'; put it in a list.")
    return [asked(space, query) for query in queries]


def asked(space: Space, query: Query) -> Asked:
    """What a query stands for.

    A mix is the weighted mean of its members, of their directions where the metric is cosine: a key whose row is long
    has no more say than another. By `l2` it is a place, so its weights sum to more than 0; by the other metrics it is
    a direction, and what has a negative weight is to be far.

    Raises:
        UnknownKey: It, or one of its members, is the name of no row.
        BadOption: A vector of another shape or not finite, or a mix without members, weights, or direction.
    """
    if isinstance(query, str):
        row = space.keys.row(query)
        return Asked(space.rows.take(row), np.array([row]), space.keys.group_of(row), query)
    members = _members(query)
    if members is None:
        return Asked(checked_vectors(space, query, 1), np.zeros(0, np.int64), None, "")
    rows = np.array([space.keys.row(each) if isinstance(each, str) else -1 for each, _ in members])
    vectors = np.stack(
        [
            space.rows.take(row) if row >= 0 else checked_vectors(space, each, 1)
            for row, (each, _) in zip(rows.tolist(), members, strict=True)
        ]
    )
    own = np.unique(rows[rows >= 0])
    homes = {space.keys.group_of(row) for row in own.tolist()}
    home = homes.pop() if len(homes) == 1 else None
    metric = Metric.COSINE if one_side(space, home, home) else space.metric
    vector = _mixed(metric, vectors, np.array([weight for _, weight in members]))
    return Asked(vector, own, home, _name(members))


def _members(query: Any) -> list[tuple[Any, float]] | None:
    """Keys and vectors with their weights, None where the query is no mix."""
    if isinstance(query, Mapping):
        pairs = list(query.items())
    elif isinstance(query, list | tuple) and any(isinstance(each, str | tuple) for each in query):
        pairs = [(each, 1.0) if isinstance(each, str) else each for each in query]
    else:
        return None
    found = []
    for pair in pairs:
        if not (isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[0], str | np.ndarray)):
            raise BadOption(f"a member of a mix is a key, or a pair (key or vector, weight), not {str(pair)[:60]}.")
        try:
            weight = float(pair[1])
        except (TypeError, ValueError):
            weight = float("nan")
        if not np.isfinite(weight):
            raise BadOption(f"the weight of a member of a mix is a finite number, not {pair[1]!r}.")
        found.append((pair[0], weight))
    if not found:
        raise BadOption("a mix has at least one member; this one is empty.")
    return found


def _mixed(metric: Metric, vectors: np.ndarray, weights: np.ndarray) -> np.ndarray:
    size = weights.sum() if metric is Metric.L2 else np.abs(weights).sum()
    if metric is Metric.L2 and size <= 1e-9 * np.abs(weights).sum():
        raise BadOption(
            f"the weights of this mix sum to {weights.sum():g}; by l2 a mix is a place between its members, "
            "whose weights sum to more than 0."
        )
    total = weights @ (units(vectors) if metric is Metric.COSINE else vectors).astype(np.float64)
    if metric is not Metric.L2 and np.linalg.norm(total) <= 1e-6 * size:
        raise BadOption("the members of this mix cancel out, so that no direction is left; change their weights.")
    mean: np.ndarray = (total / size).astype(np.float32)
    return mean


def _name(members: list[tuple[Any, float]]) -> str:
    """`king + woman - man`, with weights that are not 1."""
    parts: list[str] = []
    for each, weight in members[:_NAMED]:
        size = "" if abs(weight) == 1 else f"{abs(weight):g} "
        sign = "- " if weight < 0 else "+ " if parts else ""
        parts.append(f"{sign}{size}{each if isinstance(each, str) else 'a vector'}")
    more = len(members) - _NAMED
    return " ".join([*parts, f"and {more:,} more"] if more > 0 else parts)


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
