"""Commands that tell what a Space is and how good, and bring one from another format and back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from kinfold.app.output import Json, say, watched

SpacePath = Annotated[
    Path, typer.Argument(metavar="SPACE", help="A Space, or vectors in any format that convert reads.")
]
Where = Annotated[str | None, typer.Option(help='SQL condition on key, group and attributes: "count > 100".')]


def info(path: SpacePath, as_json: Json = False) -> None:
    """What a Space is: card, groups, rows, bytes, attributes."""
    import kinfold as kf
    from kinfold.show import text
    from kinfold.show.glance import size

    space = kf.open(path)
    attributes = (
        [] if space.table is None else [{"name": field.name, "type": str(field.type)} for field in space.table.schema]
    )
    card = {name: getattr(space.card, name) for name in ("frame", "method", "seed")}
    values = {
        "path": str(path),
        "rows": len(space),
        "dim": space.dim,
        "dtype": str(space.rows.dtype),
        "metric": space.metric.value,
        "bytes": path.stat().st_size,
        "groups": {name: len(rows) for name, rows in space.groups.items()},
        "attributes": attributes,
        "card": {
            **card,
            "parameters": dict(space.card.parameters),
            "data": dict(space.card.data),
            "steps": [dict(step) for step in space.card.steps],
            "reports": [report.to_dict() for report in space.card.reports],
        },
    }
    shown = text.render([space, *space.card.reports])
    say(values, f"{path}, {size(path.stat().st_size)}\n{shown}", as_json)


def evaluate(
    path: SpacePath,
    analogies: Annotated[list[Path] | None, typer.Option(help="Analogy questions (questions-words.txt).")] = None,
    similarity: Annotated[list[Path] | None, typer.Option(help="Pairs with human scores (wordsim353.txt).")] = None,
    method: Annotated[str, typer.Option(help="For analogies: 3cosadd or 3cosmul.")] = "3cosadd",
    restrict: Annotated[
        int, typer.Option(help="Analogies: only the first rows of the vocabulary; 0 takes all.")
    ] = 30_000,
    group: Annotated[
        str | None, typer.Option(help="The words among the keys; by default the only group, or 'word'.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the bootstrap intervals.")] = 0,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Also write the Space with these reports on its card.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Judge a Space on analogies and similarity, with intervals."""
    import kinfold as kf
    from kinfold.core.errors import BadOption
    from kinfold.show import text

    if not analogies and not similarity:
        raise BadOption("nothing to evaluate on; give --analogies FILE, --similarity FILE or both.")
    space = kf.open(path)
    reports = [
        kf.measure.analogies(space, file, method=method, restrict=restrict or None, group=group, seed=seed)
        for file in analogies or ()
    ]
    reports += [kf.measure.similarity(space, file, group=group, seed=seed) for file in similarity or ()]
    if out is not None:
        for report in reports:
            space = space.with_report(report)
        space.save(out)
    say([report.to_dict() for report in reports], "\n\n".join(text.render(report) for report in reports), as_json)


def convert(
    source: Annotated[Path, typer.Argument(help="Vectors in any format that Kinfold reads.")],
    target: Annotated[Path, typer.Argument(help="Where to write them.")],
    from_format: Annotated[
        str | None, typer.Option(help="Format of the source; by default seen from its content.")
    ] = None,
    format: Annotated[str | None, typer.Option(help="Format of the target; by default by its extension.")] = None,
    group: Annotated[str | None, typer.Option(help="The group to write; by default the first.")] = None,
    as_json: Json = False,
) -> None:
    """Bring vectors from one format to another, both directions."""
    import kinfold as kf
    from kinfold.show import text

    with watched(as_json):
        report = kf.io.convert(source, target, from_format=from_format, format=format, group=group)
    values: dict[str, Any] = {"target": str(target), "bytes": target.stat().st_size, **report.to_dict()}
    say(values, text.render(report), as_json)
