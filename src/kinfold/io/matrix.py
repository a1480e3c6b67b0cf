"""A matrix and its keys, from whatever file, become a Space."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from kinfold.core.card import Card, born
from kinfold.core.columns import to_arrow, to_numpy
from kinfold.core.keys import Keys
from kinfold.core.metric import Metric
from kinfold.core.rows import Rows
from kinfold.core.space import Space
from kinfold.core.spill import Matrix
from kinfold.io.gather import DUPLICATE, NOT_FINITE, without_repeats

_BLOCK_BYTES = 8 << 20


class Coordinates(Protocol):
    """Numbers (n, dim) of which some rows can be had: an array, mapped or not, or what decodes one."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and coordinates."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the numbers."""

    def __getitem__(self, rows: Any) -> np.ndarray:
        """These rows (m, dim) of any type of number."""


def space_of(
    path: Path,
    format: str,
    values: Coordinates,
    names: pa.LargeStringArray,
    counts: Counter[str],
    *,
    group: str | pa.DictionaryArray,
    table: pa.Table | None = None,
    metric: Metric = Metric.COSINE,
    method: str = "file",
    parameters: Mapping[str, Any] | None = None,
) -> Space:
    """A Space of rows and names, without those that are not finite and those whose name stood before.

    An array of float32 or float16 of which nothing is left out is kept as it is; everything else is copied, to a
    temporary file where it is large beside the memory that is free.

    Args:
        path: Where the rows come from.
        format: The format's name.
        values: The rows (n, dim).
        names: One a row.
        counts: What was found so far; what is left out is added.
        group: What the rows are called, or the group of each; groups are brought together.
        table: Attributes, one row a name.
        metric: How near two rows are.
        method: For the card.
        parameters: For the card, beside the format.
    """
    counts.update({DUPLICATE: 0, NOT_FINITE: 0})
    finite = np.empty(len(names), np.bool_)
    for start, block in blocks_of(values):
        finite[start : start + len(block)] = np.isfinite(block).all(axis=1)
    kept = np.flatnonzero(finite)
    counts[NOT_FINITE] += len(names) - len(kept)
    members = [kept] if isinstance(group, str) else _members(group, kept)
    firsts = [
        each[without_repeats(names if len(each) == len(names) else names.take(to_arrow(each)))] for each in members
    ]
    counts[DUPLICATE] += len(kept) - sum(map(len, firsts))
    kept = np.concatenate([kept[:0], *firsts])
    if not np.array_equal(kept, np.arange(len(names))):
        names = names.take(to_arrow(kept))
        table = None if table is None else table.take(to_arrow(kept))
    groups = group if isinstance(group, str) else dict(zip(group.dictionary.to_pylist(), map(len, firsts), strict=True))
    rows = Rows(_rows(values, kept))
    data = {"file": path.name, "format": format, "rows": len(rows), **counts}
    card = Card(born(method, rows.values), method, {"format": format, **(parameters or {})}, data=data)
    return Space(Keys.trusted(names, groups), rows, metric, card, table)


class Stacked:
    """Several matrices of the same width, one below the other.

    Args:
        parts: At least one, (n, dim) each.
    """

    def __init__(self, parts: Sequence[Coordinates]) -> None:
        self._parts = parts
        self._stops = np.cumsum([part.shape[0] for part in parts])
        self.shape = (int(self._stops[-1]), parts[0].shape[1])
        self.dtype: np.dtype[Any] = np.dtype(np.float32)

    def __getitem__(self, rows: Any) -> np.ndarray:
        rows = np.arange(self.shape[0])[rows] if isinstance(rows, slice) else rows
        found = np.empty((len(rows), self.shape[1]), np.float32)
        owner = np.searchsorted(self._stops, rows, side="right")
        for place, part in enumerate(self._parts):
            here = owner == place
            found[here] = part[rows[here] - (self._stops[place] - part.shape[0])]
        return found


def blocks_of(values: Coordinates) -> Iterator[tuple[int, np.ndarray]]:
    """Consecutive `(start, float32 block)` of some 8 MB each; what is beyond float32 becomes infinite."""
    rows, dim = values.shape
    size = max(1, _BLOCK_BYTES // (4 * max(1, dim)))
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, rows, size):
            yield start, values[start : start + size].astype(np.float32, copy=False)


def _members(group: pa.DictionaryArray, kept: np.ndarray) -> list[np.ndarray]:
    """The rows of each group (m,) int64, of those that are kept."""
    codes = to_numpy(group.indices)[kept]
    return [kept[codes == code] for code in range(len(group.dictionary))]


def _rows(values: Coordinates, kept: np.ndarray) -> np.ndarray:
    plain = isinstance(values, np.ndarray) and values.dtype in (np.float32, np.float16)
    whole = np.array_equal(kept, np.arange(values.shape[0]))
    if isinstance(values, np.ndarray) and plain and whole and values.flags.c_contiguous and values.flags.aligned:
        return values
    dim = values.shape[1]
    rows = Matrix(dim, values.dtype if plain else np.float32, len(kept)).room(0)
    size = max(1, _BLOCK_BYTES // (4 * max(1, dim)))
    for start in range(0, len(kept), size):
        some = kept[start : start + size]
        rows[start : start + len(some)] = values[some]
    return rows[: len(kept)]
