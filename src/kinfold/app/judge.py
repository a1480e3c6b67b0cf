"""Commands that judge the rows of a Space by themselves: their health, and how many dimensions they need."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from kinfold.app.output import Json, say, watched
from kinfold.app.vectors import SpacePath

K = Annotated[int, typer.Option("-k", help="Neighbors that are compared.")]
Seed = Annotated[int, typer.Option(help="Of samples and intervals.")]


def health(
    path: SpacePath,
    beside: Annotated[
        list[Path] | None,
        typer.Option(metavar="SPACE", help="Another run (seed, epoch, data): what stays near. May be repeated."),
    ] = None,
    group: Annotated[str | None, typer.Option(help="Whose rows; by default each group but n-grams and layers.")] = None,
    k: K = 10,
    sample: Annotated[int, typer.Option(help="Most rows that are compared with each other.")] = 20_000,
    near: Annotated[float, typer.Option(help="Cosine from which two rows are nearly the same.")] = 0.99,
    seed: Seed = 0,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Also write the Space with this report on its card.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Look for what is broken, idle, crowded or unsteady among the rows, and say in words what to do."""
    import kinfold as kf
    from kinfold.core.files import refuse_unwritable
    from kinfold.show import text

    if out is not None:
        refuse_unwritable(out)
    space = kf.open(path)
    runs = beside or []
    unique = len({each.name for each in runs}) == len(runs)
    others = {each.name if unique else str(each): kf.open(each) for each in runs}
    with watched(as_json) as progress:
        how: dict[str, Any] = {"group": group, "k": k, "sample": sample, "near": near, "seed": seed}
        report = kf.measure.health(space, beside=others, progress=progress, **how)
    values = report.to_dict()
    shown = text.render(report)
    if out is not None:
        space.with_report(report).save(out)
        values["path"] = str(out)
        shown += f"\n→ {out}"
    say(values, shown, as_json)


def dimension(
    path: SpacePath,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The HTML page to write; opens from disk, no network.")
    ] = None,
    dims: Annotated[
        str | None, typer.Option(metavar="DIM,…", help="Dimensions to try. \\[default: 2,3,4,6,8,12… and all]")
    ] = None,
    data: Annotated[
        list[Path] | None,
        typer.Option(
            help="What the Space was learned from: its method is fitted again at several dimensions, and judged by a "
            "part held out. May be repeated."
        ),
    ] = None,
    column: Annotated[str | None, typer.Option(help="Data: which column of a table holds the text.")] = None,
    held: Annotated[float, typer.Option(help="Data: the share that is held out.")] = 0.1,
    beside: Annotated[
        Path | None, typer.Option(metavar="SPACE", help="Another run: the same data and method, another seed.")
    ] = None,
    keep: Annotated[float, typer.Option(help="The share of neighbors that is to be kept.")] = 0.95,
    group: Annotated[str | None, typer.Option(help="Whose rows; by default the first group.")] = None,
    k: K = 10,
    sample: Annotated[int, typer.Option(help="Most rows that neighbors are looked for among.")] = 50_000,
    queries: Annotated[int, typer.Option(help="Rows that are asked for their neighbors.")] = 1000,
    threads: Annotated[int | None, typer.Option(help="Of the fits; by default one a processor.")] = None,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Recommend how many dimensions to take: neighbors, variance and products kept, and quality on data held out."""
    import kinfold as kf
    from kinfold.app.learn import _writable
    from kinfold.core.errors import BadOption
    from kinfold.recipes.refitting import again
    from kinfold.show import dimension as page
    from kinfold.show import text

    if out is not None:
        if out.suffix.lower() not in (".html", ".htm"):
            raise BadOption(f"{out}: what is written is a page; name it .html.")
        _writable(out)
    space = kf.open(path)
    how: dict[str, Any] = {"group": group, "k": k, "keep": keep, "held": held, "sample": sample, "queries": queries}
    with watched(as_json) as progress:
        if data:
            how["learner"], how["data"] = again(space, data, column=column, progress=progress)
        if beside is not None:
            how["beside"] = kf.open(beside)
        report = kf.choose.dimension(space, dims=_numbers(dims), seed=seed, threads=threads, progress=progress, **how)
    chosen = int(report["recommended dimension"].value)
    command = _next(path, space.card.method, chosen, space.dim, data)
    if out is not None:
        page.write(report, out, lead=str(path), command=command)
    values = {
        "path": None if out is None else str(out),
        "dim": chosen,
        "reason": report.notes[0],
        "command": command,
        "report": report.to_dict(),
    }
    written = [] if out is None else [f"Page {out}    open it in a browser"]
    following = [f"Next: {command}"] if command else []
    say(values, "\n".join([text.render(report), "", report.notes[0], *written, *following]), as_json)


def _next(path: Path, method: str, chosen: int, dim: int, data: list[Path] | None) -> str:
    """The command that learns anew with the dimension, where Kinfold has learned the Space."""
    from kinfold.recipes import documents, items, words

    recipe = next(
        (
            name
            for name, each in (("words", words), ("items", items), ("documents", documents))
            if method in each.METHODS
        ),
        None,
    )
    if recipe is None:
        return ""
    if chosen == dim:
        return "" if data else shlex.join(["kinfold", "dimension", str(path), "--data", "DATA"])
    files = [str(each) for each in data] if data else ["DATA"]
    return shlex.join(["kinfold", "learn", recipe, *files, "--method", method, "--dim", str(chosen), "-o", "new.arrow"])


def _numbers(given: str | None) -> list[int] | None:
    from kinfold.core.errors import BadOption

    if given is None:
        return None
    try:
        return [int(each) for each in given.split(",") if each.strip()]
    except ValueError as error:
        raise BadOption(f"--dims {given} is no list of dimensions; give numbers between commas: 64,128.") from error
