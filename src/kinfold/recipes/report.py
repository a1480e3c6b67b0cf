"""The page of a Space: everything that can be asked of it alone, gathered in one file."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from kinfold.core.errors import BadData, BadOption, KinfoldError, did_you_mean
from kinfold.core.files import refuse_unwritable
from kinfold.core.keys import Keys
from kinfold.core.progress import Progress, quiet
from kinfold.core.report import Report, number, percent
from kinfold.core.space import Space
from kinfold.show.report import Section

_CLUSTERS = 12
_LEAST = 30  # rows below which clusters say nothing
_BY = "cluster"
_COMPARED = 10_000  # rows that are compared with each other
_LISTS = ("weat", "gender")


class Part(NamedTuple):
    """One section of the page.

    Args:
        title: Its heading.
        lead: One sentence on what is measured.
        measure: Space, group and seed → what was found, and what to know of it in sentences; a KinfoldError says why
            there is nothing to find.
    """

    title: str
    lead: str
    measure: Callable[[Space, str | None, int], tuple[Sequence[Report], Sequence[str]]]


def report(
    space: Space,
    path: str | os.PathLike[str],
    *,
    group: str | None = None,
    label: str | None = None,
    without: Sequence[str] = (),
    title: str | None = None,
    method: str = "umap",
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
        label: An attribute that keys are called by on the page, such as titles.
        without: Parts to leave out: names of `PARTS`, or `map`.
        title: Heading; by default it tells the size.
        method: Layout of the map, umap or pca.
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
    refuse_unwritable(path)
    space.group(group)
    space = space if label is None else _called(space, label)
    shown = space if "clusters" in without else _clustered(space, group, seed)
    sections = []
    for name, part in PARTS.items():
        if name not in without:
            progress.start(name)
            sections.append(_section(part, shown if name == "clusters" else space, group, seed))
    page.write(
        space,
        path,
        sections=sections,
        map="map" not in without,
        seed=seed,
        title=title,
        method=method,
        group=group,
        color=_BY if _has_clusters(shown) else None,
        mapped=shown,
        limit=map_limit,
        progress=progress,
    )
    return tuple(sections)


def _section(part: Part, space: Space, group: str | None, seed: int) -> Section:
    try:
        reports, readings = part.measure(space, group, seed)
    except KinfoldError as error:
        return Section(part.title, part.lead, absent=str(error))
    return Section(part.title, part.lead, reports, readings)


def _called(space: Space, label: str) -> Space:
    """The Space with an attribute's values for keys, where they are; the key stays behind those that stand twice."""
    called = pc.coalesce(space.attribute(label).combine_chunks().cast(pa.large_string()), space.keys.names)
    keys, names = [], called.to_pylist()
    for rows in space.groups.values():
        often = Counter(names[rows.start : rows.stop])
        keys += [names[row] if often[names[row]] == 1 else f"{names[row]} · {space.keys[row]}" for row in rows]
    sizes = {name: len(rows) for name, rows in space.groups.items()}
    return replace(space, keys=Keys(keys, sizes))


def _has_clusters(space: Space) -> bool:
    return space.table is not None and _BY in space.table.column_names


def _clustered(space: Space, group: str | None, seed: int) -> Space:
    """The Space with clusters to color the map by; as it is where it has some already, or cannot have any."""
    from kinfold.transform import Clusters

    rows = len(space.group(group))
    if rows < _LEAST or _has_clusters(space):
        return space
    try:
        found = Clusters(min(_CLUSTERS, rows // 10), seed=seed, group=group, name=_BY).apply(space)
    except KinfoldError:
        return space
    # They are the page's, and no step in the history of the Space.
    clustered: Space = replace(found, card=space.card)
    return clustered


def _health(space: Space, group: str | None, seed: int) -> tuple[list[Report], list[str]]:
    from kinfold.measure import health

    report = health(space, group=group, sample=_COMPARED, seed=seed)
    (words,) = [each for each in report.tables if each.title == "In words"]
    lines = [list(map(str, row)) for row in words.rows]
    wanting = [f"{means} {advice}".strip() for _, verdict, means, advice in lines if verdict != "fine"]
    sizes = [means for part, verdict, means, _ in lines if part.endswith("dimension") and verdict == "fine"]
    return [report], [*report.notes[:1], *wanting, *sizes[:1]]


def _bias(space: Space, group: str | None, seed: int) -> tuple[list[Report], list[str]]:
    from kinfold.recipes.audit import audit

    words = group or ("word" if "word" in space.groups else None)
    report = audit(space, _LISTS, among=words, seed=seed)
    if not report.findings:
        raise BadData(f"the vocabulary lacks the words of every question of the lists {' and '.join(_LISTS)}.")
    (asked,) = [each for each in report.tables if each.title == "Questions"]
    says = [(str(row[0]), str(row[-1])) for row in asked.rows]
    told = [f"{question}: {line}." for question, line in says if not line.startswith("refused")]
    refused = len(says) - len(told)
    left = [f"{refused:,} of {len(says):,} questions were not asked: too many of their words have no row."]
    return [report], [*told, *(left if refused else [])]


def _clusters(space: Space, group: str | None, seed: int) -> tuple[list[Report], list[str]]:
    from kinfold.measure import clusters

    part = space.group(group)
    if not _has_clusters(part):
        part.rows.refuse_non_finite("clusters")
        raise BadData(f"{len(part):,} rows are too few to find clusters in; {_LEAST} are enough.")
    report = clusters(space, _BY, group=group, seed=seed)
    count, silhouette = int(report["clusters"].value), report["silhouette"].value
    way = "stand well apart" if silhouette > 0.5 else "overlap" if silhouette > 0.1 else "hardly stand apart"
    largest = [str(row[-1]) for row in report.tables[0].rows[:3]]
    named = f"{_BY}_name"
    if part.table is not None and named in part.table.column_names:
        counted = part.attribute(named).combine_chunks().value_counts().to_pylist()
        ranked = sorted(counted, key=lambda each: -each["counts"])[:3]
        largest = [str(each["values"]) for each in ranked]
    told = f"{count:,} clusters {way} (silhouette {number(silhouette)}). In the middle of the largest: "
    return [report], [told + "; ".join(largest) + "."]


def _directions(space: Space, group: str | None, seed: int) -> tuple[list[Report], list[str]]:
    from kinfold.measure import directions

    report = directions(space, group=group, seed=seed)
    told = [
        f"Along direction {row[0]} lie {percent(row[1])} of the variance, from {row[2]} to {row[3]}."
        for row in report.tables[0].rows[:2]
    ]
    return [report], told


# A new section is one line here.
PARTS: dict[str, Part] = {
    "health": Part("Health", "What is broken, idle, crowded or unsteady among the rows, and what to do.", _health),
    "bias": Part("Bias", "What goes with what in published lists of words; effects with 95 % intervals.", _bias),
    "directions": Part("Directions", "Along what rows differ most, by the keys at the two ends.", _directions),
    "clusters": Part("Clusters", "What stands together, by k-means; the map is colored by it.", _clusters),
}
