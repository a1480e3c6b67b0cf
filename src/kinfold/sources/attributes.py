"""What is known of things by name: a table's columns beside the one that names them."""

from __future__ import annotations

import os
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from kinfold.core.columns import one_array
from kinfold.core.errors import BadData, UnknownName, did_you_mean
from kinfold.core.files import existing
from kinfold.core.keys import Keys
from kinfold.core.space import RESERVED, Space
from kinfold.sources.tables import FileTable, frame_table


def read(source: Any, key: str | None = None, *, encoding: str = "utf-8") -> tuple[Keys, pa.Table]:
    """Names, and their attributes, a line a name.

    Args:
        source: A table's path (.csv, .tsv, .parquet, .jsonl, .ndjson, or other lines of fields) or a frame.
        key: Column of the names, each once; the first by default. A number where the lines have no header: their
            columns are called 1, 2, 3 ….
        encoding: Of the file.

    Raises:
        BadFile: The file is missing or cannot be read.
        BadData: A name is missing or stands twice.
        UnknownName: There is no such column.
    """
    if isinstance(source, str | os.PathLike):
        header = key is None or not key.isdecimal()
        table = FileTable(existing(source), "strict", header=header, encoding=encoding).others()
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


def of(things: Keys, keys: Keys, table: pa.Table) -> pa.Table:
    """The lines of some things, in their order; null for those without one.

    Raises:
        BadData: None of the names is one of the things.
    """
    places = keys.rows(things.names)
    if not (places >= 0).any():
        example, wanted = (", ".join(list(each)[:3]) for each in (keys, things))
        group = next(iter(things.groups), "")
        raise BadData(f"no key of the group '{group}' ({wanted} …) is among the names of the table ({example} …).")
    return table.take(pa.array(places, pa.int64(), mask=places < 0))


def beside(space: Space, group: str, keys: Keys, table: pa.Table, *, over: bool = False) -> Space:
    """The Space with attributes of one of its groups; keys without a line, and other groups, have none (null).

    Args:
        space: Of the keys.
        group: Whose attributes they are.
        keys: Names of the lines.
        table: Attributes; one whose name is taken gets another: `name_`.
        over: Whether they are laid over attributes of the same names and types that are there.

    Raises:
        BadData: None of the names is a key of the group.
    """
    rows = space.keys.range_of(group)
    found = of(space.keys.group(group), keys, table)
    for name in table.column_names:
        column = found[name].combine_chunks()
        parts = [pa.nulls(rows.start, column.type), column, pa.nulls(len(space) - rows.stop, column.type)]
        values, own = pa.concat_arrays(parts), space.table.column_names if space.table is not None else ()
        if over and name in own and space.attribute(name).type == values.type:
            space = space.with_attribute(name, pc.coalesce(values, one_array(space.attribute(name))))
            continue
        space = space.with_attribute(f"{name}_" if name in (*RESERVED, *own) else name, values)
    return space
