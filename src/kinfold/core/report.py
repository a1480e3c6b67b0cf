"""What a measurement says: never a bare number, always with its interval and the count that it rests on."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kinfold.core.errors import UnknownName, did_you_mean

# Missing words that a table shows.
_LISTED = 200


@dataclass(frozen=True, slots=True)
class Finding:
    """One measured value.

    Args:
        name: What was measured.
        value: The estimate.
        low: Lower end of its 95 % interval, None where there is none.
        high: Upper end.
        n: How many observations it rests on.
        unit: Of the value; empty for a ratio.
        group: The part that it belongs to (a section, a data set), empty for the whole.
    """

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    n: int | None = None
    unit: str = ""
    group: str = ""

    def __str__(self) -> str:
        label = f"{self.group} · {self.name}" if self.group else self.name
        parts = [f"{label}: {number(self.value)}"]
        if self.low is not None and self.high is not None:
            parts.append(f"[{number(self.low)}, {number(self.high)}]")
        if self.unit:
            parts.append(self.unit)
        if self.n is not None:
            parts.append(f"(n = {self.n:,})")
        return " ".join(parts)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of a Report: `columns` names them, each row has one cell a column (str, int, float or None)."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Report:
    """What a measurement found. One shape for accuracy, bias, drift, recall and milliseconds."""

    title: str
    findings: Sequence[Finding] = ()
    tables: Sequence[Table] = ()
    notes: Sequence[str] = field(default=())

    def __getitem__(self, name: str) -> Finding:
        """The finding of this name, or of `group/name`.

        Raises:
            UnknownName: There is none.
        """
        for finding in self.findings:
            if name in (finding.name, f"{finding.group}/{finding.name}"):
                return finding
        names = [f"{each.group}/{each.name}" if each.group else each.name for each in self.findings]
        raise UnknownName(
            f"'{self.title}' has no finding '{name}'.{did_you_mean(name, names)} It has: {', '.join(names)}."
        )

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __str__(self) -> str:
        lines = [
            self.title,
            *(f"  {finding}" for finding in self.findings),
            *(f"  note: {note}" for note in self.notes),
        ]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; a value that is not finite becomes None."""
        return {
            "title": self.title,
            "findings": [
                {
                    "name": each.name,
                    "value": _finite(each.value),
                    "low": _finite(each.low),
                    "high": _finite(each.high),
                    "n": each.n,
                    "unit": each.unit,
                    "group": each.group,
                }
                for each in self.findings
            ],
            "tables": [
                {
                    "title": table.title,
                    "columns": list(table.columns),
                    "rows": [[_finite(cell) for cell in row] for row in table.rows],
                }
                for table in self.tables
            ],
            "notes": list(self.notes),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Report:
        """The inverse of `to_dict`; a missing value is NaN again."""
        return cls(
            title=values["title"],
            findings=tuple(
                Finding(**{**each, "value": math.nan if each["value"] is None else each["value"]})
                for each in values["findings"]
            ),
            tables=tuple(Table(each["title"], each["columns"], each["rows"]) for each in values["tables"]),
            notes=tuple(values["notes"]),
        )


def missing_words(words: Counter[str], what: str, of: str = "") -> Table:
    """Words that have no row, those that spoil most `what` first.

    Args:
        words: How many of `what` lack each.
        what: Questions, pairs …
        of: Whose rows: "of the source"; nothing where there is one Space.
    """
    ordered = sorted(words.items(), key=lambda each: (-each[1], each[0]))
    title = " ".join(["Missing words", *([of] if of else []), f"({len(ordered):,})"])
    return Table(title, ("word", what), [list(each) for each in ordered[:_LISTED]])


def number(value: float) -> str:
    """A number for people: 71,290 · 0.374 · 12.5 · not a number."""
    if isinstance(value, int) or (math.isfinite(value) and value == int(value) and abs(value) >= 100):
        return f"{int(value):,}"
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else str(value)
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return (
        f"{value:.3g}" if abs(value) >= 1 or value == 0 else f"{value:.3f}" if abs(value) >= 0.001 else f"{value:.2e}"
    )


def percent(share: float, digits: int = 1) -> str:
    """A share for people: 97.3 % · 0.05 %."""
    return f"{100 * share:.{digits}f} %"


def _finite(value: Any) -> Any:
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
