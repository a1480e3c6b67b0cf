"""Recommend: the items that a user has not met and that fit it best, and which of those it met say so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from kinfold.core.columns import to_arrow
from kinfold.core.errors import BadData, BadOption
from kinfold.core.histories import Sides, items_where, onto, remembered
from kinfold.core.hits import Hits
from kinfold.core.metric import units
from kinfold.core.nearest import checked_k
from kinfold.core.report import Finding, Report, Table
from kinfold.core.shapes import Interactions, Items
from kinfold.core.space import Space
from kinfold.encode.foldin import FoldIn

if TYPE_CHECKING:
    import scipy.sparse as sparse

History = Sequence[str] | Mapping[str, float]

# Candidates that a diverse choice is made among, for each item wanted.
_CANDIDATES = 10
_BLOCK = 4096  # users that are served at a time
# What is left of a score beside what was met, and the share of it that rounding may leave.
_REST, _EXACT = "(all else)", 1e-5


def recommend(
    space: Space,
    users: Sequence[str] | None = None,
    *,
    histories: Sequence[History] | None = None,
    k: int = 10,
    where: str | None = None,
    allow: Sequence[str] | None = None,
    deny: Sequence[str] = (),
    seen: Interactions | None = None,
    repeat: bool = False,
    diversity: float = 0.0,
) -> list[Hits]:
    """The k best items for each user.

    What a user met is not among its items: what the Space remembers from training, what `seen` holds, and its history.

    Args:
        space: Users and items; its first two groups.
        users: Keys of users that the Space has; all of them where neither users nor histories are given.
        histories: What users met who are not in it: lists of keys of items, or mappings from keys to weights.
        k: Items wanted for each; fewer come back only where fewer are left.
        where: An SQL condition on key and attributes that every item fulfills.
        allow: Keys of the only items that may be found.
        deny: Keys of items that may not.
        seen: More that users met.
        repeat: Whether items that were met may be found again.
        diversity: From 0 to 1: how much an item loses by being like one that is already chosen (maximal marginal
            relevance over cosines).

    Raises:
        UnknownKey: A user, or an item to allow or deny, is none of the Space.
        BadOption: `k` below 1, `diversity` outside 0..1, a bad condition, or users and histories both.
        BadData: The Space has not two groups, or a history no known item.

    Source:
        Carbonell, Goldstein 1998 (maximal marginal relevance).

    Example:
        >>> import kinfold as kf
        >>> space = kf.items({"ann": ["tea", "rye"], "bob": ["tea", "rye", "jam"], "eve": ["ham", "cod"]}, dim=2)
        >>> recommend(space, ["ann"], k=1)[0].keys
        ['jam']
    """
    if not 0 <= diversity <= 1:
        raise BadOption(f"diversity is {diversity}; it is between 0 and 1.")
    if users is not None and histories is not None:
        raise BadOption("give users that the Space has, or histories of those that it has not, not both.")
    sides = Sides.of(space)
    choose = _Choice(space.group(sides.items), checked_k(k), _among(space, sides, where, allow, deny), diversity)
    if histories is not None:
        if seen is not None:
            raise BadOption("seen is of users that the Space has; what a newcomer has seen is its history, or in deny.")
        if not len(histories):
            return []
        fold = FoldIn(space)
        met, _ = fold.matrix(Items.of(histories))
        if not np.diff(met.indptr).all():
            first = int(np.flatnonzero(np.diff(met.indptr) == 0)[0])
            raise BadData(f"history {first:,} names no item of this Space; kinfold info lists its groups.")
        names = [str(number) for number in range(met.shape[0])]
        return choose(names, fold.rows(met), None if repeat else met)
    people = space.group(sides.known_users())
    rows = np.arange(len(people)) if users is None else np.array([people.keys.row(each) for each in users], np.int64)
    known = None
    if not repeat:
        known = remembered(space, sides)
        known = known if seen is None else (known + onto(seen, space, sides)).tocsr()
    found: list[Hits] = []
    for start in range(0, len(rows), _BLOCK):
        some = rows[start : start + _BLOCK]
        names = people.keys.names.take(to_arrow(some)).to_pylist()
        found += choose(names, people.rows.take(some), None if known is None else known[some])
    return found


class _Choice(NamedTuple):
    """How items are chosen for rows of users."""

    items: Space
    k: int
    among: np.ndarray | None
    diversity: float

    def __call__(self, names: Sequence[str], vectors: np.ndarray, met: sparse.csr_array | None) -> list[Hits]:
        """The best items by rows (n, dim), without those that were met (n, items)."""
        wanted = self.k if self.diversity == 0 else _CANDIDATES * self.k
        refused = None if met is None else (met.indptr.astype(np.int64), met.indices)
        scores, rows = self.items.topk(vectors, min(wanted, len(self.items)), self.among, refused)
        found = [(score[row >= 0], row[row >= 0]) for score, row in zip(scores, rows, strict=True)]
        if self.diversity:
            for place, (score, row) in enumerate(found):
                chosen = diverse(score, self.items.rows.take(row), self.k, self.diversity)
                found[place] = score[chosen], row[chosen]
        ends = np.cumsum([0, *(len(row) for _, row in found)]).tolist()
        keys = self.items.keys.names.take(to_arrow(np.concatenate([row for _, row in found]))).to_pylist()
        return [
            Hits(keys[start:stop], score, row, name)
            for name, (score, row), start, stop in zip(names, found, ends[:-1], ends[1:], strict=True)
        ]


def diverse(scores: np.ndarray, rows: np.ndarray, k: int, diversity: float) -> np.ndarray:
    """The places (k,) of some of the candidates: one after the other the best that is not like those before it.

    Args:
        scores: (n,) float32, best first.
        rows: (n, dim) float32.
        k: How many.
        diversity: What being like one before costs, from 0 to 1, where the scores span 0 to 1.

    Source:
        Carbonell, Goldstein 1998.
    """
    span = scores.max() - scores.min() if len(scores) else 0
    worth = (scores - scores.min()) / span if span > 0 else np.ones(len(scores))
    directions = units(rows)
    like = np.zeros(len(scores))
    chosen: list[int] = []
    free = np.ones(len(scores), np.bool_)
    for _ in range(min(k, len(scores))):
        value = np.where(free, (1 - diversity) * worth - diversity * like, -np.inf)
        best = int(value.argmax())
        chosen.append(best)
        free[best] = False
        like = np.maximum(like, directions @ directions[best]) if len(chosen) > 1 else directions @ directions[best]
    return np.array(chosen, np.int64)


def _among(
    space: Space, sides: Sides, where: str | None, allow: Sequence[str] | None, deny: Sequence[str]
) -> np.ndarray | None:
    """Rows of items within their group that may be found, ascending; None for all."""
    keys = space.keys.group(sides.items)
    good = np.ones(len(keys), np.bool_)
    if where is not None:
        good[:] = False
        good[items_where(space, sides, where)] = True
    if allow is not None:
        allowed = np.zeros(len(keys), np.bool_)
        allowed[[keys.row(each) for each in allow]] = True
        good &= allowed
    good[[keys.row(each) for each in deny]] = False
    return None if good.all() else np.flatnonzero(good)


def why(space: Space, item: str, *, user: str | None = None, history: History | None = None) -> Report:
    """Which items that somebody met carry the score of another item: their parts add up to it.

    A user's row is a weighted sum over what it met, x = A^-1 sum_j l_j y_j, so its score with an item y is the sum of
    l_j y_j . A^-1 y, one part for each item j.

    Args:
        space: Users and items, by ALS.
        item: Whose score is explained.
        user: Who, by key; the Space remembers what it met.
        history: What somebody met who is not in the Space.

    Returns:
        The finding `score`, as `recommend` tells it, and a table of the items with their parts, those that carry most
        first. What a row has of something else, such as features of the user, is a part of its own: `(all else)`.

    Raises:
        UnknownKey: The item or the user is none of the Space.
        BadOption: Not one of user and history is given.
        BadData: The Space is not by ALS, or does not remember what the user met.

    Source:
        Hu, Koren, Volinsky 2008, section 5.
    """
    if (user is None) == (history is None):
        raise BadOption("give the user whose score is explained, or the history of one who is not in the Space.")
    sides = Sides.of(space)
    fold = FoldIn(space)
    items = space.group(sides.items)
    target = items.keys.row(item)
    if user is not None:
        row = space.group(sides.known_users()).keys.row(user)
        met = remembered(space, sides)[[row]]
        if not met.nnz:
            raise BadData(f"this Space does not remember that '{user}' met anything; give a history.")
    else:
        met, _ = fold.matrix(Items.of([history]))
        if not met.nnz:
            raise BadData("the history names no item of this Space.")
    parts = fold.parts(met, items.rows.take(target))
    names = items.keys.names.take(to_arrow(met.indices.astype(np.int64))).to_pylist()
    table = [list(each) for each in zip(names, met.data.tolist(), parts.tolist(), strict=True)]
    own = space.group(sides.known_users()).rows.take(row) if user is not None else fold.rows(met)[0]
    # What a row owes to what is known of the user, or to how it was learned: what it met is not all of it.
    whole = float(space.metric.between(own[None], items.rows.take(target)[None])[0, 0])
    rest = whole - float(parts.sum())
    if abs(rest) > _EXACT * max(1, abs(whole)):
        table.append([_REST, None, rest])
    table.sort(key=lambda line: -abs(line[2]))
    score = Finding("score", sum(line[2] for line in table), n=len(table))
    who = "the history" if user is None else user
    return Report(f"Why {item} for {who}", [score], [Table("Parts", ("item", "weight", "part"), table)])
