"""The page of a dimension: what is kept and what is lost along it, and which is recommended, in one HTML file."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

from kinfold.core.report import Report, Table
from kinfold.show import html, text
from kinfold.show.report import FOOTER, _chart, _section, _tabled
from kinfold.show.search import _drawn, _findings

_DRAWN = ("neighbors kept", "variance", "PIP loss", "PIP loss to the other run")
# Points of the axis that are nearer than this have no room for their numbers.
_APART = 1.4


def write(report: Report, path: str | os.PathLike[str], *, lead: str = "", command: str = "") -> None:
    """Writes the page of a dimension as one HTML file that opens from disk.

    Args:
        report: Of `choose.dimension`.
        path: Where to.
        lead: What was looked at.
        command: What to run next.

    Raises:
        BadFile: The folder cannot be written.
    """
    first, *refit = report.tables
    said, *notes = report.notes
    by = f'<p class="lead">{html.escape(lead)}</p>' if lead else ""
    tiles = "".join(
        f"<div><dt>{html.escape(each.name)}</dt><dd>{html.escape(text.cell(each.value))}</dd></div>"
        for each in report.findings[:4]
    )
    words = " ".join(f"<span>{html.escape(word)}</span>" for word in command.split(" "))
    body = [
        f'<header><h1>{html.escape(report.title)}</h1>{by}<dl class="tiles">{tiles}</dl></header>',
        _section("Recommendation", f"<p>{html.escape(said)}</p>"),
        _section("Next", f'<pre class="command">{words}</pre>' if command else ""),
        _section(
            "Quality by dimension",
            _chart(partial(_drawn, drawable(first))),
            "What is left when rows are shortened along their principal axes, and how far the products of pairs move.",
        ),
        _section(
            "Learned anew",
            _chart(partial(_drawn, _side_by_side(refit[0], refit[1]))) if refit else "",
            "Where the first line falls while the second rises, more dimensions learn by heart.",
        ),
        _section("Findings", _findings(report) + "".join(f'<p class="note">{html.escape(each)}</p>' for each in notes)),
        _section("Tables", "".join(_tabled(each) for each in report.tables)),
        FOOTER,
    ]
    page = html.page(report.title, f"<main>{''.join(body)}</main>", styles=("base.css", "report.css"))
    html.save(page, path)


def _side_by_side(held: Table, fitted: Table) -> Table:
    """Two tables of one line each as one of two lines, `held out` and `learned from`."""
    what, *names = [held.title.rpartition(", ")[0], *(each.title.rpartition(", ")[2] for each in (held, fitted))]
    rows = [[*one, other[1]] for one, other in zip(held.rows, fitted.rows, strict=True)]
    return Table(what, [held.columns[0], *names], rows)


def drawable(table: Table) -> Table:
    """What a chart shows of a table by dimension: columns of one scale, and points that stand apart."""
    kept = [0, *(at for at, name in enumerate(table.columns) if name in _DRAWN)]
    rows: list[list[Any]] = []
    for row in reversed(table.rows):
        if not rows or rows[-1][0] >= _APART * row[0]:
            rows.append([row[at] for at in kept])
    return Table("Share", [table.columns[at] for at in kept], rows[::-1])
