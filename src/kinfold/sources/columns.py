"""A column of texts: of a table in a file, or of a data frame."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from kinfold.core.errors import BadData, BadOption, UnknownName, did_you_mean
from kinfold.core.shapes import Block
from kinfold.sources.strings import ArrowTexts, Lists, text_blocks
from kinfold.sources.tables import FRAMES, FileTable


class FileColumn(FileTable):
    """The texts of one column of a table; a missing one is empty.

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
        super().__init__(path, bad_bytes)
        if column is None:
            raise BadOption(
                f"{path}: is a table; name the column that holds the text. It has: {', '.join(self.columns)}."
            )
        self.check(column)
        self._column = column
        self._type = self._read_as(self._types[column])

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

    def beside(self) -> pa.Table:
        """All other columns of the table, a line a text; numbers in a .csv or .tsv are numbers.

        Raises:
            BadData: The table is damaged.
        """
        return self.others(self._column)

    def _arrays(self) -> Iterator[pa.Array]:
        for batch in self.batches({self._column: self._type}):
            yield batch.column(0)

    def _read_as(self, kind: str) -> str:
        """The type as which a column of some type is read.

        Raises:
            BadData: It does not hold what is wanted.
        """
        if kind not in ("VARCHAR", "JSON"):
            raise BadData(f"{self.path}: the column '{self._column}' is {kind}, not text; name another one.")
        return "VARCHAR"


def of_frame(source: Any, column: str | None) -> ArrowTexts | Lists | None:
    """The texts, or lists of tokens, of a series or of a frame's column; None where the source is neither.

    Raises:
        BadOption: A frame needs a column.
        UnknownName: It has no such column.
        BadData: The column holds neither texts nor lists of tokens.
    """
    if type(source).__module__.partition(".")[0] not in FRAMES:
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
