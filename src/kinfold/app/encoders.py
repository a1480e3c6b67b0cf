"""`kinfold learn encoder` and `kinfold learn mlm`: models of texts, and what is said of them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from kinfold.app.output import Json, say, watched
from kinfold.core.errors import BadFile
from kinfold.core.report import number


def encoder_command() -> Any:
    """The click command `learn encoder`."""
    from kinfold.app.learn import command_of
    from kinfold.recipes import encoders

    def command(
        pairs: Annotated[
            Path,
            typer.Argument(
                help="A table of pairs of texts (.csv .tsv .jsonl .parquet), lines of fields, or a text a line."
            ),
        ],
        model: Annotated[str, typer.Option(help="The model to begin with: a folder, or a hub's name.")],
        out: Annotated[Path, typer.Option("--out", "-o", help="The folder that is written; new or empty.")],
        as_json: Json = False,
        **options: Any,
    ) -> None:
        """Train a text encoder further, on pairs of texts."""
        _trained(lambda **how: encoders.tune_encoder(pairs, model, **how), out, as_json, options)

    return command_of("encoder", command, encoders.tune_encoder, encoders.TUNERS)


def mlm_command() -> Any:
    """The click command `learn mlm`."""
    from kinfold.app.learn import command_of
    from kinfold.recipes import encoders

    def command(
        corpus: Annotated[
            list[Path], typer.Argument(help="Text files or folders; .gz .bz2 .xz .zst .jsonl .csv .parquet too.")
        ],
        out: Annotated[Path, typer.Option("--out", "-o", help="The folder that is written; new or empty.")],
        as_json: Json = False,
        **options: Any,
    ) -> None:
        """Train a small text encoder from nothing, on masked tokens."""
        _trained(lambda **how: encoders.pretrain(corpus, **how), out, as_json, options)

    return command_of("mlm", command, encoders.pretrain, encoders.PRETRAINERS)


def _trained(recipe: Any, out: Path, as_json: bool, options: dict[str, Any]) -> None:
    given = {name: value for name, value in options.items() if value is not None}
    _writable(out)
    with watched(as_json) as progress:
        made = recipe(progress=progress, **given)
        made.save(out)
    card, report = made.card, made.report
    values = {
        "path": str(out),
        "method": card.method,
        "parameters": dict(card.parameters),
        "seed": card.seed,
        "data": dict(card.data),
        "report": report.to_dict(),
    }
    sizes = ", ".join(f"{value:,} {name}" for name, value in card.data.items() if isinstance(value, int) and value)
    lines = [f"{sizes} → {out}"]
    table = report.tables[0]
    for row in table.rows:
        told = [f"{name} {number(value)}" for name, value in zip(table.columns, row, strict=True) if value is not None]
        lines.append("  " + ", ".join(told))
    lines += [f"  {finding}" for finding in report if finding.group]
    lines += [f"  {note}" for note in report.notes]
    lines.append(f"Next: kinfold encode texts.txt --model {out} -o texts.arrow")
    say(values, "\n".join(lines), as_json)


def _writable(out: Path) -> None:
    """Before an hour of training, not after it."""
    parent = out.absolute().parent
    if not parent.is_dir():
        raise BadFile(f"{parent}: no such folder; make it first.")
    if not os.access(parent, os.W_OK):
        raise BadFile(f"{parent}: cannot be written; check its permissions.")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BadFile(f"{out}: exists already; name another folder or remove it first.")
