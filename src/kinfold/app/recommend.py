"""Commands over users and items: what to recommend."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kinfold.app.output import Json, Show, say_hits
from kinfold.app.vectors import SpacePath, Where

if TYPE_CHECKING:
    from kinfold.core.keys import Keys
    from kinfold.core.report import Report
    from kinfold.core.space import Space
    from kinfold.tasks.recommend import History

User = Annotated[list[str] | None, typer.Option(help="Key of a user; may be repeated.")]
UserColumn = Annotated[str | None, typer.Option(help="Column of the users in them; by default those of learning.")]
ItemColumn = Annotated[str | None, typer.Option(help="Column of the items in them.")]


def recommend(
    path: SpacePath,
    user: User = None,
    history: Annotated[
        str | None,
        typer.Option(
            help="Keys of items, between commas, that somebody met who is not in the Space; key=2 with a weight."
        ),
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
    show: Show = None,
    as_json: Json = False,
) -> None:
    """Recommend items to users, or to somebody with a history; what they met is left out."""
    import kinfold as kf
    from kinfold.core.errors import BadOption
    from kinfold.core.histories import Sides
    from kinfold.sources.interactions import columns_as, read
    from kinfold.tasks.recommend import recommend as run

    if (user is not None) + (history is not None) + everyone != 1:
        raise BadOption("say for whom: --user KEY, --history KEYS or --all.")
    space = kf.open(path)
    seen = None
    if exclude_seen:
        files = list(exclude_seen)
        seen = read(files, **columns_as(space, files, user=user_column, item=item_column))
    items = space.group(Sides.of(space).items)
    met = told(history, items.keys)
    hits = run(
        space,
        user,
        histories=None if met is None else [met],
        k=k,
        where=where,
        allow=None if allow is None else keys_of(allow),
        deny=[] if deny is None else keys_of(deny),
        seen=seen,
        repeat=repeat,
        diversity=diversity,
    )
    if history is not None:
        hits = [dataclasses.replace(each, query=history) for each in hits]
    say_hits(hits, items, show, as_json)


def named(report: Report, items: Space, show: str) -> Report:
    """The report with an attribute of the items beside them."""
    from kinfold.core.report import Table

    (table,) = report.tables
    told = items.attribute(show).to_pylist()
    places = items.keys.rows([str(row[0]) for row in table.rows]).tolist()
    rows = [[*row, told[place] if place >= 0 else None] for row, place in zip(table.rows, places, strict=True)]
    return dataclasses.replace(report, tables=[Table(table.title, (*table.columns, show), rows)])


def history_of(text: str, items: Keys) -> History:
    """What somebody met: keys between commas, or all of them with a weight (`key=2`) where they are no keys as such."""
    keys = keys_of(text)
    if all(key in items for key in keys):
        return keys
    pairs = dict(pair for key in keys if (pair := _weighted(key)))
    return pairs if len(pairs) == len(set(keys)) else keys


def told(history: str | None, items: Keys) -> History | None:
    """The history, and on standard error those of its keys that the Space has not."""
    if history is None:
        return None
    found = history_of(history, items)
    unknown = [key for key in found if key not in items]
    if unknown and len(unknown) < len(found):
        typer.echo(f"kinfold: the Space has no {', '.join(unknown)}; the history goes on without.", err=True)
    return found


def _weighted(text: str) -> tuple[str, float] | None:
    key, _, weight = text.rpartition("=")
    try:
        return (key, float(weight)) if key else None
    except ValueError:
        return None


def keys_of(text: str) -> list[str]:
    """Keys between commas."""
    return [key for each in text.split(",") if (key := each.strip())]
