"""Questions about several keys: what is to c as b is to a, which does not belong, what is nearer than another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kinfold.core.errors import BadOption, did_you_mean
from kinfold.core.hits import Hits
from kinfold.core.metric import Metric, units
from kinfold.core.nearest import Query, among, checked_k
from kinfold.core.space import Space

METHODS = {"3cosadd": "3CosAdd", "3cosmul": "3CosMul"}
# Keeps the quotient of 3CosMul finite, as in the paper.
_EPSILON = 1e-3
# How many neighbors are looked through first for a key's rank.
_FIRST = 100


def analogy(
    space: Space,
    a: str,
    b: str,
    c: str,
    k: int = 5,
    *,
    method: str = "3cosadd",
    where: str | None = None,
    group: str | None = None,
    exclude: Sequence[str] = (),
) -> Hits:
    """The rows that are to c as b is to a, by cosine whatever the metric; none of the three is among them.

    Args:
        space: What is searched.
        a: A key: `man`.
        b: What it is to: `king`.
        c: The key that is asked about: `woman`.
        k: Answers wanted.
        method: `3cosadd`: the largest cos(d, b) - cos(d, a) + cos(d, c). `3cosmul`: the largest product of the
            similarities to b and c over the one to a, each moved into 0..1; scores are its logarithm.
        where: An SQL condition on key, group and attributes that every answer fulfills.
        group: Where to look; by default the group of b, since an answer is what b is.
        exclude: Keys that must not be answers.

    Raises:
        UnknownKey: One of the keys is the name of no row.
        UnknownName: There is no such group.
        BadOption: There is no such method, `k` is below 1, or a bad condition.

    Source:
        Mikolov, Yih, Zweig 2013 (3CosAdd); Levy, Goldberg 2014 (3CosMul).

    Example:
        >>> space = Space.of(["man", "woman", "king", "queen"], [[1, 0, 0], [0, 1, 0], [1, 0, 1], [0, 1, 1]])
        >>> analogy(space, "man", "king", "woman", k=1, method="3cosmul").keys
        ['queen']
    """
    check_method(method)
    asked = np.array([space.keys.row(key) for key in (a, b, c)])
    banned = np.array([*asked, *(space.keys.row(key) for key in exclude)])
    home = group or space.keys.group_of(int(asked[1]))
    members = space.keys.range_of(home)
    rows = among(space, home, None if where is None else space.where(where))
    rows = np.setdiff1d(np.arange(len(space)) if rows is None else rows, banned)
    words = units(space.rows.take(asked))
    scores = np.empty(len(members), np.float32)
    for start, block in space.rows.slice(members.start, members.stop).blocks():
        given, taken = sides(words @ units(block).T, method)
        scores[start : start + len(block)] = given[1] - taken[0] + given[2]
    found = scores[rows - members.start]
    best = np.lexsort((rows, -found))[: checked_k(k)]
    names = [space.keys[row] for row in rows[best].tolist()]
    return Hits(names, found[best], rows[best], f"{a} : {b} = {c} : ?")


def odd_one_out(space: Space, keys: Sequence[str]) -> Hits:
    """The keys, the one that fits least with the others first.

    Each is compared, by the Space's metric, with the mean of the others, of their directions where the metric is
    cosine. It has no part in that mean, so that no key speaks for itself, and scores of long and short lists are alike.

    Args:
        space: What the keys are keys of.
        keys: Three or more.

    Returns:
        All of the keys with their scores, the lowest first: `odd_one_out(space, keys).keys[0]` is the odd one.

    Raises:
        UnknownKey: One of them is the name of no row.
        BadOption: Fewer than three, or one of them twice.

    Example:
        >>> space = Space.of(["tea", "milk", "car", "juice"], [[1, 0.1], [1, 0.2], [0, 1], [1, 0]])
        >>> odd_one_out(space, ["tea", "milk", "car", "juice"]).keys[0]
        'car'
    """
    if isinstance(keys, str):
        raise BadOption(f"the odd one out is one of several keys, not of the one key '{keys}'; give a list.")
    rows = np.array([space.keys.row(key) for key in keys], np.int64)
    if len(rows) < 3:
        raise BadOption(f"the odd one out is found among 3 keys or more, not {len(rows)}: of two, neither is odd.")
    names, counts = np.unique(rows, return_counts=True)
    if len(names) < len(rows):
        twice = space.keys[int(names[counts > 1][0])]
        raise BadOption(f"the key '{twice}' is given twice; each key once, or it would speak for itself.")
    vectors = space.rows.take(rows)
    if space.metric is Metric.COSINE:
        vectors = units(vectors)
    others = (vectors.sum(axis=0, dtype=np.float64) - vectors) / (len(rows) - 1)
    pairs = zip(vectors, others, strict=True)
    scores = np.array([space.metric.between(own[None], rest[None])[0, 0] for own, rest in pairs], np.float32)
    order = np.argsort(scores, kind="stable")
    return Hits([keys[place] for place in order.tolist()], scores[order], rows[order], "odd one out")


def closer(space: Space, query: Query, key: str) -> Hits:
    """The rows of a key's group that are nearer to a query than the key is: its rank is one more than their number.

    Args:
        space: What is searched.
        query: Another key, a vector or a mix, as for `Space.nearest`.
        key: The key whose rank is asked for.

    Raises:
        UnknownKey: A key is the name of no row.
        BadOption: The key is (a member of) the query.

    Example:
        >>> space = Space.of(["a", "b", "c", "d"], [[1, 0], [4, 1], [2, 1], [0, 1]])
        >>> closer(space, "a", "c").keys
        ['b']
    """
    row = space.keys.row(key)
    k = _FIRST
    while True:
        hits = space.nearest(query, k, group=space.keys.group_of(row))
        ahead = np.flatnonzero(hits.rows == row)
        if len(ahead):
            before = int(ahead[0])
            return Hits(hits.keys[:before], hits.scores[:before], hits.rows[:before], hits.query)
        if len(hits) < k:
            raise BadOption(f"'{key}' is what is asked for, so that it has no rank; name another key.")
        k *= 10


def sides(cosines: np.ndarray, method: str) -> tuple[np.ndarray, np.ndarray]:
    """What cosines add where they are to b or c, and what they subtract where they are to a.

    Both methods are a sum of three: of cosines for 3CosAdd, of logarithms of cosines moved into 0..1 for 3CosMul.
    """
    if method == "3cosadd":
        return cosines, cosines
    moved = np.maximum((1 + cosines) / 2, np.float32(0))
    return np.log(np.maximum(moved, np.float32(1e-30))), np.log(moved + np.float32(_EPSILON))


def check_method(method: str) -> None:
    """Does nothing where there is such a method.

    Raises:
        BadOption: There is none.
    """
    if method not in METHODS:
        near = did_you_mean(method, METHODS)
        raise BadOption(f"there is no analogy method '{method}'.{near} There are: {', '.join(METHODS)}.")
