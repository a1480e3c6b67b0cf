"""Pairs of words from anywhere: bilingual dictionaries, lexicons of synonyms, lists of Python."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

import numpy as np

from kinfold.core.errors import BadData, BadFile, BadOption
from kinfold.core.files import existing
from kinfold.core.keys import Keys
from kinfold.core.shapes import Pairs
from kinfold.core.streams import bare_name
from kinfold.sources.lines import Lines

# Where a thing stands, its fields, and what it looks like; no fields where it could not be divided.
Line = tuple[str, list[str], str]


def read(source: Any, *, weighted: bool = False, on_bad: Literal["raise", "skip"] = "raise") -> Pairs:
    """Pairs of words as Pairs; a pair that stands twice counts once.

    A line of a file is a word and what belongs to it: one translation, or several (`dog Hund Hündin`), and other lines
    may add to them. The first line decides what divides the fields: tabs, so that they may hold spaces, else spaces; in
    a file that ends in .csv, commas or semicolons, and fields may be in quotes. Empty lines are passed over, and so are
    lines that are `#` alone or begin with `#` and a space.

    Args:
        source: A path (.gz, .bz2, .xz or .zst too); a mapping from words to a word or a list of words; an iterable of
            tuples (word, word …); or Pairs, which are given back.
        weighted: Whether the last field of every line or tuple is the weight of its pairs, a number of at least 0.
        on_bad: raise for a line that is no pair, or skip, which counts it.

    Raises:
        BadFile: Nothing is there, or it cannot be read.
        BadData: A line is no pair or not UTF-8; names the line. Or there is no pair.
        BadOption: `on_bad` is unknown.

    Example:
        >>> list(read({"dog": ["Hund", "Hündin"], "cat": "Katze"}))
        [('dog', 'Hund'), ('dog', 'Hündin'), ('cat', 'Katze')]
    """
    if on_bad not in ("raise", "skip"):
        raise BadOption(f"on_bad={on_bad!r} is not known; it is 'raise' or 'skip'.")
    if isinstance(source, Pairs):
        return source
    left: dict[str, int] = {}
    right: dict[str, int] = {}
    links: dict[tuple[int, int], float] = {}
    skipped = 0
    of_file = isinstance(source, str | os.PathLike)
    for place, fields, shown in _of_file(source) if of_file else _of_things(source):
        try:
            word, others, weight = _pair(fields, weighted)
        except ValueError as error:
            if on_bad == "skip":
                skipped += 1
                continue
            way = "Correct the line or take it out" if of_file else "Take it out"
            skip = "or read the pairs with kinfold.sources.pairs.read(…, on_bad='skip') and give these"
            raise BadData(f"{place}: {shown[:60]} is no pair: {error}. {way}, {skip}.") from error
        for other in others:
            link = left.setdefault(word, len(left)), right.setdefault(other, len(right))
            links.setdefault(link, weight)
    if not links:
        raise BadData(f"{os.fspath(source) if of_file else 'the source'}: holds no pair; a pair is two words.")
    ends = np.array(list(links), np.int32).reshape(-1, 2)
    weights = np.array(list(links.values()), np.float32) if weighted else None
    return Pairs(Keys(list(left), "word"), Keys(list(right), "word"), ends, weights, skipped)


def _pair(fields: list[str], weighted: bool) -> tuple[str, list[str], float]:
    """The word, what belongs to it, and the weight."""
    weight = 1.0
    if weighted:
        last = fields.pop() if fields else ""
        weight = _weight(last)
    others = [each for each in fields[1:] if each]
    if not others or not fields[0]:
        wanted = "two words and a weight" if weighted else "two words"
        raise ValueError(f"it has not {wanted}")
    return fields[0], others, weight


def _weight(text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = -1.0
    if not 0 <= weight < math.inf:
        raise ValueError(f"its last field {text[:20]!r} is not a weight, a finite number of at least 0")
    return weight


def _of_file(source: str | os.PathLike[str]) -> Iterator[Line]:
    path = existing(source)
    if path.is_dir():
        raise BadFile(f"{path}: is a folder; name a file in it.")
    separator = ""
    for number, line in enumerate(Lines(path, "strict"), 1):
        bare = line.strip(" \t\r")
        if not bare or bare == "#" or bare.startswith(("# ", "#\t")):
            continue
        if not separator:
            separator = _separator(line, bare_name(path).lower().endswith(".csv"))
        yield f"{path} line {number:,}", _fields(line, separator), repr(line)


def _separator(line: str, table: bool) -> str:
    if table:
        return ";" if ";" in line and "," not in line else ","
    return "\t" if "\t" in line.strip(" \t") else " "


def _fields(line: str, separator: str) -> list[str]:
    """The fields of a line; an empty last one is none."""
    if separator == " ":
        return [each for each in line.replace("\t", " ").strip("\r").split(" ") if each]
    try:
        fields = next(csv.reader([line], delimiter=separator), []) if separator in ",;" else line.split(separator)
    except csv.Error:  # a field of more than 128 KiB
        return []
    fields = [each.strip(" \r") for each in fields]
    while fields and not fields[-1]:
        fields.pop()
    return fields


def _of_things(source: Any) -> Iterator[Line]:
    if not isinstance(source, Iterable) or isinstance(source, bytes):
        raise BadData(
            f"pairs cannot be read from {type(source).__name__}; give a path, a mapping, or a list of pairs of words."
        )
    things: Iterable[Any] = source
    if isinstance(source, Mapping):
        things = ([word, *(others if _several(others) else [others])] for word, others in source.items())
    for number, thing in enumerate(things):
        yield f"pair {number:,}", [_text(each) for each in thing] if _several(thing) else [], repr(thing)


def _several(thing: Any) -> bool:
    return isinstance(thing, Iterable) and not isinstance(thing, str | bytes)


def _text(thing: Any) -> str:
    return "" if thing is None or thing != thing else str(thing)  # a missing value of pandas is NaN
