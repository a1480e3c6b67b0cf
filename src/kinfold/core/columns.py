"""Numbers and names between numpy and Arrow, on the same memory.

`pa.array` and `to_numpy` do this too, but import pandas where it is installed, which takes longer than opening a
Space and searching it.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa


def to_arrow(values: np.ndarray) -> pa.Array:
    """An Arrow array over numbers (n,)."""
    values = np.ascontiguousarray(values)
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [None, pa.py_buffer(values)])


def one_name(name: str) -> pa.LargeStringArray:
    """An Arrow array of one name.

    Raises:
        UnicodeEncodeError: The name has a lone surrogate.
    """
    data = name.encode()
    offsets = pa.py_buffer(np.array([0, len(data)], np.int64))
    return pa.Array.from_buffers(pa.large_string(), 1, [None, offsets, pa.py_buffer(data)])


def to_numpy(array: pa.Array) -> np.ndarray:
    """The numbers (n,) of an Arrow array without nulls; true and false become 1 and 0 of uint8."""
    if pa.types.is_boolean(array.type):
        array = array.cast(pa.uint8())
    kind = np.dtype(array.type.to_pandas_dtype())
    _, data = array.buffers()
    if not len(array) or data is None:
        return np.zeros(0, kind)
    return np.frombuffer(data, kind, len(array), array.offset * kind.itemsize)
