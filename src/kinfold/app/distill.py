"""`kinfold distill`: a transformer becomes a static encoder."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from kinfold.app.output import Json, say, watched
from kinfold.core.errors import BadFile, BadOption


def distill() -> None:
    """Make a static encoder out of a transformer: far quicker, in a folder that model2vec loads."""


def distill_command() -> Any:
    """The click command, with the options of `recipes.distill.distill`."""
    from kinfold.app.learn import _recipe_options, _with_options
    from kinfold.recipes import distill as recipe

    def command(
        model: Annotated[
            str, typer.Argument(metavar="MODEL", help="A transformer's folder, as sentence-transformers writes it.")
        ],
        out: Annotated[
            Path,
            typer.Option("--out", "-o", help="A new folder, for model2vec and sentence-transformers; or a .arrow."),
        ],
        corpus: Annotated[
            list[str] | None,
            typer.Option(help="Texts like those that it is for: files or folders, of any kind; may come again."),
        ] = None,
        as_json: Json = False,
        **options: Any,
    ) -> None:
        given = {name: value for name, value in options.items() if value is not None}
        _run(model, out, corpus, given, as_json)

    command.__doc__ = distill.__doc__
    single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    single.command(name="distill")(_with_options(command, _recipe_options(recipe.distill)))
    return typer.main.get_command(single)


def _run(model: str, out: Path, corpus: list[str] | None, given: dict[str, Any], as_json: bool) -> None:
    import kinfold as kf
    from kinfold.core.files import existing
    from kinfold.show.glance import size

    _writable(out)
    paths = [existing(each) for each in corpus or ()]
    began = time.perf_counter()
    with watched(as_json) as progress:
        space = kf.distill(model, paths or None, progress=progress, **given)
        if out.suffix == ".arrow":
            space.save(out)
        else:
            kf.io.save(space, out, "model2vec")
    seconds = time.perf_counter() - began
    held = sum(each.stat().st_size for each in ([out] if out.is_file() else out.rglob("*")) if each.is_file())
    told = dict(space.card.parameters)
    told.pop("tokenizer")
    values = {
        "path": str(out),
        "tokens": len(space),
        "dim": space.dim,
        "bytes": held,
        "seconds": seconds,
        "card": {"frame": space.frame, "method": space.card.method, "parameters": told, "data": dict(space.card.data)},
    }
    data = space.card.data
    lines = [f"{len(space):,} tokens × {space.dim} from {told['model']} in {seconds:.0f} s, {size(held)} → {out}"]
    if data["texts"] is not None:
        lines.append(f"  counted in {data['texts']:,} texts; the transformer read {data['lessons']:,} of them")
    if data["words"]:
        lines.append(f"  {data['words']:,} of the tokens are words of the texts")
    lines.append(f"Next: kinfold encode {out} --file texts.txt -o texts.arrow")
    say(values, "\n".join(lines), as_json)


def _writable(out: Path) -> None:
    """Before the minutes of work, not after them."""
    if not out.absolute().parent.is_dir():
        raise BadFile(f"{out}: its folder does not exist; make it first.")
    if out.suffix not in ("", ".arrow"):
        raise BadOption(f"{out}: what is distilled is written as a folder, or as .arrow; `kinfold convert` it then.")
    if out.suffix == ".arrow" and out.is_dir():
        raise BadFile(f"{out}: is a folder; name a file.")
    if out.suffix == "" and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BadFile(f"{out}: exists already; name another folder or remove it first.")
