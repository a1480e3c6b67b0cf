"""What is known of things by name: a table's columns beside the one that names them."""

from __future__ import annotations

import dataclasses
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
        keys = Keys(pc.utf8_trim_whitespace(table[key].cast(pa.large_string())))
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
    """The Space with attributes of one of its groups; keys without a line have none (null).

    Args:
        space: Of the keys.
        group: Whose attributes they are.
        keys: Names of the lines.
        table: Attributes. One that other groups have, too, is the same attribute where both are of one type; else it
            is called `item_name`, and the card says so: `histories.known` gives it back by its own name.
        over: Whether they are laid over what the group has by the same names.

    Raises:
        BadData: None of the names is a key of the group.
    """
    home = space.keys.range_of(group)
    found = of(space.keys.group(group), keys, table)
    called: dict[str, str] = dict(space.card.data.get("attributes", {}).get(group, {}))
    for name in table.column_names:
        column = found[name].combine_chunks()
        parts = [pa.nulls(home.start, column.type), column, pa.nulls(len(space) - home.stop, column.type)]
        values = pa.concat_arrays(parts)
        there = _attribute(space, called.get(name, name))
        if there is not None:
            free = there[home.start : home.stop].null_count == len(home)
            if over and not free:
                there, values = _alike(there, values)
            elif name in called or not free or there.type != values.type:
                called[name] = f"{group}_{name}"
                there = None
            if there is not None:
                values = pc.coalesce(values, there)
        elif name in RESERVED:
            called[name] = f"{group}_{name}"
        space = space.with_attribute(called.get(name, name), values)
    if not called:
        return space
    data = {**space.card.data, "attributes": {**space.card.data.get("attributes", {}), group: called}}
    return dataclasses.replace(space, card=dataclasses.replace(space.card, data=data))


def _attribute(space: Space, name: str) -> pa.Array | None:
    if space.table is None or name not in space.table.column_names:
        return None
    return one_array(space.attribute(name))


def _alike(one: pa.Array, other: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Both as one type: numbers of two kinds as float64, all else that differs as strings."""
    if one.type == other.type:
        return one, other
    numbers = all(pa.types.is_integer(each.type) or pa.types.is_floating(each.type) for each in (one, other))
    kind = pa.float64() if numbers else pa.string()
    return one.cast(kind), other.cast(kind)
