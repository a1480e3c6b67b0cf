"""A column of texts: of a table in a file, read by DuckDB, or of a data frame."""

from __future__ import annotations

import codecs
import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from kinfold.core.errors import BadData, BadOption, UnknownName, did_you_mean
from kinfold.core.shapes import Block
from kinfold.core.streams import bare_name, open_bytes
from kinfold.sources.lines import not_utf8, refuse_other
from kinfold.sources.strings import ArrowTexts, Lists, text_blocks

_TABLES = (".jsonl", ".ndjson", ".csv", ".tsv", ".parquet")
_FRAMES = ("pandas", "polars", "pyarrow", "modin", "cudf", "narwhals")
_OWN_COMPRESSION = (".gz", ".zst")  # what DuckDB opens by itself
_CHUNK = 1 << 20
_BATCH = 8192
_LONGEST = 256 << 20


def is_table(path: Path) -> bool:
    """Whether a file's name says that it is a table."""
    return bare_name(path).lower().endswith(_TABLES)


class FileColumn:
    """The texts of one column of a .jsonl, .ndjson, .csv, .tsv or .parquet file; a missing one is empty.

    Args:
        path: Of the file; all but Parquet may be compressed.
        column: Its name.
        bad_bytes: `replace`, `ignore` or `strict`.

    Raises:
        BadOption: No column was named.
        UnknownName: The table has no such column.
        BadData: It cannot be read, or the column does not hold text.
    """

    size = None

    def __init__(self, path: Path, column: str | None, bad_bytes: str) -> None:
        self.path = path
        self._bad_bytes = bad_bytes
        self._kind = next(kind for kind in _TABLES if bare_name(path).lower().endswith(kind))
        with self._opened() as (connection, source):
            columns = dict(row[:2] for row in self._run(connection, f"DESCRIBE SELECT * FROM {source}").fetchall())
        if column is None:
            raise BadOption(f"{path}: is a table; name the column that holds the text. It has: {', '.join(columns)}.")
        if column not in columns:
            raise UnknownName(
                f"{path}: has no column '{column}'.{did_you_mean(column, columns)} It has: {', '.join(columns)}."
            )
        self._column = column
        self._type = self._read_as(columns[column])

    def blocks(self) -> Iterator[Block]:
        """The texts, some megabytes at a time.

        Raises:
            BadData: The table is damaged.
        """
        for array in self._arrays():
            yield from text_blocks(array)

    def __iter__(self) -> Iterator[str]:
        for array in self._arrays():
            yield from (text or "" for text in array.to_pylist())

    def others(self) -> pa.Table:
        """All other columns of the table, a line a text; numbers in a .csv or .tsv are numbers.

        Raises:
            BadData: The table is damaged.
        """
        import duckdb

        with self._opened() as (connection, source):
            relation = self._run(connection, f"SELECT * EXCLUDE {_name(self._column)} FROM {source}")
            try:
                table = relation.to_arrow_table()
            except (duckdb.Error, pa.ArrowException) as error:
                raise self._damaged(error) from error
        texts = self._kind in (".csv", ".tsv")
        return pa.table({name: typed(table[name]) if texts else table[name] for name in table.column_names})

    def _arrays(self) -> Iterator[pa.Array]:
        import duckdb

        with self._opened(self._column) as (connection, source):
            column = f"CAST({_name(self._column)} AS {self._type})"
            relation = self._run(connection, f"SELECT {column} FROM {source}")
            # Older versions call it by another name.
            reader = getattr(relation, "to_arrow_reader", None) or relation.fetch_arrow_reader
            try:
                for batch in reader(_BATCH):
                    yield batch.column(0)
            except (duckdb.Error, pa.ArrowException) as error:
                raise self._damaged(error) from error

    def _run(self, connection: Any, query: str) -> Any:
        import duckdb

        try:
            return connection.sql(query)
        except duckdb.Error as error:
            raise self._damaged(error) from error

    def _read_as(self, kind: str) -> str:
        """The type as which a column of some type is read.

        Raises:
            BadData: It does not hold what is wanted.
        """
        if kind not in ("VARCHAR", "JSON"):
            raise BadData(f"{self.path}: the column '{self._column}' is {kind}, not text; name another one.")
        return "VARCHAR"

    def _damaged(self, error: Exception) -> BadData:
        return BadData(f"{self.path}: cannot be read as {self._kind[1:]} ({str(error).splitlines()[0]}).")

    @contextlib.contextmanager
    def _opened(self, column: str | None = None) -> Iterator[tuple[Any, str]]:
        """A connection, and the table as SQL has it."""
        import duckdb

        with duckdb.connect() as connection, self._readable() as path:
            connection.execute("SET enable_progress_bar = false")
            place = _quoted(path)
            if self._kind == ".parquet":
                yield connection, f"read_parquet({place})"
            elif self._kind in (".csv", ".tsv"):
                tab = ", delim = '\t'" if self._kind == ".tsv" else ""
                yield (
                    connection,
                    f"read_csv({place}, header = true, all_varchar = true, max_line_size = {_LONGEST}{tab})",
                )
            else:
                # One type for all rows, so that a number among the texts does not turn them to JSON.
                wanted = "" if column is None else f", columns = {{{_name(column)}: '{self._type}'}}"
                yield (
                    connection,
                    f"read_json({place}, format = 'newline_delimited', maximum_object_size = {_LONGEST}{wanted})",
                )

    @contextlib.contextmanager
    def _readable(self) -> Iterator[Path]:
        """The file as DuckDB can read it: itself, or a copy without compression and bad bytes while it is needed."""
        ending = self.path.suffix.lower()
        if self._kind == ".parquet" or (ending in (self._kind, *_OWN_COMPRESSION) and self._is_utf8()):
            yield self.path
            return
        with tempfile.NamedTemporaryFile(prefix="kinfold.", suffix=self._kind) as copy, open_bytes(self.path) as file:
            decoder = codecs.getincrementaldecoder("utf-8")(self._bad_bytes)
            for chunk in _chunks(file):
                copy.write(decoder.decode(chunk).encode())
            copy.write(decoder.decode(b"", True).encode())
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
                        raise not_utf8(self.path, error.object[error.start], place + at, line) from error
                    return False
                place += len(chunk)
                lines += chunk.count(b"\n")
        if not decoder.getstate()[0]:
            return True
        if self._bad_bytes == "strict":
            raise not_utf8(self.path, decoder.getstate()[0][0], place - len(decoder.getstate()[0]), lines + 1)
        return False


def of_frame(source: Any, column: str | None) -> ArrowTexts | Lists | None:
    """The texts, or lists of tokens, of a series or of a frame's column; None where the source is neither.

    Raises:
        BadOption: A frame needs a column.
        UnknownName: It has no such column.
        BadData: The column holds neither texts nor lists of tokens.
    """
    if type(source).__module__.partition(".")[0] not in _FRAMES:
        return None
    import narwhals as nw

    if isinstance(source, pa.Array):
        source = pa.chunked_array([source])
    native = nw.from_native(source, allow_series=True, pass_through=True)
    if isinstance(native, nw.LazyFrame):
        native = native.select(column).collect() if column in native.collect_schema().names() else native.collect()
    if isinstance(native, nw.DataFrame):
        if column is None:
            raise BadOption(f"a frame needs the name of the column that holds the text: {', '.join(native.columns)}.")
        if column not in native.columns:
            raise UnknownName(
                f"the frame has no column '{column}'.{did_you_mean(column, native.columns)} "
                f"It has: {', '.join(native.columns)}."
            )
        native = native.get_column(column)
    if not isinstance(native, nw.Series):
        return None
    try:
        array = native.to_arrow()
    except (pa.ArrowException, TypeError) as error:
        raise BadData(
            f"the series '{native.name}' does not hold texts only ({error}); map str over it first."
        ) from error
    chunked = array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])
    kind = chunked.type.value_type if pa.types.is_dictionary(chunked.type) else chunked.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return Lists(chunked.to_pylist())
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    if not text and chunked.null_count < len(chunked):
        raise BadData(f"the series '{native.name}' is {kind}; texts are strings. Map str over it first.")
    return ArrowTexts(chunked.cast(pa.large_string()))


def frame_table(source: Any) -> pa.Table | None:
    """A data frame as an Arrow table; None where the source is none."""
    if type(source).__module__.partition(".")[0] not in _FRAMES:
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
