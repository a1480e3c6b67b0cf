"""The report: what a Space is, how it was made and what was measured, in one HTML file."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from kinfold.core.frequency import counts, most_frequent
from kinfold.core.progress import Progress, quiet
from kinfold.core.report import Report, Table, number
from kinfold.core.space import Space
from kinfold.show import glance, html, svg, text
from kinfold.show import map as maps

_SAMPLES = 8
_LONGEST = 60  # lines of a table that are shown


def write(
    space: Space,
    path: str | os.PathLike[str],
    *,
    reports: Sequence[Report] = (),
    map: bool = True,
    seed: int = 0,
    title: str | None = None,
    method: str = "umap",
    group: str | None = None,
    limit: int = 100_000,
    progress: Progress = quiet,
) -> None:
    """Writes the report of a Space as one HTML file that opens from disk.

    Args:
        space: What the report is about.
        path: Where to.
        reports: What was measured; of two with one title, this one stands in the place of the card's.
        map: Whether the interactive map is part of it.
        seed: Of the map's layout.
        title: Heading; by default it tells the method and the size.
        method: Layout of the map, umap or pca.
        group: What map, neighbors and vocabulary are of; the first group where it is None.
        limit: Most points of the map.
        progress: Told of the stages.

    Raises:
        BadFile: The folder cannot be written.
        UnknownName: There is no such group.
    """
    part = space.group(group)
    measured = {each.title: each for each in (*space.card.reports, *reports)}
    training = measured.pop("training", None)
    heading = title or f"{len(part):,} {maps.plural(part)}, {space.dim} dimensions"
    figure = (
        maps.figure(part, method=method, limit=limit, seed=seed, inside=True, progress=progress)
        if map and len(part)
        else ""
    )
    body = [
        _head(space, part, heading),
        _section("Measured", "".join(_measured(each) for each in measured.values())),
        _section(
            "Map", figure, "Every point is a key; search for one, or click it, to see what is nearest.", wide=True
        ),
        _section("Neighbors", _samples(part), "The nearest keys to a few, picked at even steps of frequency rank."),
        _section("Vocabulary", _frequencies(part)),
        _section("Training", _training(training) if training else ""),
        _section("Origin", _origin(space), "Enough to do it again."),
        "<footer>Written by <b>Kinfold</b>. This file holds all it shows and asks nothing of any network.</footer>",
    ]
    page = html.page(
        heading,
        f"<main>{''.join(body)}</main>",
        styles=("base.css", "report.css", *(("map.css",) if figure else ())),
        scripts=maps.SCRIPTS if figure else (),
    )
    html.save(page, path)


def _head(space: Space, part: Space, heading: str) -> str:
    rows, dimensions, *_ = glance.numbers(space)
    tiles = [
        *(glance.groups(space) if len(space.groups) > 1 else [rows]),
        dimensions,
        ("coordinates", glance.size(space.rows.nbytes)),
        ("metric", space.metric.value),
    ]
    often = counts(part)
    if often is not None and (often > 0).any():
        tiles.append(("occurrences", number(float(often[often > 0].sum()))))
    inner = "".join(f"<div><dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd></div>" for name, value in tiles)
    by = f'<p class="lead">{html.escape(space.card.method)} <span>frame {html.escape(space.frame)}</span></p>'
    return f'<header><h1>{html.escape(heading)}</h1>{by}<dl class="tiles">{inner}</dl></header>'


def _section(title: str, inner: str, lead: str = "", *, wide: bool = False) -> str:
    if not inner:
        return ""
    said = f"<p>{html.escape(lead)}</p>" if lead else ""
    kind = ' class="wide"' if wide else ""
    return f"<section{kind}><h2>{html.escape(title)}</h2>{said}{inner}</section>"


def _measured(report: Report) -> str:
    parts = [f"<h3>{html.escape(report.title)}</h3>"]
    for unit in dict.fromkeys(each.unit for each in report.findings):
        same = [each for each in report.findings if each.unit == unit and np.isfinite(each.value)]
        if len(same) > 1 or any(each.low is not None for each in same):
            shared, labels = text.labels_of(same)
            name = ", ".join(each for each in (report.title, shared, unit) if each)
            parts.append(_chart(svg.intervals(same, labels, title=name)))
    if report.findings:
        header, rows = text.columns_of(report.findings)
        parts.append(_table(header, rows, [False, *[True] * (len(header) - 1)]))
    parts += [_tabled(each) for each in report.tables]
    parts += [f'<p class="note">{html.escape(note)}</p>' for note in report.notes]
    return "".join(parts)


def _training(report: Report) -> str:
    parts = []
    for table in report.tables:
        names = list(table.columns)
        if "epoch" in names and "loss" in names and len(table.rows) > 1:
            epochs, losses = ([row[names.index(name)] for row in table.rows] for name in ("epoch", "loss"))
            parts.append(
                _chart(
                    svg.curve(
                        epochs,
                        [np.nan if each is None else each for each in losses],
                        title="Loss per epoch",
                        x="epoch",
                        y="loss",
                    )
                )
            )
        parts.append(_tabled(table))
    parts += [f'<p class="note">{html.escape(note)}</p>' for note in report.notes]
    return "".join(parts)


def _tabled(table: Table) -> str:
    right = text.right_aligned(table)
    rows = [[text.cell(each) for each in row] for row in table.rows[:_LONGEST]]
    more = len(table.rows) - len(rows)
    note = f'<p class="note">… and {more:,} more lines.</p>' if more > 0 else ""
    return f"<h4>{html.escape(table.title)}</h4>{_table(table.columns, rows, right)}{note}"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool]) -> str:
    def line(cells: Sequence[str], tag: str) -> str:
        return "".join(
            f"<{tag}{' class=num' if is_right else ''}>{html.escape(each)}</{tag}>"
            for each, is_right in zip(cells, right, strict=True)
        )

    body = "".join(f"<tr>{line(row, 'td')}</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{line(header, "th")}</tr></thead><tbody>{body}</tbody></table></div>'


def _chart(drawing: str) -> str:
    return f'<figure class="scroll">{drawing}</figure>'


def _samples(space: Space) -> str:
    """Neighbors of keys at even steps of the logarithm of the rank, among the frequent ones."""
    rows, _ = most_frequent(space, 20_000)
    if len(rows) < 2:
        return ""
    # Not the first ranks: in a text they are words without much meaning of their own.
    first = min(len(rows) // 20, 200)
    ranks = np.unique(np.geomspace(first + 1, len(rows), _SAMPLES).astype(int) - 1)
    lines = []
    for row in rows[ranks].tolist():
        hits = space.nearest(space.rows.take(row), 7, group=space.keys.group_of(row))
        others = [(key, score) for (key, score), at in zip(hits, hits.rows, strict=True) if at != row]
        near = " ".join(f"<span>{html.escape(key)} <small>{score:.2f}</small></span>" for key, score in others[:6])
        lines.append(f"<tr><th scope=row>{html.escape(space.keys[row])}</th><td>{near}</td></tr>")
    return f'<div class="scroll"><table class="near"><tbody>{"".join(lines)}</tbody></table></div>'


def _frequencies(space: Space) -> str:
    often = counts(space)
    often = np.zeros(0) if often is None else -np.sort(-often[often > 0])
    if len(often) < 2:
        return ""
    low, high = float(often.min()), float(often.max())
    edges = (
        np.unique(np.geomspace(low, max(high, low * 1.01), 31))
        if high > 20 * low
        else np.linspace(low, high + (high == low), 21)
    )
    edges[-1] = max(edges[-1], high)
    edges[0] = min(edges[0], low)
    held, _ = np.histogram(often, edges)
    drawing = svg.histogram(
        edges.tolist(),
        held.tolist(),
        title="Keys by how often they occur",
        x="occurrences",
        y="keys",
        log=high > 20 * low,
    )
    share = np.cumsum(often) / often.sum()
    half = int(np.searchsorted(share, 0.5)) + 1
    words = (
        f"The most frequent {half:,} of {len(often):,} keys make up half of all {number(float(often.sum()))} "
        f"occurrences; the median key occurs {number(float(np.median(often)))} times."
    )
    return f"<p>{html.escape(words)}</p>{_chart(drawing)}"


def _origin(space: Space) -> str:
    parts = []
    for title, lines in (
        ("", glance.origin(space)),
        ("Parameters", glance.parameters(space)),
        ("Groups", glance.groups(space)),
        ("Attributes", glance.attributes(space)),
    ):
        if lines:
            inner = "".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd>" for name, value in lines)
            kind = "facts two" if title and len(lines) > 3 else "facts"
            parts.append((f"<h3>{title}</h3>" if title else "") + f'<dl class="{kind}">{inner}</dl>')
    return "".join(parts)
