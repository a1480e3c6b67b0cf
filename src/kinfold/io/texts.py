"""Rows as lines of text."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kinfold.core.space import Space
from kinfold.io.format import row_blocks
from kinfold.io.order import in_order


def lines_of(space: Space, names: pa.LargeStringArray | None, separator: str = " ") -> Iterator[bytes]:
    """Blocks of whole lines: the name, where there are names, and the row's numbers.

    A number has as many digits as bring the same float32 back, and no more.
    """
    anonymous = pa.nulls(len(space), pa.large_string())

    def lines(named: pa.LargeStringArray, block: np.ndarray) -> bytes:
        digits = pa.array(block.reshape(-1)).cast(pa.string())
        ends = pa.array(np.arange(0, block.size + 1, space.dim, dtype=np.int32))
        texts = pc.binary_join(pa.ListArray.from_arrays(ends, digits), separator).cast(pa.large_string())
        if names is not None:
            texts = pc.binary_join_element_wise(named, texts, pa.scalar(separator, pa.large_string()))
        return "\n".join([*texts.to_pylist(), ""]).encode()

    return in_order(row_blocks(space, anonymous if names is None else names), lambda part: lines(*part))
