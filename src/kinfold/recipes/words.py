"""Words: a text becomes tokens, tokens become ids, ids become vectors."""

from __future__ import annotations

import dataclasses
import inspect
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

import numpy as np

from kinfold.core.catalogue import Entry
from kinfold.core.errors import BadOption, UnknownName, did_you_mean
from kinfold.core.progress import Progress, quiet
from kinfold.core.shapes import Counts, Sequences, describe
from kinfold.core.space import Space
from kinfold.learn import LEARNERS
from kinfold.learn.start import Known, Start
from kinfold.prepare.counting import Counting
from kinfold.prepare.cutting import cut_as, remembered

METHODS = {entry.name: entry for entry in LEARNERS if entry.name in ("word2vec", "fasttext", "glove", "svd")}


def words(
    texts: Any,
    *,
    method: str | None = None,
    start: Space | str | os.PathLike[str] | None = None,
    known: Known = "learn",
    share: float = 0.1,
    pull: float = 1.0,
    resume: Space | str | os.PathLike[str] | None = None,
    tokenizer: Literal["words", "whitespace", "ascii"] | Callable[[str], list[str]] | None = None,
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
        method: How to learn: word2vec (the default), fasttext, glove or svd.
        start: Vectors to begin with: a Space, or a file in any format (word2vec, GloVe, fastText …). Rows are copied
            for the words that it shares with the text; its other words stay, new ones join behind them. Dimension, and
            the method and parameters if it was learned here, are the start's unless others are given.
        known: What the rows of the start do then: learn, freeze, slow (learn at a share of the rate) or anchor (learn
            and be pulled back toward where they began).
        share: Of the learning rate, for known=slow.
        pull: How strongly, for known=anchor: the share of the learning rate times the distance by which a row goes back
            each time that its word is met.
        resume: A Space learned here (or its file) to go on from exactly where it stopped, with its output rows and its
            parameters where no others are given.
        tokenizer: words (Unicode words), whitespace, ascii (white space of ASCII alone), or a function from text to
            tokens; by default as the start was cut, or words.
        lower: Whether tokens are lower-cased; by default as for the start, or only with the tokenizer `words`.
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

    if resume is not None and start is not None:
        raise BadOption("resume goes on where training stopped, start begins anew from vectors; give one of them.")
    for name, value, plain, wanted in (("share", share, 0.1, "slow"), ("pull", pull, 1.0, "anchor")):
        if value != plain and known != wanted:
            raise BadOption(f"{name} is for known='{wanted}', and known is '{known}'; leave it out, or say so.")
    if known != "learn" and start is None:
        raise BadOption(f"known is '{known}', which says what becomes of the rows of start; give start=… too.")
    given = opened(start if resume is None else resume)
    learner, counting = _learner(method, options, given, resume is not None)
    cut = cut_as(given, tokenizer, lower)
    data = sequences(
        read(texts, column=column, bad_bytes=bad_bytes),
        min_count=min_count,
        max_size=max_size,
        known=None if given is None else words_of(given).keys,
        threads=threads,
        progress=progress,
        **cut,
    )
    if phrases:
        data = join(data, min_count=min_count, rounds=phrases)
    begin = None if given is None else Start(given, known, share, pull)
    if given is not None and resume is not None:
        begin = Start.resuming(given)
    how: dict[str, Any] = {"seed": seed, "threads": threads, "progress": progress, "callback": callback}
    space = learn(learner, data, counting=counting, start=begin, **how)
    return remembered(space, cut)


def opened(vectors: Space | str | os.PathLike[str] | None) -> Space | None:
    """The Space, or the one in a file of any format."""
    from kinfold.io import open

    return vectors if vectors is None or isinstance(vectors, Space) else open(vectors)


def words_of(space: Space) -> Space:
    """The words of a Space: its only group, or the one called `word`, or the first."""
    return Start(space).words


def wishes(kind: Any) -> Counting | None:
    """How texts are counted for a kind of learner; None for one that takes no counts."""
    return getattr(kind, "counting", Counting()) if getattr(kind, "takes", None) is Counts else None


def configured(methods: Mapping[str, Entry], name: str, options: Mapping[str, Any], also: Iterable[str] = ()) -> Any:
    """The method of this name with these options; those that are named in `also` are somebody else's.

    Raises:
        UnknownName: There is no such method.
        BadOption: It has no such option, or it is out of range.
    """
    if name not in methods:
        raise UnknownName(f"there is no method '{name}'.{did_you_mean(name, methods)} There are: {', '.join(methods)}.")
    kind = methods[name].load()
    own = [field.name for field in dataclasses.fields(kind)]
    known = [*own, *also]
    for option in options:
        if option not in known:
            has = f"It has: {', '.join(sorted(known))}." if known else "It has none."
            raise BadOption(f"{name} has no option '{option}'.{did_you_mean(option, known)} {has}")
    return kind(**{option: value for option, value in options.items() if option in own})


def _learner(
    method: str | None, options: dict[str, Any], start: Space | None, resume: bool
) -> tuple[Any, Counting | None]:
    """The learner of these options, and how it wants texts counted, with those of the options that say so.

    What is not given comes from the card of the Space that it begins with.
    """
    learned = None if start is None else start.card.method
    if resume and (learned not in METHODS or not hasattr(METHODS[learned].load(), "resume")):
        raise BadOption(f"vectors by '{learned}' cannot be gone on with; start=… begins anew from any vectors.")
    name = method or (learned if learned in METHODS else "word2vec")
    if start is not None:
        told = start.card.parameters if name == learned else {}
        fields = {field.name for field in dataclasses.fields(METHODS[name].load())} if name in METHODS else set()
        told = {option: value for option, value in told.items() if option in fields}
        options = {"dim": start.dim, **told, **options}
    counting = wishes(METHODS[name].load()) if name in METHODS else None
    if counting is None:
        return configured(METHODS, name, options), None
    counted = [field.name for field in dataclasses.fields(counting)]
    learner = configured(METHODS, name, options, counted)
    own = {field.name for field in dataclasses.fields(learner)}
    asked = {option: options[option] for option in counted if option in options and option not in own}
    return learner, dataclasses.replace(counting, **asked)


def learn(
    learner: Any,
    data: Sequences,
    *,
    counting: Counting | None = None,
    start: Start | None = None,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress = quiet,
    callback: Callable[[Any], None] | None = None,
) -> Space:
    """Fits a learner of sequences, or one of counts on co-occurrences as it wants them."""
    extra = {name: value for name, value in (("start", start), ("callback", callback)) if value is not None}
    for name in extra:
        if name not in inspect.signature(learner.fit).parameters:
            what = "begins with nothing" if name == "start" else "has no epochs"
            raise BadOption(f"{type(learner).__name__} is solved at once and {what}; leave {name} out.")
    counting = counting or wishes(type(learner))
    if counting is None:
        learned: Space = learner.fit(data, seed=seed, threads=threads, progress=progress, **extra)
        return learned
    counts = counting.of(data, threads=threads, progress=progress)
    space: Space = learner.fit(counts, seed=seed, threads=threads, progress=progress, **extra)
    found = {**describe(data), "counting": dataclasses.asdict(counting), "entries": counts.values.nnz}
    met = np.zeros(len(space), np.int64)
    met[space.keys.rows(data.keys.names)] = data.counts
    before = None if start is None else start.counts(start.words, data)
    if before is not None:
        met[: len(before)] += before
    counted = space.with_attribute("count", met)
    return dataclasses.replace(counted, card=dataclasses.replace(space.card, data=found))
