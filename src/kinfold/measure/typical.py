"""What a concept looks like: the rows most typical of it, and those nearest to it that are of another kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kinfold.core.errors import BadData, BadOption
from kinfold.core.intervals import of_mean, of_share
from kinfold.core.kinds import kinds
from kinfold.core.metric import Metric, units
from kinfold.core.nearest import compared
from kinfold.core.report import Finding, Report, Table
from kinfold.core.space import Space
from kinfold.measure.members import Members, called, directions, members
from kinfold.transform.clusters import Clusters, means

# Rows of a kind whose sides are told, at most; neighbors of a key that are counted.
_TOLD, _AROUND = 20_000, 50
_CLUSTERS = 20


def exemplars(
    space: Space,
    of: str | Sequence[str],
    *,
    by: str | None = None,
    k: int = 10,
    show: str | None = None,
    seed: int = 0,
) -> Report:
    """Exemplars and counter-exemplars of a key, or of the rows that have a value of an attribute.

    Of a key: the nearest rows of its own kind, and the nearest of other kinds. Of a value: the rows that are nearest to
    the mean of all that have it, those that have it and are nearer to the others' mean, and those that have it not and
    are nearest to it.

    Args:
        space: The rows.
        of: A key, a value (`genre=Comedy`), or several of either.
        by: The attribute that tells the kind of a key; by default 20 clusters, found for it.
        k: Rows of each list.
        show: An attribute that rows are called by.
        seed: Of clusters, of what is drawn where there are more than 20,000 rows on a side, and of the intervals.

    Returns:
        Of a key `same kind`, the share of its kind among the 50 nearest; of a value `nearer to its own`, the share of
        the rows that have it which are nearer to their mean than to that of the others, and `others nearer to it`.
        Tables of the rows.

    Raises:
        UnknownKey: It is neither a key nor a value of an attribute.
        BadData: All rows have the value, or there is one row only; or a row is not finite.
        BadOption: `k` below 1, `by` tells no kinds, or rows of several groups.

    Source:
        Kim, Khanna, Koyejo 2016 (examples are not enough, learn to criticize).

    Example:
        >>> rows = [[1, 0], [1, 0.1], [1, 0.4], [0, 1], [0.4, 1]]
        >>> space = Space.of(["cat", "dog", "bat", "sun", "kite"], rows)
        >>> space = space.with_attribute("kind", ["animal", "animal", "animal", "thing", "thing"])
        >>> report = exemplars(space, "cat", by="kind", k=1)
        >>> [table.rows[0][0] for table in report.tables]
        ['dog', 'kite']
    """
    if k < 1:
        raise BadOption(f"k is {k}; it must be at least 1.")
    asked = members(space, of)
    groups = {space.keys.group_of(int(row)) for row in asked.rows}
    if len(groups) > 1:
        raise BadOption(f"'{asked.name}' is of the groups {' and '.join(sorted(groups))}; a concept is of one group.")
    home = groups.pop()
    part = compared(space, home)
    part.rows.refuse_non_finite("exemplars")
    local = Members(asked.name, asked.rows - space.groups[home].start, asked.keys)
    if len(part) < 2:
        raise BadData(f"'{home}' has one row only; exemplars are among others.")
    return _of_keys(part, local, by, k, show, seed) if asked.keys else _of_value(part, local, k, show, seed)


def _of_keys(part: Space, asked: Members, by: str | None, k: int, show: str | None, seed: int) -> Report:
    notes = []
    if by is None:
        count = min(_CLUSTERS, max(2, len(part) // 5))
        part, by = Clusters(count, restarts=1, seed=seed).apply(part), "cluster_name"
        notes.append(f"Kinds are {count} clusters, found by k-means; --by takes an attribute.")
    owners, names = kinds(part, by)
    own = np.unique(owners[asked.rows])
    if (own < 0).any():
        raise BadData(f"'{asked.name}' has no '{by}', so that it is of no kind.")
    query = directions(part, asked.rows).mean(axis=0).astype(np.float32)
    others = np.setdiff1d(np.arange(len(part)), asked.rows)
    near = part.topk(query[None], min(_AROUND, len(others)), others)[1][0]
    right = int(np.isin(owners[near], own).sum())
    same, counter = others[np.isin(owners[others], own)], others[~np.isin(owners[others], [*own, -1])]
    if not len(counter):
        notes.append(f"All rows are of the kind of '{asked.name}'.")
    kind = " and ".join(names[each] for each in own.tolist())
    tables = [
        _near(part, f"Exemplars: nearest to {asked.name} of {by} {kind}", query, same, k, show, owners, names, by),
        _near(
            part,
            f"Counter-exemplars: nearest to {asked.name} of another {by}",
            query,
            counter,
            k,
            show,
            owners,
            names,
            by,
        ),
    ]
    findings = [Finding("same kind", right / len(near), *of_share(right, len(near)), len(near))]
    return Report(f"Exemplars of {asked.name}", findings, tables, notes)


def _of_value(part: Space, asked: Members, k: int, show: str | None, seed: int) -> Report:
    others = np.setdiff1d(np.arange(len(part)), asked.rows)
    if not len(others):
        raise BadData(f"all rows have {asked.name}, so that nothing is on its other side.")
    owners = np.ones(len(part), np.int64)
    owners[asked.rows] = 0
    centers = means(part, owners, 2)
    rng = np.random.default_rng(seed)
    findings, sides, notes = [], [], []
    for rows, name in ((asked.rows, "nearer to its own"), (others, "others nearer to it")):
        some = rows if len(rows) <= _TOLD else np.sort(rng.choice(rows, _TOLD, replace=False))
        if len(some) < len(rows):
            notes.append(f"'{name}' is of {len(some):,} of {len(rows):,} rows, drawn by chance.")
        margins = _margins(part, directions(part, some), centers)
        sides.append((some, margins))
        right = (margins > 0).astype(float)
        findings.append(Finding(name, float(right.mean()), *of_mean(right, seed=seed), len(right)))
    some, margins = sides[0]
    order = np.argsort(margins, kind="stable")
    astray = order[: min(k, int((margins <= 0).sum()))]
    query = centers[0].astype(np.float32)
    lines = [
        [name, float(margins[at])] for name, at in zip(called(part, some[astray], show), astray.tolist(), strict=True)
    ]
    tables = [
        _near(part, f"Exemplars: most typical of {asked.name}", query, asked.rows, k, show),
        Table("Have it, and are nearer to the others", ("key", "margin"), lines),
        _near(part, "Counter-exemplars: have it not, and are nearest to it", query, others, k, show),
    ]
    return Report(f"Exemplars of {asked.name}", findings, tables, notes)


def _margins(part: Space, rows: np.ndarray, centers: np.ndarray) -> np.ndarray:
    """How much nearer rows (m, dim) are to the first center than to the second (m,)."""
    if part.metric is Metric.L2:
        first, second = (np.linalg.norm(rows - each, axis=1) for each in centers)
        return np.asarray(second - first)
    first, second = (units(rows) @ each for each in units(centers))
    return np.asarray(first - second)


def _near(
    part: Space,
    title: str,
    query: np.ndarray,
    among: np.ndarray,
    k: int,
    show: str | None,
    owners: np.ndarray | None = None,
    names: Sequence[str] = (),
    by: str = "",
) -> Table:
    lines: list[list[Any]] = []
    if len(among):
        scores, rows = (each[0] for each in part.topk(query[None], min(k, len(among)), among))
        lines = [[name, float(score)] for name, score in zip(called(part, rows, show), scores, strict=True)]
        if owners is not None:
            lines = [[*line, names[owners[row]]] for line, row in zip(lines, rows.tolist(), strict=True)]
    return Table(title, ("key", "score", *([by] if owners is not None else [])), lines)
