"""The page of a look at data: what was found, where, and the way out, in one HTML file."""

from __future__ import annotations

import os

from kinfold.core.report import Report, number
from kinfold.show import html
from kinfold.show.report import _section, _tabled

# Tables that stand with what they are about.
_OWN = ("Examples", "Ways out")
_TOLD = {
    "serious": "It breaks learning, or makes a judgment worthless.",
    "warning": "Look at it before you learn.",
    "note": "Good to know.",
}


def write(report: Report, path: str | os.PathLike[str]) -> None:
    """Writes what was found as one HTML file that opens from disk.

    Args:
        report: Of `kinfold.check`.
        path: Where to.

    Raises:
        BadFile: The folder cannot be written.
    """
    counts = {name: sum(each.group == name for each in report) for name in _TOLD}
    tiles = "".join(f"<div><dt>{name}</dt><dd>{count}</dd></div>" for name, count in counts.items())
    notes = "".join(f'<p class="note">{html.escape(note)}</p>' for note in report.notes)
    body = [
        f'<header><h1>{html.escape(report.title)}</h1><dl class="tiles">{tiles}</dl>{notes}</header>',
        *(_section(name.capitalize(), _findings(report, name), told) for name, told in _TOLD.items()),
        _section(
            "What the data is like", "".join(_tabled(table) for table in report.tables if table.title not in _OWN)
        ),
        "<footer>Written by <b>Kinfold</b>. This file holds all it shows and asks nothing of any network.</footer>",
    ]
    page = html.page(report.title, f"<main>{''.join(body)}</main>", styles=("base.css", "report.css"))
    html.save(page, path)


def _findings(report: Report, severity: str) -> str:
    """Each finding of a kind, with its way out and its places below it."""
    tables = {table.title: table.rows for table in report.tables}
    ways = {row[0]: row[1] for row in tables.get("Ways out", ())}
    parts = []
    for each in report:
        if each.group != severity:
            continue
        share = 100 * each.value / each.n if each.n else 0.0
        way = ways.get(each.name, "")
        count = (
            f"{number(each.value)} of {each.n:,} ({number(share)} %). {way[:1].upper()}{way[1:]}{'.' if way else ''}"
        )
        parts.append(f"<h3>{html.escape(each.name)}</h3><p>{html.escape(count)}</p>")
        places = [row[1:] for row in tables.get("Examples", ()) if row[0] == each.name]
        parts += [
            f'<p class="note" style="overflow-wrap: anywhere"><b>{html.escape(where)}</b> {html.escape(shown)}</p>'
            for where, shown in places
        ]
    return "".join(parts)
