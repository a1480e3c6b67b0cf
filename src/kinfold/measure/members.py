"""What stands for a concept: keys, or the rows that have a value of an attribute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kinfold.core.columns import one_array, to_numpy
from kinfold.core.errors import BadData, UnknownKey
from kinfold.core.metric import Metric, units
from kinfold.core.space import Space
from kinfold.prepare.features import members as categories

_LISTED = 8


class Members(NamedTuple):
    """Rows that stand for a concept.

    Args:
        name: As it was asked for.
        rows: Of the Space (m,) int64, each once.
        keys: Whether keys were named; else the rows have a value of an attribute.
    """

    name: str
    rows: np.ndarray
    keys: bool


def members(space: Space, words: str | Sequence[str]) -> Members:
    """The rows of keys, or of the values of attributes.

    Args:
        space: Their rows.
        words: A key (`doctor`, `item:1193`), a value (`genre=Comedy`, `genres:|=Comedy` of several at a character),
            or some of them.

    Raises:
        UnknownKey: One is neither a key nor a value of an attribute.
        BadData: There is none, or no row has the value.
    """
    several = [words] if isinstance(words, str) else list(words)
    if not several:
        raise BadData("a concept has at least one key, or a value of an attribute; this one has none.")
    found = [_of(space, word) for word in several]
    rows = np.concatenate([each.rows for each in found])
    _, first = np.unique(rows, return_index=True)
    return Members(",".join(several), rows[np.sort(first)], all(each.keys for each in found))


def is_member(space: Space, word: str) -> bool:
    """Whether a word is a key or names an attribute and a value."""
    return word in space.keys or _attribute(space, word) is not None


def directions(part: Space, rows: np.ndarray) -> np.ndarray:
    """Some rows (m, dim) float64 as they are compared: at length 1, as they are where the metric is `l2`."""
    taken = part.rows.take(rows).astype(np.float64)
    return taken if part.metric is Metric.L2 else units(taken)


def called(space: Space, rows: np.ndarray, show: str | None) -> list[str]:
    """What rows are called: their keys, or an attribute such as a title where it is not missing."""
    keys = [space.keys[row] for row in rows.tolist()]
    if show is None:
        return keys
    told = space.attribute(show).take(pa.array(rows)).to_pylist()
    return [key if value is None else str(value) for key, value in zip(keys, told, strict=True)]


def _of(space: Space, word: str) -> Members:
    wanted = None if word in space.keys else _attribute(space, word)
    if wanted is None:
        try:
            return Members(word, np.array([space.keys.row(word)]), True)
        except UnknownKey as error:
            names = () if space.table is None else space.table.column_names
            also = f" Nor is it a value of an attribute, such as {names[0]}=…" if names else ""
            raise UnknownKey(f"{error}{also}") from error
    name, value = wanted
    return Members(word, having(space, name, value), False)


def _attribute(space: Space, word: str) -> tuple[str, str] | None:
    """The attribute and the value that a word names, None where there is no such attribute."""
    name, equals, value = word.partition("=")
    names = () if space.table is None else space.table.column_names
    return (name, value) if equals and name.partition(":")[0] in names else None


def having(space: Space, name: str, value: str) -> np.ndarray:
    """The rows (m,) int64, ascending, that have a value of an attribute.

    Args:
        space: The rows.
        name: The attribute; `genres:|` where several values are put together at a character.
        value: As text.

    Raises:
        UnknownName: There is no such attribute.
        BadOption: It is of a type that has no values to name.
        BadData: No row has the value.
    """
    attribute, _, cut = name.partition(":")
    column = one_array(space.attribute(attribute))
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if cut or pa.types.is_nested(column.type):
        rows = np.flatnonzero([value in some for some in categories(pa.table({attribute: column}), name)])
    else:
        rows = np.flatnonzero(to_numpy(pc.fill_null(pc.equal(column.cast(pa.large_string()), value), False)))
    if not len(rows):
        held = pc.unique(column.drop_null())[:_LISTED].to_pylist()
        raise BadData(
            f"no row has {name}={value}; values of '{attribute}' are, among others: {', '.join(map(str, held))}."
        )
    return rows
