"""Which rows come first where only some can be taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from kinfold.core.space import Space


def counts(space: Space) -> np.ndarray | None:
    """How often each key occurs (n,) float64, by the attribute `count`; -1 where it is missing, None without one."""
    if space.table is None or "count" not in space.table.column_names:
        return None
    column = space.table["count"]
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        return None
    found: np.ndarray = np.nan_to_num(np.asarray(pc.fill_null(column.cast(pa.float64()), -1)), nan=-1)
    return found


def most_frequent(space: Space, limit: int | None = None) -> tuple[np.ndarray, str]:
    """The rows (m,) int64 by the attribute `count`, else in order; and what they are: `most frequent`, or `first`.

    Args:
        space: Whose rows.
        limit: How many; all of them where it is None.
    """
    found = counts(space)
    if found is None:
        return np.arange(len(space))[:limit], "first"
    return np.argsort(-found, kind="stable")[:limit], "most frequent"
