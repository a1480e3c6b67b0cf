"""Rows of tables, a record batch at a time, until they are a Space."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kinfold.core.card import Card
from kinfold.core.columns import to_arrow, to_numpy
from kinfold.core.errors import BadData
from kinfold.core.metric import Metric
from kinfold.core.space import Space
from kinfold.core.spill import Batches, Matrix
from kinfold.io.format import MAX_DIM, attribute_names
from kinfold.io.gather import UNREADABLE
from kinfold.io.matrix import space_of


class Columns(NamedTuple):
    """Which column of a table is what.

    Args:
        key: The keys'.
        vectors: The vectors', or those of the coordinates, in order.
        group: The groups', None where there is none.
        others: Those of the attributes.
    """

    key: str
    vectors: list[str]
    group: str | None
    others: list[str]


class BatchGatherer:
    """Collects the rows of one file; memory grows with what was read.

    Args:
        path: The file.
        format: Its format's name.
        columns: Which column is what.
        on_bad: Rows without a key or with a vector of another length: "raise" or "skip".
        declared: How many rows the file says it has; a hint that only saves copying.
    """

    def __init__(self, path: Path, format: str, columns: Columns, *, on_bad: str, declared: int) -> None:
        self._path = path
        self._format = format
        self._columns = columns
        self._on_bad = on_bad
        self._declared = declared
        self._names: list[pa.LargeStringArray] = []
        self._groups: list[pa.LargeStringArray] = []
        self._matrix: Matrix | None = None
        self._attributes: Batches | None = None
        self._dim = 0
        self._size = 0
        self._read = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Adds the rows of a batch.

        Raises:
            BadData: A row without a key or with a vector of another length, unless such rows are skipped; or a column
                that cannot be what it is taken for.
        """
        columns = self._columns
        names = self._strings(columns.key, batch)
        groups = None if columns.group is None else self._strings(columns.group, batch)
        lists = _lists(batch, columns.vectors)
        lengths = to_numpy(pc.fill_null(pc.list_value_length(lists).cast(pa.int64()), -1))
        if self._matrix is None:
            self._dim = self._dim_of(lists.type, lengths)
            kind = np.float16 if lists.type.value_type == pa.float16() else np.float32
            # No more than a file of this size holds where it is not packed unusually well.
            likely = min(self._declared, self._path.stat().st_size // self._dim)
            self._matrix = Matrix(self._dim, kind, likely)
            fields = zip(attribute_names(columns.others), batch.select(columns.others).schema, strict=True)
            self._attributes = Batches(pa.schema([pa.field(name, field.type) for name, field in fields]))
        good = (lengths == self._dim) & _valid(names) & (True if groups is None else _valid(groups))
        if not good.all():
            self._refuse(int(np.flatnonzero(~good)[0]), lengths)
            kept = to_arrow(np.flatnonzero(good))
            batch, names, lists = batch.take(kept), names.take(kept), lists.take(kept)
            groups = None if groups is None else groups.take(kept)
        stop = self._size + len(names)
        target = self._matrix.room(stop)[self._size : stop]
        target[:] = _numbers(lists.flatten(), target.dtype).reshape(target.shape)
        self._names.append(names)
        if groups is not None:
            self._groups.append(groups)
        assert self._attributes is not None
        others = [batch.column(name) for name in columns.others]
        self._attributes.append(pa.record_batch(others, schema=self._attributes.schema))
        self._size = stop
        self._read += len(good)

    def finish(self, group: str, metadata: Mapping[str, str]) -> Space:
        """The Space, with the card and the metric that the file has, where Kinfold wrote it.

        Args:
            group: What the rows are called, where no column says it.
            metadata: Of the file's schema.

        Raises:
            BadData: Nothing could be read though there is something, or the card is damaged.
        """
        if self._matrix is None or self._attributes is None or (self._read and not self._size):
            raise BadData(f"{self._path}: holds no row that could be read.")
        table = self._attributes.table()
        space = space_of(
            self._path,
            self._format,
            self._matrix.room(0)[: self._size],
            _joined(self._names),
            Counter({UNREADABLE: self._read - self._size}),
            group=group if self._columns.group is None else _coded(_joined(self._groups), metadata),
            table=table if table.num_columns else None,
        )
        if "kinfold.card" not in metadata:
            return space
        try:
            metric = Metric(metadata.get("kinfold.metric", "cosine"))
        except ValueError as error:
            raise BadData(f"{self._path}: {error}") from error
        card = Card.from_json(metadata["kinfold.card"])
        if len(space) < self._read:
            card = card.then("read", **space.card.data)
        return dataclasses.replace(space, card=card, metric=metric)

    def _dim_of(self, kind: pa.DataType, lengths: np.ndarray) -> int:
        known = lengths[lengths >= 0]
        fixed = pa.types.is_fixed_size_list(kind)
        dim = kind.list_size if fixed else int(np.bincount(np.minimum(known, MAX_DIM + 1), minlength=1).argmax())
        if not 1 <= dim <= MAX_DIM:
            raise BadData(
                f"{self._path}: the vectors have {dim:,} numbers; at least 1 and at most {MAX_DIM:,} can be read."
            )
        return dim

    def _strings(self, name: str, batch: pa.RecordBatch) -> pa.LargeStringArray:
        column = batch.column(name)
        try:
            return column.cast(pa.large_string())
        except pa.ArrowException as error:
            raise BadData(f"{self._path}: the column '{name}' of {column.type} cannot be names ({error}).") from error

    def _refuse(self, row: int, lengths: np.ndarray) -> None:
        if self._on_bad == "raise":
            fits = lengths[row] == self._dim
            what = "no name" if fits else f"{max(0, lengths[row]):,} numbers where {self._dim:,} were expected"
            raise BadData(
                f'{self._path} row {self._read + row:,}: has {what}. Mend it, or pass on_bad="skip" to leave it out.'
            )


def _lists(batch: pa.RecordBatch, names: list[str]) -> pa.Array:
    """The vectors as lists; of several columns, those that a row of them makes."""
    column = batch.column(names[0])
    if not pa.types.is_floating(column.type):
        return column
    half = all(batch.column(name).type == pa.float16() for name in names)
    kind = np.float16 if half else np.float32
    values = np.stack([_numbers(batch.column(name), np.dtype(kind)) for name in names], axis=1)
    return pa.FixedSizeListArray.from_arrays(to_arrow(values.reshape(-1)), len(names))


def _numbers(values: pa.Array, kind: np.dtype) -> np.ndarray:
    """Numbers (n,) of this type; what is missing is not a number, what is too large infinite."""
    arrow = pa.from_numpy_dtype(kind)
    values = values if values.type == arrow else values.cast(arrow, safe=False)
    if values.null_count:
        nan = to_arrow(np.full(1, np.nan, kind))
        values = pc.if_else(values.is_valid(), values, nan[0])
    return to_numpy(values)


def _valid(array: pa.Array) -> np.ndarray:
    return to_numpy(array.is_valid()).astype(np.bool_)


def _joined(parts: list[pa.LargeStringArray]) -> pa.LargeStringArray:
    return pa.chunked_array(parts, pa.large_string()).combine_chunks()


def _coded(groups: pa.LargeStringArray, metadata: Mapping[str, str]) -> pa.DictionaryArray:
    """The groups as codes, those first that the file names, with or without a row."""
    declared = [name for name in metadata.get("kinfold.groups", "").split("\n") if name]
    names = list(dict.fromkeys([*declared, *pc.unique(groups).to_pylist()]))
    every = pa.array(names, pa.large_string())
    return pa.DictionaryArray.from_arrays(pc.index_in(groups, value_set=every), every)
