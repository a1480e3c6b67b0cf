"""Pairs of texts from anywhere: tables, lines of fields, frames, lists; texts alone too."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from kinfold.core.errors import BadData, BadFile, BadOption, UnknownName, did_you_mean
from kinfold.core.files import existing
from kinfold.core.shapes import TextPairs
from kinfold.core.streams import bare_name, open_bytes
from kinfold.sources.lines import Lines
from kinfold.sources.tables import FileTable, frame_table

OnBad = Literal["raise", "skip"]

# What columns are often called, in the order in which they are looked for.
NAMES = {
    "left": ("left", "anchor", "query", "question", "sentence1", "sentence_1", "sentence_a", "text1", "text_1",
             "text_a", "premise", "source"),
    "right": ("right", "positive", "answer", "passage", "sentence2", "sentence_2", "sentence_b", "text2", "text_2",
              "text_b", "hypothesis", "target", "document"),
    "negative": ("negative", "negatives", "hard_negative", "hard_negatives"),
    "score": ("score", "similarity", "similarity_score", "relatedness", "relatedness_score", "label"),
    "text": ("text", "sentence"),
}  # fmt: skip
_NUMBERED = re.compile(r"(hard_)?negatives?_?\d+")
# Columns of the files of the STS benchmark, which have no header: score, sentence, sentence.
_STS = {"score": 4, "left": 5, "right": 6}


class Columns(NamedTuple):
    """Names of columns, or their numbers from 1 where a file has no header; None for what they are often called."""

    left: str | None = None
    right: str | None = None
    negative: str | None = None
    score: str | None = None
    text: str | None = None


class Row(NamedTuple):
    """A row of a source: where it stands and its fields."""

    place: str
    left: Any
    right: Any
    negatives: Sequence[Any]
    score: Any


def read(
    source: Any,
    *,
    left: str | None = None,
    right: str | None = None,
    negative: str | None = None,
    score: str | None = None,
    text: str | None = None,
    on_bad: OnBad = "raise",
) -> TextPairs:
    """Pairs of texts, scored ones, those with negatives, or texts alone, in the order of the source.

    Lines with tabs are fields as well, in a file of any name; a field between quotes may hold what divides fields. A
    file without a header is divided by its first line: two texts; three, of which the last may be a score; seven or
    more as the STS benchmark has them. Lines without a tab are texts.

    Args:
        source: A table (.csv, .tsv, .jsonl, .ndjson, .parquet; packed too), a file of lines, several files alike, a
            frame, or a list of texts or of tuples (text, text), (text, text, score), (text, text, negative …).
        left: Column of the texts; by default one of the names that such columns have (anchor, query, sentence1 …).
            In a file without a header, its number from 1.
        right: Column of what goes with them (positive, answer, sentence2 …).
        negative: Column of what does not, several between commas; it may hold lists (negative, negative_1 …).
        score: Column of how alike the two are, a number (score, similarity, label …).
        text: Column of texts that are to be taken alone.
        on_bad: raise an error at a row with an empty text or a bad score, or skip and count it.

    Raises:
        BadFile: A file is missing or cannot be read.
        BadData: A row is bad, with its file and line; or there is nothing to read.
        BadOption: `on_bad` is unknown, or columns do not go together.
        UnknownName: There is no such column, or none that is called as such columns are.

    Example:
        >>> read([("a cat", "a kitten"), ("a car", "a bus")]).kind
        'pairs'
        >>> read([("a cat", "a kitten", 4.5), ("a car", "a cat", 0.5)]).scores.tolist()
        [4.5, 0.5]
    """
    if on_bad not in ("raise", "skip"):
        raise BadOption(f"on_bad={on_bad!r} is not known; it is 'raise' or 'skip'.")
    if isinstance(source, TextPairs):
        return source
    columns = Columns(left, right, negative, score, text)
    if text is not None and any((left, right, negative, score)):
        raise BadOption("text is a column of texts alone; name left and right instead, or text by itself.")
    if score is not None and negative is not None:
        raise BadOption("a pair has either a score or negatives; name one of the two columns.")
    return _collected(rows(source, columns), on_bad, _named(source))


def _collected(rows: Iterable[Row], on_bad: OnBad, name: str) -> TextPairs:
    lefts: list[str] = []
    rights: list[str] = []
    negatives: list[list[str]] = []
    scores: list[float] = []
    skipped = 0
    for row in rows:
        try:
            good = checked(row)
        except ValueError as error:
            if on_bad == "skip":
                skipped += 1
                continue
            raise BadData(f"{row.place}: {error}. Correct or drop the row, or pass on_bad='skip'.") from error
        lefts.append(good.left)
        if good.right is not None:
            rights.append(good.right)
        if good.negatives:
            negatives.extend([[] for _ in range(len(lefts) - 1 - len(negatives))])
            negatives.append(list(good.negatives))
        if good.score is not None:
            scores.append(good.score)
        for some, what in ((rights, "a second text"), (scores, "a score")):
            if some and len(some) != len(lefts):
                raise BadData(f"{row.place}: has not {what} as others have, or is the first that has; give all alike.")
    if not lefts:
        told = f"; {skipped:,} rows were skipped" if skipped else ""
        raise BadData(f"{name}: holds no text{told}. A row is two texts, and a score or a negative where there is one.")
    if negatives:
        negatives.extend([[] for _ in range(len(lefts) - len(negatives))])
    return TextPairs.of(lefts, rights or None, negatives or None, scores or None, skipped)


def checked(row: Row) -> Row:
    """The row with texts that are none left away, and its score as a number.

    Raises:
        ValueError: A text is missing or empty, or the score is no finite number.
    """
    left = _text(row.left)
    if not left:
        raise ValueError("its text is empty")
    right = row.right
    if right is not None:
        right = _text(right)
        if not right:
            raise ValueError("its second text is empty")
    score = row.score
    if score is not None:
        try:
            score = float(score)
        except (TypeError, ValueError):
            score = math.nan
        if not math.isfinite(score):
            raise ValueError(f"its score {str(row.score)[:20]!r} is not a finite number")
    return Row(row.place, left, right, [each for each in map(_text, row.negatives) if each], score)


def _text(thing: Any) -> str:
    if thing is None or thing is _ABSENT or thing != thing:  # a missing value of pandas is NaN
        return ""
    return (thing if isinstance(thing, str) else str(thing)).strip()


class _Absent:
    """What a line that ends too early has in its other columns; unlike None, which is no column at all."""

    def __str__(self) -> str:
        return ""


_ABSENT = _Absent()


def _named(source: Any) -> str:
    return os.fspath(source) if isinstance(source, str | os.PathLike) else "the source"


def rows(source: Any, columns: Columns) -> Iterator[Row]:
    """The rows of a source, good and bad ones; its arguments are those of `read`."""
    if isinstance(source, str | os.PathLike):
        yield from _of_file(existing(source), columns)
    elif isinstance(source, list | tuple) and source and all(isinstance(each, os.PathLike) for each in source):
        for each in source:
            yield from _of_file(existing(each), columns)
    elif (table := frame_table(source)) is not None:
        given = (
            dict(zip(table.column_names, row, strict=True))
            for row in zip(*(each.to_pylist() for each in table.columns), strict=True)
        )
        yield from _of_records(
            ((f"row {at:,}", each) for at, each in enumerate(given)), table.column_names, columns, "the frame"
        )
    elif isinstance(source, Iterable) and not isinstance(source, bytes | dict):
        if any(columns):
            raise BadOption("columns are named of tables and frames; a list has none. Leave them out.")
        yield from _of_things(source)
    else:
        raise BadData(f"pairs of texts cannot be read from {type(source).__name__}; give a path, a frame or a list.")


def _of_things(source: Iterable[Any]) -> Iterator[Row]:
    for number, thing in enumerate(source):
        place = f"pair {number:,}"
        if isinstance(thing, str) or thing is None:
            yield Row(place, thing or "", None, (), None)
            continue
        fields = list(thing) if isinstance(thing, list | tuple) else []
        if len(fields) < 2:
            raise BadData(f"{place}: {thing!r:.60} is no pair; a pair is two texts, and a score or negatives.")
        third = fields[2] if len(fields) == 3 else None
        if third is not None and not isinstance(third, str | list | tuple):
            yield Row(place, fields[0] or "", fields[1] or "", (), third)
        else:
            yield Row(place, fields[0] or "", fields[1] or "", _flat(fields[2:]), None)


def _of_file(path: Path, columns: Columns) -> Iterator[Row]:
    if path.is_dir():
        raise BadFile(f"{path}: is a folder; name a file in it.")
    name = bare_name(path).lower()
    if name.endswith((".jsonl", ".ndjson")):
        yield from _of_json(path, columns)
    elif name.endswith(".parquet"):
        table = FileTable(path, "replace").others()
        rows = ((f"{path} row {at:,}", each) for at, each in enumerate(table.to_pylist(), 1))
        yield from _of_records(rows, table.column_names, columns, str(path))
    else:
        yield from _of_fields(path, columns)


def _of_json(path: Path, columns: Columns) -> Iterator[Row]:
    def records() -> Iterator[tuple[str, dict[str, Any]]]:
        for number, line in enumerate(Lines(path, "replace"), 1):
            if not line.strip():
                continue
            try:
                found = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise BadData(f"{path} line {number:,}: no JSON ({error}).") from error
            if not isinstance(found, dict):
                raise BadData(f"{path} line {number:,}: is {type(found).__name__}; a line is an object with columns.")
            yield f"{path} line {number:,}", found

    rows = records()
    first = next(rows, None)
    if first is not None:
        yield from _of_records(_again(first, rows), list(first[1]), columns, str(path))


def _again(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from rest


def _of_records(
    rows: Iterator[tuple[str, dict[str, Any]]], names: list[str], columns: Columns, where: str
) -> Iterator[Row]:
    found = _found(names, columns, where)
    for place, row in rows:
        negatives = _flat([row.get(each) for each in found.negatives])
        right = None if found.right is None else row.get(found.right, "")
        score = None if found.score is None else row.get(found.score, _ABSENT)
        if found.score is not None and score is None:
            score = _ABSENT
        yield Row(place, row.get(found.left, ""), "" if found.right and right is None else right, negatives, score)


class _Found(NamedTuple):
    """The columns that there are."""

    left: Any
    right: Any
    negatives: list[Any]
    score: Any


def _found(names: Sequence[str], columns: Columns, where: str) -> _Found:
    """Which columns of a table hold what.

    Raises:
        UnknownName: It has not those that are named, or none that are called as such columns are.
    """
    for column in (*columns[:2], *(columns.negative or "").split(","), *columns[3:]):
        if column and column not in names:
            raise UnknownName(
                f"{where}: has no column '{column}'.{did_you_mean(column, names)} It has: {', '.join(names)}."
            )
    if columns.text is not None:
        return _Found(columns.text, None, [], None)
    plain = {name.lower().strip(): name for name in reversed(names)}

    def usual(what: str) -> str | None:
        taken = {each for each in columns if each}
        return next((plain[name] for name in NAMES[what] if name in plain and plain[name] not in taken), None)

    left, right = columns.left or usual("left"), columns.right or usual("right")
    if left is None or right is None:
        alone = usual("text")
        if alone is not None and not any(columns):
            return _Found(alone, None, [], None)
        missing = " and ".join(what for what, name in (("left", left), ("right", right)) if name is None)
        raise UnknownName(
            f"{where}: which columns hold the two texts? Name {missing}, or text for texts alone. "
            f"It has: {', '.join(names)}."
        )
    if columns.negative is not None:
        return _Found(left, right, columns.negative.split(","), None)
    negatives = [name for name in names if name.lower() in NAMES["negative"] or _NUMBERED.fullmatch(name.lower())]
    score = columns.score or (None if negatives else usual("score"))
    return _Found(left, right, [] if score else negatives, score)


def _of_fields(path: Path, columns: Columns) -> Iterator[Row]:
    """Lines of fields, or texts."""
    rows = _lines(path)
    first = next(rows, None)
    if first is None:
        return
    place, head = first
    if len(head) == 1 and not any(columns):
        # A file of one column is texts; its first line may say so.
        kept = [] if head[0].strip().lower() in NAMES["text"] else [first]
        for place, fields in (*kept, *rows):
            if any(field.strip() for field in fields):
                yield Row(place, "\t".join(fields), None, (), None)
        return
    given = [each for column in columns if column for each in column.split(",")]
    numbered = bool(given) and all(each.isdigit() for each in given) and not set(given) <= set(head)
    bare = not given and _guessed(head)
    if numbered or bare:
        second = next(rows, None)
        found = _by_number(columns, len(head), str(path)) if numbered else _by_place(head, second and second[1])
        held = [first, *([second] if second else [])]
        if bare and found.score is not None and _number(head[found.score]) is None:
            held = held[1:]  # a header that says what is not known here
        for place, fields in (*held, *rows):
            if any(field.strip() for field in fields):
                yield _row(place, fields, found)
        return
    places = {name: at for at, name in reversed(list(enumerate(head)))}
    named = _found(head, columns, str(path))
    left, right, score = (None if each is None else places[each] for each in (named.left, named.right, named.score))
    found = _Found(left, right, [places[each] for each in named.negatives], score)
    for place, fields in rows:
        if any(field.strip() for field in fields):
            yield _row(place, fields, found)


def _guessed(head: Sequence[str]) -> bool:
    """Whether a first line is no header: nothing in it is called as a column is, and its fields can be told apart."""
    plain = {field.strip().lower() for field in head}
    if plain & {*NAMES["left"], *NAMES["right"], *NAMES["text"]}:
        return False
    return len(head) in (2, 3) or (len(head) > max(_STS.values()) and _number(head[_STS["score"]]) is not None)


def _by_place(head: Sequence[str], second: Sequence[str] | None) -> _Found:
    if len(head) > 3:
        return _Found(_STS["left"], _STS["right"], [], _STS["score"])
    if len(head) == 2:
        return _Found(0, 1, [], None)
    scored = _number(head[2]) is not None or (second is not None and len(second) > 2 and _number(second[2]) is not None)
    return _Found(0, 1, [], 2) if scored else _Found(0, 1, [2], None)


def _by_number(columns: Columns, count: int, where: str) -> _Found:
    def at(column: str | None) -> int | None:
        if column is None:
            return None
        if not 1 <= int(column) <= count:
            raise UnknownName(f"{where}: has no column {column}; its first line has {count}, numbered from 1.")
        return int(column) - 1

    if columns.text is not None:
        return _Found(at(columns.text), None, [], None)
    if columns.left is None or columns.right is None:
        raise BadOption("columns by number are named both: left and right.")
    negatives = [at(each) for each in (columns.negative or "").split(",") if each]
    return _Found(at(columns.left), at(columns.right), negatives, at(columns.score))


def _row(place: str, fields: Sequence[str], found: _Found) -> Row:
    def field(at: int | None) -> Any:
        return None if at is None else fields[at] if at < len(fields) else _ABSENT

    negatives = [field(at) for at in found.negatives]
    return Row(place, field(found.left), field(found.right), negatives, field(found.score))


def _lines(path: Path) -> Iterator[tuple[str, list[str]]]:
    """The fields of each line, and where it stands."""
    first = next(iter(Lines(path, "replace")), "")
    if bare_name(path).lower().endswith(".csv") and "\t" not in first:
        separator = ";" if ";" in first and "," not in first else ","
        stream = io.TextIOWrapper(open_bytes(path), "utf-8-sig", "replace", newline="")
        with stream:
            reader = csv.reader(stream, delimiter=separator)
            began = 1
            try:
                for fields in reader:
                    yield f"{path} line {began:,}", fields
                    began = reader.line_num + 1
            except csv.Error as error:
                raise BadData(f"{path} line {began:,}: no row of a .csv ({error}).") from error
        return
    divided = "\t" in first
    for number, line in enumerate(Lines(path, "replace"), 1):
        text = line.rstrip("\r")
        fields = [_unquoted(field) for field in text.split("\t")] if divided else [text]
        yield f"{path} line {number:,}", fields


def _unquoted(field: str) -> str:
    """What stands between quotes, where these are not the text's own."""
    inner = field[1:-1]
    if len(field) > 1 and field[0] == field[-1] == '"' and '"' not in inner.replace('""', ""):
        return inner.replace('""', '"')
    return field


def _flat(negatives: Iterable[Any]) -> list[Any]:
    found: list[Any] = []
    for each in negatives:
        if isinstance(each, list | tuple):
            found.extend(each)
        elif each is not None:
            found.append(each)
    return found


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
