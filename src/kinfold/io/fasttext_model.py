"""What of a Space a fastText model has: words, n-grams, labels, and the arguments of its header."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kinfold.core.columns import one_array, to_arrow, to_numpy
from kinfold.core.errors import BadData
from kinfold.core.parts import Parts
from kinfold.core.space import Space
from kinfold.io.fasttext_dictionary import PREFIX
from kinfold.io.fasttext_header import LOSSES, MODES, Header
from kinfold.io.format import chosen, writable_names

_GROUPS = ("word", "ngram", "label")


@dataclass(frozen=True, slots=True)
class Model:
    """What is written: words and, of a Space of words that have parts, their n-grams and labels."""

    space: Space
    words: Space
    labels: Space | None
    parts: Parts | None
    header: Header
    notes: list[str] = field(default_factory=list)


def model_of(space: Space, group: str | None) -> Model:
    """What is written of a Space: all of it where its groups are those of words that have parts, else one group.

    Raises:
        BadData: The n-grams make no sense.
        UnknownName: There is no such group.
    """
    whole = group is None and [*space.groups][:1] == ["word"] and set(space.groups) <= set(_GROUPS)
    if not whole:
        words = chosen(space, group)
        return Model(words, words, None, None, _header(words, None, None))
    told = space.card.parameters
    labels = space.group("label") if "label" in space.groups and len(space.groups["label"]) else None
    # N-grams of words count as rows of zeros where none was met, so that their buckets are written all the same.
    lacking = "ngram" not in space.groups
    hashed = labels is not None and not told.get("max_n") and _whole(told, "word_ngrams", 1) > 1
    parts = None if lacking and not hashed else Parts.of(space)
    model = Model(space, space.group("word"), labels, parts, _header(space, labels, parts))
    if lacking and told.get("max_n"):
        model.notes.append("The Space has no group 'ngram': words were written without n-grams.")
    return model


def _header(space: Space, labels: Space | None, parts: Parts | None) -> Header:
    told = space.card.parameters
    mode = told.get("mode") if told.get("mode") in MODES.values() else "skipgram"
    loss = told.get("loss") if told.get("loss") in LOSSES.values() else None
    subsample = told.get("subsample", 1e-4)
    return Header(
        dim=space.dim,
        window=_whole(told, "window", 5),
        epochs=_whole(told, "epochs", 5),
        min_count=_whole(told, "min_count", 1),
        negatives=_whole(told, "negatives", 5),
        word_ngrams=_whole(told, "word_ngrams", 1) if parts is not None else 1,
        loss=loss or ("negative" if labels is None else "softmax"),
        mode=str(mode) if labels is None else "supervised",
        buckets=0 if parts is None else parts.buckets,
        min_n=_whole(told, "min_n", 0),
        max_n=0 if parts is None else parts.longest,
        rate_update=_whole(space.card.data, "tokens per rate update", 100),
        subsample=float(subsample) if isinstance(subsample, int | float) and 0 <= subsample <= 1 else 1e-4,
    )


def _whole(told: Any, name: str, default: int) -> int:
    value = told.get(name, default)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 31 else default


def label_order(model: Model) -> np.ndarray:
    """Labels in the order of the file: under the hierarchical softmax, that of their tree."""
    if model.labels is None:
        return np.zeros(0, np.int64)
    if model.header.loss == "hierarchical":
        return np.argsort(-_counts(model.labels), kind="stable")
    return np.arange(len(model.labels))


def entries_of(
    model: Model, order: np.ndarray, path: Path, replace: str | None
) -> tuple[pa.LargeStringArray, np.ndarray]:
    """Names and counts of words, then of labels.

    Raises:
        BadData: There is no word, one cannot be written, or one is a label too.
    """
    if not len(model.words):
        raise BadData(f"{path}: there is no word to write, and a model of fastText has one at least.")
    names = [writable_names(model.words.keys, path, ("\0",), replace, empty=True)]
    counts = [_counts(model.words)]
    if model.labels is not None:
        labels = writable_names(model.labels.keys, path, ("\0",), replace, empty=True).take(to_arrow(order))
        prefix = str(model.space.card.data.get("label prefix", PREFIX))
        if prefix and not pc.all(pc.starts_with(labels, prefix)).as_py():
            start, nothing = (pa.scalar(each, pa.large_string()) for each in (prefix, ""))
            labels = pc.binary_join_element_wise(start, labels, nothing)
        names.append(labels)
        counts.append(_counts(model.labels)[order])
        twice = pc.index_in(labels, names[0]).drop_null()
        if len(twice):
            raise BadData(
                f"{path}: '{names[0][twice[0].as_py()]}' is a word and a label, which one file of fastText cannot hold."
            )
    return pa.concat_arrays(names), np.concatenate(counts)


def _counts(space: Space) -> np.ndarray:
    """The attribute `count` (n,) int64; 1 for each key where there is none."""
    if space.table is None or "count" not in space.table.column_names:
        return np.ones(len(space), np.int64)
    column = one_array(space.attribute("count"))
    if not pa.types.is_integer(column.type):
        return np.ones(len(space), np.int64)
    return np.maximum(to_numpy(pc.fill_null(column, 0)).astype(np.int64), 0)


def tokens_of(model: Model, counts: np.ndarray) -> int:
    """What was read in training, as the card tells."""
    told = model.space.card.data
    known = [told[name] for name in ("read", "tokens") if isinstance(told.get(name), int)]
    return int(known[0]) if known else int(counts[: len(model.words)].sum())
