"""The page of a search: the setting that did best, quality along an option, all that was tried, in one HTML file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from kinfold.core.report import Report, Table
from kinfold.show import html, text
from kinfold.show.lines import lines
from kinfold.show.report import FOOTER, _chart, _section, _table, _tabled


def write(
    report: Report,
    path: str | os.PathLike[str],
    *,
    best: Mapping[str, Any],
    command: str = "",
    lead: str = "",
) -> None:
    """Writes the page of a search as one HTML file that opens from disk.

    Args:
        report: The quality of the best setting; tables whose first column is an axis and whose others are lines; as the
            last one, all that was tried.
        path: Where to.
        best: The options that did best.
        command: What to run next.
        lead: What was searched.

    Raises:
        BadFile: The folder cannot be written.
    """
    *curves, tried = report.tables
    axis = curves[0].columns[0] if curves else ""
    words = " ".join(f"<span>{html.escape(word)}</span>" for word in command.split(" "))
    next_step = f'<pre class="command">{words}</pre>' if command else ""
    notes = "".join(f'<p class="note">{html.escape(note)}</p>' for note in report.notes)
    body = [
        _head(report, best, lead),
        _section("Next", next_step, "Learns from all of the interactions with the best setting."),
        _section(
            f"Quality by {axis}",
            "".join(_chart(partial(_drawn, each)) for each in curves),
            "Each point is learned on the whole budget. Where a line falls on what was held out and rises on what was "
            "learned from, more of it learns by heart.",
        ),
        _section("Findings", _findings(report) + notes),
        _section("Settings", _tabled(tried)),
        FOOTER,
    ]
    page = html.page(report.title, f"<main>{''.join(body)}</main>", styles=("base.css", "report.css"))
    html.save(page, path)


def _head(report: Report, best: Mapping[str, Any], lead: str) -> str:
    # Whole, where a cell would be rounded: it is what has to be typed.
    tiles = [(name, f"{value:g}" if isinstance(value, float) else str(value)) for name, value in best.items()]
    if report.findings:
        first = report.findings[0]
        tiles.append((f"{first.name}, {first.group}" if first.group else first.name, text.cell(first.value)))
    inner = "".join(f"<div><dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd></div>" for name, value in tiles)
    by = f'<p class="lead">{html.escape(lead)}</p>' if lead else ""
    return f'<header><h1>{html.escape(report.title)}</h1>{by}<dl class="tiles">{inner}</dl></header>'


def _findings(report: Report) -> str:
    header, rows = text.columns_of(report.findings)
    return _table(header, rows, [False, *[True] * (len(header) - 1)]) if report.findings else ""


def _drawn(table: Table, **size: int) -> str:
    """A table of lines as a chart; the axis is logarithmic where it has the numbers for it."""
    axis, *names = table.columns
    xs: Sequence[float] = [row[0] for row in table.rows]
    ys = {name: [row[at] for row in table.rows] for at, name in enumerate(names, start=1)}
    return lines(xs, ys, title=table.title, x=axis, y=table.title, log=min(xs) > 0, **size)
