"""The page of a Space: everything that can be asked of it alone, gathered in one file."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from kinfold.core.errors import BadData, BadOption, KinfoldError, did_you_mean
from kinfold.core.progress import Progress, quiet
from kinfold.core.report import Report, number
from kinfold.core.space import Space
from kinfold.show.report import Section

_CLUSTERS = 12
_LEAST = 30  # rows below which clusters say nothing
_BY = "cluster"


class Part(NamedTuple):
    """One section of the page.

    Args:
        title: Its heading.
        lead: One sentence on what is measured.
        measure: Space, group and seed → what was found; a KinfoldError says why there is nothing to find.
        read: Reports → what to know of them, in sentences.
    """

    title: str
    lead: str
    measure: Callable[[Space, str | None, int], Sequence[Report]]
    read: Callable[[Sequence[Report]], Sequence[str]]


def report(
    space: Space,
    path: str | os.PathLike[str],
    *,
    group: str | None = None,
    label: str | None = None,
    without: Sequence[str] = (),
    title: str | None = None,
    map_limit: int = 50_000,
    seed: int = 0,
    progress: Progress = quiet,
) -> tuple[Section, ...]:
    """Measures what can be measured of a Space alone, and writes it as one HTML file with a map.

    What does not apply is left out, and the page says why. Large Spaces are measured on samples, and each section
    says of how many rows.

    Args:
        space: What the report is about.
        path: Where to.
        group: Whose rows; the first group where it is None.
        label: An attribute that keys are called by on the map and among neighbors, such as titles.
        without: Parts to leave out: names of `PARTS`, or `map`.
        title: Heading; by default it tells the size.
        map_limit: Most points of the map, the most frequent ones.
        seed: Of samples, intervals and the map's layout.
        progress: Told of the stages.

    Returns:
        The sections, with their reports and readings.

    Raises:
        BadFile: The folder cannot be written.
        BadOption: A part that there is not, or a limit below 1.
        UnknownName: There is no such group or attribute.
    """
    from kinfold.show import report as page

    names = [*PARTS, "map"]
    for name in without:
        if name not in names:
            near = did_you_mean(name, names)
            raise BadOption(f"the report has no part '{name}'.{near} It has: {', '.join(names)}.")
    if map_limit < 1:
        raise BadOption(f"map_limit is {map_limit}; a map shows at least 1 point.")
    part = space.group(group)
    if label is not None:
        part.attribute(label)
    shown = space if "clusters" in without else _clustered(space, group, seed)
    sections = []
    for name, part in PARTS.items():
        if name not in without:
            progress.start(name)
            sections.append(_section(part, shown, group, seed))
    page.write(
        space,
        path,
        sections=sections,
        map="map" not in without,
        seed=seed,
        title=title,
        group=group,
        color=_BY if shown is not space else None,
        label=label,
        mapped=shown,
        limit=map_limit,
        progress=progress,
    )
    return tuple(sections)


def _section(part: Part, space: Space, group: str | None, seed: int) -> Section:
    try:
        found = part.measure(space, group, seed)
    except KinfoldError as error:
        return Section(part.title, part.lead, absent=str(error))
    return Section(part.title, part.lead, found, part.read(found))


def _clustered(space: Space, group: str | None, seed: int) -> Space:
    """The Space with clusters to color the map by; as it is where it has some already, or cannot have any."""
    from kinfold.transform import Clusters

    rows = len(space.group(group))
    if rows < _LEAST or (space.table is not None and _BY in space.table.column_names):
        return space
    try:
        found = Clusters(min(_CLUSTERS, rows // 10), seed=seed, group=group, name=_BY).apply(space)
    except KinfoldError:
        return space
    # They are the page's, and no step in the history of the Space.
    return replace(found, card=space.card)


def _clusters(space: Space, group: str | None, seed: int) -> list[Report]:
    from kinfold.measure import clusters

    if space.table is None or _BY not in space.table.column_names:
        space.group(group).rows.refuse_non_finite("clusters")
        raise BadData(f"{len(space.group(group)):,} rows are too few to find clusters in; {_LEAST} are enough")
    return [clusters(space, _BY, group=group, seed=seed)]


def _of_clusters(reports: Sequence[Report]) -> list[str]:
    (found,) = reports
    silhouette, names = found["silhouette"], [str(row[-1]) for row in found.tables[0].rows[:3]]
    apart = (
        "stand well apart" if silhouette.value > 0.5 else "overlap" if silhouette.value > 0.1 else "hardly stand apart"
    )
    begins = "; ".join(", ".join(each.split(", ")[:3]) for each in names)
    return [
        f"{int(found['clusters'].value):,} clusters {apart} (silhouette {number(silhouette.value)}); in the middle of "
        f"the largest are {begins}."
    ]


PARTS: dict[str, Part] = {
    "clusters": Part(
        "Clusters", "What stands together, by k-means; the map is colored by it.", _clusters, _of_clusters
    ),
}
