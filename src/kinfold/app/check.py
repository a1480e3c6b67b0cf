"""`kinfold check`: what is wrong with data, before anything is learned from it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from kinfold.app.output import Json, say, watched


def data_command() -> Any:
    """The click command of `kinfold check data`."""
    single = typer.Typer(add_completion=False, context_settings={"help_option_names": ["-h", "--help"]})
    single.command("data")(data)
    return typer.main.get_command(single)


def data(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="Data of one kind: texts, tables (.csv .tsv .jsonl .parquet), lines of fields, folders of texts or "
            "images, .zip archives of images. Several are splits: the first is what is learned from.",
        ),
    ],
    kind: Annotated[
        str | None,
        typer.Option(
            help="text, labeled, tags, pairs, interactions, table or images; by default found out from the file, and "
            "said."
        ),
    ] = None,
    together: Annotated[
        bool, typer.Option("--together", help="The files are parts of one whole, and no splits of it.")
    ] = False,
    text: Annotated[str | None, typer.Option(help="Column of the texts.")] = None,
    label: Annotated[
        str | None,
        typer.Option(help="Column of the labels, or of what is to be predicted; its number without a header."),
    ] = None,
    group: Annotated[
        str | None, typer.Option(help="Column of whom or where a row is from, which should stand in one split only.")
    ] = None,
    user: Annotated[str | None, typer.Option(help="Column of the users of interactions.")] = None,
    item: Annotated[str | None, typer.Option(help="Column of the items.")] = None,
    weight: Annotated[str | None, typer.Option(help="Column of how strongly they met.")] = None,
    time: Annotated[str | None, typer.Option(help="Column of when.")] = None,
    left: Annotated[str | None, typer.Option(help="Column of the first texts of pairs.")] = None,
    right: Annotated[str | None, typer.Option(help="Column of the second ones.")] = None,
    score: Annotated[str | None, typer.Option(help="Column of how alike they are.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write what was found as one HTML page.")] = None,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="End with exit code 1 where anything serious was found; else the code is 0."),
    ] = False,
    threads: Annotated[
        int | None, typer.Option(help="How many work at once; by default as many as there are processors.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of hashes and samples.")] = 0,
    as_json: Json = False,
) -> None:
    """Look at data before learning: what is broken, said twice, garbled, skewed, or in two splits, and the way out.

    What was found is serious (it breaks learning or makes a judgment worthless), a warning, or a note. The exit code
    is 0 whatever was found, unless --strict is given and something is serious: then it is 1.
    """
    import kinfold as kf
    from kinfold.app.learn import _writable
    from kinfold.core.errors import BadOption
    from kinfold.show import quality
    from kinfold.show import text as shown

    if out is not None:
        if out.suffix.lower() not in (".html", ".htm"):
            raise BadOption(f"{out}: a page ends in .html.")
        _writable(out)
    columns: dict[str, Any] = {
        "text": text,
        "label": label,
        "group": group,
        "user": user,
        "item": item,
        "weight": weight,
        "time": time,
        "left": left,
        "right": right,
        "score": score,
    }
    how: dict[str, Any] = {"kind": kind, "together": together, "threads": threads, "seed": seed}
    with watched(as_json) as progress:
        report = kf.check(files, **columns, **how, progress=progress)
    if out is not None:
        quality.write(report, out)
    page = "" if out is None else f"\nPage {out}"
    say({**report.to_dict(), "page": None if out is None else str(out)}, shown.render(report) + page, as_json)
    if strict and any(each.group == "serious" for each in report):
        raise typer.Exit(1)
