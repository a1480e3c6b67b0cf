"""Which rows an SQL condition on their attributes selects. DuckDB evaluates it, shut off from files and network."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from kinfold.core.columns import to_arrow
from kinfold.core.errors import BadOption


def matches(attributes: pa.Table, condition: str) -> np.ndarray:
    """The rows (m,) int64, ascending, for which the condition holds.

    Args:
        attributes: One row a key; the condition may name any of the columns.
        condition: An SQL expression: `count > 100 and key like 'un%'`.

    Raises:
        BadOption: It is no expression, or names no column of the table.
    """
    import duckdb

    numbered = attributes.append_column("row", to_arrow(np.arange(attributes.num_rows)))
    with duckdb.connect(config={"enable_external_access": False, "lock_configuration": True}) as base:
        base.register("attributes", numbered)
        try:
            parsed = base.extract_statements(f"select row from attributes where ({condition}\n) order by row")
            if len(parsed) != 1:
                raise BadOption(f"where: '{condition}' is more than one expression.")
            rows = base.execute(parsed[0]).fetchnumpy()["row"]
        except duckdb.Error as error:
            columns = ", ".join(attributes.column_names)
            raise BadOption(f"where: {str(error).splitlines()[0]} The columns are: {columns}.") from error
    return np.asarray(rows, np.int64)
