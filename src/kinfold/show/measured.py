"""The page of some measurements: each Report with its charts and tables, in one HTML file."""

from __future__ import annotations

import os
from collections.abc import Sequence

from kinfold.core.report import Report
from kinfold.show import html
from kinfold.show.report import FOOTER, _measured, _section


def write(reports: Sequence[Report], path: str | os.PathLike[str], *, title: str = "", lead: str = "") -> None:
    """Writes Reports as one HTML file that opens from disk.

    Args:
        reports: What was measured, in order.
        path: Where to.
        title: Heading; by default that of the only Report.
        lead: What was measured.

    Raises:
        BadFile: The folder cannot be written.
    """
    heading = title or (reports[0].title if len(reports) == 1 else "Measured")
    by = f'<p class="lead">{html.escape(lead)}</p>' if lead else ""
    body = [
        f"<header><h1>{html.escape(heading)}</h1>{by}</header>",
        *(_section(each.title, _measured(each)) for each in reports),
        FOOTER,
    ]
    html.save(html.page(heading, f"<main>{''.join(body)}</main>", styles=("base.css", "report.css")), path)
