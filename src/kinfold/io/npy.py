"""A NumPy matrix `x.npy` (rows, dim) with its keys in `x.keys.txt`, a key a line.

The matrix is memory-mapped where it is float32 or float16 and nothing has to be left out. Rows with NaN or infinity and
keys seen before are left out and counted. No pickle is read: an array of objects is refused.

Source: numpy.lib.format.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from pathlib import Path

import numpy as np

from kinfold.core.errors import BadData, BadFile
from kinfold.core.files import existing
from kinfold.core.space import Space
from kinfold.io.beside import read_keys, with_keys
from kinfold.io.format import MAX_DIM, Format, check_choice, chosen, refuse_packed, value_blocks
from kinfold.io.matrix import space_of

NAME = "npy"


def read(
    path: str | os.PathLike[str],
    *,
    keys: str | os.PathLike[str] | None = None,
    bad_bytes: str = "replace",
    group: str = "row",
) -> Space:
    """A Space from the matrix and its keys.

    Args:
        path: The matrix.
        keys: The file of keys, which may be packed; by default `x.keys.txt` beside `x.npy`.
        bad_bytes: Keys that are not UTF-8: "replace" or "ignore" what is not, or "strict" to refuse.
        group: What the rows are called.

    Raises:
        BadFile: One of the files is missing or cannot be read.
        BadData: No matrix of numbers, or not as many keys as rows.
        BadOption: The name says that it is compressed.
    """
    check_choice("bad_bytes", bad_bytes, ("replace", "ignore", "strict"))
    refuse_packed(path)
    path = existing(path)
    values = matrix_at(path)
    counts: Counter[str] = Counter()
    names = read_keys(path, keys, len(values), bad_bytes, counts)
    return space_of(path, NAME, values, names, counts, group=group)


def write(space: Space, path: str | os.PathLike[str], *, group: str | None = None, replace: str | None = None) -> None:
    """Writes one group: the matrix as it is kept (float32 or float16; codes as float32) and the keys beside it.

    Args:
        space: What to write.
        path: The matrix; the keys go to `x.keys.txt` beside `x.npy`.
        group: The group to write, the first where none is named.
        replace: Stands in place of line ends in keys; None refuses them.

    Raises:
        BadFile: One of the files cannot be written.
        BadData: A key holds a line end.
        BadOption: The name says that it is to be compressed.
    """
    refuse_packed(path)
    space = chosen(space, group)
    header = {"descr": space.rows.precision.str, "fortran_order": False, "shape": (len(space), space.dim)}
    with with_keys(space, Path(path), replace) as matrix, open(matrix, "wb") as stream:
        np.lib.format.write_array_header_1_0(stream, header)
        for block in value_blocks(space):
            stream.write(np.ascontiguousarray(block).data)


def recognizes(path: Path, head: bytes) -> bool:
    """The magic bytes of a .npy file."""
    return head.startswith(b"\x93NUMPY")


def matrix_at(path: Path) -> np.ndarray:
    """The matrix (rows, dim) of a .npy file, memory-mapped.

    Raises:
        BadFile: It cannot be read.
        BadData: It holds no matrix of numbers, or is damaged.
    """
    try:
        with open(path, "rb") as stream:
            version = np.lib.format.read_magic(stream)
            reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, fortran, kind = reader(stream)
            begins = stream.tell()
    except OSError as error:
        raise BadFile(f"{path}: cannot be read ({error.strerror}).") from error
    # numpy's header is Python source: what it raises on a damaged one is anything that Python's parser does.
    except Exception as error:
        raise BadData(f"{path}: the header of this .npy file is damaged ({error}).") from error
    if len(shape) != 2 or not 1 <= shape[1] <= MAX_DIM or kind.kind not in "fiu" or kind.itemsize > 8:
        raise BadData(
            f"{path}: holds an array of {kind} with the shape {shape}; a matrix of numbers (rows, dim) is needed."
        )
    needed, there = math.prod(shape) * kind.itemsize, os.path.getsize(path) - begins
    if needed > there or shape[0] < 0:
        raise BadData(
            f"{path}: the header says {shape[0]:,} rows of {shape[1]:,} numbers, which take {needed:,} bytes, but "
            f"{there:,} follow. The file is cut short; fetch it again."
        )
    if not needed:
        return np.empty(shape, np.float32)
    return np.memmap(path, kind, "r", begins, shape, "F" if fortran else "C").view(np.ndarray)


FORMAT = Format(read, write, recognizes, (".npy",))
