"""Interactions become the shapes that learners take: a matrix of users and items, or sequences of items."""

from __future__ import annotations

import dataclasses
from typing import Literal

import numpy as np
import pyarrow as pa

from kinfold.core.columns import to_arrow
from kinfold.core.errors import BadOption, did_you_mean
from kinfold.core.keys import Keys
from kinfold.core.shapes import Counts, Interactions, Sequences

Repeated = Literal["sum", "last"]
_REPEATED = ("sum", "last")


def matrix(met: Interactions, *, repeated: Repeated = "sum", zeros: bool = False) -> Counts:
    """Users by items; an entry is how strongly they met.

    Args:
        met: The interactions.
        repeated: The weights of two who meet again are summed, or the last one counts: the latest by time, or by the
            order of the source.
        zeros: Whether a weight of 0 is an entry, as a rating is, and not left out.

    Returns:
        Counts of the groups `user` and `item`, columns ascending in each row.

    Raises:
        BadOption: `repeated` is neither.

    Example:
        >>> from kinfold.sources.interactions import read
        >>> matrix(read([("ann", "tea", 2), ("bob", "rye", 1), ("ann", "tea", 3)])).values.toarray()
        array([[5., 0.],
               [0., 1.]], dtype=float32)
    """
    import scipy.sparse as sparse

    if repeated not in _REPEATED:
        near = did_you_mean(str(repeated), _REPEATED)
        raise BadOption(f"repeated is '{repeated}'.{near} It is one of: {', '.join(_REPEATED)}.")
    shape = len(met.users), len(met.items)
    some = met if repeated == "sum" else latest(met)
    weights = np.ones(len(some), np.float32) if some.weights is None else some.weights
    values = sparse.csr_array((weights, (some.user_ids, some.item_ids)), shape=shape)
    values.sum_duplicates()
    if not zeros:
        values.eliminate_zeros()
    return Counts(met.users, met.items, values)


def with_items(met: Interactions, more: Keys) -> Interactions:
    """The same interactions, with items behind those that there are that nobody met yet."""
    new = np.flatnonzero(met.items.rows(more.names) < 0)
    names = pa.concat_arrays([met.items.names, more.names.take(to_arrow(new))])
    return dataclasses.replace(met, items=Keys.trusted(names, "item"))


def in_order(met: Interactions) -> np.ndarray:
    """The interactions (m,) by user, of each user by time; equal times, and all without, in the order of the source."""
    keys = (met.user_ids,) if met.times is None else (met.times, met.user_ids)
    return np.lexsort(keys)


def sessions(met: Interactions) -> Sequences:
    """What each user met, in order: one sequence a user, by its name."""
    order = in_order(met)
    starts = np.concatenate([[0], np.cumsum(np.bincount(met.user_ids, minlength=len(met.users)))]).astype(np.int64)
    return Sequences(met.items, met.item_ids[order], starts, len(met), len(met.users), met.users)


def placed(met: Interactions) -> Interactions:
    """Each two once, whose weight is the place in what the user met: 1, 2, 3 … in order; who meets again has the last.

    So a matrix keeps the order, for methods to which it counts.

    Example:
        >>> from kinfold.sources.interactions import read
        >>> matrix(placed(read({"ann": ["tea", "rye", "jam"], "bob": ["jam", "rye", "tea", "rye"]}))).values.toarray()
        array([[1., 2., 3.],
               [2., 3., 1.]], dtype=float32)
    """
    once = latest(met)
    once = once.take(in_order(once))
    sizes = np.bincount(once.user_ids, minlength=len(once.users))
    places = np.arange(len(once)) - np.repeat(np.cumsum(sizes) - sizes, sizes) + 1
    return dataclasses.replace(once, weights=places.astype(np.float32))


def latest(met: Interactions) -> Interactions:
    """Of those who meet again only the last time, in the order of the source."""
    order = in_order(met)
    pairs = met.user_ids[order].astype(np.int64) * len(met.items) + met.item_ids[order]
    # The first of a pair in reversed order is its last.
    _, first = np.unique(pairs[::-1], return_index=True)
    return met.take(np.sort(order[len(order) - 1 - first]))
