"""What a command says: for people, or as JSON; and how far it is, on standard error."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kinfold.core.progress import Progress, quiet

if TYPE_CHECKING:
    from kinfold.core.hits import Hits
    from kinfold.core.space import Space

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Show = Annotated[str | None, typer.Option(help="An attribute to show beside each key, such as a title.")]


def say(values: Any, text: str, as_json: bool) -> None:
    """Prints one of the two to standard output."""
    shown = json.dumps(values, ensure_ascii=False, indent=1, default=str) if as_json else text
    # Keys are other people's text: what the terminal cannot write is escaped.
    coding = sys.stdout.encoding or "utf-8"
    try:
        print(shown.encode(coding, "backslashreplace").decode(coding), flush=True)
    except BrokenPipeError:
        # The reader went away (`| head`), and nothing is wrong; what is left goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say_hits(several: Sequence[Hits], space: Space, show: str | None, as_json: bool) -> None:
    """Prints what was found in a Space, each with an attribute beside it where one is named."""
    from kinfold.core.report import Table
    from kinfold.show import text

    values: list[dict[str, Any]] = [each.to_dict() for each in several]
    if show is None:
        say(values, "\n\n".join(text.render(each) for each in several), as_json)
        return
    tables = []
    for each, told in zip(several, values, strict=True):
        shown = space.attribute(show).take(each.rows).to_pylist()
        for hit, value in zip(told["hits"], shown, strict=True):
            hit[show] = value
        rows = [[key, score, value] for (key, score), value in zip(each, shown, strict=True)]
        tables.append(Table(each.query, ("key", "score", show), rows))
    say(values, text.render(tables), as_json)


@contextlib.contextmanager
def watched(as_json: bool) -> Iterator[Progress]:
    """Progress bars on standard error, where somebody is looking."""
    if as_json or not sys.stderr.isatty():
        yield quiet
        return
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("[bold]{task.description:<10}"),
        BarColumn(bar_width=30),
        TaskProgressColumn(),
        TextColumn("{task.fields[note]}"),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=Console(stderr=True), transient=False) as bars:
        yield _Bars(bars)


class _Bars:
    """Adapts rich's bars: one bar a stage; rates are counted here, from any thread."""

    def __init__(self, bars: Any) -> None:
        self._bars, self._unit, self._lock = bars, "", threading.Lock()
        self._task: Any = None

    def start(self, stage: str, total: float | None = None, unit: str = "") -> None:
        """A new bar; the one before it is complete."""
        if self._task is not None:
            done = next(task for task in self._bars.tasks if task.id == self._task)
            self._bars.update(self._task, total=done.completed or 1, completed=done.completed or 1)
        self._unit = unit
        self._task = self._bars.add_task(stage, total=total, note="")

    def advance(self, amount: float, **numbers: float) -> None:
        """Moves the bar and rewrites its note."""
        with self._lock:
            task = next(task for task in self._bars.tasks if task.id == self._task)
            elapsed = task.elapsed or 0.0
            parts = [f"{name} {value:.3f}" for name, value in numbers.items()]
            if elapsed > 0.2:
                parts.insert(0, f"{_short((task.completed + amount) / elapsed)} {self._unit}/s")
            self._bars.update(self._task, advance=amount, note=" · ".join(parts))


def _short(value: float) -> str:
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:.1f} {unit}"
    return f"{value:.0f}"
