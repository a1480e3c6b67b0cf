"""What users met, kept beside the rows that were learned from it: so a Space alone knows what not to recommend."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kinfold.core.columns import one_array, to_arrow, to_numpy
from kinfold.core.errors import BadData, BadOption
from kinfold.core.layers import LAYERS
from kinfold.core.shapes import Interactions

if TYPE_CHECKING:
    import scipy.sparse as sparse

    from kinfold.core.keys import Keys
    from kinfold.core.space import Space

# Attributes of users: rows of items within their group, and how strongly each was met.
MET, WEIGHT = "met", "met_weight"
COUNT = "count"


class Sides(NamedTuple):
    """The groups of a Space of users and items.

    Args:
        users: Group of those who are served; None where the method keeps no rows of them.
        items: Group of what they are served.
    """

    users: str | None
    items: str

    @classmethod
    def of(cls, space: Space) -> Sides:
        """The first two groups, or the only one, of items; layers of a network are no side."""
        groups = [name for name in space.groups if name != LAYERS][:2]
        return cls(groups[0], groups[1]) if len(groups) == 2 else cls(None, groups[0])

    def known_users(self) -> str:
        """The group of the users.

        Raises:
            BadData: There is none.
        """
        if self.users is None:
            raise BadData(
                f"this Space has rows of '{self.items}' alone, none of users; give histories of what they met."
            )
        return self.users


def known(space: Space, group: str) -> pa.Table:
    """What is known of the keys of a group, by the names that the source gave, without what Kinfold adds."""
    part = space.group(group)
    if part.table is None:
        return pa.table({})
    called = space.card.data.get("attributes", {}).get(group, {})
    others = [
        each for name, its in space.card.data.get("attributes", {}).items() if name != group for each in its.values()
    ]
    own = [
        name for name in part.table.column_names if name not in (COUNT, MET, WEIGHT, *called, *called.values(), *others)
    ]
    columns = {name: part.table[name] for name in own if part.table[name].null_count < len(part)}
    return pa.table({**columns, **{name: part.table[actual] for name, actual in called.items()}})


def items_where(space: Space, sides: Sides, condition: str) -> np.ndarray:
    """Items, by their rows within their group (m,) int64, for which an SQL condition holds.

    Raises:
        BadOption: It is none, or holds for no item.
    """
    home = space.keys.range_of(sides.items)
    rows = space.where(condition)
    found: np.ndarray = rows[(rows >= home.start) & (rows < home.stop)] - home.start
    if not len(found):
        raise BadOption(f"where: '{condition}' holds for no {sides.items}.")
    return found


def with_histories(space: Space, matrix: sparse.csr_array) -> Space:
    """The Space with what its first keys, the users, met (users, items) as attributes; other keys have none."""
    total = len(space)
    starts = np.append(matrix.indptr, np.full(total - matrix.shape[0], matrix.indptr[-1])).astype(np.int64)
    there = np.arange(total) < matrix.shape[0]
    valid = pa.py_buffer(np.packbits(there, bitorder="little")) if total > matrix.shape[0] else None
    values = {MET: matrix.indices.astype(np.int32, copy=False), WEIGHT: matrix.data.astype(np.float32, copy=False)}
    for name, each in values.items():
        kind, buffers = pa.large_list(pa.from_numpy_dtype(each.dtype)), [valid, pa.py_buffer(starts)]
        space = space.with_attribute(name, pa.Array.from_buffers(kind, total, buffers, children=[to_arrow(each)]))
    return space


def remembered(space: Space, sides: Sides) -> sparse.csr_array:
    """What each user met (users, items), as the Space has it; nothing where it has not.

    Raises:
        BadData: The attributes are damaged.
    """
    import scipy.sparse as sparse

    people = space.group(sides.known_users())
    shape = len(people), len(space.group(sides.items))
    names = () if people.table is None else people.table.column_names
    if MET not in names or WEIGHT not in names:
        return sparse.csr_array(shape, dtype=np.float32)
    met, weights = (one_array(people.attribute(name)) for name in (MET, WEIGHT))
    try:
        sizes = to_numpy(met.value_lengths())
        starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        found = sparse.csr_array((to_numpy(weights.flatten()), to_numpy(met.flatten()), starts), shape=shape)
        found.check_format()
    except (AttributeError, TypeError, ValueError) as error:
        raise BadData(f"the attributes {MET} and {WEIGHT} of this Space do not fit together ({error}).") from error
    return found


def renumbered(table: pa.Table, before: Keys, rows: np.ndarray) -> pa.Table:
    """Attributes of some rows, in which items are numbered as they stand among these; others are left out.

    Args:
        table: With what users met, by the numbers that items had.
        before: The keys of all rows.
        rows: Those that are left (m,) int64, in the order of the table.
    """
    groups = list(before.groups.values())[:2]
    if len(groups) < 2:
        return table
    items = rows[(rows >= groups[1].start) & (rows < groups[1].stop)] - groups[1].start
    if not len(items) or np.array_equal(items, np.arange(len(groups[1]))):
        return table
    places = np.full(len(groups[1]), -1, np.int32)
    places[items] = np.arange(len(items), dtype=np.int32)
    met, weights = (one_array(table[name]) for name in (MET, WEIGHT))
    sizes = to_numpy(pc.fill_null(met.value_lengths(), 0))
    now = places[to_numpy(met.flatten())]
    kept = now >= 0
    starts = np.append(0, np.cumsum(np.bincount(np.repeat(np.arange(len(sizes)), sizes)[kept], minlength=len(sizes))))
    for name, each in ((MET, now[kept]), (WEIGHT, to_numpy(weights.flatten())[kept])):
        lists = pa.LargeListArray.from_arrays(to_arrow(starts), to_arrow(each), mask=met.is_null())
        table = table.set_column(table.column_names.index(name), name, lists.cast(table.schema.field(name).type))
    return table


def onto(met: Interactions, space: Space, sides: Sides) -> sparse.csr_array:
    """Interactions as a matrix over the users and items of a Space; those of others are left out."""
    import scipy.sparse as sparse

    rows, columns = (
        space.keys.group(group).rows(keys)[ids]
        for group, keys, ids in (
            (sides.known_users(), met.users, met.user_ids),
            (sides.items, met.items, met.item_ids),
        )
    )
    known = (rows >= 0) & (columns >= 0)
    weights = np.ones(len(met), np.float32) if met.weights is None else met.weights
    shape = len(space.group(sides.known_users())), len(space.group(sides.items))
    found = sparse.csr_array((weights[known], (rows[known], columns[known])), shape=shape)
    found.sum_duplicates()
    return found
