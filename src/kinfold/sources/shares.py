"""Real shares beside words, such as what part of an occupation are women."""

from __future__ import annotations

import math
import os

from kinfold.core.errors import BadData, BadFile, UnknownName, did_you_mean
from kinfold.core.files import existing
from kinfold.sources.tables import FileTable

_WORDS = ("word", "occupation", "profession", "key")
_SHARE = "share"


def read(path: str | os.PathLike[str], *, share: str | None = None) -> dict[str, float]:
    """The share (0 to 1) of each word of a table `word,share`; shares in percent are brought to that.

    Args:
        path: A .csv, .tsv, .jsonl or .parquet file. Words stand in the column `word`, `occupation`, `profession` or
            `key`, or else the first.
        share: Column of the shares; by default `share`, or the only other column.

    Raises:
        BadFile: The file is missing, or a folder.
        BadData: A share is no number from 0 to 100, or a word is missing or there twice; names the row.
        UnknownName: There is no such column.
    """
    found = existing(path)
    if found.is_dir():
        raise BadFile(f"{found}: is a folder; name a table in it.")
    table = FileTable(found, "replace")
    word = next((each for each in _WORDS if each in table.columns), table.columns[0])
    others = [each for each in table.columns if each != word]
    column = share or (_SHARE if _SHARE in others else others[0] if len(others) == 1 else None)
    if column is None or column not in others:
        near = did_you_mean(column or _SHARE, others)
        raise UnknownName(
            f"{found}: which column holds the shares? Name it: share='…'.{near} It has: {', '.join(table.columns)}."
        )
    values: dict[str, float] = {}
    for batch in table.batches({word: "VARCHAR", column: "VARCHAR"}):
        for name, told in zip(*(each.to_pylist() for each in batch.columns), strict=True):
            row = f"{found} row {len(values) + 1:,}"
            if not name or name in values:
                raise BadData(f"{row}: '{name or ''}' is {'there twice' if name else 'no word'}; take the row out.")
            values[name] = _number(told, row)
    if not values:
        raise BadData(f"{found}: holds no row; each is a word and a share.")
    percent = max(values.values()) > 1
    return {name: value / 100 if percent else value for name, value in values.items()}


def _number(text: str | None, row: str) -> float:
    try:
        value = float((text or "").strip().removesuffix("%"))
    except ValueError:
        value = math.nan
    if not 0 <= value <= 100:
        raise BadData(f"{row}: the share '{text or ''}' is no number from 0 to 1, or to 100 in percent.")
    return value
