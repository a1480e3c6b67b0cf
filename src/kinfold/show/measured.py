"""The page of some measurements: each Report with its charts and tables, in one HTML file."""

from __future__ import annotations

import os
from collections.abc import Sequence

from kinfold.core.report import Report
from kinfold.show import html
from kinfold.show.report import FOOTER, _measured


def write(reports: Sequence[Report], path: str | os.PathLike[str], *, title: str = "Measured", lead: str = "") -> None:
    """Writes Reports as one HTML file that opens from disk.

    Args:
        reports: What was measured, in order.
        path: Where to.
        title: Heading.
        lead: What was measured.

    Raises:
        BadFile: The folder cannot be written.
    """
    by = f'<p class="lead">{html.escape(lead)}</p>' if lead else ""
    body = [
        f"<header><h1>{html.escape(title)}</h1>{by}</header>",
        *(f"<section>{_measured(each)}</section>" for each in reports),
        FOOTER,
    ]
    html.save(html.page(title, f"<main>{''.join(body)}</main>", styles=("base.css", "report.css")), path)
