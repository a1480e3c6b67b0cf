"""What is wrong with data: how often, how bad, where for example, and the way out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from kinfold.core.report import Finding, Report, Table

Severity = Literal["serious", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("serious", "warning", "note")
# Examples of an issue that are kept, those of each that a report shows, and characters of one.
SHOWN = 5
_SHOWN: dict[Severity, int] = {"serious": 5, "warning": 3, "note": 2}
_CUT = 90
# Share of a later split from which what it has of an earlier one changes a judgment.
_LEAKED = 0.005
# Other controls stay, since they may be what is wrong.
_SPACES = re.compile(r"[ \t\r\n]+")


class Example(NamedTuple):
    """One place where an issue is.

    Args:
        where: File and line or row.
        shown: What stands there.
    """

    where: str
    shown: str


@dataclass(frozen=True, slots=True)
class Issue:
    """One kind of thing that is wrong.

    Args:
        name: What it is, with what is counted.
        severity: serious (it breaks learning or makes a judgment worthless), warning (look at it), or note (know it).
        count: How often.
        of: Of how many things.
        examples: Some of the places, in the order of the data.
        fix: The way out, with a command where there is one.
    """

    name: str
    severity: Severity
    count: int
    of: int
    examples: Sequence[Example] = ()
    fix: str = ""


def report(title: str, issues: Iterable[Issue], tables: Sequence[Table], notes: Sequence[str]) -> Report:
    """Issues as a Report: a finding each, the worst first, its group the severity; examples and ways out as tables."""
    found = [each for each in issues if each.count]
    found.sort(key=lambda each: (SEVERITIES.index(each.severity), -each.count / max(each.of, 1)))
    findings = [Finding(each.name, each.count, n=each.of, group=each.severity) for each in found]
    examples = [
        [each.name, where, cut(shown)] for each in found for where, shown in each.examples[: _SHOWN[each.severity]]
    ]
    ways = [[each.name, each.fix] for each in found if each.fix]
    first = [
        *([Table("Examples", ("what", "where", "what stands there"), examples)] if examples else []),
        *([Table("Ways out", ("what", "way out"), ways)] if ways else []),
    ]
    clean = [] if found else ["Nothing was found that needs a look."]
    return Report(title, findings, [*first, *tables], [*clean, *notes])


def of_leakage(count: int, of: int) -> Severity:
    """How bad it is that so many of a later split stand in an earlier one: a few among thousands change no judgment."""
    return "serious" if count >= _LEAKED * of else "warning"


def cut(text: str) -> str:
    """A text on one line, its beginning where it is long."""
    line = _SPACES.sub(" ", text[: 8 * _CUT]).strip(" ")
    return line if len(line) <= _CUT else line[: _CUT - 1] + "…"


def share(count: float, of: float) -> str:
    """A share in percent for people: 0.4 %, 31 %."""
    percent = 100 * count / of if of else 0.0
    return f"{percent:.0f} %" if percent >= 10 or percent == 0 else f"{percent:.2g} %"
