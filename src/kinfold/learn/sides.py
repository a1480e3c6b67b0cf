"""Rows and columns that are learned together: users and items in one Space."""

from __future__ import annotations

from kinfold.core.errors import BadData
from kinfold.core.keys import Keys


def both(rows: Keys, columns: Keys) -> Keys:
    """The keys of both sides, each in its own groups.

    Raises:
        BadData: A group has keys on either side.
    """
    import pyarrow as pa

    shared = set(rows.groups) & set(columns.groups)
    if shared:
        raise BadData(
            f"rows and columns have different keys, but are both of the group '{min(shared)}'; "
            "name the groups of either side: Keys(names, 'user')."
        )
    sizes = {name: len(members) for keys in (rows, columns) for name, members in keys.groups.items()}
    return Keys.trusted(pa.concat_arrays([rows.names, columns.names]), sizes)
