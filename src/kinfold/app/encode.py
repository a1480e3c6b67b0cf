"""`kinfold encode`: rows for things that a Space has not, in its frame; and for texts, by a transformer."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from kinfold.app.output import Json, say, watched
from kinfold.app.recommend import history_of
from kinfold.core.errors import BadData, BadOption
from kinfold.core.report import number


def encode(
    things: Annotated[
        list[str],
        typer.Argument(
            metavar="SPACE THING...",
            help="A Space, and what to encode: words, texts, or histories (keys between commas). With --model: texts, "
            "or a file of them: a text a line (.gz .bz2 .xz .zst too), or a table with --text and --key.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Where the rows are written; the format by its ending.")],
    file: Annotated[
        Path | None,
        typer.Option(help="A file instead: a thing a line (.gz .bz2 .xz .zst too), or a table with --text and --key."),
    ] = None,
    text: Annotated[str | None, typer.Option(help="Column of a table that holds the things.")] = None,
    key: Annotated[str | None, typer.Option(help="Column that names them; by default they are numbered.")] = None,
    encoder: Annotated[
        str | None, typer.Option(help="Which encoder; by default the one for the Space's method.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="A transformer instead of a Space: the folder of a model, or a hub's name."),
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(
            help=r"With --model: float32, bfloat16, float16 or int8. \[default: the fastest that keeps a cosine of "
            ".999 to float32]"
        ),
    ] = None,
    dim: Annotated[
        int | None, typer.Option(help="With --model: coordinates that are kept, of models that were trained so.")
    ] = None,
    prompt: Annotated[
        str | None, typer.Option(help="With --model: what is put before each text; a name of the model's, or a text.")
    ] = None,
    max_length: Annotated[
        int | None, typer.Option(help=r"With --model: tokens of a text that are read. \[default: as the model says]")
    ] = None,
    pooling: Annotated[
        str | None,
        typer.Option(help=r"With --model: mean, cls, max …, or several as mean+max+cls. \[default: as the model says]"),
    ] = None,
    layers: Annotated[
        int | None, typer.Option(help=r"With --model: how many of the last layers stand side by side. \[default: 1]")
    ] = None,
    long: Annotated[
        str | None,
        typer.Option(help=r"With --model: longer texts are cut, or read to their end in windows. \[default: cut]"),
    ] = None,
    chunk: Annotated[
        int | None,
        typer.Option(help="With --model: a row for every so many tokens of a text, each knowing what is around it."),
    ] = None,
    tokens: Annotated[
        bool, typer.Option("--tokens", help="With --model: a row for every token of every text.")
    ] = False,
    keep_text: Annotated[
        bool, typer.Option("--keep-text/--no-keep-text", help="With --model: whether the texts become an attribute.")
    ] = True,
    device: Annotated[
        str | None, typer.Option(help=r"With --model: as torch names it. \[default: a GPU where there is one]")
    ] = None,
    threads: Annotated[int | None, typer.Option(help=r"How many cores work. \[default: all]")] = None,
    as_json: Json = False,
) -> None:
    """Give things rows: words and texts that a Space has never seen, users by what they met, texts by a transformer.

    With --model, a run that was broken off goes on where it stopped when it is given again.
    """
    import kinfold as kf
    from kinfold.io.detect import format_for

    format_for(out, kf.io.FORMATS)
    options = {
        "precision": precision,
        "truncate_dim": dim,
        "prompt": prompt,
        "max_length": max_length,
        "pooling": pooling,
        "layers": layers,
        "long": long,
        "device": device,
    }
    if model is not None:
        if file is not None or encoder is not None:
            raise BadOption("with --model, name the file of texts first: kinfold encode texts.txt --model MODEL.")
        if chunk is not None and tokens:
            raise BadOption("--chunk gives a row a chunk, --tokens one a token; choose one of them.")
        given = {name: value for name, value in options.items() if value is not None}
        _by_transformer(things, model, out, text, key, chunk, tokens, keep_text, threads, given, as_json)
        return
    if any(value is not None for value in (*options.values(), chunk)) or tokens:
        raise BadOption("--precision, --dim, --prompt, --chunk and their like go with --model.")
    path, *rest = things
    _in_frame(Path(path), rest, out, file, text, key, encoder, threads, as_json)


def _in_frame(
    path: Path,
    things: list[str],
    out: Path,
    file: Path | None,
    text: str | None,
    key: str | None,
    encoder: str | None,
    threads: int | None,
    as_json: bool,
) -> None:
    import kinfold as kf
    from kinfold.core.shapes import Items

    if bool(things) == (file is not None):
        raise BadOption("say what to encode: one or more THINGs, or --file with one a line, not both.")
    made_by: Any = kf.encoder(path, encoder)
    items: Items[Any] = Items(things)
    if file is not None:
        items = kf.sources.documents.read(file, text=text, key=key)
    if file is not None and getattr(made_by, "things", "texts") == "words":
        items = Items([line for line in items.raw if line]) if items.keys is None else items
    if getattr(made_by, "things", "texts") == "histories":
        known = made_by.space.keys.group(made_by.other)
        items = dataclasses.replace(items, raw=[history_of(line, known) for line in items.raw])
    how = {} if threads is None else {"threads": threads}
    with watched(as_json) as progress:
        made = made_by.encode(items, progress=progress, **how)
        kf.io.save(made, out)
    _tell(made, out, {}, "", as_json)


def _by_transformer(
    things: list[str],
    model: str,
    out: Path,
    text: str | None,
    key: str | None,
    chunk: int | None,
    tokens: bool,
    keep_text: bool,
    threads: int | None,
    options: dict[str, Any],
    as_json: bool,
) -> None:
    import kinfold as kf
    from kinfold.app.learn import _folder_of
    from kinfold.encode.transformer import Transformer
    from kinfold.recipes import texts as recipe

    _folder_of(out)
    source: Any = things
    if all(kf.sources.text.is_path(each) for each in things):
        source = [Path(each) for each in things]
    elif any(each.endswith((".txt", ".jsonl", ".csv", ".tsv", ".parquet")) for each in things):
        kf.core.files.existing(things[0])
    encoder = Transformer(model, **options)
    partial = out.with_name(f".{out.name}.partial")
    began = time.perf_counter()
    before = 0
    with watched(as_json) as progress:
        if chunk is None and not tokens:
            columns: dict[str, Any] = {"text": text, "key": key, "keep_text": keep_text, "threads": threads}
            before = recipe.done_before(partial)
            made = recipe.texts(source, encoder, resume=partial, progress=progress, **columns)
        else:
            items = kf.sources.documents.read(source, text=text, key=key)
            how: dict[str, Any] = {"threads": threads, "progress": progress}
            made = encoder.token_space(items, **how) if chunk is None else encoder.chunks(items, chunk, **how)
        if not made.card.steps[-1]["texts"]:
            recipe.forget(partial)
            raise BadData(f"{things[0]}: has no text; there is nothing to encode.")
        kf.io.save(made, out)
    seconds = time.perf_counter() - began
    recipe.forget(partial)
    kind, cosine = encoder.choice
    count = made.card.steps[-1]["texts"]
    told = {"model": model, "precision": kind, "cosine": cosine, "seconds": seconds, "resumed": before}
    why = "" if cosine is None else f", cosine {cosine:.4f} to float32 on a few sentences"
    line = f"  by {encoder.checkpoint.path.name} ({encoder.checkpoint.family}) in {kind}{why}"
    line += f": {number((count - before) / seconds)} texts/s"
    if before:
        line += f", going on after {before:,} that were done"
    _tell(made, out, told, f"{line}\nNext: kinfold search {out} 'a question' · kinfold nearest {out} KEY", as_json)


def _tell(made: Any, out: Path, told: dict[str, Any], line: str, as_json: bool) -> None:
    from kinfold.app.vectors import bytes_of
    from kinfold.show.glance import size

    step = {name: value for name, value in made.card.steps[-1].items() if name != "step"}
    values = {"path": str(out), "rows": len(made), "dim": made.dim, "frame": made.frame, **step, **told}
    counts = ", ".join(f"{value:,} {name}" for name, value in step.items() if isinstance(value, int))
    shown = f"{len(made):,} rows × {made.dim} in the frame {made.frame}, {size(bytes_of(out))} → {out}"
    lines = [shown, *([f"  {counts}"] if counts else []), *([line] if line else [])]
    say(values, "\n".join(lines), as_json)
