"""Who met what: tables, frames, lines of a user and its items, triples."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kinfold.core.columns import to_numpy
from kinfold.core.errors import BadData, BadFile, BadOption, UnknownName, did_you_mean
from kinfold.core.files import existing
from kinfold.core.keys import Keys
from kinfold.core.shapes import Interactions
from kinfold.core.space import Space
from kinfold.sources.lines import Lines
from kinfold.sources.tables import FileTable, frame_table, is_table

OnBad = Literal["raise", "skip"]
_ROWS = 100_000  # of a list that are taken at a time
_WAY = "Correct or drop the row, or pass on_bad='skip'."


class Columns(NamedTuple):
    """Which columns of a table hold what.

    Args:
        user: Who.
        item: Met what.
        weight: How strongly; None where all count alike.
        time: When, a number or a date; None where that is not known.
    """

    user: str = "user"
    item: str = "item"
    weight: str | None = None
    time: str | None = None

    @property
    def named(self) -> dict[str, str]:
        """The columns that there are, by what they hold."""
        return {name: column for name, column in self._asdict().items() if column is not None}


def read(
    source: Any,
    *,
    user: str | None = None,
    item: str | None = None,
    weight: str | None = None,
    time: str | None = None,
    on_bad: OnBad = "raise",
    encoding: str = "utf-8",
) -> Interactions:
    """Interactions of users and items, in the order of the source.

    Args:
        source: A table (.csv, .tsv, .parquet, .jsonl, .ndjson; packed too) or a frame with columns of users and items;
            another file of lines of fields, with columns that are named or, where it has no header, numbered from 1;
            without columns, lines `user item item …`; several files; a mapping from users to lists of items; or tuples
            (user, item), (user, item, weight) or (user, item, weight, time).
        user: Column of the users; `user` by default.
        item: Column of the items; `item` by default.
        weight: Column of how strongly: a finite number of at least 0.
        time: Column of when: a number, or a date.
        on_bad: raise an error at a row without a user or an item or with a bad weight or time, or skip and count it.
        encoding: Of tables in files of text.

    Raises:
        BadFile: A file is missing or cannot be read.
        BadData: A row is bad, with its number; or there is nothing to read.
        BadOption: Columns of something that has none.
        UnknownName: There is no such column.

    Example:
        >>> met = read([("ann", "tea", 2), ("bob", "tea", 1), ("ann", "rye", 1)])
        >>> len(met), list(met.users), list(met.items)
        (3, ['ann', 'bob'], ['tea', 'rye'])
    """
    columns = Columns(user or "user", item or "item", weight, time)
    twice = [each for each in columns.named.values() if list(columns.named.values()).count(each) > 1]
    if twice:
        roles = " and ".join(name for name, column in columns.named.items() if column == twice[0])
        raise BadOption(f"{roles} are both the column '{twice[0]}'; name one for each.")
    asked = (user, item, weight, time) != (None,) * 4
    reader = _Reader(columns, on_bad)
    if isinstance(source, str | os.PathLike):
        source = [source]
    if (frame := frame_table(source)) is not None:
        missing = next((each for each in columns.named.values() if each not in frame.column_names), None)
        if missing is not None:
            near = did_you_mean(missing, frame.column_names)
            raise UnknownName(f"the frame has no column '{missing}'.{near} It has: {', '.join(frame.column_names)}.")
        chosen = frame.select(list(columns.named.values())).rename_columns(list(columns.named))
        reader.add(chosen.to_batches(), "the frame, row")
    elif isinstance(source, list | tuple) and source and all(isinstance(each, str | os.PathLike) for each in source):
        for each in source:
            _read_file(existing(each), reader, asked, encoding)
    elif asked:
        raise BadOption("user, item, weight and time are columns of a table or of a frame; this is none.")
    elif isinstance(source, Mapping):
        things = ((who, what) for who, some in source.items() for what in some)
        reader.add(_batches(things), "interaction")
    elif isinstance(source, Iterable) and not isinstance(source, bytes):
        reader.add(_batches(source), "interaction")
    else:
        raise BadData(
            f"interactions cannot be read from {type(source).__name__}; give a path, a frame, a mapping from users to "
            "lists of items, or tuples (user, item, weight)."
        )
    return reader.interactions("the source")


def columns_as(space: Space, source: Any, **given: str | None) -> dict[str, Any]:
    """The columns of interactions that go with a Space: those that are given, or else those that it was learned from.

    Args:
        space: Users and items; its card tells the columns.
        source: Files; anything else has no columns of that kind.
        **given: user, item, weight and time; None where nothing is said.
    """
    told: dict[str, str] = dict(space.card.data.get("fields", {}))
    files = [source] if isinstance(source, str | os.PathLike) else source
    paths = isinstance(files, list | tuple) and all(isinstance(each, str | os.PathLike) for each in files)
    if not told or not paths or any(given.values()):
        return dict(given)
    # Lines without a header have numbers for columns, and tables have names.
    numbers = all(column.isdecimal() for column in told.values())
    return {**told} if numbers or all(is_table(Path(each)) for each in files) else dict(given)


def _read_file(path: Path, reader: _Reader, asked: bool, encoding: str) -> None:
    if path.is_dir():
        raise BadFile(f"{path}: is a folder; name a file of interactions in it.")
    if not asked and not is_table(path):
        reader.add(_lines(path), f"{path} line")
        return
    named = reader.columns.named
    numbers = all(column.isdecimal() for column in named.values())
    table = FileTable(path, "strict", header=not numbers, encoding=encoding, ragged=True)
    for column in named.values():
        table.check(column)
    batches = table.batches(dict.fromkeys(named.values(), "VARCHAR"))
    reader.add((batch.rename_columns(list(named)) for batch in batches), f"{path} row")


def _lines(path: Path) -> Iterator[pa.RecordBatch]:
    """The pairs of lines `user item item …`."""
    users: list[str] = []
    items: list[str] = []
    for line in Lines(path, "strict"):
        who, *met = line.split() or [""]
        users += [who] * len(met)
        items += met
        if len(users) >= _ROWS:
            yield pa.record_batch({"user": users, "item": items})
            users, items = [], []
    yield pa.record_batch({"user": pa.array(users, pa.string()), "item": pa.array(items, pa.string())})


def _batches(things: Iterable[Any]) -> Iterator[pa.RecordBatch]:
    """Tuples as columns of texts."""
    names = Columns._fields
    held: list[tuple[Any, ...]] = []
    width = 0

    def batch() -> pa.RecordBatch:
        columns = zip(*held, strict=True)
        return pa.record_batch(
            {name: pa.array(_texts(each), pa.string()) for name, each in zip(names, columns, strict=False)}
        )

    for number, thing in enumerate(things):
        fields = tuple(thing) if isinstance(thing, Iterable) and not isinstance(thing, str | bytes) else ()
        width = width or len(fields)
        if not 2 <= len(fields) <= len(names) or len(fields) != width:
            raise BadData(
                f"interaction {number:,}: {thing!r:.60} is none; each is a tuple (user, item), (user, item, weight) or "
                "(user, item, weight, time), all of one length."
            )
        held.append(fields)
        if len(held) == _ROWS:
            yield batch()
            held = []
    if held:
        yield batch()


def _texts(column: Iterable[Any]) -> list[str | None]:
    return [None if each is None or each != each else str(each) for each in column]


class _Reader:
    """Collects the columns of batch after batch: names as numbers of the names so far, weights and times as numbers."""

    def __init__(self, columns: Columns, on_bad: OnBad) -> None:
        if on_bad not in ("raise", "skip"):
            raise BadOption(f"on_bad is '{on_bad}'; it is one of: raise, skip.")
        self.columns = columns
        self._on_bad = on_bad
        self._names: dict[str, list[pa.DictionaryArray]] = {"user": [], "item": []}
        self._numbers: dict[str, list[np.ndarray]] = {"weight": [], "time": []}
        self.skipped = 0

    def add(self, batches: Iterable[pa.RecordBatch], place: str) -> None:
        """More rows, with the columns user, item and, where there are such, weight and time."""
        row = 1
        for batch in batches:
            texts = {name: _plain(batch.column(name), name == "time") for name in batch.schema.names}
            good = np.ones(len(batch), np.bool_)
            numbers = {}
            for name, values in texts.items():
                if name not in self._numbers:
                    fine = to_numpy(pc.fill_null(pc.not_equal(values, ""), False)).astype(np.bool_)
                    wanted = f"there is no {name}"
                else:
                    numbers[name], fine = _number(values) if name == "weight" else _moment(values)
                    kind = "finite numbers of at least 0" if name == "weight" else "numbers or dates"
                    wanted = f"the {name} '{{}}' is none; {name}s are {kind}"
                bad = np.flatnonzero(~fine)
                if len(bad) and self._on_bad == "raise":
                    first = int(bad[0])
                    raise BadData(f"{place} {row + first:,}: {wanted.format(values[first].as_py())}. {_WAY}")
                good &= fine
            row += len(batch)
            self.skipped += int(len(batch) - good.sum())
            kept = pa.array(good)
            for name, chunks in self._names.items():
                chunks.append(texts[name].filter(kept).dictionary_encode())
            for name, found in numbers.items():
                self._numbers[name].append(found[good])

    def interactions(self, place: str) -> Interactions:
        """All of them.

        Raises:
            BadData: There is none.
        """
        total = sum(len(chunk) for chunk in self._names["user"])
        if not total:
            left = f" ({self.skipped:,} bad ones were skipped)" if self.skipped else ""
            raise BadData(f"{place}: holds no interaction{left}; one is a user and an item.")
        sides = {}
        for name, chunks in self._names.items():
            whole = pa.chunked_array(chunks).unify_dictionaries().combine_chunks()
            ids = to_numpy(whole.indices).astype(np.int32, copy=False)
            sides[name] = Keys.trusted(whole.dictionary.cast(pa.large_string()), name), ids
            chunks.clear()
        weights, times = (np.concatenate(parts) if parts else None for parts in self._numbers.values())
        (users, user_ids), (items, item_ids) = sides["user"], sides["item"]
        return Interactions(users, items, user_ids, item_ids, weights, times, self.skipped)


def _plain(column: pa.Array, moments: bool) -> pa.Array:
    """A column as strings, without what stands around them; dates stay such among moments."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if moments and (pa.types.is_timestamp(column.type) or pa.types.is_date(column.type)):
        return column
    try:
        return pc.utf8_trim_whitespace(column.cast(pa.string()))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise BadData(f"a column of {column.type} holds no names or numbers ({error}).") from error


def _number(values: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Weights (n,) float32, and which are finite and at least 0."""
    numbers = _floats(values)
    with np.errstate(over="ignore"):
        weights = numbers.astype(np.float32)
    return weights, np.isfinite(weights) & (weights >= 0)


def _moment(values: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Times (n,) float64, dates in seconds since 1970, and which are such."""
    if not pa.types.is_string(values.type):
        numbers = to_numpy(pc.fill_null(values.cast(pa.timestamp("us")).cast(pa.int64()), -(2**62))) / 1e6
        return numbers, to_numpy(values.is_valid()).astype(np.bool_)
    numbers = _floats(values)
    for at in np.flatnonzero(np.isnan(numbers)).tolist():
        numbers[at] = _date(values[at].as_py())
    return numbers, np.isfinite(numbers)


def _floats(values: pa.Array) -> np.ndarray:
    """Numbers (n,) float64 of strings; NaN where one is none."""
    try:
        whole = pc.fill_null(values.cast(pa.float64()), np.nan)
        return to_numpy(whole).copy()
    except pa.ArrowInvalid:
        return np.array([_float(each) for each in values.to_pylist()])


def _float(text: str | None) -> float:
    try:
        return float(text) if text else float("nan")
    except ValueError:
        return float("nan")


def _date(text: str | None) -> float:
    import datetime

    try:
        found = datetime.datetime.fromisoformat(text or "")
    except ValueError:
        return float("nan")
    if found.tzinfo is None:
        found = found.replace(tzinfo=datetime.UTC)
    return found.timestamp()
