"""Late chunking: a long text is read whole, and its states are pooled a piece at a time."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from kinfold.core.columns import to_arrow
from kinfold.core.errors import BadData, BadOption
from kinfold.core.keys import Keys
from kinfold.core.metric import units
from kinfold.core.progress import Progress
from kinfold.core.rows import Rows
from kinfold.core.shapes import Items
from kinfold.core.space import Space
from kinfold.encode.states import pooled

if TYPE_CHECKING:
    from kinfold.encode.transformer import Transformer

# Texts whose states are held at once.
_TEXTS = 64
_END = re.compile(r"[.!?…。！？]['\")\]”’]*\s+|\n+")


def chunked(encoder: Transformer, items: Items[str], size: int | None, threads: int, progress: Progress) -> Space:
    """As of `Transformer.chunks`; where `size` is None, as of `Transformer.token_space`."""
    if size is not None and size < 8:
        raise BadOption(f"chunks of {size} tokens are too small; take at least 8.")
    progress.start("encode", None, "texts")
    names: list[str] = []
    columns: dict[str, list] = {"document": [], "begins": [], "ends": [], "text": []}
    parts: list[np.ndarray] = []
    texts = 0
    some: list[str] = []
    known = None if items.keys is None else list(items.keys)

    def flush() -> None:
        nonlocal some
        for number, (text, tokens) in enumerate(
            zip(some, encoder.tokens(some, threads=threads, progress=progress), strict=True)
        ):
            if not len(tokens.rows):
                continue
            if known is not None and texts - len(some) + number >= len(known):
                raise BadData(f"{len(known):,} names do not go with more texts.")
            name = str(texts - len(some) + number) if known is None else known[texts - len(some) + number]
            if size is None:
                starts = np.arange(len(tokens.rows) + 1)
                parts.append(tokens.rows)
            else:
                starts = divided(text, tokens.places, size)
                parts.append(pooled(tokens.rows, starts, encoder.checkpoint))
            for at, (first, last) in enumerate(zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True)):
                begins, ends = int(tokens.places[first, 0]), int(tokens.places[last - 1, 1])
                names.append(f"{name}#{at}")
                for column, value in zip(columns.values(), (name, begins, ends, text[begins:ends]), strict=True):
                    column.append(value)
        some = []

    for text in items.raw:
        if not isinstance(text, str):
            raise BadData(f"text {texts:,} is {type(text).__name__}; texts are strings.")
        some.append(text)
        texts += 1
        if len(some) == _TEXTS:
            flush()
    flush()
    if texts and not names:
        raise BadData(f"all of the {texts:,} texts are empty.")
    rows = np.concatenate(parts) if parts else np.zeros((0, encoder.dim), np.float32)
    if size is not None and encoder.dim < rows.shape[1]:
        rows = units(rows[:, : encoder.dim]) if encoder.checkpoint.normalized else rows[:, : encoder.dim]
    documents = len(set(columns["document"]))
    card = encoder.card()
    counts: dict[str, Any] = {"texts": texts, "skipped": texts - documents}
    if size is None:
        # States of tokens are not what texts are made of in every model: a frame of their own.
        card = dataclasses.replace(card, frame=f"{encoder.frame}-tokens").then("encode", **counts, tokens=len(names))
    else:
        card = card.then("encode", **counts, chunks=len(names), chunk=size)
    table = pa.table(
        {
            "document": pa.array(columns["document"], pa.large_string()),
            "begins": to_arrow(np.array(columns["begins"], np.int64)),
            "ends": to_arrow(np.array(columns["ends"], np.int64)),
            "text": pa.array(columns["text"], pa.large_string()),
        }
    )
    return Space(Keys(names, "token" if size is None else "chunk"), Rows(rows), encoder.metric, card, table)


def divided(text: str, places: np.ndarray, size: int) -> np.ndarray:
    """Where chunks begin and end (chunks + 1,) int64, in tokens.

    Args:
        text: What the tokens are of.
        places: Of the tokens (L, 2), in characters.
        size: Tokens of a chunk, at most; a chunk ends behind the last sentence that ends in its second half.
    """
    ends = [match.end() for match in _END.finditer(text)]
    # The first token of each sentence but the first.
    openings = np.unique(np.searchsorted(places[:, 0], ends))
    starts = [0]
    while starts[-1] + size < len(places):
        begin = starts[-1]
        near = openings[(openings > begin + size // 2) & (openings <= begin + size)]
        starts.append(int(near[-1]) if len(near) else begin + size)
    return np.array([*starts, len(places)], np.int64)
