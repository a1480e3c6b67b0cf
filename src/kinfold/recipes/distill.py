"""Distillation: a transformer is asked once about every token, and what it says is all of the new encoder."""

from __future__ import annotations

import dataclasses
import json
import os
import random
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa

from kinfold.core.card import Card, born
from kinfold.core.errors import BadData, BadOption
from kinfold.core.keys import Keys
from kinfold.core.metric import Metric
from kinfold.core.progress import Progress, quiet
from kinfold.core.rows import Rows
from kinfold.core.shapes import Sequences
from kinfold.core.space import Space
from kinfold.io.static import METHOD
from kinfold.io.tokenizer import tokens_of, without_tokens
from kinfold.io.tokenizer_words import TAKES_WORDS, bare, left_out, unknown_of, whole_words

# Texts that are cut at a time, and how often a word is met before it is a token.
_TEXTS = 1 << 16
_MIN_COUNT = 5


def distill(
    model: str | os.PathLike[str],
    texts: Any = None,
    *,
    dim: int = 256,
    vocabulary: int = 0,
    lessons: int = 20_000,
    smoothing: float | None = None,
    pull: float = 0.1,
    column: str | None = None,
    precision: str = "auto",
    device: str | None = None,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress = quiet,
) -> Space:
    """A static encoder out of a transformer: a text is the mean of its tokens' rows, some hundred times as quick.

    Args:
        model: The folder of a transformer, as Hugging Face or sentence-transformers write it, or a hub's name.
        texts: What it will be used on, or the like: files or folders (plain, .gz, .bz2, .xz, .zst, .jsonl, .csv,
            .parquet) or a list of strings. Tokens are counted there, and some of the texts are learned from.
        dim: Coordinates of a row, at most as many as the transformer's; 0 takes those as they are.
        vocabulary: Most words of the texts that become tokens of their own, the frequent ones that the tokenizer would
            cut; they need a tokenizer of WordPiece's kind.
        lessons: How many of the texts, drawn at random, the transformer reads, for means of tokens to come near its
            rows of them; 0 for none.
        smoothing: A token of this probability counts half; 0 counts all alike. By default .001 where texts are given,
            else .0001, by Zipf's law.
        pull: How strongly the lessons leave the weights of tokens as they were.
        column: Which column of a table holds the text.
        precision: Of the transformer: float32, bfloat16, float16 or int8; by default the fastest that is exact enough.
        device: As torch names it; by default a GPU where there is one.
        seed: Of the choice of the lessons.
        threads: How many work at once; as many as there are processors by default.
        progress: Told of how far the work is.

    Returns:
        A Space of the group `token`, which `kinfold.encoder` takes, and which `kinfold.io.save(…, "model2vec")` writes
        as a folder for model2vec and sentence-transformers.

    Raises:
        BadFile: The model's folder or a file in it is missing.
        BadData: A file is damaged, or there is no text.
        BadOption: An option outside its range, or one that needs texts.
        MissingExtra: A library that the transformer needs is not installed.
    """
    from kinfold.encode.transformer import Transformer
    from kinfold.learn.distill import Distill
    from kinfold.prepare.pieces import Pieces
    from kinfold.sources.text import read

    for name, value in (("vocabulary", vocabulary), ("lessons", lessons)):
        if value < 0:
            raise BadOption(f"{name} is {value}; it is at least 0.")
    if texts is None and (vocabulary or column is not None):
        raise BadOption("vocabulary and column are about texts; give some: a file, a folder or a list.")
    learner = Distill(dim, smoothing, pull)
    transformer = Transformer(model, precision=precision, device=device, prompt="")
    if dim > transformer.dim:
        raise BadOption(f"dim is {dim}; rows of this model have 1 to {transformer.dim:,} coordinates.")
    items = None if texts is None else read(texts, column=column)

    pieces = Pieces(transformer.checkpoint, transformer.checkpoint.max_length)
    told = bare(pieces.told)
    out = left_out(told) | set(pieces.tokens(np.concatenate(pieces.special)))
    known = tokens_of(told, str(transformer.checkpoint.body))
    ids = {token: number for token, number in known.ids.items() if token not in out}
    order = sorted(ids, key=ids.__getitem__)
    words = [] if items is None or not vocabulary else _words(items, told, order, vocabulary, threads, progress)
    progress.start("encode tokens", len(order) + len(words), "tokens")
    how: dict[str, Any] = {"threads": threads, "progress": progress}
    rows = transformer.of_ids([np.array([ids[token]]) for token in order], **how)
    if words:
        rows = np.concatenate([rows, transformer.vectors(words, **how)])
    if (unknown := unknown_of(told)) in ids:
        rows[order.index(unknown)] = 0  # it says nothing, and so changes no text's direction
    space = _space(transformer, [*order, *words], rows, told, known.scores)
    if items is None:
        return _remembered(learner.fit(space, **how), learner, words, None, 0, seed)

    counts, some, read_ = _met(space, items.raw, lessons, seed, threads, progress)
    if not counts.any():
        raise BadData("there is no text to learn from: the source is empty, or holds no token of this model.")
    sequences = wanted = None
    if some:
        progress.start("encode texts", len(some), "texts")
        wanted = transformer.vectors(some, **how)
        sequences = _cut(space, some, threads)
    made = learner.fit(space, counts, sequences, wanted, **how)
    return _remembered(made, learner, words, read_, len(some), seed)


def _space(
    transformer: Any, tokens: Sequence[str], rows: np.ndarray, told: dict[str, Any], scores: dict[str, float] | None
) -> Space:
    """The transformer's rows of tokens."""
    origin = transformer.card().parameters
    parameters = {
        "normalize": True,
        "max_length": None,
        "tokenizer": without_tokens(told),
        "format": "model2vec",
        "model": origin["model"],
        "family": origin["family"],
    }
    table = None if scores is None else pa.table({"score": pa.array([scores.get(each, 0.0) for each in tokens])})
    keys = Keys(list(tokens), "token")
    return Space(keys, Rows(rows), Metric.COSINE, Card(born(METHOD, rows), METHOD, parameters), table)


def _words(
    items: Any, told: dict[str, Any], tokens: Sequence[str], most: int, threads: int | None, progress: Progress
) -> list[str]:
    """Words of the texts that become tokens."""
    from tokenizers import Tokenizer

    from kinfold.prepare.tokens import sequences

    kind = told["model"].get("type")
    if kind not in TAKES_WORDS:
        raise BadOption(
            f"vocabulary is {most:,}, but a tokenizer of the kind {kind} takes no more words; it is for those of "
            f"{' and '.join(TAKES_WORDS)}. Leave it out."
        )
    made = Tokenizer.from_str(json.dumps(told))
    found = sequences(items, lower=False, min_count=_MIN_COUNT, threads=threads, progress=progress)
    return whole_words(made, iter(found.keys.names.to_pylist()), most, set(tokens))


def _met(
    space: Space, raw: Iterable[str], lessons: int, seed: int, threads: int | None, progress: Progress
) -> tuple[np.ndarray, list[str], int]:
    """How often each token is met, some of the texts, and how many there were."""
    counts, drawn, chosen, seen = np.zeros(len(space), np.int64), random.Random(seed), list[str](), 0
    progress.start("count tokens", None, "texts")
    cut = _tokenized(space)
    for batch in _batches(raw):
        counts += np.bincount(cut.ids(batch, threads)[0], minlength=len(space))
        for text in batch:
            seen += 1
            if len(chosen) < lessons:
                chosen.append(text)
            elif (place := drawn.randrange(seen)) < lessons:
                chosen[place] = text
        progress.advance(len(batch))
    return counts, chosen, seen


def _batches(raw: Iterable[str]) -> Iterator[list[str]]:
    full = (text for text in raw if text and not text.isspace())
    while batch := list(islice(full, _TEXTS)):
        yield batch


def _cut(space: Space, texts: Sequence[str], threads: int | None) -> Sequences:
    ids, starts = _tokenized(space).ids(texts, threads)
    return Sequences(space.keys, ids, starts, len(ids), len(texts))


def _tokenized(space: Space) -> Any:
    from kinfold.encode.static import Static

    return Static(space).tokenized


def _remembered(space: Space, learner: Any, words: Sequence[str], texts: int | None, lessons: int, seed: int) -> Space:
    """With what it was made of on its card."""
    parameters = {**space.card.parameters, **dataclasses.asdict(learner)}
    data = {"tokens": len(space), "words": len(words), "texts": texts, "lessons": lessons}
    return dataclasses.replace(
        space, card=dataclasses.replace(space.card, parameters=parameters, data=data, seed=seed if lessons else None)
    )
