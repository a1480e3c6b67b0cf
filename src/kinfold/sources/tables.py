"""Tables in files, read by DuckDB, and data frames."""

from __future__ import annotations

import codecs
import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from kinfold.core.errors import BadData, BadOption, UnknownName, did_you_mean
from kinfold.core.streams import bare_name, open_bytes
from kinfold.sources.lines import Lines, not_utf8, refuse_other

_TABLES = (".jsonl", ".ndjson", ".csv", ".tsv", ".parquet")
_LINES = ".txt"  # lines of fields whose separator is found out
_DOUBLE = "::"  # the separator of MovieLens
FRAMES = ("pandas", "polars", "pyarrow", "modin", "cudf", "narwhals")
_OTHER = "latin-1, cp1252"  # encodings of old tables
_OWN_COMPRESSION = (".gz", ".zst")  # what DuckDB opens by itself
_CHUNK = 1 << 20
_BATCH = 8192
_LONGEST = 256 << 20


def is_table(path: Path) -> bool:
    """Whether a file's name says that it is a table."""
    return bare_name(path).lower().endswith(_TABLES)


class FileTable:
    """Some columns of a .jsonl, .ndjson, .csv, .tsv or .parquet file, or of other lines of fields, read by DuckDB.

    Args:
        path: Of the file; all but Parquet may be compressed.
        bad_bytes: `replace`, `ignore` or `strict`.
        header: Whether the first line of fields names them; they are called 1, 2, 3 … where it does not.
        encoding: Of a file of text; utf-8 where none can be named.
        ragged: Whether a line of fields that ends too early has none (null) in the rest, and is not refused.

    Raises:
        BadData: It cannot be read.
        BadOption: There is no such encoding.
    """

    def __init__(
        self, path: Path, bad_bytes: str, *, header: bool = True, encoding: str | None = None, ragged: bool = False
    ) -> None:
        self.path = path
        self._bad_bytes, self._header, self._ragged = bad_bytes, header, ragged
        self._way = {} if encoding is None else {"way": f"pass the encoding that it has: {_OTHER}"}
        try:
            self._encoding = codecs.lookup(encoding or "utf-8").name
        except LookupError as error:
            raise BadOption(f"encoding is '{encoding}', which is none; try utf-8, {_OTHER}.") from error
        self._kind = next((kind for kind in _TABLES if bare_name(path).lower().endswith(kind)), _LINES)
        with self._opened() as (connection, source):
            described = self._run(connection, f"DESCRIBE SELECT * FROM {source}").fetchall()
        self._types = {str(row[0]): str(row[1]) for row in described}

    @property
    def columns(self) -> list[str]:
        """The names of all columns."""
        return list(self._types)

    def check(self, column: str) -> None:
        """Does nothing where there is a column of this name.

        Raises:
            UnknownName: There is none.
        """
        if column not in self._types:
            raise UnknownName(
                f"{self.path}: has no column '{column}'.{did_you_mean(column, self._types)} "
                f"It has: {', '.join(self._types)}."
            )

    def batches(self, columns: Mapping[str, str]) -> Iterator[pa.RecordBatch]:
        """Some columns, each read as an SQL type, some thousand rows at a time.

        Raises:
            BadData: The table is damaged.
        """
        import duckdb

        with self._opened(columns) as (connection, source):
            wanted = ", ".join(f"CAST({_name(column)} AS {kind})" for column, kind in columns.items())
            relation = self._run(connection, f"SELECT {wanted} FROM {source}")
            # Older versions call it by another name.
            reader = getattr(relation, "to_arrow_reader", None) or relation.fetch_arrow_reader
            try:
                yield from reader(_BATCH)
            except (duckdb.Error, pa.ArrowException) as error:
                raise self._damaged(error) from error

    def others(self, *columns: str) -> pa.Table:
        """All other columns of the table; numbers in a .csv or .tsv are numbers.

        Raises:
            BadData: The table is damaged.
        """
        import duckdb

        with self._opened() as (connection, source):
            names = ", ".join(_name(column) for column in columns)
            wanted = f"* EXCLUDE ({names})" if names else "*"
            relation = self._run(connection, f"SELECT {wanted} FROM {source}")
            try:
                table = relation.to_arrow_table()
            except (duckdb.Error, pa.ArrowException) as error:
                raise self._damaged(error) from error
        texts = self._kind not in (".parquet", ".jsonl", ".ndjson")
        return pa.table({name: typed(table[name]) if texts else table[name] for name in table.column_names})

    def _run(self, connection: Any, query: str) -> Any:
        import duckdb

        try:
            return connection.sql(query)
        except duckdb.Error as error:
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> BadData:
        return BadData(f"{self.path}: cannot be read as {self._kind[1:]} ({str(error).splitlines()[0]}).")

    @contextlib.contextmanager
    def _opened(self, columns: Mapping[str, str] | None = None) -> Iterator[tuple[Any, str]]:
        """A connection, and the table as SQL has it."""
        import duckdb

        with duckdb.connect() as connection, self._readable() as path:
            connection.execute("SET enable_progress_bar = false")
            place = _quoted(path)
            if self._kind == ".parquet":
                yield connection, f"read_parquet({place})"
            elif self._kind in (".csv", ".tsv", _LINES):
                yield connection, self._fields(connection, place)
            else:
                # One type for all rows, so that a number among the texts does not turn them to JSON.
                pairs = ", ".join(f"{_name(column)}: '{kind}'" for column, kind in (columns or {}).items())
                wanted = f", columns = {{{pairs}}}" if pairs else ""
                yield (
                    connection,
                    f"read_json({place}, format = 'newline_delimited', maximum_object_size = {_LONGEST}{wanted})",
                )

    def _fields(self, connection: Any, place: str) -> str:
        """A file of lines of fields, as SQL has it."""
        how = f"all_varchar = true, max_line_size = {_LONGEST}"
        if self._ragged:
            how += ", null_padding = true"
        if self._kind == ".tsv":
            how += ", delim = '\t'"
        elif self._kind == _LINES and _DOUBLE in next(iter(Lines(self.path, "replace")), ""):
            how += f", delim = '{_DOUBLE}'"
        if self._header:
            return f"read_csv({place}, header = true, {how})"
        found = self._run(connection, f"DESCRIBE SELECT * FROM read_csv({place}, header = false, {how})").fetchall()
        names = ", ".join(f"'{number}'" for number in range(1, len(found) + 1))
        return f"read_csv({place}, header = false, names = [{names}], {how})"

    @contextlib.contextmanager
    def _readable(self) -> Iterator[Path]:
        """The file as DuckDB can read it: itself, or a copy without compression and bad bytes while it is needed."""
        ending = self.path.suffix.lower()
        plain = self._encoding == "utf-8"
        if self._kind == ".parquet" or (plain and ending in (self._kind, *_OWN_COMPRESSION) and self._is_utf8()):
            yield self.path
            return
        with tempfile.NamedTemporaryFile(prefix="kinfold.", suffix=self._kind) as copy, open_bytes(self.path) as file:
            decoder = codecs.getincrementaldecoder(self._encoding)(self._bad_bytes)
            try:
                for chunk in _chunks(file):
                    copy.write(decoder.decode(chunk).encode())
                copy.write(decoder.decode(b"", True).encode())
            except UnicodeDecodeError as error:
                raise BadData(
                    f"{self.path}: is not {self._encoding}; name the encoding that it has: {_OTHER}."
                ) from error
            copy.flush()
            yield Path(copy.name)

    def _is_utf8(self) -> bool:
        decoder = codecs.getincrementaldecoder("utf-8")()
        place = lines = 0
        with open_bytes(self.path) as file:
            for chunk in _chunks(file):
                if place == 0:
                    refuse_other(self.path, chunk)
                pending = len(decoder.getstate()[0])
                try:
                    decoder.decode(chunk)
                except UnicodeDecodeError as error:
                    if self._bad_bytes == "strict":
                        at = error.start - pending
                        line = lines + chunk.count(b"\n", 0, max(at, 0)) + 1
                        raise not_utf8(self.path, error.object[error.start], place + at, line, **self._way) from error
                    return False
                place += len(chunk)
                lines += chunk.count(b"\n")
        if not decoder.getstate()[0]:
            return True
        if self._bad_bytes == "strict":
            held = decoder.getstate()[0]
            raise not_utf8(self.path, held[0], place - len(held), lines + 1, **self._way)
        return False


def frame_table(source: Any) -> pa.Table | None:
    """A data frame as an Arrow table; None where the source is none."""
    if type(source).__module__.partition(".")[0] not in FRAMES:
        return None
    import narwhals as nw

    native = nw.from_native(source, allow_series=True, pass_through=True)
    if isinstance(native, nw.LazyFrame):
        native = native.collect()
    return native.to_arrow() if isinstance(native, nw.DataFrame) else None


def typed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of strings as whole or decimal numbers, where all that it holds are such."""
    for kind in (pa.int64(), pa.float64()):
        with contextlib.suppress(pa.ArrowInvalid):
            return column.cast(kind)
    return column


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk


def _quoted(path: Path) -> str:
    # DuckDB takes * ? [ in a name for a pattern.
    plain = "".join(f"[{each}]" if each in "*?[" else each for each in str(path.absolute()))
    return "'" + plain.replace("'", "''") + "'"


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'
