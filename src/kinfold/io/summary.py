"""What a conversion did, as a Report."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from kinfold.core.report import Finding, Report
from kinfold.core.space import Space
from kinfold.io.names import REPAIRED


def summary(
    space: Space,
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    formats: tuple[str, str],
    keeps: str,
    group: str | None,
    noted: tuple[str, ...] = (),
) -> Report:
    """Rows read, left out and written, and a note on each thing that is not as one would expect.

    Args:
        space: What was read.
        source: From here.
        target: To here.
        formats: Of the source and of the target.
        keeps: What the target has a place for, as `Format` says it.
        group: That was asked for, or None.
        noted: What the writer has to say.
    """
    told = _told(space, formats[0])
    skipped = {name: int(count) for name, count in told.items() if name.startswith("skipped: ")}
    whole = keeps == "all" and group is None
    written = next(iter(space.groups)) if group is None else group
    rows = len(space) if whole else len(space.groups[written])
    findings = [
        Finding("rows read", len(space) + sum(skipped.values()), unit="rows"),
        *(Finding(name, count, unit="rows") for name, count in skipped.items()),
        Finding("rows written", rows, unit="rows"),
        Finding("coordinates", space.dim),
    ]
    notes = [f"{Path(source).name} ({formats[0]}) → {Path(target).name} ({formats[1]})"]
    declared = told.get("rows in the header")
    found = len(space) + sum(skipped.values())
    if declared is not None and declared != found:
        notes.append(f"The header says {declared:,} rows; the file holds {found:,}.")
    if told.get(REPAIRED):
        notes.append(f"{told[REPAIRED]:,} keys were not UTF-8 and were repaired.")
    notes += [f"{note[:1].upper()}{note[1:]}." for note in told.get("notes", ())]
    notes += noted
    if not whole and len(space.groups) > 1:
        others = ", ".join(name for name in space.groups if name != written)
        notes.append(f"Only the group '{written}' was written; not: {others}.")
    if keeps != "all":
        kinds = {field.name: field.type for field in (space.table.schema if space.table is not None else ())}
        lost = [name for name, kind in kinds.items() if keeps == "keys" or pa.types.is_nested(kind)]
        notes.append(f"The format has no place for {', '.join(['the card', *lost])}.")
    return Report("convert", tuple(findings), notes=tuple(notes))


def _told(space: Space, format: str) -> Mapping[str, Any]:
    """What the reader noted on the card: as its data where the file had none, else as the last step."""
    if space.card.data.get("format") == format:
        return space.card.data
    last = space.card.steps[-1] if space.card.steps else {}
    return last if last.get("step") == "read" else {}
