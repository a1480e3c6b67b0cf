"""Reports, tables, hits and Spaces for a terminal; without color, and as wide as they need, where it is none."""

from __future__ import annotations

import io
import math
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kinfold.core.errors import BadOption
from kinfold.core.hits import Hits
from kinfold.core.report import Finding, Report, Table, number
from kinfold.core.space import Space
from kinfold.show import glance

if TYPE_CHECKING:
    from rich.console import RenderableType

_PIPED = 10_000  # columns of an output that nobody looks at: never wrapped


def render(
    what: Report | Table | Hits | Space | Sequence[Any], *, color: bool | None = None, width: int | None = None
) -> str:
    """The text of a Report, a Table, Hits, a Space, or several of them.

    Args:
        what: What to show.
        color: Whether to use color; by default where standard output is a terminal.
        width: Columns; by default those of the terminal, and as many as needed where it is none.

    Returns:
        Lines without a line end behind the last one. Control characters in names are made visible.

    Raises:
        BadOption: Something that has no text.

    Example:
        >>> print(render(Report("analogies", [Finding("accuracy", 0.374, 0.36, 0.39, n=8420)]), color=False))
        analogies
                  value    95% interval      n
        accuracy  0.374  0.360 to 0.390  8,420
    """
    from rich.console import Console

    terminal = sys.stdout.isatty()
    color = terminal if color is None else color
    sink = io.StringIO()
    console = Console(
        file=sink,
        force_terminal=color,
        color_system="auto" if color else None,
        no_color=not color,
        width=width or (None if terminal else _PIPED),
        highlight=False,
        emoji=False,
        markup=False,
        soft_wrap=False,
    )
    parts = list(what) if isinstance(what, list | tuple) else [what]
    for place, each in enumerate(parts):
        if place:
            console.print()
        for block in _blocks(each):
            console.print(block)
    return "\n".join(line.rstrip() for line in sink.getvalue().rstrip("\n").split("\n"))


def cell(value: Any) -> str:
    """One cell for people: numbers as `number` writes them, a dash where there is none."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return number(value) if isinstance(value, int | float) else str(value)


def columns_of(findings: Sequence[Finding]) -> tuple[list[str], list[list[str]]]:
    """Findings as the header and the cells of a table; columns that no finding fills are left out."""
    shared, labels = labels_of(findings)
    header = [shared, "value", "", "95% interval", "n"]
    rows = []
    for each, label in zip(findings, labels, strict=True):
        interval = "" if each.low is None or each.high is None else f"{cell(each.low)} to {cell(each.high)}"
        rows.append([label, cell(each.value), each.unit, interval, "" if each.n is None else f"{each.n:,}"])
    kept = [at for at in range(len(header)) if at < 2 or any(row[at] for row in rows)]
    return [header[at] for at in kept], [[row[at] for at in kept] for row in rows]


def labels_of(findings: Sequence[Finding]) -> tuple[str, list[str]]:
    """What findings are called beside each other, and the name that all of them share, or nothing."""
    names = {each.name for each in findings}
    if len(names) == 1 and len(findings) > 1:
        return names.pop(), [each.group or "all" for each in findings]
    return "", [f"{each.group} · {each.name}" if each.group else each.name for each in findings]


def right_aligned(table: Table) -> list[bool]:
    """Which columns hold numbers only."""

    def numeric(value: Any) -> bool:
        return value is None or (isinstance(value, int | float | np.number) and not isinstance(value, bool))

    return [all(numeric(row[at]) for row in table.rows) for at in range(len(table.columns))]


def _blocks(what: Any) -> list[RenderableType]:
    if isinstance(what, Report):
        blocks: list[RenderableType] = [_title(what.title)]
        if what.findings:
            header, rows = columns_of(what.findings)
            blocks.append(_grid(header, rows, [False, *[True] * (len(header) - 1)]))
        for table in what.tables:
            blocks += ["", *_blocks(table)]
        return [*blocks, *(_soft(f"note: {note}") for note in what.notes)]
    if isinstance(what, Table):
        rows = [[cell(each) for each in row] for row in what.rows]
        return [_title(what.title), _grid(what.columns, rows, right_aligned(what))]
    if isinstance(what, Hits):
        rows = [[key, f"{score:.3f}"] for key, score in what]
        return [*([_title(what.query)] if what.query else []), _grid(["key", "score"], rows, [False, True])]
    if isinstance(what, Space):
        return _space(what)
    raise BadOption(f"there is no text for a {type(what).__name__}; a Report, Table, Hits or Space has one.")


def _space(space: Space) -> list[RenderableType]:
    blocks: list[RenderableType] = []
    for title, lines in (
        ("Space", [*glance.numbers(space), *glance.origin(space)]),
        ("groups", glance.groups(space)),
        ("attributes", glance.attributes(space)),
        ("parameters", glance.parameters(space)),
    ):
        if lines:
            blocks += [
                *([""] if blocks else []),
                _title(title),
                _grid([], [list(line) for line in lines], [False, False]),
            ]
    return blocks


def _grid(header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool]) -> RenderableType:
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(box=None, pad_edge=False, show_header=bool(header), padding=(0, 2, 0, 0), header_style="dim")
    for at, is_right in enumerate(right):
        name = Text(visible(header[at])) if header else ""
        grid.add_column(
            name,
            justify="right" if is_right else "left",
            overflow="fold",
            style="" if at else "bold" if not header else "",
        )
    for row in rows:
        grid.add_row(*(Text(visible(each)) for each in row))
    return grid


def _title(text: str) -> RenderableType:
    from rich.text import Text

    return Text(visible(text), style="bold cyan")


def _soft(text: str) -> RenderableType:
    from rich.text import Text

    return Text(visible(text), style="dim")


def visible(text: str) -> str:
    """The text with control characters escaped: a key cannot move the cursor or color the terminal."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in text)
