"""Words: a text becomes tokens, tokens become ids, ids become vectors."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Callable
from typing import Any, Literal

from kinfold.core.errors import BadOption, did_you_mean
from kinfold.core.progress import Progress, quiet
from kinfold.core.shapes import Counts, Sequences, describe
from kinfold.core.space import Space
from kinfold.prepare.counting import Counting


def words(
    texts: Any,
    *,
    method: str = "word2vec",
    resume: Space | str | os.PathLike[str] | None = None,
    tokenizer: Literal["words", "whitespace"] | Callable[[str], list[str]] = "words",
    lower: bool | None = None,
    min_count: int = 5,
    max_size: int | None = None,
    phrases: int = 0,
    column: str | None = None,
    bad_bytes: Literal["replace", "ignore", "strict"] = "replace",
    seed: int = 0,
    threads: int | None = None,
    progress: Progress = quiet,
    callback: Callable[[Any], None] | None = None,
    **options: Any,
) -> Space:
    """Learns word vectors from text.

    Args:
        texts: Files or folders (plain, .gz, .bz2, .xz, .zst, .jsonl, .csv, .parquet), or strings, or lists of tokens.
        method: How to learn: word2vec, glove or svd; another learner of `kinfold.learn.LEARNERS` from Python.
        resume: A learned Space (or its file) to go on from, with its parameters where no others are given; words that
            are new to it join its vocabulary.
        tokenizer: words (Unicode words), whitespace, or a function from a text to its tokens.
        lower: Whether tokens are lower-cased; by default only with the tokenizer `words`.
        min_count: Rarer words are left out.
        max_size: Most words to keep, the frequent ones.
        phrases: Rounds of joining frequent pairs (new_york); each can double the length of a phrase.
        column: Which column of a table holds the text.
        bad_bytes: What happens to bytes that are not UTF-8: replace, ignore or strict (an error).
        seed: Of everything random.
        threads: How many work at once; as many as there are processors by default.
        progress: Told of how far the work is.
        callback: Called after each epoch, by learners that have epochs.
        **options: Fields of the learner: `dim`, `epochs`, `window` …; for a learner of counts, those of its `counting`
            too: `window`, `weighting` …

    Returns:
        A Space of the group `word`, frequent words first, with the attribute `count`.

    Raises:
        BadData: The text cannot be read, or holds too few words.
        BadOption: The learner has no such option, or it is out of range.

    Example:
        >>> space = words(["red green blue", "green blue red"] * 50, dim=8, min_count=1)
        >>> sorted(space.keys)
        ['blue', 'green', 'red']
    """
    from kinfold.prepare.phrases import join
    from kinfold.prepare.tokens import sequences
    from kinfold.sources.text import read

    start = _opened(resume)
    learner, counting = _learner(method, options, start)
    data = sequences(
        read(texts, column=column, bad_bytes=bad_bytes),
        tokenizer=tokenizer,
        lower=lower,
        min_count=min_count,
        max_size=max_size,
        known=None if start is None else start.keys,
        threads=threads,
        progress=progress,
    )
    if phrases:
        data = join(data, min_count=min_count, rounds=phrases)
    return learn(
        learner,
        data,
        counting=counting,
        start=start,
        seed=seed,
        threads=threads,
        progress=progress,
        callback=callback,
    )


def wishes(kind: Any) -> Counting | None:
    """How texts are counted for a kind of learner; None for one that takes no counts."""
    return getattr(kind, "counting", Counting()) if kind.takes is Counts else None


def _opened(resume: Space | str | os.PathLike[str] | None) -> Space | None:
    return resume if resume is None or isinstance(resume, Space) else Space.open(resume)


def _learner(method: str, options: dict[str, Any], start: Space | None) -> tuple[Any, Counting | None]:
    """The learner of these options, and how it wants texts counted, with those of the options that say so.

    A learner that goes on takes the card's parameters for options that are not given.
    """
    from kinfold.learn import LEARNERS

    if start is not None:
        method = start.card.method
        if method not in LEARNERS or not hasattr(LEARNERS[method], "resume"):
            raise BadOption(f"vectors by '{method}' cannot be gone on with; resume takes a Space of word2vec.")
    kind = LEARNERS[method]
    counting = wishes(kind)
    own = [field.name for field in dataclasses.fields(kind)]
    known = own if counting is None else [*own, *(field.name for field in dataclasses.fields(counting))]
    for name in options:
        if name not in known:
            raise BadOption(
                f"{method} has no option '{name}'.{did_you_mean(name, known)} It has: {', '.join(sorted(known))}."
            )
    if counting is not None:
        counting = dataclasses.replace(counting, **{name: options[name] for name in options if name not in own})
    fields = {name: options[name] for name in options if name in own}
    return kind(**{**({} if start is None else start.card.parameters), **fields}), counting


def learn(
    learner: Any,
    data: Sequences,
    *,
    counting: Counting | None = None,
    start: Space | None = None,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress = quiet,
    callback: Callable[[Any], None] | None = None,
) -> Space:
    """Fits a learner of sequences, from `start` on if given, or one of counts on co-occurrences as it wants them."""
    extra = {} if callback is None or not hasattr(learner, "epochs") else {"callback": callback}
    counting = counting or wishes(type(learner))
    if counting is not None:
        counts = counting.of(data, threads=threads, progress=progress)
        space: Space = learner.fit(counts, seed=seed, threads=threads, progress=progress, **extra)
        found = {**describe(data), "counting": dataclasses.asdict(counting), "entries": counts.values.nnz}
        counted = space.with_attribute("count", data.counts)
        return dataclasses.replace(counted, card=dataclasses.replace(space.card, data=found))
    fit = learner.fit if start is None else functools.partial(learner.resume, start)
    learned: Space = fit(data, seed=seed, threads=threads, progress=progress, **extra)
    return learned
