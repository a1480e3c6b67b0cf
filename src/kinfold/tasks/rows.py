"""Rows of texts, and of words within sentences, by whatever encodes: frozen, for what is learned above them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kinfold.core.columns import to_arrow
from kinfold.core.errors import BadData, BadOption, UnknownName
from kinfold.core.progress import Progress, quiet
from kinfold.core.shapes import Items
from kinfold.core.space import Space
from kinfold.encode import encoder


def opened(model: Any, pooling: str | None = None, layers: int | None = None) -> Any:
    """What encodes texts: of a model's folder, a file, a Space, or an encoder as it is.

    Vectors of words that no encoder claims, and those that are for words alone, give texts the mean of their words.

    Args:
        model: What is opened.
        pooling: Of a transformer's folder: how states become a row; by default as the model says.
        layers: Of a transformer's folder: how many of the last ones stand side by side.

    Raises:
        BadOption: Pooling or layers are told of something else than a transformer's folder.
        BadFile: Nothing is there, or it cannot be read.
        BadData: It encodes no texts.
    """
    from kinfold.encode.pooled import Pooled
    from kinfold.io import open as open_any
    from kinfold.io.checkpoint import is_checkpoint

    states = {name: value for name, value in (("pooling", pooling), ("layers", layers)) if value is not None}
    folder = isinstance(model, str | os.PathLike) and (is_checkpoint(model) or not Path(model).exists())
    if states and not folder:
        raise BadOption(f"{' and '.join(states)}: only states of a transformer, whose folder is named, are pooled.")
    if not isinstance(model, str | os.PathLike | Space):
        return model
    if isinstance(model, Space) or (Path(model).exists() and not is_checkpoint(model)):
        space = model if isinstance(model, Space) else open_any(model)
        try:
            made: Any = encoder(space)
        except UnknownName:
            return Pooled(space)
        return Pooled(space) if made.things == "words" and "word" in space.groups else made
    from kinfold.encode.transformer import Transformer

    return Transformer(model, pooling=pooling, layers=layers)


def states_of(made: Any) -> dict[str, Any]:
    """What a card remembers of how an encoder was opened, beside its place."""
    found = {name: getattr(made, name, None) for name in ("pooling", "layers")}
    return {name: value for name, value in found.items() if isinstance(value, str | int)}


def place_of(model: Any, made: Any) -> str:
    """Where the model is, so that it can be opened again; empty where it is nowhere."""
    checkpoint = getattr(made, "checkpoint", None)
    if checkpoint is not None:
        return str(checkpoint.path.absolute())
    return str(Path(model).absolute()) if isinstance(model, str | os.PathLike) else ""


def of_texts(
    made: Any, texts: Sequence[str], *, threads: int | None = None, progress: Progress = quiet
) -> tuple[np.ndarray, int]:
    """Rows (n, dim) float32 of texts, and how many have none: those are zero.

    Raises:
        BadData: A text is no string.
    """
    from kinfold.encode.pooled import Pooled, pool
    from kinfold.prepare.cutting import cut_as
    from kinfold.prepare.tokens import within

    for place, text in enumerate(texts):
        if not isinstance(text, str):
            raise BadData(f"text {place:,} is {type(text).__name__}; texts are strings.")
    if not texts:
        return np.zeros((0, made.dim), np.float32), 0
    if hasattr(made, "vectors"):
        rows: np.ndarray = made.vectors(texts, threads=threads, progress=progress)
        return rows, 0
    rows = np.zeros((len(texts), made.dim), np.float32)
    if isinstance(made, Pooled):
        words = made.words
        data = within(Items(list(texts)), words.keys, **cut_as(words, **(made.text or {})), threads=threads)
        weight = None if words.table is None or "weight" not in words.table.column_names else words.attribute("weight")
        rows = pool(words, data, None if weight is None else np.asarray(weight, np.float32), threads)
        return rows, int((np.diff(data.starts) == 0).sum())
    try:
        space = made.encode(Items(list(texts)), threads=threads, progress=progress)
    except BadData as error:
        if "none of the" in str(error):  # no text has a known token
            return rows, len(texts)
        raise
    kept = np.array([int(key) for key in space.keys], np.int64)
    rows[kept] = space.rows.dense()
    return rows, len(texts) - len(kept)


def of_words(
    made: Any, sentences: Sequence[Sequence[str]], *, threads: int | None = None, progress: Progress = quiet
) -> tuple[list[np.ndarray], int]:
    """Rows (words, dim) float32 of the words of sentences, and how many words have none: those are zero.

    A transformer gives the state of a word in its sentence; all else gives a word the same row wherever it stands: its
    own, that of its lower-cased form, or that of its parts.
    """
    if hasattr(made, "words") and callable(made.words):
        found: list[np.ndarray] = made.words(sentences, threads=threads, progress=progress)
        return found, 0
    names = list(dict.fromkeys(word for sentence in sentences for word in sentence))
    rows = _of_names(made, names, threads)
    ids = {name: at for at, name in enumerate(names)}
    lengths = [len(sentence) for sentence in sentences]
    every = rows[np.array([ids[word] for sentence in sentences for word in sentence], np.int64)]
    parts = np.split(every, np.cumsum(lengths)[:-1]) if lengths else []
    return parts, int((~every.any(axis=1)).sum())


def word_dim(made: Any) -> int:
    """Coordinates of a word's row."""
    if hasattr(made, "words") and callable(made.words):
        return int(made.checkpoint.width)
    return int(made.dim)


def _of_names(made: Any, names: Sequence[str], threads: int | None) -> np.ndarray:
    """Rows (n, dim) float32 of words by themselves; zero where there is none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from kinfold.encode.pooled import Pooled

    rows = np.zeros((len(names), made.dim), np.float32)
    if not names:
        return rows
    if isinstance(made, Pooled):
        words = made.words
        given = pa.array(names, pa.large_string())
        found = words.keys.rows(given)
        lacking = np.flatnonzero(found < 0)
        found[lacking] = words.keys.rows(pc.utf8_lower(given.take(to_arrow(lacking))))
        rows[found >= 0] = words.rows.take(found[found >= 0])
        if made.space.card.method == "fasttext" and (found < 0).any():
            rest = np.flatnonzero(found < 0)
            rows[rest] = encoder(made.space).encode(Items([names[at] for at in rest.tolist()])).rows.dense()
        return rows
    if getattr(made, "things", "texts") == "words":
        return np.asarray(made.encode(Items(list(names)), threads=threads).rows.dense(), np.float32)
    return of_texts(made, names, threads=threads)[0]


def cut(rows: np.ndarray, lengths: Sequence[int]) -> list[np.ndarray]:
    """Rows of all words as those of each sentence."""
    return np.split(rows, np.cumsum(lengths)[:-1]) if len(lengths) else []
