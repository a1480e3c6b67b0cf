"""Commands that tell what a Space is and how good, and bring one from another format and back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from kinfold.app.output import Json, say, watched

if TYPE_CHECKING:
    from kinfold.core.report import Report
    from kinfold.core.shapes import Interactions
    from kinfold.core.space import Space
    from kinfold.sources.interactions import OnBad

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
        "bytes": bytes_of(path),
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
    say(values, f"{path}, {size(bytes_of(path))}\n{shown}", as_json)


def evaluate(
    path: SpacePath,
    analogies: Annotated[list[Path] | None, typer.Option(help="Analogy questions (questions-words.txt).")] = None,
    similarity: Annotated[list[Path] | None, typer.Option(help="Pairs with human scores (wordsim353.txt).")] = None,
    interactions: Annotated[
        list[Path] | None, typer.Option(help="Who met what, to judge a Space of users and items by.")
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            help="Learn anew from a part of the interactions and judge by the rest: time, user, leave-last or random. "
            "By default they are what users met after the Space was learned."
        ),
    ] = None,
    user: Annotated[
        str | None, typer.Option(help="Interactions: column of the users; by default those of learning.")
    ] = None,
    item: Annotated[str | None, typer.Option(help="Interactions: column of the items.")] = None,
    weight: Annotated[str | None, typer.Option(help="Interactions: column of weights.")] = None,
    time: Annotated[str | None, typer.Option(help="Interactions: column of times.")] = None,
    on_bad: Annotated[str, typer.Option(help="Interactions: raise an error at a bad row, or skip it.")] = "raise",
    encoding: Annotated[str, typer.Option(help="Interactions: of files of text.")] = "utf-8",
    ks: Annotated[str, typer.Option("--at", help="Interactions: lengths of the lists, between commas.")] = "10,20",
    by: Annotated[str | None, typer.Option(help="Interactions: an attribute of users to tell quality by.")] = None,
    where: Annotated[
        str | None, typer.Option(help="Interactions: rank only items for which an SQL condition on attributes holds.")
    ] = None,
    exposure: Annotated[
        str | None,
        typer.Option(help="Interactions: an attribute of items whose values' shares of what is shown are told."),
    ] = None,
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
    """Judge a Space on analogies, similarity, or what it recommends, with intervals."""
    import kinfold as kf
    from kinfold.core.errors import BadOption
    from kinfold.show import text
    from kinfold.sources.interactions import columns_as, read

    if not analogies and not similarity and not interactions:
        raise BadOption("nothing to evaluate on; give --analogies, --similarity or --interactions FILE.")
    space = kf.open(path)
    reports = [
        kf.measure.analogies(space, file, method=method, restrict=restrict or None, group=group, seed=seed)
        for file in analogies or ()
    ]
    reports += [kf.measure.similarity(space, file, group=group, seed=seed) for file in similarity or ()]
    if interactions:
        how = {"split": split, "where": where, "item_groups": exposure, "seed": seed}
        files, errors = list(interactions), cast("OnBad", on_bad)
        columns = columns_as(space, files, user=user, item=item, weight=weight, time=time)
        met = read(files, on_bad=errors, encoding=encoding, **columns)
        reports.append(_retrieval(space, met, ks, by, as_json, how))
    if out is not None:
        for report in reports:
            space = space.with_report(report)
        space.save(out)
    say([report.to_dict() for report in reports], "\n\n".join(text.render(report) for report in reports), as_json)


def _retrieval(space: Space, met: Interactions, at: str, by: str | None, as_json: bool, how: dict[str, Any]) -> Report:
    import numpy as np

    from kinfold.core.columns import one_array
    from kinfold.core.errors import BadOption, UnknownName, did_you_mean
    from kinfold.core.histories import Sides, known
    from kinfold.recipes.judging import judged

    try:
        ks = [int(each) for each in at.split(",")]
    except ValueError as error:
        raise BadOption(f"--at {at} is no list of lengths; give numbers between commas: 10,20.") from error
    groups = None
    if by is not None:
        users = Sides.of(space).known_users()
        told = known(space, users)
        if by not in told.column_names:
            near = did_you_mean(by, told.column_names)
            raise UnknownName(f"nothing is known of users by '{by}'.{near} There are: {', '.join(told.column_names)}.")
        labels = one_array(told[by]).cast("string").to_pylist()
        rows = space.keys.group(users).rows(met.users)
        groups = np.array([(labels[row] if row >= 0 else None) or "–" for row in rows.tolist()])
    with watched(as_json) as progress:
        return judged(space, met, ks=ks, groups=groups, progress=progress, **how)


def convert(
    source: Annotated[Path, typer.Argument(help="Vectors in any format that Kinfold reads: a file or a folder.")],
    target: Annotated[Path, typer.Argument(help="Where to write them.")],
    from_format: Annotated[
        str | None, typer.Option(help="Format of the source; by default seen from its content.")
    ] = None,
    format: Annotated[
        str | None, typer.Option(help="Format of the target; by default by its ending. `kinfold formats` lists them.")
    ] = None,
    group: Annotated[
        str | None, typer.Option(help="The group to write; by default all where the format keeps all, else the first.")
    ] = None,
    bad_bytes: Annotated[
        str | None, typer.Option(help="Keys that are not UTF-8: replace or ignore what is not, or strict to refuse.")
    ] = None,
    on_bad: Annotated[str | None, typer.Option(help="What cannot be read: raise or skip.")] = None,
    replace: Annotated[
        str | None, typer.Option(help="Stands in place of characters that the target's keys cannot hold.")
    ] = None,
    read: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A further option of the reader; again for more.")
    ] = None,
    write: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A further option of the writer; again for more.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Bring vectors from one format to another, both directions."""
    import kinfold as kf
    from kinfold.io.detect import format_for, format_of, writer_of
    from kinfold.show import text

    from_format = from_format or format_of(source, kf.io.FORMATS)
    format = format or format_for(target, kf.io.FORMATS)
    with watched(as_json):
        report = kf.io.convert(
            source,
            target,
            from_format=from_format,
            format=format,
            group=group,
            bad_bytes=bad_bytes,
            on_bad=on_bad,
            replace=replace,
            reading=_options(read, kf.io.FORMATS[from_format].read),
            writing=_options(write, writer_of(format, kf.io.FORMATS)),
        )
    values: dict[str, Any] = {"target": str(target), "bytes": bytes_of(target), **report.to_dict()}
    say(values, text.render(report), as_json)


def formats(as_json: Json = False) -> None:
    """List the formats that convert reads and writes, with their endings and further options."""
    import kinfold as kf
    from kinfold.core.report import Table
    from kinfold.io.format import known_options
    from kinfold.show import text

    found: list[dict[str, Any]] = []
    for entry in kf.io.FORMATS:
        kind = entry.load()
        found.append(
            {
                "name": entry.name,
                "summary": entry.summary,
                "endings": list(kind.endings),
                "written": kind.write is not None,
                "read": known_options(kind.read),
                "write": [name for name in known_options(kind.write) if name != "group"],
            }
        )
    rows = [
        (
            each["name"],
            each["summary"],
            " ".join(each["read"]),
            " ".join(each["write"]) if each["written"] else "only read",
        )
        for each in found
    ]
    say(found, text.render(Table("Formats", ("format", "what it is", "--read", "--write"), rows)), as_json)


def bytes_of(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    files = path.rglob("*") if path.is_dir() else (path,)
    return sum(each.stat().st_size for each in files if each.is_file())


def _options(given: list[str] | None, part: Callable[..., Any]) -> dict[str, Any]:
    """Options as a reader or a writer takes them.

    Raises:
        BadOption: One is not `name=value`, or its value is not of the option's type.
    """
    import typing

    from kinfold.core.errors import BadOption

    kinds = typing.get_type_hints(part)
    found: dict[str, Any] = {}
    for each in given or ():
        name, equals, value = each.partition("=")
        if not equals:
            raise BadOption(f"'{each}' is no option; give NAME=VALUE.")
        kind = kinds.get(name, str)
        number = kind is int or int in typing.get_args(kind)
        if (kind is bool and value not in ("true", "false")) or (number and not value.isdecimal()):
            raise BadOption(f"{name}='{value}' is not {'true or false' if kind is bool else 'a whole number'}.")
        found[name] = value == "true" if kind is bool else int(value) if number else value
    return found
