"""Parquet files: a column of keys, a column of vectors, a column `group` where there is one; the others are attributes.

What Kinfold writes also has the card, so that nothing of a Space is lost. Of other files, the key is the column that is
called so, or `word`, `token`, `text`, `id` … or the only one of strings; the vector is the one called so, or
`embedding`, `embeddings`, or the only one of lists of numbers; without any, all columns of floating-point numbers are
coordinates. Rows without a key or with a vector of another length are refused (unless `on_bad="skip"`); rows with NaN
or infinity, and keys seen before in their group, are left out and counted.

Source: https://parquet.apache.org; read and written by Apache Arrow.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from kinfold.core.arrow import metadata_of
from kinfold.core.columns import to_arrow
from kinfold.core.errors import BadData, KinfoldError, did_you_mean
from kinfold.core.files import existing, whole_file
from kinfold.core.space import Space, group_column
from kinfold.io.batches import BatchGatherer, Columns
from kinfold.io.format import Format, check_choice, refuse_packed

NAME = "parquet"

_KEYS = ("key", "word", "token", "text", "id", "name", "title", "label", "__index_level_0__")
_VECTORS = ("vector", "embedding", "embeddings", "vectors")
_BATCH_BYTES = 8 << 20


def read(
    path: str | os.PathLike[str],
    *,
    key: str | None = None,
    vector: str | None = None,
    on_bad: str = "raise",
    group: str = "row",
) -> Space:
    """A Space from the file, read some megabytes at a time.

    Args:
        path: The file.
        key: The column of keys; by default a usual name, or the only column of strings.
        vector: The column of vectors; by default a usual name, or the only column of lists of numbers.
        on_bad: Rows without a key or with a vector of another length: "raise" or "skip".
        group: What the rows are called, where no column `group` says it.

    Raises:
        BadFile: Nothing is there, or it cannot be read.
        BadData: No such file, a damaged one, or no column says which keys or vectors are meant.
        BadOption: The name says that it is compressed.
    """
    import pyarrow.parquet as pq

    check_choice("on_bad", on_bad, ("raise", "skip"))
    refuse_packed(path)
    path = existing(path)
    try:
        with pq.ParquetFile(path, memory_map=True, pre_buffer=False) as file:
            columns = _columns(path, file.schema_arrow, key, vector)
            gatherer = BatchGatherer(path, NAME, columns, on_bad=on_bad, declared=file.metadata.num_rows)
            for batch in _batches(file):
                gatherer.add(batch)
            metadata = file.schema_arrow.metadata or {}
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if isinstance(error, KinfoldError):
            raise
        raise BadData(f"{path}: not a Parquet file, or a damaged one ({str(error).splitlines()[0]}).") from error
    return gatherer.finish(
        group, {name.decode(errors="replace"): text.decode(errors="replace") for name, text in metadata.items()}
    )


def write(space: Space, path: str | os.PathLike[str], *, group: str | None = None) -> None:
    """Writes all groups, or one, with the attributes and the card; some megabytes at a time.

    Args:
        space: What to write.
        path: The file.
        group: The group to write, all where none is named.

    Raises:
        BadFile: It cannot be written.
        UnknownName: There is no such group.
        BadOption: The name says that it is to be compressed.
    """
    import pyarrow.parquet as pq

    refuse_packed(path)
    space = space if group is None else space.group(group)
    kind = pa.list_(pa.from_numpy_dtype(space.rows.precision), space.dim)
    columns: dict[str, Any] = {"key": space.keys.names, "group": group_column(space.keys)}
    attributes = {name: space.attribute(name) for name in (space.table.column_names if space.table is not None else ())}
    fields = [pa.field(name, column.type) for name, column in (columns | attributes).items()]
    fields.insert(2, pa.field("vector", kind))
    schema = pa.schema(fields, metadata=metadata_of(space))
    named = [name for name in schema.names if name != "vector"]
    with (
        whole_file(path) as temporary,
        # Coordinates neither repeat nor shrink; looking for it takes the time that reading them again would.
        pq.ParquetWriter(
            temporary,
            schema,
            compression=dict.fromkeys(named, "zstd"),
            use_dictionary=named,
            write_statistics=named,
        ) as writer,
    ):
        size = max(1, _BATCH_BYTES // max(1, 4 * space.dim))
        for start in range(0, len(space), size):
            block = np.ascontiguousarray(space.rows.values[start : start + size])
            parts = {name: column.slice(start, size) for name, column in (columns | attributes).items()}
            parts["vector"] = pa.FixedSizeListArray.from_arrays(to_arrow(block.reshape(-1)), type=kind)
            writer.write_table(pa.table([parts[name] for name in schema.names], schema=schema))


def recognizes(path: Path, head: bytes) -> bool:
    """The magic bytes of a Parquet file."""
    return head.startswith(b"PAR1")


FORMAT = Format(read, write, recognizes, (".parquet", ".pq"), keeps="all")


def _columns(path: Path, schema: pa.Schema, key: str | None, vector: str | None) -> Columns:
    """Which column is what.

    Raises:
        BadData: One that was asked for is not there, or nothing says which one is meant.
    """
    kinds = {name: schema.field(name).type for name in schema.names if schema.names.count(name) == 1}
    held = ", ".join(f"'{name}' ({kind})" for name, kind in list(kinds.items())[:20])
    for asked in (key, vector):
        if asked is not None and asked not in kinds:
            raise BadData(f"{path}: has no column '{asked}'.{did_you_mean(asked, kinds)} It has: {held}.")
    lists = [name for name, kind in kinds.items() if _holds_vectors(kind) and name != key]
    vectors = [vector] if vector is not None else [name for name in _VECTORS if name in lists][:1] or lists
    if len(vectors) > 1 or (vector is not None and vector not in lists):
        raise BadData(
            f'{path}: say with vector="…" which column of lists of numbers holds the vectors. It has: {held}.'
        )
    vectors = vectors or [name for name, kind in kinds.items() if pa.types.is_floating(kind) and name != key]
    if not vectors:
        raise BadData(f"{path}: has neither a column of lists of numbers nor columns of them. It has: {held}.")
    texts = [name for name, kind in kinds.items() if _holds_text(kind)]
    usual = [name for name in _KEYS if name in kinds and name not in vectors]
    keys = [key] if key is not None else usual[:1] or [name for name in texts if name != "group"]
    if len(keys) != 1:
        raise BadData(f'{path}: say with key="…" which column holds the keys. It has: {held}.')
    group = "group" if "group" in texts and keys != ["group"] else None
    own = {keys[0], *vectors, group}
    # A Space's own file that another library made Parquet of.
    own |= {"norm"} if {"key", "group", "vector", "norm"} <= set(kinds) else set()
    return Columns(keys[0], vectors, group, [name for name in kinds if name not in own])


def _holds_vectors(kind: pa.DataType) -> bool:
    lists = bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))
    return lists and bool(pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type))


def _holds_text(kind: pa.DataType) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _batches(file: Any) -> Iterator[pa.RecordBatch]:
    """Some megabytes at a time, by what the file says of its size."""
    held = file.metadata
    total = sum(held.row_group(place).total_byte_size for place in range(held.num_row_groups))
    if not held.num_rows:
        # Its types may still say how long a vector is.
        yield pa.record_batch([pa.array([], field.type) for field in file.schema_arrow], schema=file.schema_arrow)
    rows = _BATCH_BYTES * max(1, held.num_rows) // max(1, total)
    yield from file.iter_batches(batch_size=min(max(1, rows), 65_536))
