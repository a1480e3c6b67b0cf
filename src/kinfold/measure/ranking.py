"""What a Space of users and items ranks first, and what users met: full ranking, no sampled negatives."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from kinfold.core.errors import BadData, BadOption
from kinfold.core.histories import Sides, items_where, known, remembered
from kinfold.core.intervals import of_difference, of_mean
from kinfold.core.report import Finding, Report, Table
from kinfold.core.shapes import Interactions
from kinfold.core.space import Space
from kinfold.encode.foldin import FoldIn
from kinfold.encode.folding import ordered
from kinfold.kernels.ranked import METRICS, worth
from kinfold.kernels.topk import topk
from kinfold.prepare.features import members
from kinfold.prepare.interactions import placed
from kinfold.prepare.split import Split

if TYPE_CHECKING:
    import pyarrow as pa
    import scipy.sparse as sparse

# Users that are ranked at a time, and the share of items that is called popular.
_BLOCK, _POPULAR = 2048, 0.2

# Some of the users who are asked about → ranked items (n, k), -1 where there are fewer.
Ranker = Callable[[slice], np.ndarray]


class Asked(NamedTuple):
    """Users who are asked about, as matrices over them and the items of a Space.

    Args:
        users: Rows of the users within the interactions (n,) int64.
        vectors: Their rows (n, dim).
        history: What is known of each (n, items).
        truth: What each met beside that (n, items).
        popularity: How often each item was met in training (items,).
    """

    users: np.ndarray
    vectors: np.ndarray
    history: sparse.csr_array
    truth: sparse.csr_array
    popularity: np.ndarray


def retrieval(
    space: Space,
    met: Split | Interactions,
    *,
    ks: Sequence[int] = (10, 20),
    groups: np.ndarray | None = None,
    where: str | None = None,
    item_groups: str | None = None,
    seed: int = 0,
) -> Report:
    """How well the items that a Space ranks first are those that users met, beside the most popular and random ones.

    Each user gets all items ranked that it is not known to have met. Users whom the Space has no row for, or who are
    asked about with another history than they were learned from, are folded in.

    Args:
        space: Users and items.
        met: What users met later, whose history is what the Space remembers of them; or a Split, of whose training part
            the Space was learned.
        ks: Lengths of the lists; the last is the longest.
        groups: A label of each user of the interactions (users,), by which quality is told too.
        where: An SQL condition on key and attributes of the items that are ranked, and looked for, alone.
        item_groups: An attribute of items whose values' shares of what is shown and of what was met are told.
        seed: Of the intervals, which resample users, and of the random ranking.

    Returns:
        For each k recall (hits / min(k, met)), ndcg, map, mrr and hit rate, with intervals; coverage (share of all
        items that are recommended to anyone), novelty (mean bits -log2 of an item's share of users), popular share
        (of recommendations, to the most popular fifth of the items) and gini (of how often items are recommended);
        the same of the popular and the random ranking; the difference to the popular one.

    Raises:
        BadData: No user of the test has a history and an item that the Space has.
        BadOption: A k below 1.

    Source:
        Liang et al. 2018 (recall, ndcg); Krichene, Rendle 2020 (why no negatives are sampled).
    """
    if not ks or min(ks) < 1:
        raise BadOption(f"ks are {list(ks)}; each is at least 1.")
    ks = sorted(ks)
    sides = Sides.of(space)
    if isinstance(met, Split) and ordered(space.card.method):
        met = _in_order(met)
    asked = _of_split(space, met, sides) if isinstance(met, Split) else _of_later(space, met, sides)
    things = space.group(sides.items)
    if where is not None:
        chosen = items_where(space, sides, where)
        things, asked = things.take(chosen), _only(asked, chosen)
    rankers = {
        space.card.method: _by_rows(things, asked, ks[-1]),
        "popular": _popular(asked, ks[-1]),
        "random": _random(asked, ks[-1], seed),
    }
    found = {name: _judged(ranker, asked, ks) for name, ranker in rankers.items()}
    report = _report(space, asked, found, ks, groups, seed)
    if item_groups is None:
        return report
    shown = found[space.card.method].shown[ks[-1]]
    told = known(space, sides.items)
    told = told if where is None else told.take(chosen)
    table = _by_item_group(told, item_groups, shown, asked.popularity)
    return dataclasses.replace(report, tables=(*report.tables, table))


def _in_order(split: Split) -> Split:
    """The parts with places as weights."""
    train = placed(split.train)
    return Split(train, train if split.history is split.train else placed(split.history), placed(split.test))


def _of_split(space: Space, split: Split, sides: Sides) -> Asked:
    columns = space.keys.group(sides.items).rows(split.train.items)
    train, history, truth = (_matrix(part, columns, len(space.group(sides.items))) for part in split)
    asked, truth = _new(history, truth)
    vectors = None
    if sides.users is not None and split.history is split.train:
        people = space.group(sides.users)
        rows = people.keys.rows(split.train.users)[asked]
        vectors = people.rows.take(rows) if (rows >= 0).all() else None
    vectors = FoldIn(space).rows(history[asked]) if vectors is None else vectors
    return Asked(asked, vectors, history[asked], truth, np.bincount(train.indices, minlength=train.shape[1]))


def _of_later(space: Space, met: Interactions, sides: Sides) -> Asked:
    history = remembered(space, sides)
    popularity = np.bincount(history.indices, minlength=history.shape[1])
    columns = space.keys.group(sides.items).rows(met.items)
    people = space.group(sides.known_users())
    rows = people.keys.rows(met.users)
    known = _matrix(met.take(rows[met.user_ids] >= 0), columns, history.shape[1])
    there = np.flatnonzero(rows >= 0)
    of_met = history[rows[there]]
    asked, truth = _new(of_met, known[there])
    chosen = rows[there[asked]]
    return Asked(there[asked], people.rows.take(chosen), of_met[asked], truth, popularity)


def _new(history: sparse.csr_array, truth: sparse.csr_array) -> tuple[np.ndarray, sparse.csr_array]:
    """The users (n,) who have both, and what they met that they had not met before (n, items)."""
    truth = truth - truth.multiply(history > 0)
    truth.eliminate_zeros()
    for each in (history, truth):
        each.sort_indices()
    asked = np.flatnonzero(np.diff(truth.indptr) * np.diff(history.indptr))
    if not len(asked):
        raise BadData("no user of the test has both a history and something that it met beside it.")
    return asked, truth[asked]


def _only(asked: Asked, chosen: np.ndarray) -> Asked:
    """The same of some of the items; users who met none of them are not asked about."""
    truth = asked.truth[:, chosen]
    some = np.flatnonzero(np.diff(truth.indptr))
    if not len(some):
        raise BadData("no user of the test met any of the items that are asked about.")
    history = asked.history[:, chosen]
    return Asked(asked.users[some], asked.vectors[some], history[some], truth[some], asked.popularity[chosen])


def _matrix(part: Interactions, columns: np.ndarray, items: int) -> sparse.csr_array:
    """Users of the interactions by items of the Space."""
    import scipy.sparse as sparse

    to = columns[part.item_ids]
    good = to >= 0
    weights = np.ones(len(part), np.float32) if part.weights is None else part.weights
    entries = (weights[good], (part.user_ids[good], to[good]))
    found = sparse.csr_array(entries, shape=(len(part.users), items))
    found.sum_duplicates()
    return found


def _by_rows(things: Space, asked: Asked, k: int) -> Ranker:
    def rank(some: slice) -> np.ndarray:
        return things.topk(asked.vectors[some], k, None, _refused(asked.history[some]))[1]

    return rank


def _popular(asked: Asked, k: int) -> Ranker:
    counts = asked.popularity.astype(np.float32)[:, None]

    def rank(some: slice) -> np.ndarray:
        history = asked.history[some]
        return topk(counts, np.ones((history.shape[0], 1), np.float32), k, refused=_refused(history))[1]

    return rank


def _random(asked: Asked, k: int, seed: int) -> Ranker:
    rng = np.random.default_rng(seed)

    def rank(some: slice) -> np.ndarray:
        return drawn(asked.history[some], k, rng)

    return rank


def drawn(history: sparse.csr_array, k: int, rng: np.random.Generator) -> np.ndarray:
    """Random items (n, k) int64 for users, none twice, none of their history (n, items); -1 where there are fewer."""
    users, items = history.shape
    found = np.full((users, k), -1, np.int64)
    draws = rng.integers(0, items, (users, 2 * k + 16))
    order = np.argsort(draws, axis=1, kind="stable")
    ordered = np.take_along_axis(draws, order, 1)
    again = np.zeros(draws.shape, np.bool_)
    np.put_along_axis(again, order[:, 1:], ordered[:, 1:] == ordered[:, :-1], 1)
    good = ~again & ~_holds(history, draws)
    place = np.cumsum(good, axis=1) - 1
    row, column = np.nonzero(good & (place < k))
    found[row, place[row, column]] = draws[row, column]
    # Few are left where a user has met most items: these are drawn from what it has not.
    for user in np.flatnonzero(found[:, -1] < 0).tolist():
        met = history.indices[history.indptr[user] : history.indptr[user + 1]]
        left = rng.permutation(np.setdiff1d(np.arange(items), met))[:k]
        found[user] = -1
        found[user, : len(left)] = left
    return found


def _refused(history: sparse.csr_array) -> tuple[np.ndarray, np.ndarray]:
    return history.indptr.astype(np.int64), history.indices


class Judged(NamedTuple):
    """What a ranking is worth: `users[metric, k]` (n,) of each user, and how often each item is shown by k (items,)."""

    users: dict[tuple[str, int], np.ndarray]
    shown: dict[int, np.ndarray]


def _judged(rank: Ranker, asked: Asked, ks: Sequence[int]) -> Judged:
    users: dict[tuple[str, int], list[np.ndarray]] = {(metric, k): [] for metric in METRICS for k in ks}
    shown = {k: np.zeros(len(asked.popularity), np.int64) for k in ks}
    for start in range(0, len(asked.users), _BLOCK):
        some = slice(start, start + _BLOCK)
        ranked, truth = rank(some), asked.truth[some]
        for name, each in worth(_holds(truth, ranked), np.diff(truth.indptr), ks).items():
            users[name].append(each)
        for k in ks:
            there = ranked[:, :k]
            shown[k] += np.bincount(there[there >= 0], minlength=len(asked.popularity))
    return Judged({name: np.concatenate(parts) for name, parts in users.items()}, shown)


def _holds(matrix: sparse.csr_array, items: np.ndarray) -> np.ndarray:
    """Whether each row of a matrix (n, items) has an entry in columns (n, k); -1 is none."""
    width = matrix.shape[1]
    held = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr)) * width + matrix.indices
    if not len(held):
        return np.zeros(items.shape, np.bool_)
    asked = np.arange(len(items))[:, None] * width + items
    places = np.minimum(np.searchsorted(held, asked), len(held) - 1)
    found: np.ndarray = (held[places] == asked) & (items >= 0)
    return found


def _report(
    space: Space, asked: Asked, found: dict[str, Judged], ks: Sequence[int], groups: np.ndarray | None, seed: int
) -> Report:
    ours = next(iter(found))
    findings, rows = [], []
    for name, judged in found.items():
        for k in ks:
            values = [judged.users[metric, k] for metric in METRICS]
            if name == ours:
                for metric, each in zip(METRICS, values, strict=True):
                    low, high = of_mean(each, seed=seed)
                    findings.append(Finding(f"{metric}@{k}", float(each.mean()), low, high, len(each)))
            beyond = exposure(judged.shown[k], asked.popularity, len(asked.users))
            rows.append([name, k, *(float(each.mean()) for each in values), *beyond.values()])
    for k in ks:
        for metric in ("recall", "ndcg"):
            pair = found[ours].users[metric, k], found["popular"].users[metric, k]
            low, high = of_difference(*pair, seed=seed)
            apart = float(pair[0].mean() - pair[1].mean())
            findings.append(Finding(f"{metric}@{k} above popular", apart, low, high, len(pair[0])))
    columns = ("ranking", "k", *METRICS, *_BEYOND)
    tables = [Table("Rankings", columns, rows)]
    if groups is not None:
        tables.append(_by_group(found[ours], groups[asked.users], ks, seed))
    new, items = int(asked.truth.nnz), len(asked.popularity)
    notes = [f"{len(asked.users):,} users who met {new:,} items beside their history; all {items:,} items ranked."]
    return Report(f"Retrieval · {space.card.method}", findings, tables, notes)


_BEYOND = ("coverage", "novelty", "popular share", "gini")


def exposure(shown: np.ndarray, popularity: np.ndarray, users: int) -> dict[str, float]:
    """How recommendations spread over the items.

    Args:
        shown: How often each item was recommended (items,) int64.
        popularity: How often each was met in training (items,) int64.
        users: Those who were asked about.

    Returns:
        `coverage`, `novelty`, `popular share` and `gini`, as `retrieval` says.
    """
    total = max(int(shown.sum()), 1)
    share = np.maximum(popularity, 1) / max(int(popularity.sum()), 1)
    popular = np.argsort(-popularity, kind="stable")[: max(1, round(_POPULAR * len(popularity)))]
    ordered = np.sort(shown)
    count = len(ordered)
    lorenz = float((2 * np.arange(1, count + 1) - count - 1) @ ordered)
    return {
        "coverage": float(np.mean(shown > 0)),
        "novelty": float(shown @ -np.log2(share) / total),
        "popular share": float(shown[popular].sum() / total),
        "gini": lorenz / (count * total),
    }


def _by_item_group(told: pa.Table, column: str, shown: np.ndarray, popularity: np.ndarray) -> Table:
    """What part of the items, of what was met and of what is shown each group of items has."""
    of = members(told, column)
    groups = sorted({group for each in of for group in each})
    places = {group: np.array([place for place, each in enumerate(of) if group in each]) for group in groups}
    rows = []
    for group, its in places.items():
        of_met, of_shown = (float(each[its].sum() / max(each.sum(), 1)) for each in (popularity, shown))
        ratio = of_shown / of_met if of_met else float("nan")
        rows.append([group, len(its), len(its) / len(of), of_met, of_shown, ratio])
    columns = ("group", "items", "share of items", "share of met", "share of shown", "shown / met")
    return Table("Exposure of groups of items", columns, rows)


def _by_group(judged: Judged, groups: np.ndarray, ks: Sequence[int], seed: int) -> Table:
    rows = []
    for group in np.unique(groups).tolist():
        members = groups == group
        for k in ks:
            row = [str(group), int(members.sum()), k]
            for metric in ("recall", "ndcg"):
                values = judged.users[metric, k][members]
                row += [float(values.mean()), *of_mean(values, seed=seed)]
            rows.append(row)
    columns = ("group", "users", "k", "recall", "low", "high", "ndcg", "from", "to")
    return Table("Groups of users", columns, rows)
