"""`kinfold learn …`: options come from the recipe's arguments and the learners' dataclass fields."""

from __future__ import annotations

import dataclasses
import inspect
import re
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from kinfold.app.output import Json, say, watched
from kinfold.core.catalogue import Entry
from kinfold.core.errors import BadFile, BadOption
from kinfold.core.space import Space
from kinfold.io import FORMATS
from kinfold.show.glance import size


def words_command() -> Any:
    """The click command `learn words`."""
    from kinfold.recipes import words

    def command(
        corpus: Annotated[
            list[str], typer.Argument(help="Text files or folders; .gz .bz2 .xz .zst .jsonl .csv .parquet too.")
        ],
        out: Annotated[Path, typer.Option("--out", "-o", help="Where the Space is written.")],
        as_json: Json = False,
        **options: Any,
    ) -> None:
        """Learn word vectors from text."""
        if options.get("resume") is not None and options.get("method") is not None:
            raise BadOption("--resume goes on with the method of the Space; leave --method out.")
        _learn(words.words, corpus, out, as_json, options)

    return command_of("words", command, words.words, words.METHODS)


def documents_command() -> Any:
    """The click command `learn documents`."""
    from kinfold.recipes import documents

    def command(
        texts: Annotated[
            list[str],
            typer.Argument(
                help="A table with --text and --key (.jsonl .csv .tsv .parquet), or files of a text a line."
            ),
        ],
        out: Annotated[Path, typer.Option("--out", "-o", help="Where the Space is written.")],
        as_json: Json = False,
        **options: Any,
    ) -> None:
        """Learn a vector for each of some texts."""
        _learn(documents.documents, texts, out, as_json, options)

    return command_of("documents", command, documents.documents, documents.METHODS)


def items_command() -> Any:
    """The click command `learn items`."""
    from kinfold.recipes import items

    def command(
        interactions: Annotated[
            list[str],
            typer.Argument(
                help="Tables with --user and --item (.csv .tsv .parquet .jsonl), or lines `user item item …`."
            ),
        ],
        out: Annotated[Path, typer.Option("--out", "-o", help="Where the Space is written.")],
        as_json: Json = False,
        **options: Any,
    ) -> None:
        """Learn vectors of users and of items from who met what."""
        _learn(items.items, interactions, out, as_json, options)

    return command_of("items", command, items.items, items.METHODS)


def encoder_command() -> Any:
    """The click command `learn encoder`."""
    from kinfold.app import encoders

    return encoders.encoder_command()


def mlm_command() -> Any:
    """The click command `learn mlm`."""
    from kinfold.app import encoders

    return encoders.mlm_command()


def command_of(name: str, command: Any, recipe: Any, methods: Mapping[str, Entry]) -> Any:
    """A click command with the options of a recipe and of its methods."""
    single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    options = [*_recipe_options(recipe), *_learner_options(methods, counting=name in ("words", "documents"))]
    single.command(name=name)(_with_options(command, options))
    return typer.main.get_command(single)


def _learn(recipe: Any, files: list[str], out: Path, as_json: bool, options: dict[str, Any]) -> None:
    given = {name: value for name, value in options.items() if value is not None}
    _writable(out)
    with watched(as_json) as progress:
        space = recipe([Path(each) for each in files], progress=progress, **given)
        space.save(out)
    _tell(space, out, as_json)


def _tell(space: Space, out: Path, as_json: bool) -> None:
    training = next((report for report in space.card.reports if report.title == "training"), None)
    group, rows = next(iter(space.groups.items()))
    values = {
        "path": str(out),
        f"{group}s": len(rows),
        "dim": space.dim,
        "bytes": out.stat().st_size,
        "card": {
            "frame": space.frame,
            "method": space.card.method,
            "parameters": dict(space.card.parameters),
            "data": dict(space.card.data),
        },
        "epochs": []
        if training is None
        else [dict(zip(training.tables[0].columns, row, strict=True)) for row in training.tables[0].rows],
    }
    data = space.card.data
    more = next((step for step in reversed(space.card.steps) if step["step"] == "resume" and "users" in step), None)
    read = f"{data['interactions']:,} interactions" if "interactions" in data else f"{data.get('read', 0):,} tokens"
    made = f"{len(rows):,} {group}s × {space.dim} from {read} by {space.card.method}"
    lines = [f"{made}, {size(out.stat().st_size)} → {out}"]
    others = [f"{len(each):,} {name}s" for name, each in list(space.groups.items())[1:]]
    if others:
        lines.append(f"  and {', '.join(others)} beside them")
    if more is not None:
        told = f"{more['users']:,} users" + (f" and {more['items']:,} items" if "items" in more else "")
        lines.append(f"  and {more['interactions']:,} more now; new rows for {told}, all others as they were")
    if more is not None and more.get("left_out"):
        lines.append(f"  left out, of items that have no row: {more['left_out']:,}")
    if data.get("skipped") and "interactions" in data:
        lines.append(f"  bad rows skipped: {data['skipped']:,}")
    elif data.get("skipped"):
        told = f"{data['skipped']:,} of {data['documents']:,} documents"
        lines.append(f"  without a row, since they hold no word of the vocabulary: {told}")
    begun = next((step for step in reversed(space.card.steps) if "shared" in step), None)
    if begun is not None:
        lines.append(f"  begun with vectors for {begun['shared']:,} of the words here; {begun['new_keys']:,} are new")
    idle = int(space.card.data.get("texts", 0)) - int(space.card.data.get("sequences", 0))
    if idle > 0 and group == "word":
        lines.append(f"  {idle:,} of {space.card.data['texts']:,} texts (or lines) held no word of the vocabulary")
    if training is not None and training.tables and more is None:
        unit = training.tables[0].columns[2].partition(" ")[0]
        for epoch, loss, speed in training.tables[0].rows:
            lines.append(f"  epoch {epoch}: loss {loss:.4f}, {speed / 1e6:.2f} M {unit}/s")
    key = next(iter(space.keys))
    if group == "user":
        explains = space.card.method in ("als", "svd", "item2vec")
        explained = f" · kinfold why {out} --user {key} --item ITEM" if explains else ""
        lines.append(f"Next: kinfold recommend {out} --user {key}{explained}")
        say(values, "\n".join(lines), as_json)
        return
    asked = key if sum(key in space.group(name) for name in space.groups) == 1 else f"{group}:{key}"
    lines.append(f"Next: kinfold nearest {out} {asked} · kinfold report {out} -o report.html")
    say(values, "\n".join(lines), as_json)


def _folder_of(out: Path) -> None:
    """That a file can be written there: before an hour of work, not after it."""
    if not out.absolute().parent.is_dir():
        raise BadFile(f"{out}: its folder does not exist; make it first.")
    if out.is_dir():
        raise BadFile(f"{out}: is a folder; name a file.")


def _writable(out: Path) -> None:
    """Before an hour of learning, not after it."""
    _folder_of(out)
    foreign = {ending for entry in FORMATS if entry.name != "arrow" for ending in entry.load().endings}
    if out.suffix.lower() in foreign:
        raise BadOption(
            f"{out}: what is learned is written as .arrow, which keeps all of it; `kinfold convert` it then."
        )


def _recipe_options(recipe: Any) -> list[inspect.Parameter]:
    """Options of the keyword arguments of a recipe that a command line can give."""
    helps = _documented(recipe)
    kinds = typing.get_type_hints(recipe)
    found = []
    for name, parameter in inspect.signature(recipe).parameters.items():
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY or name in ("progress", "callback"):
            continue
        found.append(_option(name, kinds[name], parameter.default, helps.get(name, "")))
    return found


def _learner_options(methods: Mapping[str, Entry], *, counting: bool) -> list[inspect.Parameter]:
    """The fields of every method, each once; one that not all have, or not alike, says whose it is.

    With `counting` also those of how texts are counted for the methods that take counts.
    """
    from kinfold.recipes.words import wishes

    kinds = {name: entry.load() for name, entry in methods.items()}
    family: dict[str, list[Any]] = {}
    for name, kind in kinds.items():
        asked = wishes(kind) if counting else None
        family[name] = [kind] if asked is None else [kind, asked]
    defaults: dict[str, dict[str, Any]] = {}
    told: dict[str, tuple[Any, str]] = {}
    for method, parts in family.items():
        for part in parts:
            kind = part if isinstance(part, type) else type(part)
            helps, hints = _documented(kind), typing.get_type_hints(kind)
            for field in dataclasses.fields(kind):
                value = field.default if part is kind else getattr(part, field.name)
                defaults.setdefault(field.name, {})[method] = value
                told.setdefault(field.name, (hints[field.name], helps.get(field.name, "")))
    found = []
    for name, (hint, text) in told.items():
        own = defaults[name]
        first, *_ = own.values()
        differing = {method: value for method, value in own.items() if value != first and _shown(value)}
        others = [f"{_shown(value)} for {method}" for method, value in differing.items()]
        whose = "" if len(own) == len(family) else f" ({', '.join(own)} only)"
        found.append(_option(name, hint, first, text + whose, others))
    return found


def _shown(default: Any) -> str:
    if default in (None, inspect.Parameter.empty):
        return ""
    return str(default).lower() if isinstance(default, bool) else str(default)


def _option(name: str, kind: Any, default: Any, text: str, others: Sequence[str] = ()) -> inspect.Parameter:
    plain = _command_line_type(kind)
    flag = "--" + name.replace("_", "-")
    declared = [f"{flag}/--no-{flag[2:]}"] if plain is bool else [flag]
    defaults = ", ".join(each for each in (_shown(default), *others) if each)
    shown = f" [default: {defaults}]" if defaults else ""
    option = typer.Option(*declared, help=(text + shown).replace("[default", r"\[default"), show_default=False)
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[plain | None, option]
    )


def _command_line_type(kind: Any) -> Any:
    """The one plain type of an annotation: the first of a union that is not None, str for a choice of words."""
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return _command_line_type(next(each for each in typing.get_args(kind) if each is not types.NoneType))
    if origin is typing.Literal:
        return str
    return kind if kind in (int, float, bool, str) else str


def _documented(owner: Any) -> dict[str, str]:
    """The texts of the section `Args:` of a docstring, by name."""
    section = re.search(r"Args:\n(.*?)(?:\n\n|\Z)", inspect.getdoc(owner) or "", re.DOTALL)
    found: dict[str, str] = {}
    name = ""
    for line in section.group(1).splitlines() if section else ():
        start = re.match(r" {4}\*{0,2}(\w+): (.*)", line)
        if start:
            name = start.group(1)
            found[name] = start.group(2)
        elif name:
            found[name] += " " + line.strip()
    return found


def _with_options(command: Any, options: list[inspect.Parameter]) -> Any:
    """The function with its `**options` written out, so that typer sees each of them."""
    hints = typing.get_type_hints(command, include_extras=True)
    own = [
        parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY)
        for name, parameter in inspect.signature(command).parameters.items()
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD
    ]
    command.__signature__ = inspect.Signature([*own, *options])
    command.__annotations__ = {each.name: each.annotation for each in (*own, *options)}
    return command
