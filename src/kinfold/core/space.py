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
from kinfold.core.histories import MET, renumbered
from kinfold.core.hits import Hits
from kinfold.core.keys import Keys
from kinfold.core.metric import Metric
from kinfold.core.nearest import Query, all_asked, nearest_many, one_side
from kinfold.core.report import Report
from kinfold.core.rows import Rows
from kinfold.core.where import matches
from kinfold.kernels.topk import topk

RESERVED = ("key", "group", "vector", "norm", "row", "vector_norm", "vector_exact")


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

    def beside(self, other: Space) -> Space:
        """This Space with the groups of another one of the same frame behind its own.

        An attribute that only one of them has is null for the rows of the other.

        Raises:
            FrameMismatch: They are in different frames.
            BadData: Both have a group of the same name, or an attribute of the same name and another type.
        """
        self.same_frame(other)
        shared = set(self.groups) & set(other.groups)
        if shared:
            raise BadData(f"both Spaces have a group '{min(shared)}'; groups of one Space have different names.")
        sizes = {name: len(rows) for each in (self, other) for name, rows in each.groups.items()}
        names = pa.concat_arrays([self.keys.names, other.keys.names])
        rows = Rows(np.concatenate([self.rows.dense(), other.rows.dense()]))
        tables = [each.table if each.table is not None else pa.table({}) for each in (self, other)]
        columns = {}
        for name in dict.fromkeys([*tables[0].column_names, *tables[1].column_names]):
            parts = [table[name].combine_chunks() if name in table.column_names else None for table in tables]
            kinds = {part.type for part in parts if part is not None}
            if len(kinds) > 1:
                raise BadData(f"the attribute '{name}' is {' here and '.join(map(str, kinds))} there; rename one.")
            kind = kinds.pop()
            columns[name] = pa.concat_arrays(
                [
                    pa.nulls(len(each), kind) if part is None else part
                    for each, part in zip((self, other), parts, strict=True)
                ]
            )
        table = pa.table(columns) if columns else None
        return dataclasses.replace(self, keys=Keys.trusted(names, sizes), rows=rows, table=table)

    def take(self, rows: np.ndarray) -> Space:
        """Some rows (m,) int64 as a Space of the same frame; each once, groups in order.

        What users met is told of the items that are left.

        Raises:
            BadData: A row twice or outside, or groups out of order.
        """
        keys = self.keys.take(rows)
        table = None if self.table is None else self.table.take(to_arrow(np.asarray(rows, np.int64)))
        if table is not None and MET in table.column_names:
            table = renumbered(table, self.keys, np.asarray(rows, np.int64))
        return dataclasses.replace(self, keys=keys, rows=self.rows.pick(rows), table=table)

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
        query: Query,
        k: int = 10,
        *,
        where: str | None = None,
        group: str | None = None,
        exclude: Sequence[str] = (),
    ) -> Hits:
        """The k nearest rows to a key, a vector or a mix of them, by exact search.

        A mix is the weights of keys, or a list of keys and of pairs (key or vector, weight); it stands for the weighted
        mean of its members, each at unit length first where the metric is cosine. By `l2` its weights sum to more than
        0; by the other metrics a member of negative weight is one to be far from. Where users and items are compared by
        the product of their rows, two users, or two items, are by cosine: what is alike, not what is popular.

        Args:
            query: A key, a vector (dim,) or a mix; its own keys are not among its hits.
            k: Rows wanted; fewer come back only where fewer match.
            where: An SQL condition on key, group and attributes that every hit fulfills.
            group: Where to look; by default the group of the query's keys, and all rows where that is not one.
            exclude: Keys that must not be hits.

        Raises:
            UnknownKey: The query, or a member of it, is the name of no row.
            BadOption: `k` below 1, a vector of another length, a mix whose members cancel out, or a bad condition.

        Example:
            >>> space = Space.of(["man", "woman", "king", "queen"], [[1, 0, 0], [0, 1, 0], [1, 0, 1], [0, 1, 1]])
            >>> space.nearest({"king": 1, "woman": 1, "man": -1}, k=1)
            Hits(king + woman - man: queen 0.959)
        """
        return self.nearest_many([query], k, where=where, group=group, exclude=exclude)[0]

    def nearest_many(
        self,
        queries: Sequence[Query] | np.ndarray,
        k: int = 10,
        *,
        where: str | None = None,
        group: str | None = None,
        exclude: Sequence[str] = (),
    ) -> list[Hits]:
        """`nearest` for a batch of keys, mixes, or vectors (q, dim): one product serves all of them."""
        return nearest_many(self, self.topk, queries, k, where=where, group=group, exclude=exclude)

    def similarity(self, a: Query, b: Query) -> float:
        """The score of two keys, vectors or mixes by the Space's metric; a list of keys stands for their mean.

        Two users, or two items, are compared by cosine, as in `nearest`.

        Raises:
            UnknownKey: One of them is the name of no row.
            BadOption: A vector of another length, or a mix whose members cancel out.

        Example:
            >>> space = Space.of(["cat", "dog", "sun"], [[3, 0], [1, 1], [0, 2]])
            >>> round(space.similarity("cat", ["dog", "sun"]), 3)
            0.383
        """
        return float(self.similarities([a], [b])[0, 0])

    def similarities(self, a: Sequence[Query] | np.ndarray, b: Sequence[Query] | np.ndarray) -> np.ndarray:
        """The scores (m, n) float32 of each of some keys, vectors or mixes with each of others.

        Raises:
            UnknownKey: One of them is the name of no row.
            BadOption: A vector of another length, or a mix whose members cancel out.
        """
        sides = [all_asked(self, some) for some in (a, b)]
        left, right = (np.array([each.vector for each in side]).reshape(-1, self.dim) for side in sides)
        homes = [{each.home for each in side} for side in sides]
        one, other = (home.pop() if len(home) == 1 else None for home in homes)
        if one_side(self, one, other):
            dim = self.dim - int(self.card.data.get("biases", 0))
            return Metric.COSINE.between(left[:, :dim], right[:, :dim])
        return self.metric.between(left, right)

    def topk(
        self,
        vectors: np.ndarray,
        k: int,
        among: np.ndarray | None = None,
        refused: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Exact search without names: scores (q, k) float32 and rows (q, k) int64, best first.

        Args:
            vectors: (q, dim) float32, finite.
            k: Rows wanted; -inf and -1 fill up where there are fewer.
            among: Ascending rows (m,) int64 to choose from; all where it is None.
            refused: Starts (q + 1,) int64 and rows: query i must not find rows[starts[i]:starts[i + 1]].
        """
        norms = None if self.metric is Metric.DOT else self.rows.norms
        return topk(self.rows.values, vectors, k, self.metric.value, norms, among, refused=refused)

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
