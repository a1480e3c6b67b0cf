"""The page of a comparison: what is different between two Spaces, and the map of one with arrows of what moved."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from kinfold.core.frequency import most_frequent
from kinfold.core.progress import Progress, quiet
from kinfold.core.report import Report
from kinfold.core.space import Space
from kinfold.measure.comparison import Moves, moves
from kinfold.show import html, text
from kinfold.show import map as maps
from kinfold.show.report import FOOTER, Section, _contents, _know, _section, _told

_ARROWS = 12
_FROM = 6  # old neighbors that an arrow begins in the middle of


def write(
    first: Space,
    second: Space,
    report: Report,
    path: str | os.PathLike[str],
    *,
    names: tuple[str, str] = ("first", "second"),
    group: str | None = None,
    method: str = "umap",
    limit: int = 20_000,
    seed: int = 0,
    title: str | None = None,
    progress: Progress = quiet,
) -> None:
    """Writes the page of two Spaces side by side as one HTML file that opens from disk.

    The map is of the second; its color is the share of neighbors that a key kept. An arrow leads from the middle of a
    key's old neighbors to where it is now.

    Args:
        first: One Space.
        second: The other.
        report: What `measure.compare` found of them.
        path: Where to.
        names: What the two are called.
        group: Whose keys; the first group of either where it is None.
        method: Layout of the map, umap or pca.
        limit: Most points of the map.
        seed: Of the map's layout.
        title: Heading; by default it names both.
        progress: Told of the stages.

    Raises:
        BadFile: The folder cannot be written.
        BadData: They have fewer than 3 keys in common whose rows can be compared.
    """
    heading = title or f"{names[0]} and {names[1]}, side by side"
    drawn, trails = _drawn(first, second, group, limit, seed, progress)
    figure = maps.figure(
        drawn,
        method=method,
        color="neighbors kept",
        limit=limit,
        seed=seed,
        inside=True,
        trails=trails,
        progress=progress,
    )
    lead = (
        f"Keys as they stand in {names[1]}, colored by the share of neighbors that they kept; gray where they are new. "
        "An arrow leads from the middle of a key's old neighbors to where it is now."
    )
    told = Section("What is different", "Neighbors need no common frame; rows are compared in one.", [report])
    body = [
        _section("Map", figure, lead, wide=True),
        _section(told.title, _told(told), told.lead),
    ]
    summary, *readings = report.notes
    first_of_all = [
        _head(report, heading, names),
        _know(summary, [Section(told.title, readings=readings)]),
        _contents(body, ()),
    ]
    page = html.page(
        heading,
        f"<main>{''.join(first_of_all + body)}{FOOTER}</main>",
        styles=("base.css", "report.css", "map.css"),
        scripts=maps.SCRIPTS,
    )
    html.save(page, path)


def _head(report: Report, heading: str, names: Sequence[str]) -> str:
    shown = [each for each in report.findings if each.unit == "keys" or each.name.startswith("overlap@")]
    tiles = [(f"{each.name} {each.unit}".strip(), text.cell(each.value)) for each in shown]
    inner = "".join(f"<div><dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd></div>" for name, value in tiles)
    by = f'<p class="lead">from {html.escape(names[0])} to {html.escape(names[1])}</p>'
    return f'<header><h1>{html.escape(heading)}</h1>{by}<dl class="tiles">{inner}</dl></header>'


def _drawn(
    first: Space, second: Space, group: str | None, limit: int, seed: int, progress: Progress
) -> tuple[Space, dict[str, list[str]]]:
    """The frequent part of the second with what it kept, and the old neighbors of what moved most."""
    part = maps.part(second, group)
    rows = np.sort(most_frequent(part, limit)[0])
    shown = part.take(rows) if len(rows) < len(part) else part
    progress.start("compare", len(shown), "keys")
    found = moves(maps.part(first, group), shown, sample=limit, seed=seed)
    kept = np.full(len(shown), np.nan)
    kept[found.shared[found.asked, 1]] = found.kept
    colored = shown.with_attribute("neighbors kept", kept).with_attribute("in", _status(found, len(shown)))
    return colored, {
        found.names(found.asked[[at]])[0]: found.names(found.before[at][:_FROM])
        for at in found.order()[:_ARROWS].tolist()
    }


def _status(found: Moves, count: int) -> list[str]:
    held = np.zeros(count, np.bool_)
    held[found.shared[:, 1]] = True
    return ["both" if each else "the second alone" for each in held.tolist()]
