"""Commands around indexes: build one beside a Space, and measure what it misses."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kinfold.app.output import Json, say
from kinfold.app.vectors import SpacePath


def index(
    path: SpacePath,
    method: Annotated[str, typer.Option(help="hnsw, ivf or exact.")] = "hnsw",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="By default beside the Space, with the method as extension.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Build an index that searches a large Space faster, and save it beside the Space."""
    import kinfold as kf
    from kinfold.show.glance import size

    space = kf.open(path)
    target = out or path.with_suffix(f".{method}")
    kf.search.build(space, method).save(target)
    values = {"path": str(target), "method": method, "rows": len(space), "bytes": target.stat().st_size}
    say(values, f"{method} over {len(space):,} rows, {size(target.stat().st_size)} → {target}", as_json)


def recall(
    path: SpacePath,
    saved: Annotated[Path, typer.Argument(metavar="INDEX", help="An index that `kinfold index` saved.")],
    k: Annotated[int, typer.Option("-k", help="Depth: how many of the true k nearest are found.")] = 10,
    queries: Annotated[int, typer.Option(help="Rows that are drawn as queries.")] = 1000,
    seed: Annotated[int, typer.Option(help="Of the draw and the interval.")] = 0,
    as_json: Json = False,
) -> None:
    """Measure an index against exact search: what it finds, and how fast both are."""
    import kinfold as kf
    from kinfold.show import text

    space = kf.open(path)
    report = kf.measure.recall(space, kf.search.open(saved, space), k=k, queries=queries, seed=seed)
    say(report.to_dict(), text.render(report), as_json)
