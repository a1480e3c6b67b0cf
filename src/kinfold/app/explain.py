"""Commands that tell what rows mean: explain, and why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kinfold.app.output import Json, Show, say, watched
from kinfold.app.recommend import keys_of, named, told
from kinfold.app.vectors import SpacePath

if TYPE_CHECKING:
    from kinfold.core.report import Report
    from kinfold.core.space import Space

# Lines of a table that a terminal shows.
_SHOWN = 25
_PAGES = (".html", ".htm")

Out = Annotated[Path | None, typer.Option("--out", "-o", help="Write it as one HTML page as well.")]


def explain(
    path: SpacePath,
    axis: Annotated[
        list[str] | None,
        typer.Option(
            metavar="POLE:POLE",
            help="Place keys between two poles: poor:rich, or poor,broke:rich,wealthy, or genre=Comedy:genre=Horror. "
            "May be repeated.",
        ),
    ] = None,
    keys: Annotated[
        str | None,
        typer.Option(help="Which keys: a file of them, one a line, or keys between commas; by default the ends."),
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY", help="Exemplars and counter-exemplars of a key, or of genre=Comedy. May be repeated."
        ),
    ] = None,
    probe: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ATTRIBUTE",
            help="Whether rows know of an attribute (or of genre=Comedy): a linear probe beside one on random labels. "
            "May be repeated.",
        ),
    ] = None,
    features: Annotated[
        int | None, typer.Option(metavar="N", help="Find so many features by a sparse autoencoder, and name them.")
    ] = None,
    clusters: Annotated[int | None, typer.Option(metavar="N", help="Find so many clusters, and label them.")] = None,
    by: Annotated[
        str | None,
        typer.Option(
            metavar="ATTRIBUTE",
            help="Tell clusters and features by its over-represented values; with --key, the kind of a key.",
        ),
    ] = None,
    types: Annotated[
        str | None,
        typer.Option(metavar="ATTRIBUTE", help="With --probe: rows of one type have one control label."),
    ] = None,
    neighbors: Annotated[
        int, typer.Option(help="With --axis: nearest rows of each seed that belong to its pole.")
    ] = 10,
    active: Annotated[
        int | None,
        typer.Option(help=r"With --features: how many a row has at most. \[default: 8]", show_default=False),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="With --features: learn twice, and tell how many are found by both seeds.")
    ] = False,
    k: Annotated[int, typer.Option("-k", help="Keys of each list.")] = 10,
    group: Annotated[
        str | None, typer.Option(help="Whose rows; by default the first group, or that of the keys.")
    ] = None,
    show: Show = None,
    seed: Annotated[int, typer.Option(help="Of what is drawn.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Write an HTML page; or, with --features, the Space with its features (.arrow)."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Tell what is in a Space and what its directions mean.

    Without options: clusters with labels, and the principal directions with the keys at their ends.
    """
    import kinfold as kf
    from kinfold.core.errors import BadOption
    from kinfold.core.files import refuse_unwritable
    from kinfold.recipes.explain import labeled

    if out is not None:
        refuse_unwritable(out)
    if out is not None and out.suffix not in (*_PAGES, ".arrow"):
        raise BadOption(f"{out}: is neither a page nor a Space; write .html, or .arrow with --features.")
    if out is not None and out.suffix == ".arrow" and features is None:
        raise BadOption(f"{out}: only features are a Space of their own; add --features, or write .html.")
    if keys is not None and not axis:
        raise BadOption("--keys are placed along an --axis, such as poor:rich; of one key, --key tells.")
    space = kf.open(path)
    reports: list[Report] = []
    written = ""
    with watched(as_json) as progress:
        if axis:
            wanted = None if keys is None else _keys(keys)
            reports.append(
                kf.measure.axes(space, axis, wanted, neighbors=neighbors, k=k, group=group, show=show, seed=seed)
            )
        reports += [kf.measure.exemplars(space, each, by=by, k=k, show=show, seed=seed) for each in key or ()]
        reports += [
            kf.measure.probe(space, each, group=group, types=types, seed=seed, progress=progress)
            for each in probe or ()
        ]
        if clusters is not None:
            reports.append(labeled(space, clusters, by=by, group=group, show=show, seed=seed, progress=progress))
        if features is not None:
            few = min(8, features) if active is None else active
            learners = [
                kf.transform.SparseAutoencoder(features, few, seed=each, group=group, show=show)
                for each in ((seed, seed + 1) if again else (seed,))
            ]
            found = [each.apply(space, progress=progress) for each in learners]
            report = kf.measure.features(
                space, found[0], by=by, other=found[1] if again else None, group=group, show=show, seed=seed
            )
            reports.append(report)
            if out is not None and out.suffix == ".arrow":
                whole = replace(space.beside(found[0]), card=found[0].with_report(report).card)
                whole.save(out)
                first, rows = found[0].keys[0], group or next(iter(space.groups))
                written = f"\n→ {out}    kinfold nearest {out} 'feature:{first}' --group {rows}"
        if not reports:
            reports = kf.explain(space, by=by, group=group, show=show, seed=seed, progress=progress)
    _say(reports, out, f"What is in {path.name}", written, as_json)


def why(
    path: Annotated[
        Path | None, typer.Argument(metavar="[SPACE]", help="A Space; none where --model gives two texts their rows.")
    ] = None,
    keys: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY KEY]", help="Two keys whose similarity is explained.")
    ] = None,
    text: Annotated[
        list[str] | None, typer.Option(help="A text in the place of a key, in quotes; may be repeated.")
    ] = None,
    item: Annotated[
        str | None, typer.Option(help="Key of an item whose score for a user or a history is explained.")
    ] = None,
    user: Annotated[str | None, typer.Option(help="Key of a user.")] = None,
    history: Annotated[str | None, typer.Option(help="Keys of items that somebody met, between commas.")] = None,
    encoder: Annotated[
        str | None, typer.Option(help="Which encoder gives texts their rows; by default that of the Space.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="A model that gives texts their rows: its folder.")] = None,
    k: Annotated[int, typer.Option("-k", help="Lines of each table.")] = 10,
    show: Show = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Tell why two are near: dimensions, and parts such as n-grams and tokens, that add up to their score.

    With --item, which items that a user met carry its score.
    """
    import kinfold as kf
    from kinfold.core.errors import BadOption
    from kinfold.core.files import refuse_unwritable

    if out is not None and out.suffix not in _PAGES:
        raise BadOption(f"{out}: is no page; write .html.")
    if out is not None:
        refuse_unwritable(out)
    title = "Why two are near" + ("" if path is None else f" in {path.name}")
    if item is not None or user is not None or history is not None:
        if item is None or path is None or keys or text:
            raise BadOption("a score for a user is that of one item: kinfold why SPACE --item KEY --user KEY.")
        _say([_for_user(path, item, user, history, show)], out, f"Recommended from {path.name}", "", as_json)
        return
    if path is None and model is None:
        raise BadOption("name a Space and two keys, or a --model and two texts.")
    made_by: Any = encoder if model is None else kf.encoder(model, encoder)
    thing: Any = made_by if path is None else kf.open(path)
    report = kf.measure.decomposition(thing, *(keys or ()), texts=text or (), encoder=made_by, k=k)
    _say([report], out, title, "", as_json)


def _for_user(path: Path, item: str, user: str | None, history: str | None, show: str | None) -> Report:
    import kinfold as kf
    from kinfold.core.histories import Sides
    from kinfold.tasks.recommend import why as run

    space: Space = kf.open(path)
    items = space.group(Sides.of(space).items)
    report = run(space, item, user=user, history=told(history, items.keys))
    return report if show is None else named(report, items, show)


def _keys(text: str) -> list[str]:
    """Keys of a file, one a line, or between commas."""
    from kinfold.measure.vocabulary import lines

    if not Path(text).is_file():
        return keys_of(text)
    return [line for _, line in lines(text) if not line.startswith("#")]


def _say(reports: list[Report], out: Path | None, title: str, written: str, as_json: bool) -> None:
    import kinfold as kf

    if out is not None and out.suffix in _PAGES:
        kf.show.measured.write(reports, out, title=title)
        written = f"\n→ {out}"
    values: dict[str, Any] = (
        reports[0].to_dict() if len(reports) == 1 else {"reports": [each.to_dict() for each in reports]}
    )
    if out is not None:
        values["path"] = str(out)
    say(values, kf.show.text.render([_short(each) for each in reports]) + written, as_json)


def _short(report: Report) -> Report:
    """The report with the first lines of its tables."""
    longer = [
        f"{table.title}: the first {_SHOWN} of {len(table.rows):,}; --json and -o page.html have more."
        for table in report.tables
        if len(table.rows) > _SHOWN
    ]
    tables = [replace(table, rows=table.rows[:_SHOWN]) for table in report.tables]
    return replace(report, tables=tables, notes=[*report.notes, *longer])
