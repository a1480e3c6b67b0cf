"""Texts in context: any texts, a transformer, and a Space that is written while it is made and goes on after a kill."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from kinfold.core.errors import BadData, BadFile, FrameMismatch
from kinfold.core.files import whole_file
from kinfold.core.progress import Progress, quiet
from kinfold.core.shapes import Items
from kinfold.core.space import Space
from kinfold.core.spill import Batches
from kinfold.encode.transformer import Transformer
from kinfold.sources.documents import read
from kinfold.sources.text import BadBytes

# Texts between two notes of how far the work is.
_STEP = 1024
# Files of a run beside what tells how far it is; both are empty where it broke off at once.
_OWN = ("rows.f32", "kept.i64")


def texts(
    source: Any,
    model: str | os.PathLike[str] | Transformer,
    *,
    text: str | None = None,
    key: str | None = None,
    keep_text: bool = True,
    resume: str | os.PathLike[str] | None = None,
    bad_bytes: BadBytes = "replace",
    threads: int | None = None,
    progress: Progress = quiet,
    **options: Any,
) -> Space:
    """Rows for texts by a transformer, in one Space with the other columns of their table.

    Args:
        source: A table (.jsonl, .csv, .tsv, .parquet) or a data frame, a mapping from keys to texts, files whose lines
            are texts, or strings.
        model: The folder of a model of Hugging Face or sentence-transformers, a hub's name, or an encoder that is made.
        text: Column of a table that holds the texts.
        key: Column that names them; without one they are numbered from 0.
        keep_text: Whether the texts stand in the Space as the attribute `text`, which searching and naming topics need.
        resume: A folder that holds what is done so far: the same call goes on where a killed one stopped. Rows of the
            Space are in it until it is saved; `forget` takes it away then.
        bad_bytes: What happens to bytes that are not UTF-8: replace, ignore or strict (an error).
        threads: How many of the processor's cores work; all by default.
        progress: Told of how many texts are done.
        **options: Of `encode.Transformer`: `precision`, `prompt`, `max_length`, `pooling`, `layers`,
            `long`, `truncate_dim`, `device`.

    Returns:
        A Space of the group `document`; empty texts have no row and are counted on the card.

    Raises:
        BadFile: A file is missing or cannot be read, or the folder to resume from cannot be written.
        BadData: The texts cannot be read, or the model is none of this kind.
        BadOption: An option outside its range.
        FrameMismatch: What is done so far is of another model, source or options.
        MissingExtra: A library that the model needs is not installed.
    """
    encoder = model if isinstance(model, Transformer) else Transformer(model, **options)
    items = read(source, text=text, key=key, bad_bytes=bad_bytes)
    progress.start("encode", None if items.keys is None else len(items.keys), "texts")
    if resume is None:
        space = encoder.encode(items, threads=threads, progress=progress)
        return with_texts(space, items) if keep_text else space
    done = Done(Path(resume), {**encoder.card().parameters, "frame": encoder.frame, **_origin(source, text, key)})
    rows, kept, count = done.all(encoder, items, threads, progress)
    space = encoder.space(items, rows, kept, count)
    return with_texts(space, items) if keep_text else space


def with_texts(space: Space, items: Items[Any]) -> Space:
    """The Space with the texts as the attribute `text`; what had this name is called `text_`."""
    schema = pa.schema([("text", pa.large_string())])
    held = Batches(schema)
    things: Iterator[str] = (each for each in items.raw if each and not each.isspace())
    while some := list(islice(things, 8 * _STEP)):
        clean = [each.encode("utf-8", "replace").decode() for each in some]
        held.append(pa.record_batch([pa.array(clean, pa.large_string())], schema=schema))
    column = held.table()["text"]
    if len(column) != len(space):
        raise BadData(f"{len(column):,} texts were read where {len(space):,} were before; did the source change?")
    if space.table is not None and "text" in space.table.column_names:
        names = ["text_" if name == "text" else name for name in space.table.column_names]
        space = Space(space.keys, space.rows, space.metric, space.card, space.table.rename_columns(names))
    return space.with_attribute("text", column.combine_chunks())


class Done:
    """A folder with the rows that are made so far, and how many texts they are of.

    Args:
        folder: Made where it is not there.
        told: What must be the same to go on: model, options, source.

    Raises:
        BadFile: The folder cannot be made, or holds something else.
        FrameMismatch: It is of another model, source or options.
    """

    def __init__(self, folder: Path, told: dict[str, Any]) -> None:
        self.folder = folder
        self._told = json.loads(json.dumps(told, default=str))
        self._state = folder / "state.json"
        self.texts, self.kept = 0, 0
        if not folder.exists():
            try:
                folder.mkdir()
            except OSError as error:
                raise BadFile(f"{folder}: cannot be made ({error.strerror}).") from error
        elif self._state.exists():
            self._take_up()
        elif any(each.name not in _OWN for each in folder.iterdir()):
            raise BadFile(f"{folder}: holds something else than a run that was broken off; name another file.")

    def _take_up(self) -> None:
        try:
            state = json.loads(self._state.read_text())
            self.texts, self.kept, told = int(state["texts"]), int(state["kept"]), dict(state["told"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BadData(f"{self._state}: is damaged ({error!r}); remove {self.folder} to begin anew.") from error
        other = [name for name, value in self._told.items() if told.get(name) != value]
        if other:
            was = ", ".join(f"{name} {told.get(name)!r}" for name in other)
            raise FrameMismatch(
                f"{self.folder}: was begun otherwise ({was}). Give the same options, or remove it to begin anew."
            )

    def all(
        self, encoder: Transformer, items: Items[Any], threads: int | None, progress: Progress
    ) -> tuple[np.ndarray, np.ndarray, int]:
        """The rows (m, dim) memory-mapped, which texts (m,) they are of, and how many texts there are.

        What was done before is passed over; after every thousand texts it is written how far the work is.
        """
        if self.texts:
            progress.advance(self.texts)
        width = 4 * encoder.dim
        rows, kept = (self.folder / name for name in _OWN)
        with open(rows, "ab") as row_file, open(kept, "ab") as kept_file:
            for file, size in ((row_file, width), (kept_file, 8)):
                if os.fstat(file.fileno()).st_size < self.kept * size:
                    raise BadData(f"{self.folder}: rows are missing; remove it to begin anew.")
                file.truncate(self.kept * size)
            left = islice(items.raw, self.texts, None)
            for some, made in encoder.stream(left, threads=threads, progress=progress):
                full = np.flatnonzero([bool(each) and not each.isspace() for each in some])
                row_file.write(np.ascontiguousarray(made[full], np.float32).data)
                kept_file.write((full + self.texts).astype(np.int64).data)
                self.texts, self.kept = self.texts + len(some), self.kept + len(full)
                for file in (row_file, kept_file):
                    file.flush()
                    os.fsync(file.fileno())
                self._note()
        if not self.kept:
            return np.zeros((0, encoder.dim), np.float32), np.zeros(0, np.int64), self.texts
        mapped = np.memmap(rows, np.float32, "r", shape=(self.kept, encoder.dim))
        return mapped.view(np.ndarray), np.fromfile(kept, np.int64), self.texts

    def _note(self) -> None:
        with whole_file(self._state) as path:
            path.write_text(json.dumps({"texts": self.texts, "kept": self.kept, "told": self._told}))


def _origin(source: Any, text: str | None, key: str | None) -> dict[str, Any]:
    """What tells one source from another: name, size and time of a file."""
    told: dict[str, Any] = {"text column": text, "key column": key}
    paths = source if isinstance(source, list | tuple) else [source]
    for number, each in enumerate(paths):
        if isinstance(each, str | os.PathLike) and os.path.exists(each):
            state = os.stat(each)
            told[f"source {number}"] = [os.path.abspath(each), state.st_size, state.st_mtime_ns]
    return told


def done_before(folder: Path) -> int:
    """Texts that a run which was broken off had done."""
    try:
        return int(json.loads((folder / "state.json").read_text())["texts"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def forget(folder: Path) -> None:
    """Takes away what is kept to go on, once it is of no more use."""
    shutil.rmtree(folder, ignore_errors=True)
