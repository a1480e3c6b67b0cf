"""Commands that ask a Space: what is near, what fits, how far texts are apart."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kinfold.app.output import Json, Show, say, say_hits
from kinfold.app.vectors import SpacePath, Where

if TYPE_CHECKING:
    from kinfold.core.nearest import Query

Group = Annotated[str | None, typer.Option(help="Group to look in; by default that of the keys asked about.")]
Exclude = Annotated[
    list[str] | None, typer.Option(metavar="KEY", help="A key that must not be found; may be repeated.")
]
_LISTED = 8


def nearest(
    path: SpacePath,
    keys: Annotated[list[str] | None, typer.Argument(metavar="KEY", help="Each is answered by itself.")] = None,
    plus: Annotated[
        list[str] | None, typer.Option(metavar="KEY", help="A key of one mix that is asked for; may be repeated.")
    ] = None,
    minus: Annotated[
        list[str] | None, typer.Option(metavar="KEY", help="A key that the mix is to be far from; may be repeated.")
    ] = None,
    mix: Annotated[
        list[str] | None,
        typer.Option(metavar="JSON", help='A mix with weights, such as \'{"king": 1, "man": -0.5}\'; may be repeated.'),
    ] = None,
    vectors: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Vectors to ask for: a .npy file, or lines of numbers; - is standard input."),
    ] = None,
    k: Annotated[int, typer.Option("-k", help="Rows wanted for each question.")] = 10,
    where: Where = None,
    group: Group = None,
    exclude: Exclude = None,
    index: Annotated[Path | None, typer.Option(help="A saved index of this Space; exact search without one.")] = None,
    show: Show = None,
    as_json: Json = False,
) -> None:
    """The nearest rows to each key, to a mix of keys, or to vectors."""
    import kinfold as kf
    from kinfold.core.errors import BadOption

    queries: list[Query] = [*(keys or ()), *(_mix(each) for each in mix or ())]
    if plus or minus:
        queries.append([*((key, 1.0) for key in plus or ()), *((key, -1.0) for key in minus or ())])
    if vectors is not None:
        from kinfold.io.vectors import read_vectors

        queries += list(read_vectors(vectors))
    if not queries:
        raise BadOption("nothing is asked for; name keys, --plus and --minus, --mix or --vectors.")
    space = kf.open(path)
    found = space if index is None else kf.search.open(index, space)
    several = found.nearest_many(queries, k, where=where, group=group, exclude=exclude or ())
    named = [each if each.query else dataclasses.replace(each, query="a vector") for each in several]
    say_hits(named, space, show, as_json)


def analogy(
    path: SpacePath,
    a: Annotated[str, typer.Argument(help="a is to b …")],
    b: Annotated[str, typer.Argument(help="")],
    c: Annotated[str, typer.Argument(help="… as c is to what?")],
    k: Annotated[int, typer.Option("-k", help="Answers wanted.")] = 5,
    method: Annotated[str, typer.Option(help="3cosadd or 3cosmul.")] = "3cosadd",
    where: Where = None,
    group: Annotated[str | None, typer.Option(help="Group to look in; by default that of b.")] = None,
    exclude: Exclude = None,
    as_json: Json = False,
) -> None:
    """A is to B as C is to what: man king woman."""
    import kinfold as kf
    from kinfold.show import text

    space = kf.open(path)
    hits = kf.search.analogy(space, a, b, c, k, method=method, where=where, group=group, exclude=exclude or ())
    say(hits.to_dict(), text.render(hits), as_json)


def odd(
    path: SpacePath,
    keys: Annotated[list[str], typer.Argument(metavar="KEY...", help="Three or more.")],
    as_json: Json = False,
) -> None:
    """Which of several keys does not belong: breakfast cereal dinner lunch."""
    import kinfold as kf
    from kinfold.core.report import Table
    from kinfold.show import text

    hits = kf.search.odd_one_out(kf.open(path), keys)
    table = Table(f"The odd one out is {hits.keys[0]}", ("key", "score with the others"), [list(each) for each in hits])
    say({"odd": hits.keys[0], "keys": hits.to_dict()["hits"]}, text.render(table), as_json)


def similarity(
    path: SpacePath,
    keys: Annotated[list[str], typer.Argument(metavar="KEY...", help="Each is compared with each other.")],
    to: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY", help="Compare the keys with this one instead; may be repeated: two lists."),
    ] = None,
    as_json: Json = False,
) -> None:
    """How similar keys are: two, each with each, or two lists by their means."""
    import kinfold as kf
    from kinfold.core.errors import BadOption
    from kinfold.core.report import Finding, Report, Table
    from kinfold.show import text

    if to is None and len(keys) < 2:
        raise BadOption(f"'{keys[0]}' is compared with nothing; name another key, or some with --to.")
    space = kf.open(path)
    left, right = (keys[:1], keys[1:]) if to is None and len(keys) == 2 else (keys, to or keys)
    scores = space.similarities(left, right)
    rows = [[key, *line] for key, line in zip(left, scores.tolist(), strict=True)]
    findings = []
    if left is not right:
        what = " · ".join(", ".join(each) for each in (left, right))
        findings.append(Finding("similarity", space.similarity(left, right), n=scores.size, group=what))
    tables = [Table("Each with each", ("", *right), rows)] if scores.size > 1 else []
    report = Report(f"Similarity by {space.metric.value}", findings, tables)
    say(report.to_dict(), text.render(report), as_json)


def rank(
    path: SpacePath,
    key: Annotated[str, typer.Argument(help="Whose neighbors are counted.")],
    others: Annotated[list[str], typer.Argument(metavar="OTHER...", help="Keys whose rank is asked for.")],
    as_json: Json = False,
) -> None:
    """At which place other keys stand among the neighbors of a key."""
    import kinfold as kf
    from kinfold.core.report import Table
    from kinfold.show import text

    space = kf.open(path)
    found: list[dict[str, Any]] = []
    for other in others:
        closer = kf.search.closer(space, key, other)
        members = space.keys.range_of(space.keys.group_of(space.keys.row(other)))
        rows = len(members) - (space.keys.row(key) in members)
        ranked = {"key": other, "rank": len(closer) + 1, "of": rows, "score": space.similarity(key, other)}
        found.append({**ranked, "closer": closer.keys[:_LISTED]})
    lines = [[*list(each.values())[:-1], ", ".join(each["closer"])] for each in found]
    table = Table(f"Neighbors of {key}", ("key", "rank", "of", "score", "closer"), lines)
    say({"query": key, "ranks": found}, text.render(table), as_json)


def distance(
    path: SpacePath,
    a: Annotated[str, typer.Argument(metavar="TEXT", help="A text, in quotes.")],
    b: Annotated[str | None, typer.Argument(metavar="OTHER", help="Another one.")] = None,
    among: Annotated[
        Path | None, typer.Option(help="A file of texts, one a line (.gz .jsonl .csv … too): the nearest are found.")
    ] = None,
    k: Annotated[int, typer.Option("-k", help="Texts wanted of --among.")] = 10,
    column: Annotated[str | None, typer.Option(help="Which column of a table holds the texts.")] = None,
    stop_words: Annotated[Path | None, typer.Option(help="A file of words that do not count, one a line.")] = None,
    tokenizer: Annotated[
        str | None, typer.Option(help="words, whitespace or ascii; by default as the Space was learned, else words.")
    ] = None,
    lower: Annotated[
        bool | None,
        typer.Option("--lower/--no-lower", help="Lower-case the texts; by default as the Space was learned."),
    ] = None,
    unit: Annotated[
        bool | None, typer.Option("--unit/--raw", help="Distances of rows at length 1; by default unless by l2.")
    ] = None,
    group: Annotated[str | None, typer.Option(help="The words among the keys; by default the first group.")] = None,
    as_json: Json = False,
) -> None:
    """Word-mover's distance: how far the words of a text are from those of another, or of the lines of a file."""
    import kinfold as kf
    from kinfold.core.errors import BadOption
    from kinfold.core.report import Table
    from kinfold.show import text

    if (b is None) == (among is None):
        raise BadOption("a text is compared with one other text, or with the lines of a file: give OTHER or --among.")
    space = kf.open(path)
    options: dict[str, Any] = {"tokenizer": tokenizer, "lower": lower, "unit": unit, "group": group}
    if stop_words is not None:
        options["without"] = {line.strip() for line in kf.sources.text.read(stop_words).raw}
    if among is None:
        assert b is not None
        report = kf.measure.movers_distance(space, a, b, **options)
        say(report.to_dict(), text.render(report), as_json)
        return
    bags = kf.search.Bags.of(space, kf.sources.text.read(among, column=column).raw, **options)
    hits = bags.nearest(a, k)
    lines = [[row + 1, -score, key.strip()] for (key, score), row in zip(hits, hits.rows.tolist(), strict=True)]
    nowhere = int((bags.known == 0).sum())
    values = {
        "query": a,
        "texts": len(bags),
        "texts without a word": nowhere,
        "words without a row": sum(bags.missing.values()),
        "hits": [dict(zip(("line", "distance", "text"), line, strict=True)) for line in lines],
    }
    shown = text.render(Table(f"Nearest to: {a}", ("line", "distance", "text"), lines))
    if bags.missing:
        often = ", ".join(word for word, _ in bags.missing.most_common(_LISTED))
        shown += (
            f"\nnote: {len(bags.missing):,} words have no row: {often}{' …' if len(bags.missing) > _LISTED else ''}"
        )
    if nowhere:
        shown += f"\nnote: {nowhere:,} of {len(bags):,} texts hold no word that has a row; they are not found."
    say(values, shown, as_json)


def _mix(given: str) -> dict[str, float]:
    from kinfold.core.errors import BadOption

    try:
        mix = json.loads(given)
    except ValueError:
        mix = None
    if not isinstance(mix, dict):
        raise BadOption(
            f'--mix is a JSON object of keys and weights, such as \'{{"king": 1, "man": -1}}\', not {given}.'
        )
    return mix
