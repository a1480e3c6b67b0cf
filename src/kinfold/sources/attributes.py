"""What is known of things by name: a table's columns beside the one that names them."""

from __future__ import annotations

import os
from typing import Any

import pyarrow as pa

from kinfold.core.errors import BadData, UnknownName, did_you_mean
from kinfold.core.files import existing
from kinfold.core.keys import Keys
from kinfold.core.space import RESERVED, Space
from kinfold.sources.tables import FileTable, frame_table


def read(source: Any, key: str | None = None) -> tuple[Keys, pa.Table]:
    """Names, and their attributes, a line a name.

    Args:
        source: A table's path (.csv, .tsv, .parquet, .jsonl, .ndjson, or other lines of fields with a header) or a
            frame.
        key: Column of the names, each once; the first by default.

    Raises:
        BadFile: The file is missing or cannot be read.
        BadData: A name is missing or stands twice.
        UnknownName: There is no such column.
    """
    if isinstance(source, str | os.PathLike):
        table = FileTable(existing(source), "strict").others()
        place = str(source)
    else:
        frame = frame_table(source)
        if frame is None:
            raise BadData(f"attributes cannot be read from {type(source).__name__}; give a path or a frame.")
        table, place = frame, "the frame"
    key = table.column_names[0] if key is None else key
    if key not in table.column_names:
        near = did_you_mean(key, table.column_names)
        raise UnknownName(f"{place}: has no column '{key}'.{near} It has: {', '.join(table.column_names)}.")
    try:
        keys = Keys(table[key])
    except BadData as error:
        raise BadData(f"{place}, column '{key}': {error}") from error
    return keys, table.drop_columns([key])


def beside(space: Space, group: str, keys: Keys, table: pa.Table) -> Space:
    """The Space with attributes of one of its groups; keys without a line, and other groups, have none (null).

    Raises:
        BadData: None of the names is a key of the group.
    """
    rows = space.keys.range_of(group)
    places = keys.rows(space.keys.group(group).names)
    if not (places >= 0).any():
        example = ", ".join(list(keys)[:3])
        raise BadData(f"no key of the group '{group}' is among the {len(keys):,} names of the table ({example} …).")
    found = pa.array(places, pa.int64(), mask=places < 0)
    for name in table.column_names:
        column = table[name].combine_chunks()
        parts = [pa.nulls(rows.start, column.type), column.take(found), pa.nulls(len(space) - rows.stop, column.type)]
        taken = (*RESERVED, *(space.table.column_names if space.table is not None else ()))
        space = space.with_attribute(f"{name}_" if name in taken else name, pa.concat_arrays(parts))
    return space
