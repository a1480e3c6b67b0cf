"""Texts become sequences of word ids: one pass, any number of threads, bounded memory."""

from __future__ import annotations

import collections
import dataclasses
import itertools
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa

from kinfold.core.columns import to_arrow, to_numpy
from kinfold.core.errors import BadData, BadOption
from kinfold.core.keys import Keys
from kinfold.core.progress import Progress, quiet
from kinfold.core.shapes import Block, Blocks, Items, Labeled, Sequences
from kinfold.core.spill import Spill
from kinfold.prepare.characters import Characters, characters
from kinfold.prepare.vocabulary import Vocabulary

Tokenizer = Literal["words", "whitespace", "ascii"] | Callable[[str], list[str]]

# Tokens of Python strings that go to the kernel at once.
_BATCH = 1 << 17
# Blocks are told apart in the order of first appearance; none has more tokens than this.
_BLOCK_ORDER = 1 << 40


class _Part(NamedTuple):
    """Ids of some texts, in the numbers of one vocabulary."""

    vocabulary: Vocabulary
    ids: np.ndarray
    ends: np.ndarray
    size: int


def sequences(
    items: Items[Any],
    *,
    tokenizer: Tokenizer = "words",
    lower: bool | None = None,
    min_count: int = 5,
    max_size: int | None = None,
    known: Keys | None = None,
    keep_empty: bool = False,
    threads: int | None = None,
    progress: Progress = quiet,
    group: str = "word",
) -> Sequences:
    """Cuts texts into tokens, counts them and gives each text as the ids of its frequent ones.

    A word of `words` is a run of letters, digits and their combining marks; an apostrophe, an underscore and a
    zero-width joiner belong to it between two of them (don't, min_count). `whitespace` splits as `str.split` does,
    `ascii` at white space of ASCII alone, as fastText and word2vec's own tool do.
    Scripts that write no spaces need a tokenizer of their own. Tokens left out of the vocabulary close up; a text
    without any other gives no sequence. The result does not depend on the number of threads.

    Args:
        items: Texts, or lists of tokens, which are taken as they are.
        tokenizer: words, whitespace, ascii, or a function from a text to its tokens.
        lower: Whether to lower-case, character by character; None does so for `words` only.
        min_count: Rarer tokens are left out; 0 leaves out all but the `known` ones.
        max_size: Most keys to keep, the frequent ones.
        known: Tokens that are kept however rare they are here, since a Space has them already.
        keep_empty: Whether a text without any token of the vocabulary gives an empty sequence; by default it gives
            none.
        threads: How many work at once; as many as there are processors by default.
        progress: Told of how many bytes are done.
        group: What the keys are called.

    Returns:
        Sequences whose keys are sorted by count, of equals the one that came first. Large ones lie in a temporary file
        that vanishes with them. Where empty ones are kept they have the names of the items.

    Raises:
        BadData: No token is left, or an item is neither a text nor a list of tokens.
        BadOption: An option is out of its range.
        BadFile: There is no room for temporary files.

    Example:
        >>> data = sequences(Items(["The cat sat.", "The dog didn't."]), min_count=1)
        >>> list(data)
        [['the', 'cat', 'sat'], ['the', 'dog', "didn't"]]
    """
    _check(tokenizer, min_count, max_size, known, threads)
    if lower is None:
        lower = tokenizer == "words"
    runs: list[tuple[Vocabulary, int]] = []
    total = 0
    progress.start("read", getattr(items.raw, "size", None), "B")
    with Spill(np.int32) as ids, Spill(np.int64) as ends:
        ends.append(np.zeros(1, np.int64))
        for part in _parts(items.raw, tokenizer, lower, threads or os.cpu_count() or 1):
            ids.append(part.ids)
            ends.append(part.ends + total)
            runs.append((part.vocabulary, len(part.ends)))
            total += len(part.ids)
            progress.advance(part.size)
        found = _finish(ids.join(), ends.join(), runs, total, min_count, max_size, known, keep_empty, group)
    return dataclasses.replace(found, names=items.keys) if keep_empty else found


def labeled(
    items: Items[Any],
    *,
    tokenizer: Tokenizer = "words",
    lower: bool | None = None,
    threads: int | None = None,
    progress: Progress = quiet,
) -> Labeled:
    """Cuts texts with labels into tokens, all of which are kept, and gives the labels as ids.

    Args:
        items: Texts, or lists of tokens; their labels are strings, or lists of strings.
        tokenizer: As of `sequences`.
        lower: As of `sequences`.
        threads: As of `sequences`.
        progress: As of `sequences`.

    Raises:
        BadData: There are no labels, or not one list of them a text; or as of `sequences`.

    Example:
        >>> import pyarrow as pa
        >>> data = labeled(Items(["The waves.", "Hay!"], labels=pa.array([["sea"], ["land", "farm"]])))
        >>> list(data.texts), list(data.labels)
        ([['the', 'waves'], ['hay']], [['sea'], ['land', 'farm']])
    """
    if items.labels is None:
        raise BadData("these texts have no labels; kinfold.sources.labeled reads texts with labels.")
    texts = sequences(
        items, tokenizer=tokenizer, lower=lower, min_count=1, keep_empty=True, threads=threads, progress=progress
    )
    return Labeled(texts, _labels(items.labels))


def _labels(labels: pa.Array) -> Sequences:
    """Labels as ids, the frequent ones first, of equals the one that came first."""
    from kinfold.sources.labeled import lists

    found = lists(labels, "the labels")
    coded = found.flatten().dictionary_encode()
    codes = to_numpy(coded.indices)
    order = np.argsort(-np.bincount(codes, minlength=len(coded.dictionary)), kind="stable")
    numbers = np.empty(len(order), np.int32)
    numbers[order] = np.arange(len(order), dtype=np.int32)
    starts = to_numpy(found.offsets)
    keys = Keys.trusted(coded.dictionary.take(to_arrow(order)), "label")
    return Sequences(keys, numbers[codes], starts - starts[:1], len(codes), len(found))


def within(
    items: Items[Any],
    keys: Keys,
    *,
    tokenizer: Tokenizer = "words",
    lower: bool | None = None,
    threads: int | None = None,
    progress: Progress = quiet,
) -> Sequences:
    """Texts as ids of keys that exist; every text gives a sequence, an empty one where it has none of them.

    Args:
        items: Texts, or lists of tokens.
        keys: The vocabulary; ids are its rows.
        tokenizer: As of `sequences`; the one that the keys were made with.
        lower: As of `sequences`.
        threads: As of `sequences`.
        progress: Told of how many bytes are done.

    Raises:
        BadData: An item is neither a text nor a list of tokens.
        BadOption: An option is out of its range.

    Example:
        >>> list(within(Items(["a cat sat", "dogs"]), Keys(["cat", "sat"])))
        [['cat', 'sat'], []]
    """
    found = sequences(
        items,
        tokenizer=tokenizer,
        lower=lower,
        min_count=0,
        known=keys,
        keep_empty=True,
        threads=threads,
        progress=progress,
    )
    ids = keys.rows(found.keys.names).astype(np.int32)[found.ids]
    return dataclasses.replace(found, keys=keys, ids=ids)


def _check(tokenizer: Any, min_count: int, max_size: int | None, known: Keys | None, threads: int | None) -> None:
    if tokenizer not in ("words", "whitespace", "ascii") and not callable(tokenizer):
        raise BadOption(
            f"tokenizer={tokenizer!r} is not known; it is words, whitespace, ascii, or a function from text to tokens."
        )
    for name, value in (("min_count", min_count), ("max_size", max_size), ("threads", threads)):
        if value is not None and value < (0 if name == "min_count" and known is not None else 1):
            raise BadOption(f"{name}={value} is too small; it is at least 1.")


def _parts(raw: Iterable[Any], tokenizer: Tokenizer, lower: bool, threads: int) -> Iterator[_Part]:
    if isinstance(raw, Blocks):
        if not callable(tokenizer):
            return _scanned(raw.blocks(), characters(tokenizer, lower), threads)
        return _entered(map(tokenizer, raw), lower)
    things = iter(raw)
    first = next(things, None)
    things = itertools.chain(() if first is None else (first,), things)
    if first is None or isinstance(first, str):
        from kinfold.sources.strings import Strings

        return _parts(Strings(things), tokenizer, lower, threads)
    return _entered(things, lower)


def _scanned(blocks: Iterator[Block], table: Characters, threads: int) -> Iterator[_Part]:
    """Blocks go to threads, each with a vocabulary of its own; what they make comes back in the order of the blocks."""
    own = threading.local()

    def begin() -> None:
        own.vocabulary = Vocabulary()

    def scan(number: int, block: Block) -> _Part:
        vocabulary: Vocabulary = own.vocabulary
        ids, ends = vocabulary.scan(block, table, number * _BLOCK_ORDER)
        return _Part(vocabulary, ids, ends, len(block.data))

    if threads == 1:
        begin()
        yield from itertools.starmap(scan, enumerate(blocks))
        return
    waiting: collections.deque[Future[_Part]] = collections.deque()
    pool = ThreadPoolExecutor(threads, "kinfold-tokens", begin)
    try:
        for number, block in enumerate(blocks):
            waiting.append(pool.submit(scan, number, block))
            if len(waiting) > threads + 1:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _entered(lists: Iterable[Any], lower: bool) -> Iterator[_Part]:
    """Token lists go to one vocabulary: making the Python strings takes longer than counting them."""
    vocabulary = Vocabulary()
    table = characters("whitespace", True) if lower else None
    number = done = 0
    tokens: list[str] = []
    ends: list[int] = []

    def enter() -> _Part:
        nonlocal number
        data, starts = _packed(tokens, done)
        ids = vocabulary.enter(data, starts, number * _BLOCK_ORDER, table)
        part = _Part(vocabulary, ids, np.array(ends, np.int64), int(starts[-1]))
        number += 1
        tokens.clear()
        ends.clear()
        return part

    for each in lists:
        if isinstance(each, str | bytes) or not isinstance(each, Iterable):
            raise BadData(
                f"item {done + len(ends):,} is {type(each).__name__}, where the others are lists of tokens; "
                "a tokenizer returns a list of str."
            )
        tokens.extend(each)
        ends.append(len(tokens))
        if len(tokens) >= _BATCH:
            texts = len(ends)
            yield enter()
            done += texts
    yield enter()


def _packed(tokens: list[str], done: int) -> tuple[np.ndarray, np.ndarray]:
    """Bytes and starts (tokens + 1,) int64 of strings."""
    try:
        array = pa.array(tokens, pa.large_string())
    except UnicodeEncodeError:
        array = pa.array([each.encode(errors="replace").decode() for each in tokens], pa.large_string())
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise BadData(
            f"tokens at or behind item {done:,} are not all str ({error}); map str over them first."
        ) from error
    if array.null_count:
        raise BadData(f"a token at or behind item {done:,} is None; tokens are str.")
    _, starts, data = array.buffers()
    return (
        np.frombuffer(data, np.uint8) if data is not None and data.size else np.zeros(0, np.uint8),
        np.frombuffer(starts, np.int64, len(array) + 1) if len(array) else np.zeros(1, np.int64),
    )


def _finish(
    ids: np.ndarray,
    starts: np.ndarray,
    runs: list[tuple[Vocabulary, int]],
    total: int,
    min_count: int,
    max_size: int | None,
    known: Keys | None,
    keep_empty: bool,
    group: str,
) -> Sequences:
    from kinfold.kernels.tokens import renumber

    every, *others = {id(each): each for each, _ in runs}.values() or (Vocabulary(),)
    here = {id(every): np.arange(len(every), dtype=np.int32)}
    for each in others:
        here[id(each)] = every.absorb(each)
    # Texts without any token at all are empty ones.
    kept = every.cut(min_count, max_size, known) if total or not keep_empty else np.zeros(0, np.int64)
    numbers = np.full(len(every), -1, np.int32)
    numbers[kept] = np.arange(len(kept), dtype=np.int32)
    final = {name: numbers[ids] for name, ids in here.items()}
    first = begin = tokens = texts = 0
    for vocabulary, size in runs:
        numbers = final[id(vocabulary)]
        begin, tokens, texts = renumber(ids, starts, first, first + size, begin, numbers, keep_empty, tokens, texts)
        first += size
    return Sequences(Keys.trusted(every.names(kept), group), ids[:tokens], starts[: texts + 1], total, first)
