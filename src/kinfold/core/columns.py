"""Numbers and names between numpy and Arrow, on the same memory.

`pa.array` and `to_numpy` do this too, but import pandas where it is installed, which takes longer than opening a
Space and searching it.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kinfold.core.errors import BadData


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


def lower_cased(names: pa.LargeStringArray) -> bool:
    """Whether all of the first 100,000 names are in lower case."""
    some = names.slice(0, 100_000)
    return bool(pc.all(pc.equal(some, pc.utf8_lower(some)), min_count=0).as_py())


def lists_of(matrix: np.ndarray, start: int = 0, total: int | None = None) -> pa.LargeListArray:
    """Rows (m, d) float32 as an attribute of the keys start..start + m of `total`; the other keys have none (null)."""
    total = len(matrix) if total is None else total
    inside = (np.arange(total) >= start) & (np.arange(total) < start + len(matrix))
    ends = np.zeros(total + 1, np.int64)
    np.cumsum(inside * np.int64(matrix.shape[1]), out=ends[1:])
    valid = pa.py_buffer(np.packbits(inside, bitorder="little"))
    values = to_arrow(np.asarray(matrix, np.float32).reshape(-1))
    buffers = [valid if len(matrix) < total else None, pa.py_buffer(ends)]
    return pa.Array.from_buffers(pa.large_list(pa.float32()), total, buffers, children=[values])


def matrix_of(column: pa.Array | pa.ChunkedArray, dim: int) -> np.ndarray:
    """The rows (m, dim) float32 of an attribute of lists, of those keys that have one.

    Raises:
        BadData: A list has another length.
    """
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    values = array.flatten()
    rows = len(array) - array.null_count
    if len(values) != rows * dim or not pa.types.is_float32(values.type) or values.null_count:
        raise BadData(f"an attribute of lists has not {dim} float32 numbers for every key that has a list.")
    return to_numpy(values).reshape(rows, dim)
