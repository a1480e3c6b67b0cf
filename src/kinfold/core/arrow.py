"""A Space on disk: one Arrow IPC file, opened by memory map.

Columns: `key` (large_string), `group` (dictionary), `vector` (fixed-size list of float32 or float16),
`norm` (float32, so that a first cosine search reads the rows once), then the attributes. The card, the metric
and a format number are JSON in the schema's metadata. One record batch, so that the rows are one matrix.

Rows that are product codes have them as `vector` (fixed-size list of uint8), with `vector_norm` (uint8) and
`vector_exact` (list of float32; null for rows that the codes tell) where there are such; the codebooks are in the
schema's metadata, base64 of float32.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from kinfold.core.card import Card
from kinfold.core.codes import Codes, codebooks_text, columns_of, restored
from kinfold.core.columns import one_array, to_arrow, to_numpy
from kinfold.core.errors import BadData, BadFile
from kinfold.core.files import existing, whole_file
from kinfold.core.keys import Keys
from kinfold.core.metric import Metric
from kinfold.core.rows import Rows

if TYPE_CHECKING:
    from kinfold.core.space import Space

FORMAT = 1
_OWN = ("key", "group", "vector", "norm", "vector_norm", "vector_exact")


def save_space(space: Space, path: str | os.PathLike[str]) -> None:
    """Writes the file, whole or not at all."""
    from kinfold.core.space import group_column

    values = space.rows.values
    columns: dict[str, Any] = {
        "key": space.keys.names,
        "group": group_column(space.keys),
        "vector": _lists(values.codes if isinstance(values, Codes) else values),
        "norm": to_arrow(space.rows.norms),
    }
    metadata = metadata_of(space)
    if isinstance(values, Codes):
        columns.update(columns_of(values))
        metadata["kinfold.codes"] = codebooks_text(values)
    for name in space.table.column_names if space.table is not None else ():
        assert space.table is not None
        columns[name] = space.table[name]
    batch = pa.RecordBatch.from_arrays(
        [one_array(column) for column in columns.values()],
        schema=pa.schema([pa.field(name, column.type) for name, column in columns.items()], metadata=metadata),
    )
    with (
        whole_file(path) as temporary,
        pa.OSFile(str(temporary), "wb") as sink,
        pa.ipc.new_file(sink, batch.schema) as writer,
    ):
        writer.write_batch(batch)


def metadata_of(space: Space) -> dict[str, str]:
    """What a schema says of a Space beside its columns."""
    return {
        "kinfold.format": str(FORMAT),
        "kinfold.metric": space.metric.value,
        "kinfold.groups": "\n".join(space.groups),
        "kinfold.card": space.card.to_json(),
    }


def open_space(path: str | os.PathLike[str]) -> Space:
    """Opens the file by memory map.

    Raises:
        BadFile: It is missing or cannot be read.
        BadData: It is not a Space's file, or a damaged one.
    """
    found = existing(path)
    if found.is_dir():
        raise BadFile(f"{found}: is a folder, not the Arrow file of a Space.")
    try:
        table = pa.ipc.open_file(pa.memory_map(str(found))).read_all()
        names = table.column_names
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise BadData(
            f"{found}: not the Arrow file of a Space ({str(error).splitlines()[0]}). "
            "`kinfold convert` reads other formats."
        ) from error
    metadata = {
        key.decode(errors="replace"): value.decode(errors="replace")
        for key, value in (table.schema.metadata or {}).items()
    }
    if "kinfold.card" not in metadata or "key" not in names or "vector" not in names:
        raise BadData(
            f"{found}: an Arrow file, but not of a Space: its schema has no card, or no key and vector columns."
        )
    if not metadata.get("kinfold.format", "").isdecimal() or int(metadata["kinfold.format"]) > FORMAT:
        raise BadData(
            f"{found}: written by a newer Kinfold (format {metadata.get('kinfold.format')}); update this one."
        )
    try:
        return _space(table, metadata)
    except (pa.ArrowException, ValueError, KeyError) as error:
        raise BadData(f"{found}: {error}") from error


def _space(table: pa.Table, metadata: dict[str, str]) -> Space:
    """The Space of a table, once nothing in it would be read beyond its end."""
    from kinfold.core.space import Space

    table.validate()
    # Arrow trusts offsets and codes, so they are read through; coordinates have none.
    table.drop_columns("vector").validate(full=True)
    if table.column("key").null_count:
        raise BadData("the column 'key' has missing values; every row needs a name.")
    if table.column("vector").num_chunks != 1:
        table = table.combine_chunks()
    values: np.ndarray | Codes = _matrix(table.column("vector"), coded="kinfold.codes" in metadata)
    if isinstance(values, np.ndarray) and values.dtype == np.uint8:
        beside = {name: one_array(table.column(name)) for name in _OWN if name in table.column_names}
        values = restored(values, beside, metadata["kinfold.codes"])
    norms = _norms(table.column("norm")) if "norm" in table.column_names else None
    attributes = table.drop_columns([name for name in _OWN if name in table.column_names])
    return Space(
        Keys.trusted(one_array(table.column("key")).cast(pa.large_string()), _groups(table, metadata)),
        Rows(values, norms),
        Metric(metadata.get("kinfold.metric", "cosine")),
        Card.from_json(metadata["kinfold.card"]),
        attributes.replace_schema_metadata(None) if attributes.num_columns else None,
    )


def _groups(table: pa.Table, metadata: dict[str, str]) -> dict[str, int] | str:
    if "group" not in table.column_names:
        return "row"
    column = one_array(table.column("group"))
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    if column.null_count or column.dictionary.null_count:
        raise BadData("the column 'group' has missing values; every row is of a group.")
    codes = to_numpy(column.indices)
    names = column.dictionary.to_pylist()
    starts = np.flatnonzero(np.diff(codes, prepend=codes[:1] - 1)) if len(codes) else np.zeros(0, np.int64)
    sizes = np.diff(starts, append=len(codes))
    if len(set(codes[starts].tolist())) < len(starts):
        raise BadData("the rows of a group do not stand together.")
    found = {names[code]: int(size) for code, size in zip(codes[starts], sizes, strict=True)}
    # The schema also names groups without a row, in order.
    declared = metadata.get("kinfold.groups")
    return {name: found.get(name, 0) for name in declared.split("\n")} if declared else found


def _lists(values: np.ndarray) -> pa.FixedSizeListArray:
    return (
        pa.FixedSizeListArray.from_arrays(
            to_arrow(values.reshape(-1)), type=pa.list_(pa.from_numpy_dtype(values.dtype), values.shape[1])
        )
        if values.size
        else pa.array([[]] * len(values), pa.list_(pa.from_numpy_dtype(values.dtype), values.shape[1]))
    )


def _matrix(column: pa.ChunkedArray, coded: bool) -> np.ndarray:
    kind = column.type
    kinds = (pa.uint8(),) if coded else (pa.float32(), pa.float16())
    if not pa.types.is_fixed_size_list(kind) or kind.value_type not in kinds:
        raise BadData(
            f"the column 'vector' is {kind}; a Space has a fixed-size list of float32 or float16, "
            "or of uint8 with codebooks in the schema's metadata."
        )
    array = one_array(column)
    if array.null_count or array.flatten().null_count:
        raise BadData("the column 'vector' has missing values; every row needs all of its coordinates.")
    return to_numpy(array.flatten()).reshape(len(array), kind.list_size)


def _norms(column: pa.ChunkedArray) -> np.ndarray:
    if column.type != pa.float32() or column.null_count:
        raise BadData(f"the column 'norm' is {column.type}, or has missing values; it is float32, one a row.")
    return to_numpy(one_array(column))
