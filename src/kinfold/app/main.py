"""`kinfold`: what is in which command, and what an error looks like."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperGroup

from kinfold.app import (
    across,
    ask,
    audit,
    change,
    classify,
    debias,
    distill,
    encode,
    explain,
    index,
    judge,
    look,
    recommend,
    tag,
    texts,
    vectors,
)
from kinfold.app.output import Json, say

# Commands with commands below them.
GROUPS = {"learn": ("words", "documents", "items", "encoder", "mlm"), "tune": ("items",), "check": ("data",)}


class _Learners(TyperGroup):
    """The commands of a group, made of the learners' fields when one is asked for: the rest starts without them."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(GROUPS[self.name or ""])

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in self.list_commands(ctx):
            return None
        return getattr(importlib.import_module(f"kinfold.app.{self.name}"), f"{cmd_name}_command")()


# Commands with a learner's or a recipe's options, which are made when they are called and not when they are listed.
_MADE: dict[str, Callable[[], Any]] = {
    "classify": classify.classify_command,
    "distill": distill.distill_command,
    "tag": tag.tag_command,
}


class _Commands(TyperGroup):
    """All commands, those of `_MADE` with all of their options."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        return name, _MADE[name]() if name in _MADE else command, rest


app = typer.Typer(
    name="kinfold",
    cls=_Commands,
    help="Learn embeddings, judge them and keep them alive. Every command takes --json and --help.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _name, _help in {
    "learn": "Learn a Space from data.",
    "tune": "Choose the dimension, the penalty and other options of a method.",
    "check": "Look at data before anything is learned from it.",
}.items():
    _group = typer.Typer(cls=_Learners, help=_help, no_args_is_help=True)
    _group.callback()(lambda: None)
    app.add_typer(_group, name=_name)
_COMMANDS: dict[str, Callable[..., None]] = {
    "demo": look.demo,
    "info": vectors.info,
    "nearest": ask.nearest,
    "analogy": ask.analogy,
    "odd": ask.odd,
    "similarity": ask.similarity,
    "rank": ask.rank,
    "distance": ask.distance,
    "clusters": change.clusters,
    "restrict": change.restrict,
    "compress": change.compress,
    "align": across.align,
    "translate": across.translate,
    "mine": across.mine,
    "retrofit": across.retrofit,
    "debias": debias.debias,
    "evaluate": vectors.evaluate,
    "audit": audit.audit,
    "dimension": judge.dimension,
    "health": judge.health,
    "convert": vectors.convert,
    "distill": distill.distill,
    "encode": encode.encode,
    "formats": vectors.formats,
    "map": look.map_,
    "report": look.report,
    "compare": look.compare,
    "index": index.index,
    "recall": index.recall,
    "search": texts.search,
    "dedup": texts.dedup,
    "topics": texts.topics,
    "classify": classify.classify,
    "tag": tag.tag,
    "predict": classify.predict,
    "recommend": recommend.recommend,
    "explain": explain.explain,
    "why": explain.why,
}
for _name, _command in _COMMANDS.items():
    app.command(_name)(_command)


@app.command("version")
def version(as_json: Json = False) -> None:
    """The version of Kinfold and of what it stands on."""
    import importlib.metadata as metadata
    import platform

    from kinfold import __version__

    names = ("numpy", "scipy", "numba", "pyarrow", "duckdb", "faiss-cpu", "umap-learn")
    versions = {
        "kinfold": __version__,
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in names},
    }
    say(versions, "\n".join(f"{name} {number}" for name, number in versions.items()), as_json)


# What typer raises for words that it cannot make sense of; its name is not public.
_Usage: type[Exception] = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")


def main() -> None:
    """Runs the command line: errors are one line on standard error and exit code 2."""
    from kinfold.core.errors import KinfoldError

    code: Any = 0
    try:
        code = app(standalone_mode=False)
    except KinfoldError as error:
        _fail(f"{type(error).__name__}: {_spoken(str(error), sys.argv[1:])}", 2)
    except _Usage as error:
        _fail(f"{getattr(error, 'format_message', error.__str__)()} See kinfold --help.", 2)
    except (KeyboardInterrupt, typer.Abort):
        code = 130
    except OSError as error:
        _fail(f"{error.filename or 'the file system'}: {error.strerror or error}", 2)
    except MemoryError:
        _fail("out of memory; take a smaller --dim, a larger --min-count or --max-size.", 2)
    if code == 130:
        _fail("interrupted; nothing was half-written.", 130)
    sys.exit(code if isinstance(code, int) else 0)


def _spoken(text: str, words: list[str]) -> str:
    """An error's way out as the command line has it: dim=16 is --dim 16 where the command has that option."""
    command: Any = typer.main.get_command(app)
    for word in words:
        if not hasattr(command, "commands"):
            break
        found = _MADE[word]() if word in _MADE else command.get_command(None, word)
        command = found or command
    options = {each.name: max(each.opts, key=len) for each in command.params if each.opts[0].startswith("-")}

    def option(match: re.Match[str]) -> str:
        name, value = match.group(1), match.group(2).strip("'")
        if name not in options:
            return match.group(0)
        return options[name] if value == "True" else f"{options[name]} {value}"

    return re.sub(r"\b([a-z]\w*)=('[^']*'|…|[\w.]+)", option, text)


def _fail(text: str, code: int) -> None:
    print("kinfold: " + " ".join(text.split()), file=sys.stderr)
    sys.exit(code)
