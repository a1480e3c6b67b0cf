"""The keys of a matrix in a file of their own: `x.keys.txt` beside `x.npy` or `x.safetensors`.

UTF-8, a key a line, nothing escaped; a key with a line end in it cannot be written so and is refused.
"""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from kinfold.core.errors import BadData, BadFile
from kinfold.core.files import whole_file
from kinfold.core.space import Space
from kinfold.io.format import writable_names
from kinfold.io.names import read_names


def keys_beside(path: Path) -> Path:
    """Where the keys of a matrix are."""
    return path.with_name(f"{path.stem if path.suffix.lower() in ('.npy', '.safetensors') else path.name}.keys.txt")


def read_keys(
    path: Path, keys: str | os.PathLike[str] | None, rows: int, bad_bytes: str, counts: Counter[str]
) -> pa.LargeStringArray:
    """The keys of a matrix, one a row.

    Args:
        path: The matrix.
        keys: Their file, which may be packed; by default the one beside.
        rows: Of the matrix.
        bad_bytes: Keys that are not UTF-8: "replace" or "ignore" what is not, or "strict" to refuse.
        counts: Those that were repaired are added.

    Raises:
        BadFile: The file is missing or cannot be read.
        BadData: There are not as many keys as rows.
    """
    beside = Path(keys) if keys is not None else keys_beside(path)
    if keys is None and not beside.exists():
        raise BadFile(f"{beside}: no such file; the keys of {path.name} are read from it, one a line. Or pass keys=….")
    names = read_names(beside, bad_bytes, counts)
    if len(names) != rows:
        raise BadData(f"{beside}: {len(names):,} keys do not go with the {rows:,} rows of {path.name}.")
    return names


@contextlib.contextmanager
def with_keys(space: Space, path: Path, replace: str | None) -> Iterator[Path]:
    """A temporary path for the matrix; it and the keys beside it appear only if the block ends well.

    Args:
        space: Whose keys are written.
        path: The matrix.
        replace: Stands in place of line ends in keys; None refuses them.

    Raises:
        BadFile: One of the files cannot be written.
        BadData: A key holds a line end.
    """
    names = writable_names(space.keys, path, ("\n", "\r"), replace, empty=True)
    with whole_file(path) as matrix, whole_file(keys_beside(path)) as keys:
        yield matrix
        with open(keys, "wb") as stream:
            for start in range(0, len(names), 65_536):
                stream.write("\n".join([*names.slice(start, 65_536).to_pylist(), ""]).encode())
