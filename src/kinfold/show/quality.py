"""The page of a look at data: what was found, where, and the way out, in one HTML file."""

from __future__ import annotations

import os

from kinfold.core.report import Report, number
from kinfold.show import html
from kinfold.show.report import _section, _tabled

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
        *(_section(table.title, _tabled(table)) for table in report.tables),
        "<footer>Written by <b>Kinfold</b>. This file holds all it shows and asks nothing of any network.</footer>",
    ]
    page = html.page(report.title, f"<main>{''.join(body)}</main>", styles=("base.css", "report.css"))
    html.save(page, path)


def _findings(report: Report, severity: str) -> str:
    ways = {row[0]: row[1] for table in report.tables if table.title == "Ways out" for row in table.rows}
    lines = "".join(
        f"<tr><th scope=row>{html.escape(each.name)}</th><td class=num>{number(each.value)}</td>"
        f"<td class=num>of {each.n:,}</td><td>{html.escape(ways.get(each.name, ''))}</td></tr>"
        for each in report
        if each.group == severity
    )
    return f'<div class="scroll"><table><tbody>{lines}</tbody></table></div>' if lines else ""
