"""Words: a text becomes tokens, tokens become ids, ids become vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from kinfold.core.errors import BadOption, did_you_mean
from kinfold.core.progress import Progress, quiet
from kinfold.core.shapes import Counts, Sequences
from kinfold.core.space import Space


def words(
    texts: Any,
    *,
    method: str = "word2vec",
    tokenizer: Literal["words", "whitespace"] | Callable[[str], list[str]] = "words",
    lower: bool | None = None,
    min_count: int = 5,
    max_size: int | None = None,
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
        method: A learner of `kinfold.learn.LEARNERS`.
        tokenizer: words (Unicode words), whitespace, or a function from a text to its tokens.
        lower: Whether tokens are lower-cased; by default only with the tokenizer `words`.
        min_count: Rarer words are left out.
        max_size: Most words to keep, the frequent ones.
        column: Which column of a table holds the text.
        bad_bytes: What happens to bytes that are not UTF-8: replace, ignore or strict (an error).
        seed: Of everything random.
        threads: How many work at once; as many as there are processors by default.
        progress: Told of how far the work is.
        callback: Called after each epoch, by learners that have epochs.
        **options: Fields of the learner: `dim`, `epochs`, `window` …

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
    from kinfold.learn import LEARNERS
    from kinfold.prepare.tokens import sequences
    from kinfold.sources.text import read

    kind = LEARNERS[method]
    try:
        fields = {name for name in kind.__dataclass_fields__ if not name.startswith("_")}
    except AttributeError:
        fields = set(options)
    for name in options:
        if name not in fields:
            raise BadOption(
                f"{method} has no option '{name}'.{did_you_mean(name, fields)} It has: {', '.join(sorted(fields))}."
            )
    learner = kind(**options)
    data = sequences(
        read(texts, column=column, bad_bytes=bad_bytes),
        tokenizer=tokenizer,
        lower=lower,
        min_count=min_count,
        max_size=max_size,
        threads=threads,
        progress=progress,
    )
    return learn(learner, data, seed=seed, threads=threads, progress=progress, callback=callback)


def learn(
    learner: Any,
    data: Sequences,
    *,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress = quiet,
    callback: Callable[[Any], None] | None = None,
) -> Space:
    """Fits a learner of sequences, or one of counts on the PPMI-weighted co-occurrences of the sequences."""
    if learner.takes is Counts:
        from kinfold.prepare.cooccurrence import count
        from kinfold.prepare.weighting import ppmi

        weighted = ppmi(count(data, threads=threads, progress=progress))
        space: Space = learner.fit(weighted, seed=seed, threads=threads, progress=progress)
        return space.with_attribute("count", data.counts)
    extra = {} if callback is None else {"callback": callback}
    learned: Space = learner.fit(data, seed=seed, threads=threads, progress=progress, **extra)
    return learned
