"""A Space of users and items after more interactions: rows of those who took part are solved anew, all others stay."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kinfold.core.columns import one_array, to_arrow, to_numpy
from kinfold.core.errors import BadData
from kinfold.core.histories import Sides, known, onto, remembered, with_histories
from kinfold.core.keys import Keys
from kinfold.core.rows import Rows
from kinfold.core.shapes import Interactions
from kinfold.core.space import Space
from kinfold.encode.foldin import FoldIn
from kinfold.encode.folding import FOLDINGS, Folding
from kinfold.prepare.features import features
from kinfold.prepare.interactions import latest, placed

if TYPE_CHECKING:
    import scipy.sparse as sparse


def updated(space: Space, met: Interactions, *, repeated: Literal["sum", "last"] = "sum") -> Space:
    """The Space with what users met since it was learned.

    Users and items that took part get the rows that fold-in gives them with all that is remembered of them: users, then
    items, then users again, since new items had no row the first time. New ones stand behind the others of their group.
    Where only users are folded in (item2vec, sasrec), new items are left out and counted.

    Args:
        space: Users and items, with what users met.
        met: New interactions.
        repeated: Weights of two who meet again are summed, or the new one counts.

    Returns:
        A Space in the same frame; its card has the step `resume`.

    Raises:
        BadData: The method folds nobody in, keeps no rows of users, or the Space does not remember what they met.
    """
    sides = Sides.of(space)
    users, both, ordered = sides.known_users(), _kind(space).both, _kind(space).ordered
    old = remembered(space, sides)
    if not old.nnz:
        raise BadData("this Space does not remember what users met; learn it anew from all interactions.")
    grown = with_keys(space, met)
    once = placed(met) if ordered else latest(met) if repeated == "last" else met
    new, left_out = _new(once, grown, sides)
    if ordered:
        new = _behind(old, new)
    total = _together(old, new, "last" if ordered else repeated, zeros=space.card.method == "funksvd")
    touched = {users: np.flatnonzero(np.diff(new.indptr)), sides.items: np.unique(new.indices)}
    grown = _counted(grown, total)
    turned = total.T.tocsr()
    for group, matrix in ((users, total), *(((sides.items, turned), (users, total)) if both else ())):
        grown = _solved(grown, group, matrix, touched[group])
    for group in (users, sides.items):
        grown = _placed(grown, group)
    grown = with_histories(grown, total)
    told: dict[str, Any] = {"interactions": len(met), "users": len(touched[users])}
    told |= {"items": len(touched[sides.items])} if both else {"left_out": left_out}
    return dataclasses.replace(grown, card=space.card.then("resume", **told))


def with_keys(space: Space, met: Interactions) -> Space:
    """The Space with rows of zeros for new users and items, each behind the others of its group.

    Raises:
        BadData: The method folds nobody in, or keeps no rows of users.
    """
    sides = Sides.of(space)
    if space.card.method == "funksvd" and met.weights is None:
        raise BadData("these interactions have no weights to be ratings; name the column with weight=….")
    more = {sides.known_users(): met.users}
    if _kind(space).both:
        more[sides.items] = met.items
    found: Space | None = None
    for name in space.groups:
        part = space.group(name)
        if name in more:
            new = more[name].names.filter(pa.array(part.keys.rows(more[name].names) < 0))
            nulls = (
                {} if part.table is None else {each.name: pa.nulls(len(new), each.type) for each in part.table.schema}
            )
            table = None if part.table is None else pa.concat_tables([part.table, pa.table(nulls)])
            rows = Rows(np.concatenate([part.rows.dense(), np.zeros((len(new), space.dim), np.float32)]))
            keys = Keys.trusted(pa.concat_arrays([part.keys.names, new.cast(part.keys.names.type)]), name)
            part = Space(keys, rows, space.metric, space.card, table)
        found = part if found is None else found.beside(part)
    assert found is not None
    return found


def _kind(space: Space) -> type[Folding]:
    kind = FOLDINGS.get(space.card.method)
    if kind is None:
        raise BadData(f"a Space by '{space.card.method}' is not updated; learn it anew from all interactions.")
    return kind


def _new(met: Interactions, space: Space, sides: Sides) -> tuple[sparse.csr_array, int]:
    """The interactions over the users and items of the Space, and how many are of items without a row."""
    rows = space.group(sides.items).keys.rows(met.items)[met.item_ids]
    return onto(met, space, sides), int(np.count_nonzero(rows < 0))


def _behind(old: sparse.csr_array, new: sparse.csr_array) -> sparse.csr_array:
    """New places, from 1, as such behind the old ones of each user."""
    last = np.zeros(new.shape[0], np.float32)
    last[: old.shape[0]] = old.max(axis=1).toarray().reshape(-1)
    new.data += np.repeat(last, np.diff(new.indptr))
    return new


def _together(old: sparse.csr_array, new: sparse.csr_array, repeated: str, zeros: bool) -> sparse.csr_array:
    """All entries; where the last one counts, of the new ones. Without `zeros`, one of weight 0 is none."""
    import scipy.sparse as sparse

    parts = [each.tocoo() for each in (old, new)]
    rows, columns, weights = (
        np.concatenate(each) for each in zip(*((*part.coords, part.data) for part in parts), strict=True)
    )
    if repeated == "last":
        pairs = rows.astype(np.int64) * new.shape[1] + columns
        _, first = np.unique(pairs[::-1], return_index=True)
        kept = len(pairs) - 1 - first
        rows, columns, weights = rows[kept], columns[kept], weights[kept]
    total = sparse.csr_array((weights, (rows, columns)), shape=new.shape)
    total.sum_duplicates()
    if not zeros:
        total.eliminate_zeros()
    return total


def _counted(space: Space, total: sparse.csr_array) -> Space:
    """The Space with how many entries users and items have now; these are its first two groups."""
    counts = to_numpy(pc.fill_null(one_array(space.attribute("count")), 0)).copy()
    each = np.concatenate([np.diff(total.indptr), np.bincount(total.indices, minlength=total.shape[1])])
    counts[: len(each)] = each
    return space.with_attribute("count", to_arrow(counts))


def _solved(space: Space, group: str, matrix: sparse.csr_array, some: np.ndarray) -> Space:
    """The Space with rows of some of a group (m,) as their entries (group, others) have them."""
    values = space.rows.dense().copy()
    pulled = _pulled(space, group)
    rows = FoldIn(space, group).rows(matrix[some], toward=None if pulled is None else pulled[some])
    values[space.keys.range_of(group).start + some] = rows
    return dataclasses.replace(space, rows=Rows(values))


def _placed(space: Space, group: str) -> Space:
    """The Space with the rows that features give to those of a group that have none, since nobody met them."""
    pulled = _pulled(space, group)
    if pulled is None:
        return space
    values = space.rows.dense().copy()
    without = np.flatnonzero(~space.group(group).rows.dense().any(axis=1))
    values[space.keys.range_of(group).start + without] = pulled[without]
    return dataclasses.replace(space, rows=Rows(values))


def _pulled(space: Space, group: str) -> np.ndarray | None:
    """What the features of a group's keys say of their rows (n, dim); None where none were learned."""
    columns = space.card.data.get("features", {}).get(group)
    if columns is None:
        return None
    learned, scale = space.group(f"{group}_feature"), space.card.data["scales"][group]
    told = features(space.keys.group(group), known(space, group), columns, f"{group}_feature", scale)
    places = learned.keys.rows(told.column_keys)
    found: np.ndarray = told.values[:, places >= 0] @ learned.rows.dense()[places[places >= 0]]
    return found
