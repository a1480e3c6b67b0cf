"""The page of a learning curve: accuracy over the number of labels, a line a method, in one HTML file."""

from __future__ import annotations

import os
from functools import partial

from kinfold.core.report import Report
from kinfold.show import html
from kinfold.show.report import FOOTER, _chart, _section, _tabled
from kinfold.show.search import _drawn, _findings


def write(report: Report, path: str | os.PathLike[str], *, lead: str = "") -> None:
    """Writes the page of a learning curve as one HTML file that opens from disk.

    Args:
        report: Of `tasks.curve.curve`: its table has the number of labels and a column for each method.
        path: Where to.
        lead: What was learned.

    Raises:
        BadFile: The folder cannot be written.
    """
    notes = "".join(f'<p class="note">{html.escape(note)}</p>' for note in report.notes)
    by = f'<p class="lead">{html.escape(lead)}</p>' if lead else ""
    body = [
        f"<header><h1>{html.escape(report.title)}</h1>{by}</header>",
        _section(
            "Accuracy by labels",
            "".join(_chart(partial(_drawn, each)) for each in report.tables),
            "What knows language already needs fewer labels.",
        ),
        _section("Table", "".join(_tabled(each) for each in report.tables)),
        _section("Findings", _findings(report) + notes),
        FOOTER,
    ]
    page = html.page(report.title, f"<main>{''.join(body)}</main>", styles=("base.css", "report.css"))
    html.save(page, path)
