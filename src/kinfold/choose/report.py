"""What a search tells: the best setting, quality along one option, and all that was tried."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kinfold.choose.halving import Trial, ranked
from kinfold.core.report import Finding, Report, Table, number

HELD, FITTED = "held out", "learned from"


@dataclass(frozen=True, slots=True)
class Search:
    """What was searched.

    Args:
        grid: The values of each option that were tried.
        metric: Name of what settings were judged by.
        larger: Whether a larger value is a better one.
        axis: Option along which quality is told; empty where there is no such.
        freer: Whether a larger value of it leaves more room to learn by heart (a dimension), or less (a penalty).
        unit: What budgets are: epochs …; None where each setting was judged once.
    """

    grid: Mapping[str, Sequence[Any]]
    metric: str
    larger: bool = True
    axis: str = ""
    freer: bool = True
    unit: str | None = None

    @property
    def varied(self) -> list[str]:
        """The options that have several values."""
        return [name for name, values in self.grid.items() if len(values) > 1]

    def name(self, setting: Mapping[str, Any]) -> str:
        """What tells a line from others: `regularization 0.01`; empty where nothing does."""
        return ", ".join(f"{name} {shown(setting[name])}" for name in self.varied if name != self.axis)


def told(
    title: str, search: Search, trials: Sequence[Trial], first: Trial, lines: Sequence[Mapping[str, Any]]
) -> Report:
    """The report of a search.

    Args:
        title: Of the report.
        search: What was searched.
        trials: All that was judged.
        first: The best of it.
        lines: A setting for each line along the axis, which was judged on the whole budget at each of its values.

    Returns:
        The quality of the best. Two tables of the lines, on what was held out and on what was learned from, whose first
        column is the axis, and then one of all that was tried. Notes where a line falls on what was held out while it
        rises on what was learned from, where less does nearly as well, and where the best is at the end of what was
        tried.
    """
    quality = first.quality
    findings = [Finding(search.metric, quality.value, quality.low, quality.high, quality.n, group=HELD)]
    if quality.fitted is not None:
        findings.append(Finding(search.metric, quality.fitted, group=FITTED))
    curves = [_along(search, trials, line) for line in lines] if search.axis else []
    notes = [note for line, curve in zip(lines, curves, strict=False) if (note := _by_heart(search, line, curve))]
    tables = [*_tables(search, lines, curves), _tried(search, trials)]
    nearly = _nearly(search, first, _along(search, trials, first.setting)) if search.axis else []
    return Report(title, findings, tables, [*notes, *nearly, *_at_an_end(search, first)])


def _along(search: Search, trials: Sequence[Trial], line: Mapping[str, Any]) -> list[Trial]:
    """What was judged of a line on the whole budget, from small values of the axis to large ones."""
    most = max(each.budget for each in trials)
    full = [each for each in trials if each.budget == most]
    found = []
    for value in sorted(search.grid[search.axis]):
        found += [each for each in full if each.setting == {**line, search.axis: value}][:1]
    return found


def _tables(search: Search, lines: Sequence[Mapping[str, Any]], curves: Sequence[Sequence[Trial]]) -> list[Table]:
    if not curves:
        return []
    columns = (search.axis, *(search.name(line) or search.metric for line in lines))
    places = [each.setting[search.axis] for each in curves[0]]
    held = [[at, *(curve[row].quality.value for curve in curves)] for row, at in enumerate(places)]
    fitted = [[at, *(curve[row].quality.fitted for curve in curves)] for row, at in enumerate(places)]
    titles = [f"{search.metric} by {search.axis}, {what}" for what in (HELD, FITTED)]
    return [Table(title, columns, rows) for title, rows in zip(titles, (held, fitted), strict=True)]


def _by_heart(search: Search, line: Mapping[str, Any], curve: Sequence[Trial]) -> str:
    """The note on a line that falls beyond the interval of its best while what was learned from gets better."""
    ordered = list(curve) if search.freer else list(curve)[::-1]
    top, end = ranked(ordered, larger=search.larger)[0], ordered[-1]
    sign = 1 if search.larger else -1
    worst = top.quality.low if search.larger else top.quality.high
    if worst is None or top.quality.fitted is None or end.quality.fitted is None:
        return ""
    if sign * (end.quality.value - worst) >= 0 or sign * (end.quality.fitted - top.quality.fitted) <= 0:
        return ""
    name, more = search.name(line), "larger" if search.freer else "smaller"
    ends = [f"{number(each.quality.value)} at {shown(each.setting[search.axis])}" for each in (top, end)]
    closer = f"{number(top.quality.fitted)} to {number(end.quality.fitted)}"
    return (
        f"{f'with {name}, ' if name else ''}a {more} {search.axis} learns by heart: {search.metric} goes from "
        f"{ends[0]} to {ends[1]} on what was held out, and from {closer} on what was learned from."
    )


def _nearly(search: Search, first: Trial, curve: Sequence[Trial]) -> list[str]:
    """The note that less of the axis is worth nearly as much; a penalty is no less for being smaller."""
    low, high = first.quality.low, first.quality.high
    if not search.freer or low is None or high is None:
        return []
    less = next((each for each in curve if low <= each.quality.value <= high), first)
    if less.setting[search.axis] == first.setting[search.axis]:
        return []
    value, quality = shown(less.setting[search.axis]), number(less.quality.value)
    return [f"a {search.axis} of {value} does nearly as well: {quality}, within the interval of the best."]


def _at_an_end(search: Search, first: Trial) -> list[str]:
    found = []
    for name in search.varied:
        values, value = search.grid[name], first.setting[name]
        if all(isinstance(each, int | float) and not isinstance(each, bool) for each in values):
            for end, which, more in ((min(values), "smallest", "smaller"), (max(values), "largest", "larger")):
                if value == end:
                    found.append(
                        f"the best {name}, {shown(value)}, is the {which} that was tried; a {more} one may do better."
                    )
    return found


def _tried(search: Search, trials: Sequence[Trial]) -> Table:
    """All trials, rung by rung and the best of each first; those beside the rungs last."""
    several = max((each.rung or 0 for each in trials), default=0) > 1
    rows = []
    for rung in [*sorted({each.rung for each in trials if each.rung is not None}), None]:
        for each in ranked([trial for trial in trials if trial.rung == rung], larger=search.larger):
            spent = [rung, each.budget] if several else []
            value, low, high, _, fitted = each.quality
            near = [None if math.isnan(value) else end for end in (value, low, high)]
            rows.append([*(_cell(each.setting[name]) for name in search.varied), *spent, *near, fitted])
    spent_on = ["rung", search.unit or "budget"] if several else []
    return Table("Tried", (*search.varied, *spent_on, search.metric, "low", "high", FITTED), rows)


def shown(value: Any) -> str:
    """The value of an option, whole: 0.0015, where a report would round it."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _cell(value: Any) -> Any:
    """The value, or its text where a table would round it."""
    rounded = isinstance(value, float) and float(number(value).replace(",", "")) != value
    return shown(value) if rounded else value
