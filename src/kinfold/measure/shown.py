"""Who gets shown, and to whom: recommendations by groups of items and of users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from kinfold.core.errors import BadData, BadOption, UnknownName, did_you_mean
from kinfold.core.histories import Sides, known, remembered
from kinfold.core.intervals import of_mean
from kinfold.core.nearest import checked_k
from kinfold.core.report import Finding, Report, Table, number
from kinfold.core.space import Space
from kinfold.measure.grouped import by_group
from kinfold.measure.ranking import exposure as spread
from kinfold.prepare.features import members

if TYPE_CHECKING:
    import pyarrow as pa
    import scipy.sparse as sparse

_BLOCK = 2048  # users who are served at a time
_LEVEL, _MOST_GROUPS, _SEVERAL = 0.05, 200, 5


class Shown(NamedTuple):
    """What users are shown.

    Args:
        users: Their rows within their group (n,) int64.
        items: Rows of what each is shown (n, k) int64, -1 where there are fewer.
        met: What each met (n, items).
        popularity: By what share of all users each item was met (items,).
        counts: How often each item was met (items,) int64.
    """

    users: np.ndarray
    items: np.ndarray
    met: sparse.csr_array
    popularity: np.ndarray
    counts: np.ndarray


def exposure(
    space: Space, by: str, *, k: int = 10, sample: int = 5000, permutations: int = 999, seed: int = 0
) -> Report:
    """How recommendations are divided among groups of items, or how popular is what groups of users are shown.

    Every user is shown the k best items that it has not met. A group of items is shown as much as it is there where
    `shown / catalogue` is 1, and as much as users met it where `shown / met` is. Of groups of users the `lift` tells
    how much more popular what a user is shown is than what it met itself, in relation to that; 0 is alike.

    Args:
        space: Users and items, which remembers what users met.
        by: An attribute of items or of users; `genres:|` cuts texts into several groups.
        k: Items that each user is shown.
        sample: Users who are served at most.
        permutations: Of groups over items or users, for p.
        seed: Of all that is drawn.

    Returns:
        `gini` of how often items are shown (0 is alike), `coverage` (items shown to anyone), `popularity lift`; of each
        group of items its share of what is shown against its share of the catalogue, with its interval over users and
        p over items; of groups of users the lift of each and the largest gap.

    Raises:
        UnknownName: Nothing is known of users or items by this name.
        BadData: The Space has no users, or remembers nothing of what they met.
        BadOption: A number is out of its range, or the attribute tells no groups.

    Source:
        Abdollahpouri et al. 2019 (popularity lift by group); Singh, Joachims 2018 (exposure of groups).
    """
    for name, value in (("sample", sample), ("permutations", permutations)):
        if value < 1:
            raise BadOption(f"{name} is {value}; it is at least 1.")
    sides = Sides.of(space)
    users = sides.known_users()
    name = by.partition(":")[0]
    told = {group: known(space, group) for group in (sides.items, users)}
    there = [group for group, table in told.items() if name in table.column_names]
    if not there:
        names = sorted({each for table in told.values() for each in table.column_names})
        raise UnknownName(
            f"nothing is known of {users} or {sides.items} by '{name}'.{did_you_mean(name, names)} "
            f"There are: {', '.join(names) or 'no attributes; join a table of them when the Space is learned'}."
        )
    shown = _shown(space, sides, checked_k(k), sample, seed)
    if there[0] == sides.items:
        found = _of_items(told[sides.items], by, shown, permutations, seed)
    else:
        found = _of_users(told[users], by, shown, permutations, seed)
    notes = [*found.notes, f"{len(shown.users):,} {users}s are shown {shown.items.shape[1]:,} {sides.items}s each."]
    if len(shown.users) < len(space.group(users)):
        notes.append(f"They are drawn from {len(space.group(users)):,} with seed {seed}; sample=… serves more.")
    return Report(f"Exposure · {by}", [*_whole(shown, seed), *found.findings], found.tables, notes)


def _shown(space: Space, sides: Sides, k: int, sample: int, seed: int) -> Shown:
    people, things = space.group(sides.known_users()), space.group(sides.items)
    history = remembered(space, sides)
    asked = np.flatnonzero(np.diff(history.indptr))
    if not len(asked):
        raise BadData("this Space does not remember what its users met; learn it anew with kinfold learn items.")
    if len(asked) > sample:
        asked = np.sort(np.random.default_rng(seed).choice(asked, sample, replace=False))
    counts = np.bincount(history.indices, minlength=len(things))
    parts = []
    for start in range(0, len(asked), _BLOCK):
        some = asked[start : start + _BLOCK]
        met = history[some]
        refused = met.indptr.astype(np.int64), met.indices
        parts.append(things.topk(people.rows.take(some), min(k, len(things)), None, refused)[1])
    items = np.concatenate(parts)
    good = (items >= 0).any(axis=1)
    if not good.any():
        raise BadData("every user has met every item, so that nothing is left to be shown.")
    return Shown(asked[good], items[good], history[asked[good]], counts / history.shape[0], counts)


def _whole(shown: Shown, seed: int) -> list[Finding]:
    often = np.bincount(shown.items[shown.items >= 0], minlength=len(shown.popularity))
    found = spread(often, shown.counts, len(shown.users))
    lift = _lifts(shown)
    low, high = of_mean(lift, seed=seed)
    return [
        Finding("gini", found["gini"], n=len(often)),
        Finding("coverage", found["coverage"], n=len(often)),
        Finding("popularity lift", float(lift.mean()), low, high, len(lift)),
    ]


def _lifts(shown: Shown) -> np.ndarray:
    """How much more popular what each user is shown is than what it met, in relation to that (n,)."""
    there = shown.items >= 0
    of_shown = np.where(there, shown.popularity[shown.items], 0).sum(axis=1) / there.sum(axis=1)
    sizes = np.diff(shown.met.indptr)
    owners = np.repeat(np.arange(len(sizes)), sizes)
    of_met = np.bincount(owners, shown.popularity[shown.met.indices], minlength=len(sizes)) / sizes
    lifts: np.ndarray = of_shown / of_met - 1
    return lifts


def _of_items(told: pa.Table, by: str, shown: Shown, permutations: int, seed: int) -> Report:
    of = members(told, by)
    names = sorted({each for own in of for each in own})
    if len(names) < 2:
        raise BadOption(f"'{by}' tells {len(names)} groups of items; a comparison takes two. Name another attribute.")
    if len(names) > _MOST_GROUPS:
        cut = "" if ":" in by or not any("|" in each for each in names) else f" Name it {by}:| to cut values at |."
        raise BadOption(f"'{by}' tells {len(names):,} groups; at most {_MOST_GROUPS} are compared.{cut}")
    place = {each: at for at, each in enumerate(names)}
    belongs = np.zeros((len(of), len(names)))
    for item, own in enumerate(of):
        belongs[item, [place[each] for each in own]] = 1
    there = shown.items >= 0
    sizes = there.sum(axis=1)
    # Of each user, the share of what it is shown that is of each group.
    of_user = np.where(there[:, :, None], belongs[shown.items], 0).sum(axis=1) / sizes[:, None]
    weight = np.bincount(shown.items[there], (1 / np.repeat(sizes, sizes)), minlength=len(of)) / len(sizes)
    catalogue, met = belongs.mean(axis=0), shown.counts @ belongs / max(int(shown.counts.sum()), 1)
    rng = np.random.default_rng(seed)
    seen = np.flatnonzero(weight)
    draws = (rng.choice(len(of), len(seen), replace=False) for _ in range(permutations))
    mixed = np.stack([weight[seen] @ belongs[drawn] for drawn in draws])
    findings: list[Finding] = []
    lines: list[list[Any]] = []
    for at, group in enumerate(names):
        share = float(of_user[:, at].mean())
        low, high = of_mean(of_user[:, at], seed=seed)
        larger = np.abs(mixed[:, at] - catalogue[at]) >= abs(share - catalogue[at]) - 1e-12
        p = float((larger.sum() + 1) / (permutations + 1))
        ratio = share / catalogue[at]
        findings += [
            Finding("shown / catalogue", ratio, low / catalogue[at], high / catalogue[at], len(sizes), group=group),
            Finding("p", p, n=permutations, group=group),
        ]
        against = share / met[at] if met[at] else None
        lines.append([group, int(belongs[:, at].sum()), catalogue[at], met[at], share, low, high, ratio, against, p])
    lines.sort(key=lambda line: -line[4])
    columns = (
        "group",
        "items",
        "of catalogue",
        "of met",
        "of shown",
        "low",
        "high",
        "shown / catalogue",
        "shown / met",
    )
    return Report("", findings, [Table("Groups of items", (*columns, "p"), lines)], [_says_items(lines)])


def _of_users(told: pa.Table, by: str, shown: Shown, permutations: int, seed: int) -> Report:
    of = members(told, by)
    if any(len(each) > 1 for each in of):
        raise BadOption(f"'{by}' tells several groups of one user; name an attribute that tells one.")
    groups = [own[0] if (own := of[user]) else "" for user in shown.users.tolist()]
    lifts = _lifts(shown)
    found = by_group(lifts, groups, name="popularity lift", by=by, things="users", permutations=permutations, seed=seed)
    lines = [
        [name, sum(each == name for each in groups), *_spread_of(shown, np.array([each == name for each in groups]))]
        for name in sorted(set(groups) - {""})
    ]
    table = Table("What groups of users are shown", (by, "users", "coverage", "gini", "novelty"), lines)
    return Report("", found.findings, [*found.tables, table], found.notes)


def _spread_of(shown: Shown, own: np.ndarray) -> list[float]:
    items = shown.items[own]
    often = np.bincount(items[items >= 0], minlength=len(shown.popularity))
    found = spread(often, shown.counts, int(own.sum()))
    return [found["coverage"], found["gini"], found["novelty"]]


def _says_items(lines: list[list[Any]]) -> str:
    telling = [line for line in lines if line[-1] < _LEVEL]
    if not telling:
        return "No group is shown to be recommended more or less than its part of the catalogue."
    most, least = max(telling, key=lambda line: line[7]), min(telling, key=lambda line: line[7])
    parts = [
        f"{line[0]} is shown {number(line[7])} times as much as its part of the catalogue" for line in (most, least)
    ]
    several = f"; of {len(lines)} groups, chance alone tells one in twenty" if len(lines) > _SEVERAL else ""
    return f"{'; '.join(dict.fromkeys(parts))} (p below {_LEVEL}{several})."
