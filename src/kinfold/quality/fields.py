"""Files of fields: what divides them, whether the first line names them, and their rows with the place of each.

What cannot be read is counted and named with its place instead of ending the run.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from kinfold.core.errors import BadData, BadFile
from kinfold.core.streams import bare_name
from kinfold.quality.issue import Example
from kinfold.sources.lines import Lines
from kinfold.sources.text_pairs import NAMES

# Lines that are read to find out what a file is.
SNIFFED = 200
_FIELD_WORDS = 3  # on the average, of fields between signs that stand in texts too
_SEPARATORS = ("\t", "::", ",", ";", "|")
# Stands for `::`, which readers of fields do not take; no text has it.
_UNIT = "\x1f"
# What columns of two are called, where the first line names them.
COLUMNS = {
    "text",
    "sentence",
    "label",
    "labels",
    "user",
    "item",
    "id",
    "key",
    "name",
    "value",
    *sum(NAMES.values(), ()),
}
_BATCH = 20_000
_BAD_PLACES = 5


class Form(NamedTuple):
    """How the lines of a file are divided.

    Args:
        separator: What is between fields.
        names: Of the columns; 1, 2, 3 … where the file names none.
        header: Whether the first line names them.
    """

    separator: str
    names: tuple[str, ...]
    header: bool


@dataclass
class Broken:
    """What could not be read of a file.

    Args:
        items: Places and what is wrong there, the first ones of each kind.
        counts: How many of each kind there are: `lines that are no JSON` …
        file: Why the file ends too early or cannot be read at all; empty where it can.
    """

    items: dict[str, list[Example]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    file: str = ""

    def add(self, kind: str, where: str, shown: str) -> None:
        """One more of a kind."""
        self.counts[kind] += 1
        if len(self.items.setdefault(kind, [])) < _BAD_PLACES:
            self.items[kind].append(Example(where, shown))


BAD_BYTES = "lines with bytes that are not UTF-8"


def lines_of(path: Path, broken: Broken) -> Lines:
    """The lines of a file, with what is not UTF-8 replaced and told."""
    return Lines(path, "replace", lambda chunk, place, before: _bad_bytes(path, broken, chunk, place, before))


def _bad_bytes(path: Path, broken: Broken, chunk: bytes, place: int, before: int) -> None:
    begin = 0
    for number, line in enumerate(chunk.split(b"\n"), before + 1):
        if not line.isascii():
            try:
                line.decode()
            except UnicodeDecodeError as error:
                shown = line[max(0, error.start - 20) : error.start + 20].decode("utf-8", "backslashreplace")
                where = f"{path} line {number:,}, byte {place + begin + error.start:,}"
                broken.add(BAD_BYTES, where, f"0x{line[error.start]:02x} in {shown}")
        begin += len(line) + 1


def head_of(path: Path) -> list[str]:
    """The first lines of a file, without empty ones; none where it cannot be read as text."""
    try:
        return [line for line in itertools.islice(Lines(path, "replace"), SNIFFED) if line.strip()]
    except (BadData, BadFile):
        return []


def form_of(path: Path, lines: Sequence[str]) -> Form | None:
    """How lines are divided into fields; None where they are not."""
    name = bare_name(path).lower()
    best: tuple[float, int, str] | None = None
    for rank, separator in enumerate(_SEPARATORS):
        widths = [len(_split(line, separator)) for line in lines]
        width, often = Counter(widths).most_common(1)[0] if widths else (1, 0)
        wanted = (separator == "\t") if name.endswith(".tsv") else separator != "\t" and name.endswith(".csv")
        plain = separator in ("\t", "::") or wanted or _looks_divided(lines, separator, width)
        if width > 1 and plain and (often >= 0.9 * len(lines) or wanted):
            found = (often / len(lines) + wanted, -rank, separator)
            best = max(best, found) if best else found
    if best is None:
        if not name.endswith((".csv", ".tsv")) or not lines:
            return None
        best = (0.0, 0, "\t" if name.endswith(".tsv") else ",")
    rows = [[each.strip() for each in _split(line, best[2])] for line in lines]
    width = Counter(map(len, rows)).most_common(1)[0][0]
    header = len(rows[0]) == width and _is_header(rows[0], [row for row in rows[1:] if len(row) == width], name)
    numbers = tuple(map(str, range(1, width + 1)))
    names = tuple(name or number for name, number in zip(rows[0], numbers, strict=True)) if header else numbers
    return Form(best[2], names, header)


def _looks_divided(lines: Sequence[str], separator: str, width: int) -> bool:
    """Whether a sign that texts have too divides fields: there are three or more, and each is a few words."""
    words = [len(field.split()) for line in lines for field in _split(line, separator)]
    return width > 2 and float(np.mean(words)) <= _FIELD_WORDS


def _split(line: str, separator: str) -> list[str]:
    if separator in ",;" and '"' in line:
        try:
            return next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])
        except csv.Error:
            return [line]
    return line.rstrip("\r\n").split(separator)


def _is_header(first: Sequence[str], rows: Sequence[Sequence[str]], name: str) -> bool:
    """Whether a first line names the columns: it has no number, and is not like the lines below it."""
    # The first column has no name where it numbers the rows.
    if not all(first[1:]) or len(set(first)) < len(first) or any(is_number(each) for each in first):
        return False
    below = list(zip(*rows, strict=True)) if rows else []
    if any(values and np.mean([is_number(each) or not each for each in values]) > 0.9 for values in below):
        return True
    if name.endswith(".tsv") and len(first) == 2:
        return any(each.lower() in COLUMNS for each in first)  # a dictionary's first pair is like its others
    plain = all(len(each) <= 40 and each not in values for each, values in zip(first, below, strict=False))
    return plain and name.endswith((".csv", ".tsv"))


def is_number(text: str) -> bool:
    """Whether a text is a number; an empty one is none."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def distinct(names: Sequence[str]) -> tuple[str, ...]:
    """Names that differ by more than their case, as SQL wants them, and from its own; later ones get underscores."""
    taken = {"_place", "_file", "_split"}
    found = []
    for name in names:
        while name.lower() in taken:
            name += "_"
        taken.add(name.lower())
        found.append(name)
    return tuple(found)


class Batch(NamedTuple):
    """Some rows of a file.

    Args:
        places: The line or row of each (n,) int64, from 1.
        columns: Strings (n,) each, null where there is nothing.
    """

    places: np.ndarray
    columns: dict[str, pa.Array]


class Rows:
    """The rows of a file of fields, as strings.

    Args:
        path: .jsonl, .ndjson, .parquet, or lines of fields.
        form: How lines are divided; found out where it is None.

    Raises:
        BadData: The file is empty, or its lines have no fields.
        BadFile: It cannot be read.
    """

    def __init__(self, path: Path, form: Form | None = None) -> None:
        self.path = path
        self.broken = Broken()
        self.kinds: dict[str, Counter[str]] = {}
        name = bare_name(path).lower()
        self.unit = "line" if name.endswith((".jsonl", ".ndjson")) else "row"
        if name.endswith(".parquet"):
            self.names = distinct(self._parquet().schema_arrow.names)
            self.batches = self._of_parquet
        elif name.endswith((".jsonl", ".ndjson")):
            self._keys = self._json_names()
            self.names = distinct(self._keys)
            self.batches = self._of_json
        else:
            found = form or form_of(path, head_of(path))
            if found is None:
                raise BadData(f"{path}: its lines have no fields; a table is .csv, .tsv, .jsonl or .parquet.")
            self._form, self.names = found, distinct(found.names)
            self.batches = self._of_fields

    def _parquet(self) -> Any:
        import pyarrow.parquet as parquet

        try:
            return parquet.ParquetFile(self.path)
        except (OSError, pa.ArrowException) as error:
            raise BadData(f"{self.path}: cannot be read as parquet ({str(error).splitlines()[0]}).") from error

    def _of_parquet(self) -> Iterator[Batch]:
        done = 0
        file = self._parquet()
        try:
            for batch in file.iter_batches(_BATCH):
                columns = {}
                for name, column in zip(self.names, batch.columns, strict=True):
                    columns[name] = _texts(column)
                yield Batch(np.arange(done + 1, done + len(batch) + 1), columns)
                done += len(batch)
        except (OSError, pa.ArrowException) as error:
            self.broken.file = f"{self.path}: the file is damaged behind row {done:,} ({str(error).splitlines()[0]})"

    def _json_names(self) -> tuple[str, ...]:
        names: dict[str, None] = {}
        found = False
        for line in head_of(self.path):
            try:
                record = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(record, dict):
                found = True
                names.update(dict.fromkeys(map(str, record)))
        if not found:
            raise BadData(f"{self.path}: none of its first lines is an object of JSON; a line is {{…}} with columns.")
        return tuple(names)

    def _of_json(self) -> Iterator[Batch]:
        records: list[dict[str, Any]] = []
        places: list[int] = []
        self.kinds = {name: Counter() for name in self.names}

        def batch() -> Batch:
            columns = {}
            for name, key in zip(self.names, self._keys, strict=True):
                values = [record.get(key) for record in records]
                self.kinds[name].update(_kind(each) for each in values if each is not None)
                columns[name] = pa.array([_json_text(each) for each in values], pa.large_string())
            return Batch(np.array(places, np.int64), columns)

        for number, line in whole(self.broken, enumerate(lines_of(self.path, self.broken), 1)):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except (ValueError, RecursionError) as error:
                told = f"{str(error)[:60]}: {line[:40]}"
                self.broken.add("lines that are no JSON", f"{self.path} line {number:,}", told)
                continue
            if not isinstance(record, dict):
                self.broken.add("lines that are no object of JSON", f"{self.path} line {number:,}", line[:60])
                continue
            records.append(record)
            places.append(number)
            if len(records) == _BATCH:
                yield batch()
                records.clear()
                places.clear()
        if records:
            yield batch()

    def _of_fields(self) -> Iterator[Batch]:
        import pyarrow.csv as arrow

        separator, _, header = self._form
        names = self.names
        bad: list[int] = []

        def wrong(row: Any) -> str:
            number = row.number - header
            bad.append(number)
            told = f"{row.actual_columns} fields, not {row.expected_columns}: {row.text}"
            self.broken.add("rows with too few or too many fields", f"{self.path} row {number:,}", told)
            return "skip"

        quoted = separator in ",;|"
        source = pa.PythonFile(_Utf8(self, separator), mode="r")
        try:
            reader = arrow.open_csv(
                source,
                # Rows have numbers where one thread reads.
                arrow.ReadOptions(use_threads=False, column_names=list(names), skip_rows=int(header)),
                arrow.ParseOptions(
                    delimiter=_UNIT if separator == "::" else separator,
                    quote_char='"' if quoted else False,
                    newlines_in_values=quoted,
                    invalid_row_handler=wrong,
                    ignore_empty_lines=True,
                ),
                arrow.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
            )
            done = 0
            for batch in reader:
                # Rows that were left out have numbers too.
                count = len(batch)
                numbers = np.arange(done + 1, done + count + 1 + len(bad))
                numbers = numbers[~np.isin(numbers, bad)][:count]
                if count:
                    done = int(numbers[-1])
                bad[:] = [each for each in bad if each > done]
                yield Batch(numbers, dict(zip(names, batch.columns, strict=True)))
        except StopIteration:
            return
        except pa.ArrowException as error:
            if "Empty CSV file" not in str(error):
                self.broken.file = f"{self.path}: cannot be read further ({str(error).splitlines()[0][:200]})"


class _Utf8(io.RawIOBase):
    """The bytes of a file of fields, without what is not UTF-8; a damaged archive ends where it breaks."""

    def __init__(self, rows: Rows, separator: str) -> None:
        super().__init__()
        blocks = (block.data.tobytes() for block in lines_of(rows.path, rows.broken).blocks())
        self._parts = whole(rows.broken, blocks)
        self._double = separator == "::"
        self._rest = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while size < 0 or len(self._rest) < size:
            part = next(self._parts, None)
            if part is None:
                break
            self._rest += part.replace(b"::", _UNIT.encode()) if self._double else part
        size = len(self._rest) if size < 0 else size
        found, self._rest = self._rest[:size], self._rest[size:]
        return found


def whole(broken: Broken, parts: Iterator[Any]) -> Iterator[Any]:
    """The parts of a file up to where it is damaged, which is told."""
    try:
        yield from parts
    except (BadData, BadFile) as error:
        broken.file = str(error)


def _texts(column: pa.Array) -> pa.Array:
    try:
        return column.cast(pa.large_string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.array([_json_text(each) for each in column.to_pylist()], pa.large_string())


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else "list" if isinstance(value, list) else "object"


def _json_text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "replace").decode()
