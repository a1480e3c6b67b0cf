"""What a Space is, in a few lines of names and values that text and HTML share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kinfold.core.report import number
from kinfold.core.space import Space

# Characters of a value that are shown: a tokenizer is a parameter too.
_LONGEST = 200


def numbers(space: Space) -> list[tuple[str, str]]:
    """Sizes: rows, dimensions, bytes of the coordinates."""
    return [
        ("rows", f"{len(space):,}"),
        ("dimensions", f"{space.dim:,}"),
        ("coordinates", f"{size(space.rows.nbytes)} of {space.rows.dtype}"),
        ("metric", space.metric.value),
    ]


def groups(space: Space) -> list[tuple[str, str]]:
    """Each group with its number of rows."""
    return [(name, f"{len(rows):,}") for name, rows in space.groups.items()]


def attributes(space: Space) -> list[tuple[str, str]]:
    """Each attribute with its type."""
    if space.table is None:
        return []
    return [(each.name, str(each.type)) for each in space.table.schema]


def origin(space: Space) -> list[tuple[str, str]]:
    """Method, frame, seed, data and the steps since."""
    card = space.card
    lines = [("method", card.method), ("frame", card.frame)]
    if card.seed is not None:
        lines.append(("seed", str(card.seed)))
    if card.data:
        lines.append(("data", _counted(card.data)))
    for place, step in enumerate(card.steps, 1):
        details = said({name: value for name, value in step.items() if name != "step"})
        lines.append((f"step {place}", f"{step.get('step', '')}: {details}" if details else str(step.get("step", ""))))
    return lines


def parameters(space: Space) -> list[tuple[str, str]]:
    """All of the learner's parameters."""
    return [(name.replace("_", " "), said(value)) for name, value in space.card.parameters.items()]


def _counted(data: Mapping[str, Any]) -> str:
    """The data's fingerprint: Sequences, 1,200 sequences, 30,000 tokens, hash 9f86d081."""
    return ", ".join(
        f"{value:,} {name.replace('_', ' ')}"
        if isinstance(value, int) and not isinstance(value, bool)
        else said(value)
        if name == "shape"
        else f"{name.replace('_', ' ')} {said(value)}"
        for name, value in data.items()
    )


def said(value: Any) -> str:
    """A value of a card for people: 5 · 0.025 · yes · sequences 1,200, tokens 30,000."""
    if isinstance(value, dict):
        return ", ".join(f"{name.replace('_', ' ')} {said(each)}" for name, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(said(each) for each in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "none"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:g}" if abs(value) < 1e6 else number(value)
    shown = str(value)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"


def size(count: int) -> str:
    """Bytes for people: 812 bytes · 4.6 MB."""
    if count < 1000:
        return f"{count} bytes"
    value = float(count)
    for unit in ("kB", "MB", "GB", "TB"):
        value /= 1000
        if value < 999.5 or unit == "TB":
            break
    return f"{value:.3g} {unit}"
