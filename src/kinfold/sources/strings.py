"""Texts that are Python strings already, or Arrow ones."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from kinfold.core.errors import BadData
from kinfold.core.shapes import Block

_BLOCK = 1 << 19


class Strings:
    """Texts from an iterable of strings; None is left out. An iterator can be read once.

    Args:
        strings: The texts.
        bad_bytes: What happens to lone surrogates, which no UTF-8 can hold: `replace`, `ignore` or `strict`.
    """

    def __init__(self, strings: Iterable[str | None], bad_bytes: str = "replace") -> None:
        self._strings = Again(strings)
        self._bad_bytes = bad_bytes

    def blocks(self) -> Iterator[Block]:
        """The texts, some megabytes at a time.

        Raises:
            BadData: One is not a string, or all were read before and cannot be read again.
        """
        batch: list[str] = []
        done = size = 0
        for text in self._strings:
            if text is None or text != text:  # a missing value of pandas is NaN
                text = ""
            elif not isinstance(text, str):
                raise BadData(
                    f"text {done + len(batch):,} is {type(text).__name__}; texts are str. Map str over them first."
                )
            batch.append(text)
            size += len(text)
            if size > _BLOCK:
                yield from text_blocks(self._array(batch, done))
                done += len(batch)
                batch, size = [], 0
        yield from text_blocks(self._array(batch, done))

    def __iter__(self) -> Iterator[str]:
        return (text if isinstance(text, str) else "" for text in self._strings)

    def _array(self, batch: list[str], done: int) -> pa.Array:
        try:
            return pa.array(batch, pa.large_string())
        except UnicodeEncodeError as error:
            if self._bad_bytes == "strict":
                number = next(i for i, each in enumerate(batch) if any("\ud800" <= c <= "\udfff" for c in each))
                raise BadData(
                    f"text {done + number:,} has a lone surrogate, no character; pass bad_bytes='replace' or 'ignore'."
                ) from error
            return pa.array([_whole(each, self._bad_bytes) for each in batch], pa.large_string())


class Lists:
    """Lists of tokens from an iterable; an iterator can be read once."""

    def __init__(self, lists: Iterable[Any]) -> None:
        self._lists = Again(lists)

    def __iter__(self) -> Iterator[Any]:
        return (() if each is None else each for each in self._lists)


class Again:
    """An iterable that says so when it cannot be read again."""

    def __init__(self, things: Iterable[Any]) -> None:
        self._things = things
        self._once = isinstance(things, Iterator)
        self._read = False

    def __iter__(self) -> Iterator[Any]:
        if self._once and self._read:
            raise BadData("this generator has been read already; give a list, a file or a new generator.")
        self._read = True
        return iter(self._things)


class ArrowTexts:
    """Texts that are an Arrow array in memory; a missing one is empty."""

    def __init__(self, array: pa.ChunkedArray) -> None:
        self._array = array

    @property
    def size(self) -> int:
        """Bytes in all."""
        return int(self._array.nbytes)

    def blocks(self) -> Iterator[Block]:
        """The texts, some megabytes at a time, on the same memory where it can be."""
        for chunk in self._array.chunks:
            yield from text_blocks(chunk)

    def __iter__(self) -> Iterator[str]:
        for chunk in self._array.chunks:
            for start in range(0, len(chunk), 8192):
                yield from (text or "" for text in chunk.slice(start, 8192).to_pylist())


def text_blocks(array: pa.Array) -> Iterator[Block]:
    """The strings of an Arrow array in blocks of some megabytes; a missing one is empty."""
    array = array.cast(pa.large_string())
    if array.null_count:
        array = array.fill_null("")
    if not len(array):
        return
    _, starts, data = array.buffers()
    places = np.frombuffer(starts, np.int64, len(array) + 1, 8 * array.offset)
    every = np.frombuffer(data, np.uint8) if data is not None and data.size else np.zeros(0, np.uint8)
    first = 0
    while first < len(array):
        last = max(first + 1, int(np.searchsorted(places, places[first] + _BLOCK, side="right")) - 1)
        yield Block(every[places[first] : places[last]], places[first + 1 : last + 1] - places[first])
        first = last


def first_and_all(source: Iterable[Any]) -> tuple[Any, Iterable[Any]]:
    """The first thing that is not None, or None; and all things, though the source is an iterator."""
    things = iter(source)
    seen = []
    for thing in things:
        seen.append(thing)
        if thing is not None and thing == thing:
            break
    first = seen[-1] if seen and seen[-1] is not None else None
    return first, itertools.chain(seen, things) if things is source else source


def _whole(text: str, bad_bytes: str) -> str:
    if bad_bytes == "ignore":
        return text.encode(errors="ignore").decode()
    # UTF-16 joins pairs of surrogates that belong together; what is left becomes U+FFFD.
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
