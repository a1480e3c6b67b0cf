"""Commands that make a Space of a Space."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer

from kinfold.app.output import Json, say
from kinfold.app.vectors import SpacePath, Where

Part = Annotated[str | None, typer.Option(help="Whose rows; by default the first group.")]


def clusters(
    path: SpacePath,
    k: Annotated[int | None, typer.Option("-k", help="How many clusters. \\[default: 10]", show_default=False)] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write the Space with each row's cluster and its name.")
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(metavar="ATTRIBUTE", help="Judge the kinds that an attribute names, instead of finding any."),
    ] = None,
    name: Annotated[str, typer.Option(help="What the attribute of clusters is called.")] = "cluster",
    group: Part = None,
    iterations: Annotated[int, typer.Option(help="Of k-means.")] = 25,
    restarts: Annotated[int, typer.Option(help="Times that k-means begins anew; the best fit counts.")] = 3,
    seed: Annotated[int, typer.Option(help="Of samples, first centers and intervals.")] = 0,
    as_json: Json = False,
) -> None:
    """Find clusters by k-means, name them, and measure how well they are apart."""
    import kinfold as kf
    from kinfold.core.errors import BadOption
    from kinfold.show import text
    from kinfold.transform import Clusters

    if by is not None and k is not None:
        raise BadOption("--by judges kinds that are there, and -k finds new ones; give one of them.")
    space = kf.open(path)
    if by is None:
        method = Clusters(10 if k is None else k, iterations, restarts, seed, group, name)
        space = method.apply(space)
    report = kf.measure.clusters(space, by or name, group=group, seed=seed)
    values, shown = report.to_dict(), text.render(report)
    if out is not None:
        space.with_report(report).save(out)
        values["path"] = str(out)
        shown += f"\n→ {out}    kinfold map {out} --color {by or name} -o map.html"
    say(values, shown, as_json)


def restrict(
    path: SpacePath,
    out: Annotated[Path, typer.Option("--out", "-o", help="Where the smaller Space is written.")],
    top: Annotated[int | None, typer.Option(help="Only so many rows: the most frequent, or the first.")] = None,
    min_count: Annotated[float | None, typer.Option(help="Only keys that occur at least so often.")] = None,
    where: Where = None,
    group: Part = None,
    alone: Annotated[
        bool, typer.Option("--alone", help="Leave out the other groups too, such as n-grams, which are kept otherwise.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Keep the frequent part of a vocabulary, or what fulfills a condition."""
    import kinfold as kf
    from kinfold.show.glance import size
    from kinfold.transform import Restrict

    space = kf.open(path)
    small = Restrict(top, min_count, where, group, alone).apply(space)
    small.save(out)
    step = small.card.steps[-1]
    values: dict[str, Any] = {
        "path": str(out),
        "group": step["group"],
        "kept": step["kept"],
        "of": step["of"],
        "rows": len(small),
        "bytes": out.stat().st_size,
    }
    chosen = f"{step['kept']:,} of {step['of']:,} rows of '{step['group']}'"
    others = f", {len(small) - step['kept']:,} of other groups" if len(small) > step["kept"] else ""
    say(values, f"{chosen}{others}, {size(values['bytes'])} → {out}", as_json)


def compress(
    path: SpacePath,
    out: Annotated[Path, typer.Option("--out", "-o", help="Where it is written: .arrow, or .ftz of a classifier.")],
    bytes: Annotated[
        str | None, typer.Option(help="The file may be so large: 500k, 2M; what does not fit is coded more coarsely.")
    ] = None,
    width: Annotated[int, typer.Option(help="Coordinates that a byte stands for.")] = 2,
    lengths: Annotated[
        bool, typer.Option("--lengths/--no-lengths", help="Whether a row's length has a byte of its own.")
    ] = True,
    seed: Annotated[int, typer.Option(help="Of k-means.")] = 0,
    as_json: Json = False,
) -> None:
    """Make a Space smaller: rows as product codes, a classifier also without its weakest features."""
    import kinfold as kf
    from kinfold.io.detect import format_for
    from kinfold.show import text
    from kinfold.show.glance import size
    from kinfold.transform import Compress

    format = format_for(out, kf.io.FORMATS)
    method = Compress(width, lengths, None if bytes is None else _bytes(bytes), format, seed=seed)
    small = method.apply(kf.open(path))
    notes = kf.io.save(small, out, format)
    report = small.card.reports[-1]
    report = dataclasses.replace(report, notes=(*report.notes, *notes))
    before, after = _size(path), _size(out)
    values = {"path": str(out), "bytes": after, "bytes_before": before, **report.to_dict()}
    say(values, f"{text.render(report)}\n{size(before)} → {size(after)} → {out}", as_json)


def _bytes(text: str) -> int:
    """A size as people write it: 500k, 2M, 1.5 GB, 800000."""
    import re

    from kinfold.core.errors import BadOption

    found = re.fullmatch(r"\s*([\d.]+)\s*([kmg]?)(i?)b?\s*", text, re.IGNORECASE)
    try:
        number = float(found.group(1)) if found else float("nan")
    except ValueError:
        number = float("nan")
    if found is None or number != number:
        raise BadOption(f"'{text}' is no size; write 500k, 2M or a number of bytes.")
    return int(number * (1024 if found.group(3) else 1000) ** " kmg".index(found.group(2).lower() or " "))


def _size(path: Path) -> int:
    return (
        sum(each.stat().st_size for each in path.rglob("*") if each.is_file()) if path.is_dir() else path.stat().st_size
    )
