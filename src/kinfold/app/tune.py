"""`kinfold tune …`: options come from the search and from the methods' fields, each of which takes several values."""

from __future__ import annotations

import dataclasses
import shlex
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from kinfold.app.learn import (
    _command_line_type,
    _documented,
    _option,
    _recipe_options,
    _with_options,
    _writable,
)
from kinfold.app.output import Json, say, watched
from kinfold.choose.report import shown
from kinfold.core.errors import BadOption
from kinfold.recipes import tuning
from kinfold.recipes.items import METHODS

_COLUMNS = ("user", "item", "weight", "time", "repeated", "on_bad", "encoding")


def items_command() -> Any:
    """The click command `tune items`."""

    def command(
        interactions: Annotated[
            list[str],
            typer.Argument(
                help="Tables with --user and --item (.csv .tsv .parquet .jsonl), or lines `user item item …`."
            ),
        ],
        out: Annotated[
            Path | None, typer.Option("--out", "-o", help="The HTML page to write; opens from disk, no network.")
        ] = None,
        as_json: Json = False,
        **options: Any,
    ) -> None:
        """Choose dimension, penalty and more for users and items, by what they are worth on a part held out."""
        given = {name: value for name, value in options.items() if value is not None}
        _run(interactions, out, given, as_json)

    single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    single.command(name="items")(_with_options(command, [*_recipe_options(tuning.tune), *_fields()]))
    return typer.main.get_command(single)


def _run(files: list[str], out: Path | None, given: dict[str, Any], as_json: bool) -> None:
    from kinfold.show import search, text

    if out is not None:
        _writable(out)
        if out.suffix.lower() not in (".html", ".htm"):
            raise BadOption(f"{out}: what is written is a page; name it .html.")
    kinds = _kinds()
    how: dict[str, Any] = {
        name: _values(name, kinds[name], value) if name in kinds else value for name, value in given.items()
    }
    with watched(as_json) as progress:
        tuned = tuning.tune([Path(each) for each in files], progress=progress, **how)
    command = _next(files, tuned, given)
    if out is not None:
        search.write(tuned.report, out, best=tuned.best, command=command, lead=f"{tuned.method} on {', '.join(files)}")
    values = {
        "path": None if out is None else str(out),
        "method": tuned.method,
        "best": tuned.best,
        "command": command,
        "report": tuned.report.to_dict(),
    }
    chosen = ", ".join(f"{name} {shown(value)}" for name, value in tuned.best.items())
    written = [] if out is None else [f"Page {out}    open it in a browser"]
    said = [text.render(tuned.report), "", f"Best: {chosen}", *written, f"Next: {command}"]
    say(values, "\n".join(said), as_json)


def _next(files: Sequence[str], tuned: tuning.Tuned, given: dict[str, Any]) -> str:
    """The command that learns with the best options from everything."""
    words = ["kinfold", "learn", "items", *files]
    columns = {name: given[name] for name in _COLUMNS if name in given}
    for name, value in {**columns, "method": tuned.method, **tuned.best}.items():
        flag = "--" + name.replace("_", "-")
        words += [flag if value else f"--no-{flag[2:]}"] if isinstance(value, bool) else [flag, str(value)]
    return shlex.join([*words, "-o", "space.arrow"])


def _kinds() -> dict[str, Any]:
    """The plain type of each field of the methods."""
    found: dict[str, Any] = {}
    for entry in METHODS.values():
        kind = entry.load()
        hints = typing.get_type_hints(kind)
        found.update((field.name, _command_line_type(hints[field.name])) for field in dataclasses.fields(kind))
    return found


def _fields() -> list[Any]:
    """An option of several values for each field of the methods, each once."""
    kinds = {name: entry.load() for name, entry in METHODS.items()}
    owners: dict[str, list[str]] = {}
    helps: dict[str, str] = {}
    for method, kind in kinds.items():
        told = _documented(kind)
        for field in dataclasses.fields(kind):
            owners.setdefault(field.name, []).append(method)
            helps.setdefault(field.name, told.get(field.name, ""))
    usual = {
        "dim": ",".join(map(str, tuning.DIMS)),
        "regularization": f"{' '.join(f'{factor:g}' for factor in tuning.FACTORS)} times the method's own",
    }
    found = []
    for name, methods in owners.items():
        whose = "" if len(methods) == len(kinds) else f" ({', '.join(methods)} only)"
        option = _option(name, str, usual.get(name), helps[name] + whose)
        option.annotation.__metadata__[0].metavar = "VALUE,…"
        found.append(option)
    return found


def _values(name: str, kind: Any, text: str) -> list[Any]:
    """The values between commas.

    Raises:
        BadOption: One is not of the option's type.
    """
    found = []
    for each in filter(None, map(str.strip, text.split(","))):
        try:
            found.append({"true": True, "false": False}[each.lower()] if kind is bool else kind(each))
        except (KeyError, ValueError) as error:
            wanted = {int: "a whole number", float: "a number", bool: "true or false"}[kind]
            flag = "--" + name.replace("_", "-")
            raise BadOption(f"{flag} {text}: '{each}' is not {wanted}; give values between commas.") from error
    return found
