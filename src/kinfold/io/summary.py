"""What a conversion did, as a Report."""

from __future__ import annotations

import os
from pathlib import Path

from kinfold.core.report import Finding, Report
from kinfold.core.space import Space
from kinfold.io.names import REPAIRED


def summary(
    space: Space,
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    from_format: str,
    format: str,
    group: str | None,
) -> Report:
    """Rows read, left out and written, and a note on each thing that is not as one would expect.

    Args:
        space: What was read.
        source: From here.
        target: To here.
        from_format: Of the source.
        format: Of the target.
        group: That was asked for, or None.
    """
    told = space.card.data if from_format != "arrow" else {}
    skipped = {name: int(count) for name, count in told.items() if name.startswith("skipped: ")}
    whole = format == "arrow" and group is None
    written = next(iter(space.groups)) if group is None else group
    rows = len(space) if whole else len(space.groups[written])
    findings = [
        Finding("rows read", len(space) + sum(skipped.values()), unit="rows"),
        *(Finding(name, count, unit="rows") for name, count in skipped.items()),
        Finding("rows written", rows, unit="rows"),
        Finding("coordinates", space.dim),
    ]
    notes = [f"{Path(source).name} ({from_format}) → {Path(target).name} ({format})"]
    declared = told.get("rows in the header")
    found = len(space) + sum(skipped.values())
    if declared is not None and declared != found:
        notes.append(f"The header says {declared:,} rows; the file holds {found:,}.")
    if told.get(REPAIRED):
        notes.append(f"{told[REPAIRED]:,} keys were not UTF-8 and were repaired.")
    notes += [f"{note[:1].upper()}{note[1:]}." for note in told.get("notes", ())]
    if not whole and len(space.groups) > 1:
        others = ", ".join(name for name in space.groups if name != written)
        notes.append(f"Only the group '{written}' was written; not: {others}.")
    if format in ("word2vec-text", "word2vec-binary", "glove", "npy"):
        lost = ["the card", *(space.table.column_names if space.table is not None else ())]
        notes.append(f"The format has no place for {', '.join(lost)}.")
    return Report("convert", tuple(findings), notes=tuple(notes))
