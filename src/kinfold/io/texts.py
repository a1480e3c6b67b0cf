"""Rows as lines of text, and strings as the bytes that they are written as."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kinfold.core.columns import to_arrow
from kinfold.core.space import Space
from kinfold.io.order import in_order

# Numbers that become text at a time: a few megabytes, which stay near the processor.
_NUMBERS = 1 << 18


def lines_of(space: Space, names: pa.LargeStringArray | None, separator: str = " ") -> Iterator[bytes]:
    """Blocks of whole lines: the name, where there are names, and the row's numbers.

    A number has as many digits as bring the same float32 back, and no more.
    """
    size = max(1, _NUMBERS // max(1, space.dim))
    scalar = functools.partial(pa.scalar, type=pa.large_string())

    def lines(start: int) -> bytes:
        block = np.ascontiguousarray(space.rows.values[start : start + size], np.float32)
        digits = to_arrow(block.reshape(-1)).cast(pa.string())
        ends = to_arrow(np.arange(len(block) + 1, dtype=np.int32) * np.int32(space.dim))
        texts = pc.binary_join(pa.ListArray.from_arrays(ends, digits), separator).cast(pa.large_string())
        if names is not None:
            texts = pc.binary_join_element_wise(names.slice(start, len(block)), texts, scalar(separator))
        # The strings of an array stand one after another.
        return bytes(data_of(pc.binary_join_element_wise(texts, scalar("\n"), scalar(""))))

    return in_order(iter(range(0, len(space), size)), lines)


def data_of(texts: pa.LargeStringArray | pa.LargeBinaryArray) -> memoryview:
    """The bytes of all strings of an array that is no slice of another."""
    _, offsets, data = texts.buffers()
    return memoryview(data)[: int(np.frombuffer(offsets, np.int64)[len(texts)])]
