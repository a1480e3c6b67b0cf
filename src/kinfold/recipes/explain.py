"""What is in a Space: clusters with labels, and the directions along which its rows differ most."""

from __future__ import annotations

import dataclasses

import numpy as np

from kinfold.core.columns import one_array, to_numpy
from kinfold.core.errors import BadData, BadOption
from kinfold.core.progress import Progress, quiet
from kinfold.core.report import Report, Table
from kinfold.core.space import Space
from kinfold.measure.kinds import clusters as judged
from kinfold.measure.kinds import values_told
from kinfold.measure.principal import directions
from kinfold.tasks.search import GROUPS
from kinfold.transform import Clusters

_CLUSTERS = 20
# Rows that a cluster has on average, at least, where their number is not given.
_EACH = 5
_TEXT = "text"


def explain(
    space: Space,
    *,
    clusters: int | None = None,
    directions: int = 5,
    by: str | None = None,
    group: str | None = None,
    show: str | None = None,
    seed: int = 0,
    progress: Progress = quiet,
) -> list[Report]:
    """What is in a Space, at a first look: its clusters with labels, and its principal directions with their ends.

    Args:
        space: The rows.
        clusters: How many; by default 20, or a fifth of the rows where there are fewer than 100.
        directions: How many; 0 for none.
        by: An attribute by whose over-represented value each cluster is told as well.
        group: Whose rows; the first group where it is None.
        show: An attribute that rows are called by.
        seed: Of clusters, samples and intervals.
        progress: Told of the stages.

    Returns:
        A Report of the clusters (of topics, where the rows are of texts that the Space holds), and one of the
        directions.

    Raises:
        BadData: There are fewer than two different rows, or one is not finite.
        BadOption: An option outside its range.
        UnknownName: There is no such attribute or group.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> space = Space.of(range(60), rng.normal(size=(60, 3)) + 9 * np.eye(3)[np.arange(60) % 3])
        >>> [report.title for report in explain(space, clusters=3)]
        ['Clusters · cluster', 'Principal directions']
    """
    if directions < 0:
        raise BadOption(f"directions is {directions}; it is at least 0.")
    found = [labeled(space, clusters, by=by, group=group, show=show, seed=seed, progress=progress)]
    return found + ([_directions(space, directions, group, show, seed)] if directions else [])


def labeled(
    space: Space,
    k: int | None = None,
    *,
    by: str | None = None,
    group: str | None = None,
    show: str | None = None,
    seed: int = 0,
    progress: Progress = quiet,
) -> Report:
    """Clusters with labels: the keys nearest to their centers, words of their texts, or a value of an attribute.

    Args:
        space: The rows.
        k: How many; by default 20, or a fifth of the rows where there are fewer than 100.
        by: An attribute by whose over-represented value each cluster is told as well.
        group: Whose rows; the first group where it is None.
        show: An attribute that rows are called by.
        seed: Of clusters, samples and intervals.
        progress: Told of the stages.

    Raises:
        BadData: There are fewer than two rows, or one is not finite.
        BadOption: More clusters than rows.
        UnknownName: There is no such attribute or group.
    """
    part = space.group(group)
    if len(part) < 2:
        raise BadData(f"this group has {len(part):,} rows; clusters are of at least two.")
    count = k or max(2, min(_CLUSTERS, len(part) // _EACH))
    names = () if part.table is None else part.table.column_names
    if by is None and _TEXT in names and next(iter(part.groups)) in GROUPS:
        from kinfold.tasks.topics import topics

        try:
            return topics(part, count, seed=seed, progress=progress).report
        except BadData:  # texts without words are told by their keys
            pass
    found = Clusters(count, restarts=1, seed=seed).apply(part)
    report = judged(found, show=show, seed=seed)
    return report if by is None else _told(report, found, by)


def _told(report: Report, found: Space, by: str) -> Report:
    """The report with the value of an attribute that each cluster has more of than all rows."""
    owners = to_numpy(one_array(found.attribute("cluster"))).astype(np.int64)
    table = report.tables[0]
    told = values_told(found, by, np.arange(len(owners)), owners, np.ones(len(owners)), len(table.rows))
    rows = [[*row, *told[int(row[0])]] for row in table.rows]
    return dataclasses.replace(report, tables=[Table(table.title, (*table.columns, by, "lift"), rows)])


def _directions(space: Space, k: int, group: str | None, show: str | None, seed: int) -> Report:
    return directions(space, k, group=group, show=show, seed=seed)
