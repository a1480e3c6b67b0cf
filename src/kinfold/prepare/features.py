"""What is known of things, as numbers: categories, tags and words that several share, and numbers in deviations."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kinfold.core.columns import to_numpy
from kinfold.core.errors import BadData, BadOption, UnknownName, did_you_mean
from kinfold.core.keys import Keys
from kinfold.core.shapes import Counts, Items
from kinfold.prepare.tokens import sequences

_LEAST = 2  # things that share a category; one that a single thing has tells nothing of others
_WORDS = "words"
EVERY = "*"  # the feature that everything has: what is common to all


Scales = Mapping[str, tuple[float, float]]  # mean and deviation of numbers, by the column


def scales(table: pa.Table, columns: Sequence[str]) -> dict[str, tuple[float, float]]:
    """The mean and the standard deviation of the columns that hold numbers.

    Raises:
        UnknownName: There is no such column.
        BadData: One holds the same number for all, or none.
    """
    found = {}
    for wanted in columns:
        name, column, _ = _column(table, wanted)
        if _is_number(column):
            values = _floats(column)
            values = values[np.isfinite(values)]
            if not len(values) or values.std() == 0:
                raise BadData(f"the column '{name}' holds the same number for all, or none; it tells nothing.")
            found[name] = float(values.mean()), float(values.std())
    return found


def features(keys: Keys, table: pa.Table, columns: Sequence[str], group: str, scale: Scales | None = None) -> Counts:
    """What things are made of, one column a feature: `genre=Drama`, `title=story`, `year`, and `*`, which all have.

    Args:
        keys: Names of the things (n,).
        table: Columns (n,) of what is known of them.
        columns: Which to take: a name, alone or with how its texts are cut, `genres:|` at a character, `title:words`
            into words. A list is all of its members; a number counts in standard deviations from the mean.
        group: What the features are called together.
        scale: Means and deviations of the numbers; those of this table by default.

    Returns:
        Counts of things and features; categories, tags and words that only one thing has are left out.

    Raises:
        UnknownName: There is no such column.
        BadOption: No column, or one of another type.
        BadData: No feature is shared by two things.

    Example:
        >>> known = pa.table({"genres": ["Drama|War", "Drama", "War|Comedy"], "year": [1990, 1995, 2000]})
        >>> found = features(Keys(["a", "b", "c"], "item"), known, ["genres:|", "year"], "item_feature")
        >>> list(found.column_keys), found.values.toarray()[0].astype(float).round(1).tolist()
        (['*', 'year', 'genres=Drama', 'genres=War'], [1.0, -1.2, 1.0, 1.0])
    """
    import scipy.sparse as sparse

    if not columns:
        raise BadOption(f"name at least one column; there are: {', '.join(table.column_names)}.")
    scale = scales(table, columns) if scale is None else scale
    texts: list[list[str]] = [[] for _ in range(len(keys))]
    names, dense = [EVERY], [np.ones(len(keys), np.float32)]
    for wanted in columns:
        name, column, cut = _column(table, wanted)
        if _is_number(column) and name in scale:
            mean, deviation = scale[name]
            names.append(name)
            dense.append(np.nan_to_num((_floats(column) - mean) / deviation, posinf=0, neginf=0).astype(np.float32))
            continue
        for each, some in zip(texts, _members(name, column, cut), strict=True):
            each += [f"{name}={text}" for text in some]
    found = [sparse.csr_array(np.stack(dense, axis=1))]
    if any(texts):
        shared = sequences(Items(texts), lower=False, min_count=1, keep_empty=True, group=group)
        entries = (np.ones(len(shared.ids), np.float32), shared.ids, shared.starts)
        tags = sparse.csr_array(entries, shape=(len(keys), len(shared.keys)))
        tags.sum_duplicates()
        tags.data[:] = 1
        often = np.flatnonzero(np.bincount(tags.indices, minlength=tags.shape[1]) >= _LEAST)
        names += shared.keys.names.take(pa.array(often)).to_pylist()
        found.append(tags[:, often])
    if len(names) == 1:
        raise BadData(f"no two of the {len(keys):,} have anything in common by {', '.join(columns)}.")
    return Counts(keys, Keys(names, group), sparse.hstack(found, format="csr", dtype=np.float32))


def members(table: pa.Table, wanted: str) -> list[list[str]]:
    """The categories, tags or words of each line (n,) by a column, cut as `features` does; numbers are categories too.

    Raises:
        UnknownName: There is no such column.
        BadOption: It is of another type.
    """
    return _members(*_column(table, wanted))


def _column(table: pa.Table, wanted: str) -> tuple[str, pa.Array, str]:
    """The name of a column, what it holds, and how its texts are cut."""
    name, _, cut = wanted.partition(":")
    if name not in table.column_names:
        raise UnknownName(
            f"there is no column '{name}'.{did_you_mean(name, table.column_names)} "
            f"There are: {', '.join(table.column_names)}."
        )
    return name, table[name].combine_chunks(), cut


def _is_number(column: pa.Array) -> bool:
    return bool(pa.types.is_integer(column.type) or pa.types.is_floating(column.type))


def _floats(column: pa.Array) -> np.ndarray:
    """Numbers (n,) float64, NaN where there is none."""
    return to_numpy(pc.fill_null(column.cast(pa.float64()), np.nan)).copy()


def _members(name: str, column: pa.Array, cut: str) -> list[list[str]]:
    """The categories of each thing, each once."""
    nested = pa.types.is_list(column.type) or pa.types.is_large_list(column.type)
    if _is_number(column):
        column = column.cast(pa.string())
    if not nested and not pa.types.is_string(column.type) and not pa.types.is_large_string(column.type):
        if not pa.types.is_boolean(column.type):
            raise BadOption(f"the column '{name}' holds {column.type}; features are texts, lists of them, or numbers.")
        column = column.cast(pa.string())
    values: list[Any] = column.to_pylist()
    if cut == _WORDS:
        parts = [re.findall(r"\w+", (each or "").lower()) for each in values]
    elif nested:
        parts = [[str(part) for part in each or () if part is not None] for each in values]
    elif cut:
        parts = [(each or "").split(cut) for each in values]
    else:
        parts = [[each or ""] for each in values]
    return [list(dict.fromkeys(text for part in each if (text := part.strip()))) for each in parts]
