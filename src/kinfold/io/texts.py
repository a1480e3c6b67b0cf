"""Rows as lines of text."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kinfold.core.space import Space
from kinfold.io.format import row_blocks


def lines_of(space: Space, names: pa.LargeStringArray | None, separator: str = " ") -> Iterator[bytes]:
    """Blocks of whole lines: the name, where there are names, and the row's numbers.

    A number has as many digits as bring the same float32 back, and no more.
    """
    anonymous = pa.nulls(len(space), pa.large_string())
    for named, block in row_blocks(space, anonymous if names is None else names):
        digits = pa.array(block.reshape(-1)).cast(pa.string())
        ends = pa.array(np.arange(0, block.size + 1, space.dim, dtype=np.int32))
        lines = pc.binary_join(pa.ListArray.from_arrays(ends, digits), separator).cast(pa.large_string())
        if names is not None:
            lines = pc.binary_join_element_wise(named, lines, pa.scalar(separator, pa.large_string()))
        yield "\n".join([*lines.to_pylist(), ""]).encode()
