"""The names of rows: tens of millions of strings in Arrow buffers, in named groups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kinfold.core.columns import one_name, to_arrow, to_numpy
from kinfold.core.errors import BadData, UnknownKey, UnknownName, did_you_mean

# Names compared before a hash index is worth its building: a few look-ups in a large Space, hundreds in a small one.
_SCANS_BEFORE_INDEX = 20_000_000


class Keys:
    """The names of rows, in order. Groups are contiguous ranges of rows; a name is unique within its group.

    Args:
        names: Strings, or anything that Arrow can make strings of (integers, a pandas column …).
        groups: Size of each group in order; one group called `row` where it is left out.

    Raises:
        BadData: The sizes do not add up, a name is null, or a name stands twice in a group.
    """

    __slots__ = ("_index", "_scanned", "groups", "names")

    names: pa.LargeStringArray
    groups: dict[str, range]

    def __init__(self, names: Any, groups: Mapping[str, int] | str = "row") -> None:
        self._adopt(_strings(names), groups)
        self._refuse_duplicates()

    @classmethod
    def trusted(cls, names: pa.LargeStringArray, groups: Mapping[str, int] | str = "row") -> Keys:
        """Keys over an array that is known to hold no null and no duplicate: nothing is read."""
        self = cls.__new__(cls)
        self._adopt(names, groups)
        return self

    def _adopt(self, names: pa.LargeStringArray, groups: Mapping[str, int] | str) -> None:
        sizes = {groups: len(names)} if isinstance(groups, str) else dict(groups)
        if sum(sizes.values()) != len(names):
            raise BadData(f"the groups {sizes} hold {sum(sizes.values()):,} rows, but there are {len(names):,} keys.")
        self.names = names
        self.groups = {}
        start = 0
        for name, size in sizes.items():
            self.groups[name] = range(start, start + size)
            start += size
        self._index: np.ndarray | None = None
        self._scanned = 0

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self.names), 65_536):
            yield from self.names.slice(start, 65_536).to_pylist()

    def __getitem__(self, row: int) -> str:
        if not -len(self) <= row < len(self):
            raise IndexError(f"row {row} of {len(self):,} keys")
        return str(self.names[row % len(self)].as_py())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and bool(self._find(name, None))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Keys) and self.groups == other.groups and bool(self.names.equals(other.names))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name}: {len(rows):,}" for name, rows in self.groups.items())
        return f"Keys({sizes})"

    def row(self, name: str, group: str | None = None) -> int:
        """The row of one name; `item:1193` means the name `1193` of the group `item`.

        Raises:
            UnknownKey: No row has this name, or several groups do.
        """
        found = self._find(name, group)
        if len(found) == 1:
            return found[0]
        if found:
            owners = [each for each, rows in self.groups.items() if any(row in rows for row in found)]
            raise UnknownKey(
                f"'{name}' is a key of several groups; say which: {', '.join(f'{g}:{name}' for g in owners)}."
            )
        kinds = ", ".join(f"{len(rows):,} in '{each}'" for each, rows in self.groups.items())
        raise UnknownKey(
            f"no row is named '{name}' among {len(self):,} ({kinds}).{did_you_mean(name, self)} "
            "Space.keys lists them all."
        )

    def rows(self, names: Any, group: str | None = None) -> np.ndarray:
        """The rows (m,) int64 of an array of names; -1 where no row has the name.

        With several groups and none named, the first group that has the name counts.
        """
        wanted = _strings(names)
        found = np.full(len(wanted), -1, np.int64)
        for rows in self._ranges(group):
            missing = np.flatnonzero(found < 0)
            if not len(missing):
                break
            found[missing] = self._rows_within(wanted.take(to_arrow(missing)), rows)
        return found

    def take(self, rows: np.ndarray) -> Keys:
        """The keys of these rows; rows of one group must stand together, in the order of the groups.

        Raises:
            BadData: A row twice or outside, or groups out of order.
        """
        rows = np.asarray(rows, np.int64)
        if len(rows) and not 0 <= rows.min() <= rows.max() < len(self):
            raise BadData(f"a row to be taken is outside the {len(self):,} keys.")
        bounds = [each.stop for each in self.groups.values()]
        owner = np.searchsorted(bounds, rows, side="right")
        if np.any(np.diff(owner) < 0):
            raise BadData("rows of one group must stand together, in the order of the groups.")
        if len(np.unique(rows)) != len(rows):
            raise BadData("a row was asked for twice; the keys of a Space are unique.")
        sizes = np.bincount(owner, minlength=len(bounds))
        groups = {
            name: int(size) for name, size in zip(self.groups, sizes, strict=True) if size or len(self.groups) == 1
        }
        return Keys.trusted(self.names.take(to_arrow(rows)), groups)

    def group(self, name: str) -> Keys:
        """The keys of one group, on the same memory.

        Raises:
            UnknownName: There is no such group.
        """
        rows = self.range_of(name)
        return Keys.trusted(self.names.slice(rows.start, len(rows)), name)

    def range_of(self, group: str) -> range:
        """The rows of one group.

        Raises:
            UnknownName: There is no such group.
        """
        if group not in self.groups:
            raise UnknownName(
                f"there is no group '{group}'.{did_you_mean(group, self.groups)} Groups: {', '.join(self.groups)}."
            )
        return self.groups[group]

    def group_of(self, row: int) -> str:
        """The name of the group that a row belongs to."""
        return next(name for name, rows in self.groups.items() if row in rows)

    def _ranges(self, group: str | None) -> list[range]:
        return list(self.groups.values()) if group is None else [self.range_of(group)]

    def _find(self, name: str, group: str | None) -> list[int]:
        found = [row for rows in self._ranges(group) if (row := self._row_within(name, rows)) >= 0]
        prefix, colon, rest = name.partition(":")
        if not found and colon and group is None and prefix in self.groups:
            row = self._row_within(rest, self.groups[prefix])
            found = [row] if row >= 0 else []
        return found

    def _row_within(self, name: str, rows: range) -> int:
        try:
            wanted = one_name(name)
        except UnicodeEncodeError:  # a lone surrogate is the name of nothing
            return -1
        if self._indexed(len(rows)):
            return int(self._rows_within(wanted, rows)[0])
        at: int = pc.index(self.names.slice(rows.start, len(rows)), wanted[0]).as_py()
        return rows.start + at if at >= 0 else -1

    def _rows_within(self, wanted: pa.LargeStringArray, rows: range) -> np.ndarray:
        if self._indexed(len(rows)):
            from kinfold.kernels.names import lookup

            assert self._index is not None
            return lookup(*utf8(self.names), self._index, *utf8(wanted), rows.start, rows.stop)
        # A scan: which of the wanted names is each key? The small side is hashed, the large one is read once.
        distinct = pc.unique(wanted)
        which = pc.index_in(self.names.slice(rows.start, len(rows)), value_set=distinct)
        hits = np.flatnonzero(to_numpy(which.is_valid()))
        of_distinct = np.full(len(distinct), -1, np.int64)
        of_distinct[to_numpy(which.take(to_arrow(hits)))] = hits + rows.start
        found: np.ndarray = of_distinct[to_numpy(pc.index_in(wanted, value_set=distinct))]
        return found

    def _indexed(self, names: int) -> bool:
        if self._index is None:
            self._scanned += names
            if self._scanned < max(_SCANS_BEFORE_INDEX, 4 * len(self)):
                return False
            from kinfold.kernels.names import build_index

            self._index = build_index(*utf8(self.names))
        return True

    def _refuse_duplicates(self) -> None:
        for name, rows in self.groups.items():
            part = self.names.slice(rows.start, len(rows))
            if pc.count_distinct(part).as_py() < len(part):
                twice = pc.value_counts(part)
                worst = twice.field("values").filter(pc.greater(twice.field("counts"), 1))[0].as_py()
                raise BadData(f"the key '{worst}' stands more than once in the group '{name}'; keep one row of it.")


def first_of_each(names: pa.LargeStringArray) -> np.ndarray:
    """The rows (m,) int64 of each distinct name's first occurrence, in order."""
    codes = to_numpy(names.dictionary_encode().indices)
    before = np.maximum.accumulate(np.concatenate([[-1], codes[:-1]])) if len(codes) else codes
    return np.flatnonzero(codes > before)


def _strings(names: Any) -> pa.LargeStringArray:
    if isinstance(names, Keys):
        return names.names
    if isinstance(names, str):
        raise BadData(f"keys are a sequence of strings, not the one string '{names[:40]}'; put it in a list.")
    try:
        if isinstance(names, Iterable) and not isinstance(names, Sequence | np.ndarray | pa.Array | pa.ChunkedArray):
            names = names if hasattr(names, "__arrow_array__") or hasattr(names, "dtype") else list(names)
        array = names if isinstance(names, pa.Array | pa.ChunkedArray) else pa.array(names)
        if isinstance(array, pa.ChunkedArray):
            array = array.combine_chunks()
        array = array.cast(pa.large_string())
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, UnicodeEncodeError) as error:
        raise BadData(f"these keys cannot be made strings: {error}") from error
    if array.null_count:
        row = int(np.flatnonzero(to_numpy(array.is_null()))[0])
        raise BadData(f"the key of row {row:,} is missing; every row needs a name.")
    return array


def utf8(names: pa.LargeStringArray) -> tuple[np.ndarray, np.ndarray]:
    """UTF-8 bytes (uint8) and offsets (n + 1,) int64 of an array, without copying."""
    _, offsets, data = names.buffers()
    places = np.frombuffer(offsets, np.int64, len(names) + 1, names.offset * 8) if len(names) else np.zeros(1, np.int64)
    return (np.frombuffer(data, np.uint8) if data is not None and data.size else np.zeros(0, np.uint8)), places
