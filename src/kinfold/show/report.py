"""The report: what a Space is, how it was made and what was measured, in one HTML file."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from kinfold.core.frequency import counts, most_frequent
from kinfold.core.progress import Progress, quiet
from kinfold.core.report import Finding, Report, Table, number
from kinfold.core.space import Space
from kinfold.show import glance, html, svg, text
from kinfold.show import map as maps
from kinfold.show.lines import MOST
from kinfold.show.lines import lines as line_chart

_SAMPLES = 8
_LONGEST = 200  # lines of a table that are on the page
_SHORT = 20  # lines of a table that are open to see
_LONG = 20  # characters of a cell from which a table is too wide for a phone
_DOTS = 30  # findings of one chart
_POINTS = 60  # of a chart of lines

FOOTER = "<footer>Written by <b>Kinfold</b>. This file holds all it shows and asks nothing of any network.</footer>"


@dataclass(frozen=True, slots=True)
class Section:
    """What one part of the page tells.

    Args:
        title: Its heading.
        lead: One sentence on what is measured.
        reports: What was found.
        readings: What to know of it, in sentences; they also stand at the top of the page.
        absent: Why there is nothing, where there is nothing.
    """

    title: str
    lead: str = ""
    reports: Sequence[Report] = ()
    readings: Sequence[str] = ()
    absent: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "title": self.title,
            "readings": list(self.readings),
            "reports": [each.to_dict() for each in self.reports],
            "absent": self.absent,
        }


def write(
    space: Space,
    path: str | os.PathLike[str],
    *,
    sections: Sequence[Section] = (),
    reports: Sequence[Report] = (),
    map: bool = True,
    seed: int = 0,
    title: str | None = None,
    method: str = "umap",
    group: str | None = None,
    color: str | None = None,
    mapped: Space | None = None,
    limit: int = 100_000,
    progress: Progress = quiet,
) -> None:
    """Writes the report of a Space as one HTML file that opens from disk.

    Args:
        space: What the report is about.
        path: Where to.
        sections: What was found for this page, in order.
        reports: What was measured; of two with one title, this one stands in the place of the card's.
        map: Whether the interactive map is part of it.
        seed: Of the map's layout.
        title: Heading; by default it tells the method and the size.
        method: Layout of the map, umap or pca.
        group: What map, neighbors and vocabulary are of; the first group where it is None.
        color: The attribute that colors the map at first.
        mapped: The Space with attributes that only the map is colored by.
        limit: Most points of the map.
        progress: Told of the stages.

    Raises:
        BadFile: The folder cannot be written.
        UnknownName: There is no such group.
    """
    part = space.group(group)
    told = {report.title for each in sections for report in each.reports}
    measured = {each.title: each for each in (*space.card.reports, *reports) if each.title not in told}
    training = measured.pop("training", None)
    heading = title or f"{len(part):,} {maps.plural(part)}, {space.dim} dimensions"
    drawn = part if mapped is None else mapped.group(group)
    figure = (
        maps.figure(drawn, method=method, color=color, limit=limit, seed=seed, inside=True, progress=progress)
        if map and len(part)
        else ""
    )
    about_map = "Every point is a key; search for one, click it, or draw a lasso around several."
    body = [
        _section("Map", figure, about_map, wide=True),
        *(_section(each.title, _told(each), each.lead) for each in sections),
        _section("Measured", "".join(_measured(each) for each in measured.values()), "What its card remembers."),
        _section(
            "Neighbors",
            _samples(maps.part(space, group)),
            "The nearest keys to a few, picked at even steps of frequency rank.",
        ),
        _section("Vocabulary", _frequencies(part)),
        _section("Training", _training(training) if training else ""),
        _section("Card", _origin(space), "Where it comes from; enough to do it again."),
    ]
    absent = [(each.title, each.absent) for each in sections if each.absent and not each.reports]
    first = [
        _head(space, part, heading),
        _know(_in_words(space, maps.part(space, group)), sections),
        _contents(body, absent),
    ]
    page = html.page(
        heading,
        f"<main>{''.join(first + body)}{FOOTER}</main>",
        styles=("base.css", "report.css", *(("map.css",) if figure else ())),
        scripts=maps.SCRIPTS if figure else (),
    )
    html.save(page, path)


def _in_words(space: Space, part: Space) -> str:
    """What the Space is, in two or three sentences."""
    card = space.card
    made = {"file": "read from a file", "given": "given as arrays"}.get(card.method, f"learned by {card.method}")
    sizes = f"{len(part):,} {maps.plural(part)} of {space.dim:,} dimensions, {made}, compared by {part.metric.value}."
    others = [f"{len(rows):,} {name}s" for name, rows in space.groups.items() if name not in part.groups]
    beside = f" Beside them stand {', '.join(others)}." if others else ""
    steps = [str(each.get("step", "")) for each in card.steps]
    since = f" Since then: {', '.join(steps)}." if steps else ""
    return sizes + beside + since


def _know(summary: str, sections: Sequence[Section]) -> str:
    """What to know, each section's readings beside a link to it."""
    lines = "".join(
        f'<dt><a href="#{_slug(each.title)}">{html.escape(each.title)}</a></dt><dd>{_listed(each.readings)}</dd>'
        for each in sections
        if each.readings
    )
    read = f"<dl>{lines}</dl>" if lines else ""
    return f'<section class="know" id="what-to-know"><h2>What to know</h2><p>{html.escape(summary)}</p>{read}</section>'


def _listed(readings: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{html.escape(each)}</li>' for each in readings)}</ul>" if readings else ""


def _contents(body: Sequence[str], absent: Sequence[tuple[str, str]]) -> str:
    slugs = [found.group(1) for found in (re.match(r'<section id="([^"]*)"', each) for each in body) if found]
    lines = "".join(f'<li><a href="#{slug}">{html.escape(_title_of(slug))}</a></li>' for slug in slugs)
    missing = "".join(
        f"<li><b>{html.escape(title)}</b> is left out: {html.escape(_sentence(why))}</li>" for title, why in absent
    )
    left = f'<ul class="absent">{missing}</ul>' if missing else ""
    return f'<nav class="contents" aria-label="Contents"><h2>Contents</h2><ol>{lines}</ol>{left}</nav>'


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "section"


def _title_of(slug: str) -> str:
    return slug.replace("-", " ").capitalize()


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _told(section: Section) -> str:
    if not section.reports:
        return ""
    return _listed(section.readings) + "".join(_measured(each, section.readings) for each in section.reports)


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
    return f'<section id="{_slug(title)}"{kind}><h2>{html.escape(title)}</h2>{said}{inner}</section>'


def _measured(report: Report, said: Sequence[str] = ()) -> str:
    parts = [f"<h3>{html.escape(report.title)}</h3>"]
    for caption, labels, findings in _comparable(report.findings):
        title = ", ".join(each for each in (report.title, caption) if each)
        ends = [end for each in findings for end in (each.value, each.low) if end is not None]
        draw = partial(svg.intervals, findings[:_DOTS], labels[:_DOTS], title=title, bars=min(ends) >= 0)
        parts.append(_chart(draw, caption))
        if len(findings) > _DOTS:
            parts.append(f'<p class="note">The first {_DOTS} of {len(findings):,}; the table has all.</p>')
    if report.findings:
        parts.append(_findings(report))
    parts += [_lined(each) + _tabled(each) for each in report.tables]
    parts += [f'<p class="note">{html.escape(note)}</p>' for note in report.notes if note not in said]
    return "".join(parts)


def _findings(report: Report) -> str:
    header, rows = text.columns_of(report.findings)
    if header[2:3] == [""]:  # units stand behind their values
        header = header[:2] + header[3:]
        rows = [[row[0], f"{row[1]} {row[2]}".strip(), *row[3:]] for row in rows]
    table = _table(header, rows, [False, *[True] * (len(header) - 1)], report.title)
    return table if len(rows) <= _SHORT else _folded("All findings", f"{len(rows):,} numbers", table)


def _comparable(findings: Sequence[Finding]) -> list[tuple[str, list[str], list[Finding]]]:
    """Findings that can stand on one axis: a caption of what they have in common, their labels, and they.

    They are of one name, or they are shares with intervals, or have intervals and a unit.
    """
    finite = [each for each in findings if np.isfinite(each.value)]
    names = Counter((each.name, each.unit) for each in finite)
    found: dict[tuple[str, str], list[Finding]] = {}
    for each in finite:
        small = all(abs(end) <= 1 for end in (each.value, each.low, each.high) if end is not None)
        if names[each.name, each.unit] > 1:
            found.setdefault((each.name, each.unit), []).append(each)
        elif each.low is not None and (small or each.unit):
            found.setdefault(("", each.unit), []).append(each)
    charts = []
    for (_, unit), some in found.items():
        if len(some) > 1 and any(each.low is not None for each in some):
            shared, labels = text.labels_of(some)
            groups = {each.group for each in some}
            if not shared and len(groups) == 1:
                shared, labels = groups.pop(), [each.name for each in some]
            charts.append((", ".join(each for each in (shared, unit) if each), labels, some))
    return charts


def _lined(table: Table) -> str:
    """The columns of a table as lines over its first one, where that is an axis: ascending numbers."""
    rows = table.rows
    right = text.right_aligned(table)
    if not 3 <= len(rows) <= _POINTS or not all(right) or len(table.columns) < 2:
        return ""
    xs = [row[0] for row in rows]
    if any(each is None for each in xs) or any(a >= b for a, b in pairwise(xs)):
        return ""
    ends = ("low", "high")  # of the column before them
    ys = {name: [row[at] for row in rows] for at, name in enumerate(table.columns) if at and name not in ends}
    sizes = {name: max((abs(each) for each in values if each is not None), default=0) for name, values in ys.items()}
    shares = {name: values for name, values in ys.items() if 0 < sizes[name] <= 1}
    drawn = shares or {name: values for name, values in ys.items() if sizes[name] > 0 and len(ys) == 1}
    if not 1 <= len(drawn) <= MOST:
        return ""
    log = xs[0] > 0 and xs[-1] >= 16 * xs[0]
    return _chart(partial(line_chart, xs, drawn, title=table.title, x=table.columns[0], y=table.title, log=log))


def _training(report: Report) -> str:
    parts = []
    for table in report.tables:
        names = list(table.columns)
        if "epoch" in names and "loss" in names and len(table.rows) > 1:
            epochs, losses = ([row[names.index(name)] for row in table.rows] for name in ("epoch", "loss"))
            known = [np.nan if each is None else each for each in losses]
            parts.append(_chart(partial(svg.curve, epochs, known, title="Loss per epoch", x="epoch", y="loss")))
        parts.append(_tabled(table))
    parts += [f'<p class="note">{html.escape(note)}</p>' for note in report.notes]
    return "".join(parts)


def _tabled(table: Table) -> str:
    right = text.right_aligned(table)
    rows = [[text.cell(each) for each in row] for row in table.rows[:_LONGEST]]
    more = len(table.rows) - len(rows)
    note = f'<p class="note">… and {more:,} more lines.</p>' if more > 0 else ""
    inner = _table(table.columns, rows, right, table.title) + note
    if len(rows) <= _SHORT:
        return f"<h4>{html.escape(table.title)}</h4>{inner}"
    return _folded(table.title, f"{len(table.rows):,} lines", inner)


def _folded(title: str, size: str, inner: str) -> str:
    named = f"{html.escape(title)} <small>{size}</small>"
    return f"<details><summary>{named}</summary>{inner}</details>"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool], title: str = "") -> str:
    """A table; one of long texts becomes a list of its cells, each with its column's name, on a phone."""
    long = len(header) > 2 and any(len(each) > _LONG for row in rows for each in row[1:])

    def cell(text: str, name: str, is_right: bool) -> str:
        # Keys are of any script: what is written from right to left begins at its right.
        kind = " class=num" if is_right else " dir=auto"
        named = f' data-name="{html.escape(name)}"' if long else ""
        return f"<td{kind}{named}>{html.escape(text)}</td>"

    head = "".join(
        f"<th{' class=num' if is_right else ''}>{html.escape(name)}</th>"
        for name, is_right in zip(header, right, strict=True)
    )
    body = "".join(f"<tr>{''.join(map(cell, row, header, right))}</tr>" for row in rows)
    kind = ' class="stack"' if long else ""
    table = f"<table{kind}><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return _scrolling(table, title)


def _scrolling(table: str, title: str) -> str:
    """A table in a box that scrolls by itself where the page is narrower, by keyboard too."""
    name = f' role="region" aria-label="{html.escape(title)}"' if title else ""
    return f'<div class="scroll" tabindex="0"{name}>{table}</div>'


def _chart(draw: Callable[..., str], caption: str = "") -> str:
    """A chart, drawn for a page and drawn again for a phone; the page shows one of them."""
    named = f"<figcaption>{html.escape(caption)}</figcaption>" if caption else ""
    return (
        f'<figure class="chart">{named}<div class="broad">{draw()}</div>'
        f'<div class="slim">{draw(width=svg.NARROW)}</div></figure>'
    )


def _samples(space: Space) -> str:
    """Neighbors of keys at even steps of the logarithm of the rank, among the frequent ones."""
    rows, _ = most_frequent(space, 20_000)
    if len(rows) < 2:
        return ""
    # Not the first ranks: in a text they are words without much meaning of their own.
    first = min(len(rows) // 20, 200)
    ranks = np.unique(np.geomspace(first + 1, len(rows), _SAMPLES).astype(int) - 1)
    vectors = space.rows.take(rows[ranks])
    whole = np.isfinite(vectors).all(axis=1)
    lines = []
    for row, vector in zip(rows[ranks][whole].tolist(), vectors[whole], strict=True):
        hits = space.nearest(vector, 7, group=space.keys.group_of(row))
        others = [(key, score) for (key, score), at in zip(hits, hits.rows, strict=True) if at != row]
        near = " ".join(
            f"<span><bdi>{html.escape(key)}</bdi> <small>{score:.2f}</small></span>" for key, score in others[:6]
        )
        lines.append(f"<tr><th scope=row dir=auto>{html.escape(space.keys[row])}</th><td>{near}</td></tr>")
    return _scrolling(f'<table class="near"><tbody>{"".join(lines)}</tbody></table>', "Neighbors") if lines else ""


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
    draw = partial(
        svg.histogram,
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
    return f"<p>{html.escape(words)}</p>{_chart(draw)}"


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
