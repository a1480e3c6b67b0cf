"""`kinfold encode`: rows for things that a Space has not, in its frame."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer

from kinfold.app.output import Json, say, watched
from kinfold.app.recommend import history_of
from kinfold.app.vectors import SpacePath


def encode(
    path: SpacePath,
    out: Annotated[Path, typer.Option("--out", "-o", help="Where the rows are written; the format by its ending.")],
    things: Annotated[
        list[str] | None,
        typer.Argument(metavar="THING...", help="What to encode: words, texts, or histories (keys between commas)."),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(help="A file instead: a thing a line (.gz .bz2 .xz .zst too), or a table with --text and --key."),
    ] = None,
    text: Annotated[str | None, typer.Option(help="Column of a table that holds the things.")] = None,
    key: Annotated[str | None, typer.Option(help="Column that names them; by default they are numbered.")] = None,
    encoder: Annotated[
        str | None, typer.Option(help="Which encoder; by default the one for the Space's method.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Give new things rows in the frame of a Space: words that it has never seen, texts, users by what they met."""
    import kinfold as kf
    from kinfold.core.errors import BadOption
    from kinfold.core.shapes import Items
    from kinfold.io.detect import format_for
    from kinfold.show.glance import size

    if bool(things) == (file is not None):
        raise BadOption("say what to encode: one or more THINGs, or --file with one a line, not both.")
    format_for(out, kf.io.FORMATS)
    made_by: Any = kf.encoder(path, encoder)
    items: Items[Any] = Items(things or [])
    if file is not None:
        items = kf.sources.documents.read(file, text=text, key=key)
    if file is not None and getattr(made_by, "things", "texts") == "words":
        items = Items([line for line in items.raw if line]) if items.keys is None else items
    if getattr(made_by, "things", "texts") == "histories":
        known = made_by.space.keys.group(made_by.other)
        items = dataclasses.replace(items, raw=[history_of(line, known) for line in items.raw])
    with watched(as_json) as progress:
        made = made_by.encode(items, progress=progress)
        kf.io.save(made, out)
    step = {name: value for name, value in made.card.steps[-1].items() if name != "step"}
    values = {"path": str(out), "rows": len(made), "dim": made.dim, "frame": made.frame, **step}
    counts = ", ".join(f"{value:,} {name}" for name, value in step.items() if isinstance(value, int))
    shown = f"{len(made):,} rows × {made.dim} in the frame {made.frame}, {size(out.stat().st_size)} → {out}"
    say(values, f"{shown}\n  {counts}" if counts else shown, as_json)
