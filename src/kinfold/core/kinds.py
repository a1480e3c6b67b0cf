"""The kinds of rows that an attribute names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kinfold.core.errors import BadOption

if TYPE_CHECKING:
    from kinfold.core.space import Space

_MOST = 10_000
_TELLING = ("string", "large_string", "integer", "boolean")


def kinds(space: Space, by: str) -> tuple[np.ndarray, list[str]]:
    """The kind of each row (n,) int64, -1 where there is none, and the names of the kinds, the most frequent first.

    Raises:
        UnknownName: There is no such attribute.
        BadOption: It is not of names, whole numbers, or true and false, or tells no kinds or too many.
    """
    column = space.attribute(by)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_string_view(column.type):
        column = column.cast(pa.large_string())
    kind = column.type
    if not any(getattr(pa.types, f"is_{each}")(kind) for each in _TELLING):
        raise BadOption(f"'{by}' is of {kind}, which tells no kinds; names, whole numbers, or true and false do.")
    values = column.combine_chunks()
    held = [each for each in values.value_counts().to_pylist() if each["values"] is not None]
    if not 0 < len(held) <= _MOST:
        told = f"{len(held):,} kinds; {_MOST:,} are the most" if held else "no kinds, it is missing everywhere"
        raise BadOption(f"'{by}' tells of {len(space):,} rows {told}. Name another attribute.")
    ranked = sorted(held, key=lambda each: (-each["counts"], each["values"]))
    names = pa.array([each["values"] for each in ranked], values.type)
    codes = pc.fill_null(pc.index_in(values, value_set=names), -1)
    return np.asarray(codes, np.int64), [str(each) for each in names.cast(pa.large_string()).to_pylist()]
