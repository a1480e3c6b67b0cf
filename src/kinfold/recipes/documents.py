"""Documents: texts become words, words become rows, and a document is learned beside its words or pooled from them."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from kinfold.core.card import Card
from kinfold.core.catalogue import Entry
from kinfold.core.errors import BadOption
from kinfold.core.progress import Progress, quiet
from kinfold.core.shapes import Items, Sequences, describe
from kinfold.core.space import Space
from kinfold.prepare.cutting import cut_as, remembered
from kinfold.recipes.words import configured, opened, words_of

METHODS = {
    "doc2vec": Entry("doc2vec", "kinfold.learn.doc2vec:Doc2Vec", "documents learned beside their words"),
    "mean": Entry("mean", "kinfold.encode.pooled:Mean", "the mean of the words"),
    "sif": Entry("sif", "kinfold.encode.pooled:SIF", "a mean in which frequent words count less"),
    "usif": Entry("usif", "kinfold.encode.pooled:USIF", "the same without a parameter to choose"),
}


def documents(
    texts: Any,
    *,
    text: str | None = None,
    key: str | None = None,
    method: str = "doc2vec",
    words: Space | str | os.PathLike[str] | None = None,
    tokenizer: Literal["words", "whitespace", "ascii"] | Callable[[str], list[str]] | None = None,
    lower: bool | None = None,
    min_count: int = 5,
    max_size: int | None = None,
    bad_bytes: Literal["replace", "ignore", "strict"] = "replace",
    seed: int = 0,
    threads: int | None = None,
    progress: Progress = quiet,
    callback: Callable[[Any], None] | None = None,
    **options: Any,
) -> Space:
    """Learns a vector for each of some texts, in one space with their words.

    Args:
        texts: A table (.jsonl, .csv, .tsv, .parquet) or a data frame, a mapping from keys to texts, files whose lines
            are documents, or strings.
        text: Column of a table that holds the texts.
        key: Column that names them; without one they are numbered from 0.
        method: doc2vec learns documents; mean, sif and usif pool the vectors of their words.
        words: Word vectors, or their file in any format: what the pooling methods pool, and what doc2vec starts its
            words from.
        tokenizer: words (Unicode words), whitespace, ascii (white space of ASCII alone), or a function from text to
            tokens; by default as `words` was cut, or words.
        lower: Whether tokens are lower-cased; by default as `words` was, or only with the tokenizer `words`.
        min_count: Rarer words are left out.
        max_size: Most words to keep, the frequent ones.
        bad_bytes: What happens to bytes that are not UTF-8: replace, ignore or strict (an error).
        seed: Of everything random.
        threads: How many work at once; as many as there are processors by default.
        progress: Told of how far the work is.
        callback: Called after each epoch, by learners that have epochs.
        **options: Fields of the method: `dim`, `epochs`, `mode`, `components` …

    Returns:
        A Space of the groups `document`, with the table's other columns as attributes, and `word`. Documents without
        any word of the vocabulary have no row; the card counts them under `skipped`.

    Raises:
        BadData: The texts cannot be read, hold too few words, or two have the same key.
        BadOption: The method has no such option, or it is out of range.

    Example:
        >>> texts = {"a": "red green red", "b": "blue green blue", "c": "red red green"}
        >>> documents(texts, min_count=1, dim=4, epochs=100, subsample=0, threads=1).nearest("a", k=1).keys
        ['c']
    """
    from kinfold.learn.start import Start
    from kinfold.prepare.tokens import sequences, within
    from kinfold.sources.documents import read

    given = opened(words)
    learner = configured(METHODS, method, options)
    if given is None and method != "doc2vec":
        raise BadOption(f"{method} pools word vectors; give words=…, as `kinfold learn words` makes them from text.")
    items = read(texts, text=text, key=key, bad_bytes=bad_bytes)
    cut = cut_as(given, tokenizer, lower)
    how: dict[str, Any] = {"threads": threads, "progress": progress}
    if given is not None and method != "doc2vec":
        vocabulary = words_of(given)
        data = within(items, vocabulary.keys, **cut, **how)
        space = pooled(method, learner, vocabulary, items, data, threads)
    else:
        known = None if given is None else words_of(given).keys
        sizes: dict[str, Any] = {"min_count": min_count, "max_size": max_size, "known": known}
        data = sequences(items, keep_empty=True, **sizes, **cut, **how)
        start = None if given is None else Start(given)
        space = learned(learner, items, data, start=start, seed=seed, callback=callback, **how)
    return remembered(space, cut)


def pooled(method: str, learner: Any, words: Space, items: Items[Any], data: Sequences, threads: int | None) -> Space:
    """The means of the documents' words, beside the words that they are means of."""
    from kinfold.encode.pooled import Pooled

    weighed = learner.weigh(words, data)
    found = Pooled(weighed).gather(items, data, threads)
    skipped = {"documents": len(data), "skipped": len(data) - len(found)}
    step = {"step": "words", "from": words.frame, "method": words.card.method, "parameters": words.card.parameters}
    card = Card(
        weighed.frame,
        method,
        dataclasses.asdict(learner),
        data={**describe(data), **skipped},
        steps=(*words.card.steps, step),
    )
    return dataclasses.replace(found.beside(weighed), card=card)


def learned(learner: Any, items: Items[Any], data: Sequences, **how: Any) -> Space:
    """Documents and words by a learner; documents without a word of the vocabulary are left out and counted."""
    full = np.flatnonzero(np.diff(data.starts) > 0)
    space: Space = learner.fit(data.named("document").take(full), **how)
    skipped = {"documents": len(data), "skipped": len(data) - len(full)}
    space = dataclasses.replace(space, card=dataclasses.replace(space.card, data={**space.card.data, **skipped}))
    if items.table is None:
        return space
    table = items.table.take(pa.array(full))
    for name in table.column_names:
        column = table[name].combine_chunks()
        rest = pa.nulls(len(space) - len(full), column.type)
        space = space.with_attribute(name, pa.concat_arrays([column, rest]))
    return space
