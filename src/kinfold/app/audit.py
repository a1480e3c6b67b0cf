"""`kinfold audit`: is it fair."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from kinfold.app.output import Json, say, watched

_SHOWN = 30  # lines of a table that a terminal gets


def audit(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="SPACE",
            help="A Space, vectors in any format that convert reads, the folder of an encoder, or a classifier.",
        ),
    ],
    lists: Annotated[
        list[str] | None,
        typer.Option(
            help="Word lists: weat, gender, race, religion, or a .toml file; may be repeated. \\[default: weat]",
            show_default=False,
        ),
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(
            "--group",
            "--by",
            metavar="ATTRIBUTE",
            help="An attribute of rows, users or items whose values are compared, such as gender; genres:| cuts texts. "
            "With --test, a column of it, or its number.",
        ),
    ] = None,
    among: Annotated[
        str | None, typer.Option(help="Group of keys; by default words, or the first that has the attribute.")
    ] = None,
    shares: Annotated[
        Path | None,
        typer.Option(help="A table word,share of real shares, such as of women in occupations, to compare with."),
    ] = None,
    share: Annotated[str | None, typer.Option(help="Column of the shares in it, if it is not called share.")] = None,
    templates: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="A .toml file of sentences with {word}, by which an encoder gives words rows; or "
            "sentences, those that come with Kinfold.",
        ),
    ] = None,
    test: Annotated[
        Path | None,
        typer.Option(help="Scored pairs of texts, or with --label labeled texts: how well each group of them does."),
    ] = None,
    text: Annotated[str, typer.Option(help="With --test: column of the labeled texts.")] = "text",
    label: Annotated[
        str | None, typer.Option(help="With --test: column of the labels; SPACE is a classifier then.")
    ] = None,
    lower: Annotated[
        bool | None,
        typer.Option("--lower/--no-lower", help="Look words up in lower case, or as written; by default both."),
    ] = None,
    unit: Annotated[bool, typer.Option("--unit", help="Bring the rows of words to length 1 first.")] = False,
    lost: Annotated[float, typer.Option(help="Share of its words that a set may lack.")] = 0.2,
    permutations: Annotated[int, typer.Option(help="Partitions that are drawn for p where all are too many.")] = 9999,
    k: Annotated[int, typer.Option("-k", help="Neighbors that are looked at, or items that each user is shown.")] = 10,
    sample: Annotated[int, typer.Option(help="Most rows, or users, that are compared.")] = 4000,
    seed: Annotated[int, typer.Option(help="Of all that is drawn.")] = 0,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Also write the Space with this report on its card.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure bias: of words by lists, of users and items by attributes, of encoders by group."""
    import kinfold as kf
    from kinfold.core.errors import BadOption
    from kinfold.core.files import refuse_unwritable
    from kinfold.io.checkpoint import is_checkpoint
    from kinfold.show import text as shown

    if out is not None and (test is not None or is_checkpoint(path)):
        raise BadOption("-o writes a Space with the report on its card, and this audit is of none.")
    if out is not None:
        refuse_unwritable(out)
    space = path if test is not None or is_checkpoint(path) else kf.open(path)
    with watched(as_json) as progress:
        report = kf.audit(
            space,
            lists or None,
            group=group,
            among=among,
            shares=shares,
            share=share,
            templates=templates,
            test=test,
            text=text,
            label=label,
            lower=lower,
            unit=unit,
            lost=lost,
            permutations=permutations,
            k=k,
            sample=sample,
            seed=seed,
            progress=progress,
        )
    tables = [dataclasses.replace(each, rows=each.rows[:_SHOWN]) for each in report.tables]
    said = shown.render(dataclasses.replace(report, tables=tables))
    values = report.to_dict()
    if out is not None:
        space.with_report(report).save(out)  # type: ignore[union-attr]
        values["path"] = str(out)
        said += f"\n→ {out}"
    say(values, said, as_json)
