"""Commands between Spaces and languages: align, translate, mine, and retrofit to a lexicon."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kinfold.app.output import Json, say, watched
from kinfold.app.vectors import SpacePath

if TYPE_CHECKING:
    from kinfold.core.report import Report
    from kinfold.core.space import Space

Source = Annotated[Path, typer.Argument(metavar="SOURCE", help="A Space of the words to be translated.")]
Target = Annotated[Path, typer.Argument(metavar="TARGET", help="A Space of the words to be found.")]
Side = Annotated[Path, typer.Argument(metavar="SPACE", help="A Space of sentences; both are in the same frame.")]
Dictionary = Annotated[
    Path | None,
    typer.Option(help="Pairs to align by: lines of a word and its translation, between tabs, spaces or commas (.csv)."),
]
Method = Annotated[str, typer.Option(help="Of the alignment: procrustes, least-squares or refine.")]
Part = Annotated[str | None, typer.Option(help="Group of both; by default the first.")]
Lower = Annotated[
    bool | None,
    typer.Option("--lower/--no-lower", help="Lower-case words; by default where all keys are in lower case."),
]
_SHOWN = 20


def align(
    path: SpacePath,
    to: Annotated[Path, typer.Option(metavar="SPACE", help="The Space whose frame is wanted; it stays as it is.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Where the aligned Space is written.")],
    dictionary: Annotated[
        Path | None,
        typer.Option(
            help="Lines of a word and its partner, between tabs, spaces or commas (.csv); by default, keys of both."
        ),
    ] = None,
    method: Annotated[
        str,
        typer.Option(
            help="procrustes (a rotation), least-squares, or refine (a rotation, by pairs that it finds itself)."
        ),
    ] = "procrustes",
    unit: Annotated[
        bool, typer.Option("--unit/--no-unit", help="Whether only the directions of rows count, not their lengths.")
    ] = True,
    center: Annotated[
        bool | None,
        typer.Option("--center/--no-center", help="Take means off first; by default where there are no n-grams."),
    ] = None,
    regularization: Annotated[float, typer.Option(help="Penalty on the map of least-squares.")] = 0.1,
    rounds: Annotated[int, typer.Option(help="Most rounds of refine.")] = 10,
    neighbors: Annotated[int, typer.Option(help="Nearest rows that tell refine how crowded it is.")] = 10,
    restrict: Annotated[int, typer.Option(help="Most rows of a side that refine looks for pairs among.")] = 20_000,
    group: Part = None,
    lower: Lower = None,
    seed: Annotated[int, typer.Option(help="Of the pairs that the report draws and holds out.")] = 0,
    as_json: Json = False,
) -> None:
    """Bring a Space into the frame of another one, so that their rows can be compared."""
    import kinfold as kf
    from kinfold.app.learn import _writable

    _writable(out)
    options: dict[str, Any] = {
        "method": method,
        "unit": unit,
        "center": center,
        "regularization": regularization,
        "rounds": rounds,
        "neighbors": neighbors,
        "restrict": restrict,
        "group": group,
        "lower": lower,
        "seed": seed,
    }
    with watched(as_json) as progress:
        space = kf.align(kf.open(path), to=kf.open(to), dictionary=dictionary, progress=progress, **options)
        space.save(out)
    _tell(space, out, as_json)


def retrofit(
    path: SpacePath,
    pairs: Annotated[Path, typer.Option(help="Lines of a word and others that mean the same, between tabs or spaces.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Where the Space with moved rows is written.")],
    iterations: Annotated[int, typer.Option(help="Rounds.")] = 10,
    alpha: Annotated[float, typer.Option(help="Weight of what a row was.")] = 1.0,
    beta: Annotated[float, typer.Option(help="Weight of its partners together.")] = 1.0,
    weighted: Annotated[bool, typer.Option("--weighted", help="The last field of every line is a weight.")] = False,
    group: Annotated[str | None, typer.Option(help="Whose keys; by default the first group.")] = None,
    lower: Lower = None,
    as_json: Json = False,
) -> None:
    """Move the rows of words that a lexicon pairs towards each other."""
    import kinfold as kf
    from kinfold.app.learn import _writable
    from kinfold.transform import Retrofit

    _writable(out)
    space = Retrofit(pairs, iterations, alpha, beta, weighted, group, lower).apply(kf.open(path))
    space.save(out)
    _tell(space, out, as_json)


def translate(
    source: Source,
    target: Target,
    words: Annotated[list[str] | None, typer.Argument(metavar="WORD", help="Each is translated by itself.")] = None,
    dictionary: Dictionary = None,
    test: Annotated[
        Path | None, typer.Option(help="Pairs to judge the translations on: lines as of the dictionary.")
    ] = None,
    k: Annotated[int, typer.Option("-k", help="Translations wanted for each word.")] = 5,
    by: Annotated[str, typer.Option(help="csls, or nearest by the target's metric.")] = "csls",
    method: Method = "procrustes",
    restrict: Annotated[
        int | None, typer.Option(help="Only so many words of either side take part, the most frequent ones.")
    ] = None,
    group: Part = None,
    lower: Lower = None,
    seed: Annotated[int, typer.Option(help="Of the intervals of a test.")] = 0,
    as_json: Json = False,
) -> None:
    """Translate words from one Space to another, aligned already or by a dictionary."""
    import kinfold as kf
    from kinfold.core.errors import BadOption
    from kinfold.core.report import Table
    from kinfold.show import text
    from kinfold.tasks.translate import evaluate, translate

    if not words and test is None:
        raise BadOption("nothing to translate; give words, or --test FILE to judge the translations.")
    here, there = kf.open(source), kf.open(target)
    options: dict[str, Any] = {
        "dictionary": dictionary,
        "by": by,
        "restrict": restrict,
        "group": group,
        "lower": lower,
        **({} if here.frame == there.frame else {"method": method}),
    }
    values: dict[str, Any] = {}
    shown: list[Any] = []
    with watched(as_json) as progress:
        if words:
            hits = translate(here, there, words, k=k, progress=progress, **options)
            values["translations"] = [each.to_dict() for each in hits]
            lines = [[each.query, ", ".join(f"{key} {score:.2f}" for key, score in each)] for each in hits]
            shown.append(Table(f"{source.stem} → {target.stem}", ("word", "translations"), lines))
        if test is not None:
            report = evaluate(here, there, test, seed=seed, progress=progress, **options)
            values["report"] = report.to_dict()
            shown.append(_short(report))
    say(values, text.render(shown), as_json)


def mine(
    first: Side,
    second: Side,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write all pairs: left, right and score, between tabs.")
    ] = None,
    threshold: Annotated[float | None, typer.Option(help="Only pairs that score at least so much.")] = None,
    k: Annotated[int, typer.Option("-k", help="Nearest rows that a row is compared with.")] = 4,
    margin: Annotated[
        str, typer.Option(help="ratio or distance to how near the neighbors are, or absolute: the cosine alone.")
    ] = "ratio",
    select: Annotated[
        str, typer.Option(help="max (each row once), forward, backward, or intersect (best for both).")
    ] = "max",
    truth: Annotated[Path | None, typer.Option(help="True pairs to judge the mined ones by.")] = None,
    same_keys: Annotated[
        bool, typer.Option("--same-keys", help="Judge by the keys: rows of the same key are true pairs.")
    ] = False,
    group: Part = None,
    seed: Annotated[int, typer.Option(help="Of the intervals of a judgment.")] = 0,
    as_json: Json = False,
) -> None:
    """Mine pairs of sentences that are translations of each other, by margin."""
    import kinfold as kf
    from kinfold.core.report import Table
    from kinfold.show import text
    from kinfold.tasks.mine import evaluate, mine

    options: dict[str, Any] = {"k": k, "margin": margin, "select": select, "threshold": threshold, "group": group}
    a, b = kf.open(first), kf.open(second)
    pairs = mine(a, b, **options)
    values: dict[str, Any] = {"count": len(pairs)}
    title = f"{len(pairs):,} pairs" + (f", the best {_SHOWN}" if len(pairs) > _SHOWN else "")
    shown: list[Any] = [Table(title, ("left", "right", "score"), [[*each] for each in pairs][:_SHOWN])]
    if truth is not None or same_keys:
        report = evaluate(a, b, truth, seed=seed, **options)
        values["report"] = report.to_dict()
        shown.append(_short(report))
    if out is None:
        values["pairs"] = pairs.to_dict()
    else:
        pairs.save(out)
        values["path"] = str(out)
    say(values, text.render(shown) + (f"\n→ {out}" if out else ""), as_json)


def _tell(space: Space, out: Path, as_json: bool) -> None:
    """What was done to a Space, how well, and where it is."""
    from kinfold.show import text
    from kinfold.show.glance import size

    report, step = space.card.reports[-1], dict(space.card.steps[-1])
    values = {"path": str(out), "rows": len(space), "frame": space.frame, "step": step, "report": report.to_dict()}
    made = f"{len(space):,} rows × {space.dim} in the frame {space.frame}, {size(out.stat().st_size)} → {out}"
    say(values, f"{text.render(_short(report))}\n{made}", as_json)


def _short(report: Report) -> Report:
    """The report with the first lines of its tables: hundreds of missing words would hide what was measured."""
    from dataclasses import replace

    return replace(report, tables=[replace(table, rows=table.rows[:_SHOWN]) for table in report.tables])
