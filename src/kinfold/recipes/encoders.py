"""Encoders of texts: a model learns further from pairs of texts, or a small one from nothing but text."""

from __future__ import annotations

import os
from typing import Any, Literal

import numpy as np

from kinfold.core.catalogue import Entry
from kinfold.core.errors import BadOption, UnknownName
from kinfold.core.progress import Progress, quiet
from kinfold.core.shapes import TextPairs
from kinfold.learn import TRAINERS
from kinfold.learn.passes import generator
from kinfold.learn.tuned import Tuned
from kinfold.recipes.words import configured

TUNERS: dict[str, Entry] = {"contrast": TRAINERS.entry("contrast")}
PRETRAINERS: dict[str, Entry] = {"mlm": TRAINERS.entry("mlm")}

# Pairs that are held out, at most; and the fewest of which a part is.
_HELD_OUT = 1000
_LEAST = 50


def tune_encoder(
    pairs: Any,
    model: str | os.PathLike[str],
    *,
    test: Any = None,
    held_out: float = 0.1,
    left: str | None = None,
    right: str | None = None,
    negative: str | None = None,
    score: str | None = None,
    text: str | None = None,
    on_bad: Literal["raise", "skip"] = "raise",
    seed: int = 0,
    threads: int | None = None,
    progress: Progress = quiet,
    **options: Any,
) -> Tuned:
    """Trains a text encoder further on pairs of texts, and says at each epoch what it is worth on others.

    Args:
        pairs: A table (.csv, .tsv, .jsonl, .parquet), lines of fields or of texts, a frame, or a list of tuples.
        model: The folder of a transformer, or a hub's name.
        test: Pairs, scored or not, on which each epoch is judged, in columns of the same or of the usual names; by
            default a part of the pairs is held out.
        held_out: Share of the pairs on which each epoch is judged, a thousand at most, where there is no test; 0 for
            none.
        left: Column of the texts, or its number; by default one of the usual names (anchor, query, sentence1 …).
        right: Column of what goes with them (positive, answer, sentence2 …).
        negative: Column of what does not, several between commas (negative, negative_1 …).
        score: Column of how alike the two are (score, similarity, label …).
        text: Column of texts that are taken alone, without pairs.
        on_bad: raise an error at a row with an empty text or a bad score, or skip and count it.
        seed: Of everything random.
        threads: How many work at once; as many as there are processors by default.
        progress: Told of how far the work is.
        **options: Fields of `learn.Contrast`: `loss`, `epochs`, `batch`, `learning_rate`, `dims`, `lora` …

    Returns:
        The model, with `save(path)` and its `report`.

    Raises:
        BadFile: A file or the model is missing.
        BadData: A row is bad, with its file and line; or there is too little to learn from.
        BadOption: There is no such option, or it is out of range or does not suit the data.

    Example:
        >>> from kinfold.recipes.encoders import tune_encoder
        >>> tune_encoder([("a", "b")] * 3, "./none")
        Traceback (most recent call last):
        kinfold.core.errors.BadFile: none: no such folder; a model is a folder with config.json, or a hub's name.
    """
    from kinfold.io.checkpoint import read as opened
    from kinfold.measure.pairs import text_pairs
    from kinfold.sources.text_pairs import read

    learner = configured(TUNERS, "contrast", options)
    if not 0 <= held_out < 1:
        raise BadOption(f"held_out is {held_out!r}; it is a share from 0 on, below 1.")
    checkpoint = opened(model)
    data = read(pairs, left=left, right=right, negative=negative, score=score, text=text, on_bad=on_bad)
    others = None if test is None else _test(test, left, right, score, on_bad)
    if others is None:
        data, others = _parted(data, held_out, seed)
    if others is not None and others.kind == "texts":
        raise BadOption("a test is pairs of texts, and these are texts alone; give pairs, scored or not.")
    if learner.keep == "best" and others is None:
        raise BadOption(
            "keep='best' needs something to judge epochs by: a test of pairs, or pairs of which some are held out."
        )
    judge = None
    if others is not None:
        judged = others

        def judge(rows: Any) -> Any:
            return text_pairs(judged, rows, metric=checkpoint.metric, seed=seed)

    found: Tuned = learner.fit(data, checkpoint, judge=judge, seed=seed, threads=threads, progress=progress)
    return found


def _test(source: Any, left: str | None, right: str | None, score: str | None, on_bad: Any) -> TextPairs:
    """Pairs to judge by: in the columns of what is learned from, or in those that have the usual names."""
    from kinfold.sources.text_pairs import read

    try:
        return read(source, left=left, right=right, score=score, on_bad=on_bad)
    except (UnknownName, BadOption):
        return read(source, on_bad=on_bad)


def _parted(data: TextPairs, share: float, seed: int) -> tuple[TextPairs, TextPairs | None]:
    """What is learned from, and what is held out, where there is enough."""
    count = min(_HELD_OUT, round(share * len(data)))
    if data.kind == "texts" or len(data) < _LEAST or count < 2:
        return data, None
    order = generator(seed, 1).permutation(len(data))
    return data.take(np.sort(order[count:])), data.take(np.sort(order[:count]))


def pretrain(
    texts: Any,
    *,
    column: str | None = None,
    bad_bytes: Literal["replace", "ignore", "strict"] = "replace",
    seed: int = 0,
    threads: int | None = None,
    progress: Progress = quiet,
    **options: Any,
) -> Tuned:
    """Trains a small encoder of texts from nothing: its tokenizer, and a transformer that fills in masked tokens.

    Args:
        texts: Files or folders (plain, .gz, .bz2, .xz, .zst, .jsonl, .csv, .parquet), or strings.
        column: Which column of a table holds the text.
        bad_bytes: What happens to bytes that are not UTF-8: replace, ignore or strict (an error).
        seed: Of everything random.
        threads: How many work at once; as many as there are processors by default.
        progress: Told of how far the work is.
        **options: Fields of `learn.MaskedLM`: `dim`, `layers`, `vocabulary`, `length`, `epochs`, `steps` …

    Returns:
        The model, with `save(path)` and its `report`.

    Raises:
        BadData: The text cannot be read, or there is too little.
        BadOption: There is no such option, or it is out of range.
    """
    from kinfold.sources.text import read

    learner = configured(PRETRAINERS, "mlm", options)
    items = read(texts, column=column, bad_bytes=bad_bytes)
    found: Tuned = learner.fit(items, seed=seed, threads=threads, progress=progress)
    return found
