"""Commands over users and items: what to recommend, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from kinfold.app.output import Json, say
from kinfold.app.vectors import SpacePath, Where

User = Annotated[list[str] | None, typer.Option(help="Key of a user; may be repeated.")]
UserColumn = Annotated[str | None, typer.Option(help="Column of the users in tables of interactions.")]
ItemColumn = Annotated[str | None, typer.Option(help="Column of the items.")]


def recommend(
    path: SpacePath,
    user: User = None,
    history: Annotated[
        str | None, typer.Option(help="Keys of items, between commas, that somebody met who is not in the Space.")
    ] = None,
    everyone: Annotated[bool, typer.Option("--all", help="For all users.")] = False,
    k: Annotated[int, typer.Option("-k", help="Items for each.")] = 10,
    where: Where = None,
    allow: Annotated[str | None, typer.Option(help="Keys of the only items to choose from, between commas.")] = None,
    deny: Annotated[str | None, typer.Option(help="Keys of items that must not be found, between commas.")] = None,
    exclude_seen: Annotated[
        list[Path] | None, typer.Option(help="More interactions, beside those of training, not to be found again.")
    ] = None,
    user_column: UserColumn = None,
    item_column: ItemColumn = None,
    repeat: Annotated[bool, typer.Option("--repeat", help="Items that were met may be found again.")] = False,
    diversity: Annotated[float, typer.Option(help="From 0 to 1: what being like a better one costs an item.")] = 0.0,
    show: Annotated[str | None, typer.Option(help="An attribute of items to show beside them.")] = None,
    as_json: Json = False,
) -> None:
    """Recommend items to users, or to somebody with a history; what they met is left out."""
    import kinfold as kf
    from kinfold.core.errors import BadOption
    from kinfold.core.histories import Sides
    from kinfold.core.report import Table
    from kinfold.show import text
    from kinfold.sources.interactions import read
    from kinfold.tasks.recommend import recommend as run

    if (user is not None) + (history is not None) + everyone != 1:
        raise BadOption("say for whom: --user KEY, --history KEYS or --all.")
    seen = None if not exclude_seen else read(list(exclude_seen), user=user_column, item=item_column)
    space = kf.open(path)
    hits = run(
        space,
        user,
        histories=None if history is None else [keys_of(history)],
        k=k,
        where=where,
        allow=None if allow is None else keys_of(allow),
        deny=[] if deny is None else keys_of(deny),
        seen=seen,
        repeat=repeat,
        diversity=diversity,
    )
    values: list[dict[str, Any]] = [each.to_dict() for each in hits]
    items = space.group(Sides.of(space).items)
    tables = []
    for each, shown in zip(hits, values, strict=True):
        rows: list[list[Any]] = [list(pair) for pair in each]
        if show is not None:
            for row, hit, told in zip(
                rows, shown["hits"], items.attribute(show).take(each.rows).to_pylist(), strict=True
            ):
                row.append(told)
                hit[show] = told
        columns = ("key", "score", *([show] if show else []))
        tables.append(Table(each.query if history is None else history, columns, rows))
    say(values, text.render(tables), as_json)


def why(
    path: SpacePath,
    item: Annotated[str, typer.Option(help="Key of the item whose score is explained.")],
    user: Annotated[str | None, typer.Option(help="Key of a user.")] = None,
    history: Annotated[str | None, typer.Option(help="Keys of items that somebody met, between commas.")] = None,
    as_json: Json = False,
) -> None:
    """Tell which items that a user met carry the score of another one; their parts add up to it."""
    import kinfold as kf
    from kinfold.show import text
    from kinfold.tasks.recommend import why as run

    report = run(kf.open(path), item, user=user, history=None if history is None else keys_of(history))
    say(report.to_dict(), text.render(report), as_json)


def keys_of(text: str) -> list[str]:
    """Keys between commas."""
    return [key for each in text.split(",") if (key := each.strip())]
