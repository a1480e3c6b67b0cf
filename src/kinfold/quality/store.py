"""Rows of files in a DuckDB database on disk, so that files larger than memory are asked by SQL."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from kinfold.core.errors import BadFile
from kinfold.quality.fields import Batch

Row = tuple[Any, ...]


class Store:
    """A table of strings for each file, with a column `_place`, the line or row.

    Args:
        folder: Where the database is kept.
    """

    def __init__(self, folder: Path) -> None:
        import duckdb

        self._connection = duckdb.connect(str(folder / "rows.duckdb"))
        self._connection.execute("SET enable_progress_bar = false")
        self._connection.execute(f"SET temp_directory = '{str(folder).replace(chr(39), chr(39) * 2)}'")

    def add(self, table: str, columns: Sequence[str], batches: Iterable[Batch]) -> None:
        """Makes a table of the rows."""
        fields = ", ".join(f"{quoted(name)} VARCHAR" for name in columns)
        self.ask(f"CREATE TABLE {table} (_place BIGINT, {fields})")
        # As one transaction: else each batch is brought to the disk by itself.
        self.ask("BEGIN")
        for batch in batches:
            values = [pa.array(batch.places, pa.int64()), *(batch.columns[name] for name in columns)]
            rows = pa.Table.from_arrays(values, ["_place", *columns])
            self._connection.register("_rows", rows)
            self.ask(f"INSERT INTO {table} SELECT * FROM _rows")
            self._connection.unregister("_rows")
        self.ask("COMMIT")

    def ask(self, query: str) -> list[Row]:
        """The rows that a query gives.

        Raises:
            BadFile: The folder for temporary files is full.
        """
        import duckdb

        try:
            found: list[Row] = self._connection.execute(query).fetchall()
        except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
            told = str(error).splitlines()[0]
            raise BadFile(
                f"{tempfile.gettempdir()}: rows cannot be kept there ({told}). Set TMPDIR to a folder with more room."
            ) from error
        return found

    def one(self, query: str) -> Row:
        """The only row that a query gives."""
        return self.ask(query)[0]

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()


@contextlib.contextmanager
def store() -> Iterator[Store]:
    """A store that is gone when the block ends."""
    with tempfile.TemporaryDirectory(prefix="kinfold.") as folder:
        made = Store(Path(folder))
        try:
            yield made
        finally:
            made.close()


def quoted(column: str) -> str:
    """A name as SQL has it."""
    return '"' + column.replace('"', '""') + '"'


def text(value: object) -> str:
    """A string as SQL has it."""
    return "'" + str(value).replace("'", "''") + "'"
