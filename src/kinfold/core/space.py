"""The one artifact: named rows in a coordinate system that knows where it comes from."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from kinfold.core.card import Card, born
from kinfold.core.columns import to_arrow
from kinfold.core.errors import BadData, FrameMismatch, UnknownName, did_you_mean
from kinfold.core.hits import Hits
from kinfold.core.keys import Keys
from kinfold.core.metric import Metric
from kinfold.core.nearest import nearest_many
from kinfold.core.report import Report
from kinfold.core.rows import Rows
from kinfold.core.where import matches
from kinfold.kernels.topk import topk

RESERVED = ("key", "group", "vector", "norm", "row")


@dataclass(frozen=True, slots=True, eq=False)
class Space:
    """Rows with names, a metric, a card, and attributes of the names.

    Args:
        keys: Names of the rows.
        rows: Coordinates (n, dim).
        metric: How near two rows are.
        card: Where the rows come from.
        table: Attributes, one row a key; None where there are none.

    Raises:
        BadData: The parts are not of one length, or an attribute has a reserved name.

    Example:
        >>> space = Space.of(["cat", "dog", "sun"], [[1, 0], [0.9, 0.1], [0, 1]])
        >>> space.nearest("cat", k=1).keys
        ['dog']
    """

    keys: Keys
    rows: Rows
    metric: Metric
    card: Card
    table: pa.Table | None = None

    def __post_init__(self) -> None:
        if len(self.keys) != len(self.rows):
            raise BadData(f"{len(self.keys):,} keys do not go with {len(self.rows):,} rows.")
        if self.table is not None:
            if self.table.num_rows != len(self.rows):
                raise BadData(f"a table of {self.table.num_rows:,} lines does not go with {len(self.rows):,} rows.")
            taken = [name for name in self.table.column_names if name in RESERVED]
            if taken:
                raise BadData(f"an attribute cannot be called '{taken[0]}'; reserved names: {', '.join(RESERVED)}.")

    @classmethod
    def of(
        cls,
        keys: Any,
        rows: Any,
        *,
        metric: str = "cosine",
        group: str = "row",
        table: pa.Table | None = None,
        method: str = "given",
    ) -> Space:
        """A Space from arrays that you have: names (n,) and coordinates (n, dim). Its frame is new.

        Raises:
            BadData: Lengths differ, a name stands twice, or a number is not finite.
        """
        held = Rows(rows)
        held.refuse_non_finite()
        names = keys if isinstance(keys, Keys) else Keys(keys, group)
        return cls(names, held, Metric(metric), Card(born(method, held.values), method), table)

    @staticmethod
    def open(path: str | os.PathLike[str]) -> Space:
        """A saved Space, memory-mapped: nothing is read until it is used.

        Raises:
            BadFile: Nothing is there, or it cannot be read.
            BadData: It is not the file of a Space.
        """
        from kinfold.core.arrow import open_space

        return open_space(path)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes one Arrow IPC file, whole or not at all.

        Raises:
            BadFile: The folder cannot be written.
        """
        from kinfold.core.arrow import save_space

        save_space(self, path)

    @property
    def dim(self) -> int:
        """Coordinates of a row."""
        return self.rows.dim

    @property
    def frame(self) -> str:
        """The name of the coordinate system."""
        return self.card.frame

    @property
    def groups(self) -> dict[str, range]:
        """Rows of each group."""
        return self.keys.groups

    def __len__(self) -> int:
        return len(self.rows)

    def __contains__(self, key: object) -> bool:
        return key in self.keys

    def __getitem__(self, key: str) -> np.ndarray:
        """The row (dim,) float32 of a key, copied.

        Raises:
            UnknownKey: No row has this name.
        """
        row: np.ndarray = self.rows.take(self.keys.row(key))
        return row

    def __repr__(self) -> str:
        return f"Space({self.keys!r}, dim={self.dim}, metric={self.metric.value}, frame={self.frame})"

    def vectors(self, keys: Sequence[str]) -> np.ndarray:
        """The rows (m, dim) float32 of several keys.

        Raises:
            UnknownKey: One of them is the name of no row.
        """
        found = self.keys.rows(keys)
        for place in np.flatnonzero(found < 0).tolist():
            found[place] = self.keys.row(keys[place])
        return self.rows.take(found)

    def attribute(self, name: str) -> pa.ChunkedArray:
        """One column of the table, (n,).

        Raises:
            UnknownName: There is no such attribute.
        """
        names = [] if self.table is None else self.table.column_names
        if self.table is None or name not in names:
            held = f"It has: {', '.join(names)}." if names else "It has none."
            raise UnknownName(f"this Space has no attribute '{name}'.{did_you_mean(name, names)} {held}")
        return self.table[name]

    def group(self, name: str | None = None) -> Space:
        """One group as a Space of the same frame, on the same memory; the first where no name is given.

        Raises:
            UnknownName: There is no such group.
        """
        name = next(iter(self.groups), "row") if name is None else name
        rows = self.keys.range_of(name)
        if len(self.groups) == 1:
            return self
        table = None if self.table is None else self.table.slice(rows.start, len(rows))
        return dataclasses.replace(
            self, keys=self.keys.group(name), rows=self.rows.slice(rows.start, rows.stop), table=table
        )

    def take(self, rows: np.ndarray) -> Space:
        """Some rows (m,) int64 as a Space of the same frame; each once, groups in order.

        Raises:
            BadData: A row twice or outside, or groups out of order.
        """
        keys = self.keys.take(rows)
        table = None if self.table is None else self.table.take(to_arrow(np.asarray(rows, np.int64)))
        held = Rows(self.rows.values[rows], self.rows.norms[rows])
        return dataclasses.replace(self, keys=keys, rows=held, table=table)

    def where(self, condition: str) -> np.ndarray:
        """The rows (m,) int64, ascending, for which an SQL condition on key, group and attributes holds.

        Raises:
            BadOption: The condition is no SQL expression over these columns.
        """
        columns = {"key": self.keys.names, "group": group_column(self.keys)}
        plain = pa.table(columns)
        for name in self.table.column_names if self.table is not None else ():
            assert self.table is not None
            plain = plain.append_column(name, self.table[name])
        return matches(plain, condition)

    def with_attribute(self, name: str, values: Any) -> Space:
        """The Space with one more attribute (n,), or that attribute replaced."""
        column = values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values)
        table = self.table if self.table is not None else pa.table({})
        if name in table.column_names:
            table = table.drop_columns(name)
        if not table.column_names:
            return dataclasses.replace(self, table=pa.table({name: column}))
        return dataclasses.replace(self, table=table.append_column(name, column))

    def with_report(self, report: Report) -> Space:
        """The Space whose card also carries this report."""
        return dataclasses.replace(self, card=self.card.with_report(report))

    def nearest(
        self,
        query: str | np.ndarray,
        k: int = 10,
        *,
        where: str | None = None,
        group: str | None = None,
        exclude: Sequence[str] = (),
    ) -> Hits:
        """The k nearest rows to a key or a vector, by exact search.

        Args:
            query: A key, which is not among its own hits, or a vector (dim,).
            k: Rows wanted; fewer come back only where fewer match.
            where: An SQL condition on key, group and attributes that every hit fulfills.
            group: Where to look; by default a key's own group, and all rows for a vector.
            exclude: Keys that must not be hits.

        Raises:
            UnknownKey: The query is the name of no row.
            BadOption: `k` below 1, a vector of another length, or a bad condition.
        """
        return self.nearest_many([query], k, where=where, group=group, exclude=exclude)[0]

    def nearest_many(
        self,
        queries: Sequence[str | np.ndarray] | np.ndarray,
        k: int = 10,
        *,
        where: str | None = None,
        group: str | None = None,
        exclude: Sequence[str] = (),
    ) -> list[Hits]:
        """`nearest` for a batch of keys or vectors (q, dim): one product serves all of them."""
        return nearest_many(self, self.topk, queries, k, where=where, group=group, exclude=exclude)

    def topk(self, vectors: np.ndarray, k: int, among: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Exact search without names: scores (q, k) float32 and rows (q, k) int64, best first.

        Args:
            vectors: (q, dim) float32, finite.
            k: Rows wanted; -inf and -1 fill up where there are fewer.
            among: Ascending rows (m,) int64 to choose from; all where it is None.
        """
        norms = None if self.metric is Metric.DOT else self.rows.norms
        return topk(self.rows.values, vectors, k, self.metric.value, norms, among)

    def same_frame(self, other: Space) -> None:
        """Does nothing where the rows of both can be compared.

        Raises:
            FrameMismatch: They are in different coordinate systems.
        """
        if self.frame != other.frame:
            raise FrameMismatch(
                f"these Spaces are in different frames ({self.frame} and {other.frame}), "
                "so their rows cannot be compared. Align one first: kinfold.align(a, to=b)."
            )


def group_column(keys: Keys) -> pa.DictionaryArray:
    """The group of every row (n,), as Arrow keeps it in a file."""
    sizes = [len(rows) for rows in keys.groups.values()]
    codes = np.repeat(np.arange(len(sizes), dtype=np.int8 if len(sizes) < 127 else np.int32), sizes)
    return pa.DictionaryArray.from_arrays(to_arrow(codes), pa.array(list(keys.groups), pa.string()))
