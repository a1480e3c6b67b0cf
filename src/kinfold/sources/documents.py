"""Texts with names and attributes, as Items: tables, frames, mappings, lines of files, strings."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from kinfold.core.errors import BadData, BadOption, UnknownName, did_you_mean
from kinfold.core.files import existing
from kinfold.core.keys import Keys
from kinfold.core.shapes import Items
from kinfold.core.space import RESERVED
from kinfold.sources.columns import FileColumn, of_frame
from kinfold.sources.tables import frame_table, is_table
from kinfold.sources.text import BadBytes
from kinfold.sources.text import read as read_text

# What learners and encoders of documents call their own attributes.
_TAKEN = (*RESERVED, "count", "context", "weight")


def read(
    source: Any, *, text: str | None = None, key: str | None = None, bad_bytes: BadBytes = "replace"
) -> Items[Any]:
    """Documents as Items: each has a key, and keeps the other columns of its table as attributes.

    Args:
        source: A table's path (.jsonl, .ndjson, .csv, .tsv, .parquet; all but Parquet may be packed) or a frame, each
            with a column `text`; a mapping from keys to texts; or what `sources.text.read` takes: every line of a file,
            and every string, is a document.
        text: Which column holds the texts.
        key: Which column names them, each by another name; they are numbered from 0 where it is left out.
        bad_bytes: What happens to bytes that are not UTF-8: replace, ignore or strict (an error).

    Returns:
        Items with keys of the group `document`. An attribute whose name a Space needs itself gets an underscore.

    Raises:
        BadFile: The file is missing or cannot be read.
        BadData: It is damaged, a name is missing or stands twice, or there is nothing to read.
        BadOption: A table needs a column of texts, or `key` was given where there are no columns.
        UnknownName: The table has no such column.

    Example:
        >>> items = read({"a": "one text", "b": "another"})
        >>> list(items.keys), list(items.raw)
        (['a', 'b'], ['one text', 'another'])
    """
    if isinstance(source, Mapping):
        return Items(read_text(list(source.values())).raw, Keys(list(source), "document"))
    if isinstance(source, list | tuple) and len(source) == 1 and isinstance(source[0], os.PathLike):
        source = source[0]
    if isinstance(source, str | os.PathLike) and not Path(source).is_dir() and is_table(Path(source)):
        column = FileColumn(existing(source), text, bad_bytes)
        return _items(column, column.beside(), key, str(source))
    frame = frame_table(source)
    if frame is not None:
        texts = of_frame(source, text)
        assert texts is not None
        return _items(texts, frame.drop_columns([text] if text else []), key, "the frame")
    if key is not None or text is not None:
        raise BadOption(
            "text and key are columns of a table (.jsonl, .csv, .tsv, .parquet) or of a frame; this is none."
        )
    return read_text(source, bad_bytes=bad_bytes)


def _items(raw: Any, table: pa.Table, key: str | None, place: str) -> Items[Any]:
    keys = None
    if key is not None:
        if key not in table.column_names:
            near = did_you_mean(key, table.column_names)
            raise UnknownName(f"{place}: has no column '{key}'.{near} It has: {', '.join(table.column_names)}.")
        try:
            keys = Keys(table[key], "document")
        except BadData as error:
            raise BadData(f"{place}, column '{key}': {error}") from error
        table = table.drop_columns([key])
    names = [f"{name}_" if name in _TAKEN else name for name in table.column_names]
    return Items(raw, keys, table=table.rename_columns(names) if names else None)
