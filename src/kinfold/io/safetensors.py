"""A matrix in a safetensors file, with its keys in `x.keys.txt` beside `x.safetensors`, a key a line.

The matrix is memory-mapped where it is float32 or float16 and nothing has to be left out. Rows with NaN or infinity and
keys seen before are left out and counted. Of several tensors, the one with a usual name is taken, or the only one with
two axes, or the one that is named.

Source: https://github.com/huggingface/safetensors, the format's description.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from kinfold.core.errors import BadData, BadFile
from kinfold.core.files import existing
from kinfold.core.space import Space
from kinfold.io.beside import keys_beside, read_keys, with_keys
from kinfold.io.format import MAX_DIM, Format, check_choice, chosen, refuse_packed, value_blocks
from kinfold.io.matrix import space_of
from kinfold.io.tensors import Tensor, tensors, write_tensors

NAME = "safetensors"

# What matrices of embeddings are called in files that hold more than one, the likeliest first.
_USUAL = ("embeddings", "embedding.weight", "embedding", "vectors", "weight", "embeddings.weight")


def read(
    path: str | os.PathLike[str],
    *,
    tensor: str | None = None,
    keys: str | os.PathLike[str] | None = None,
    bad_bytes: str = "replace",
    group: str = "row",
) -> Space:
    """A Space from the matrix and its keys.

    Args:
        path: The matrix.
        tensor: Its name; by default a usual one, as `embeddings`, or the only one with two axes.
        keys: The file of keys, which may be packed; by default `x.keys.txt` beside `x.safetensors`.
        bad_bytes: Keys that are not UTF-8: "replace" or "ignore" what is not, or "strict" to refuse.
        group: What the rows are called.

    Raises:
        BadFile: One of the files is missing or cannot be read.
        BadData: No such file, a damaged one, no such matrix in it, or not as many keys as rows.
        BadOption: The name says that it is compressed.
    """
    check_choice("bad_bytes", bad_bytes, ("replace", "ignore", "strict"))
    refuse_packed(path)
    path = existing(path)
    matrix = _matrix(path, tensors(path), tensor)
    if keys is None and not keys_beside(path).exists() and (path.parent / "tokenizer.json").exists():
        raise BadFile(f"{path}: its keys are the tokens of the model in whose folder it is; open {path.parent}.")
    counts: Counter[str] = Counter()
    names = read_keys(path, keys, matrix.shape[0], bad_bytes, counts)
    return space_of(path, NAME, matrix.numbers(), names, counts, group=group)


def write(
    space: Space,
    path: str | os.PathLike[str],
    *,
    group: str | None = None,
    tensor: str = "embeddings",
    replace: str | None = None,
) -> None:
    """Writes one group: the matrix as it is kept (float32 or float16) and the keys beside it.

    Args:
        space: What to write.
        path: The matrix; the keys go to `x.keys.txt` beside `x.safetensors`.
        group: The group to write, the first where none is named.
        tensor: What the matrix is called.
        replace: Stands in place of line ends in keys; None refuses them.

    Raises:
        BadFile: One of the files cannot be written.
        BadData: A key holds a line end.
        BadOption: The name says that it is to be compressed.
    """
    refuse_packed(path)
    space = chosen(space, group)
    held = {tensor: (space.rows.precision, (len(space), space.dim), value_blocks(space))}
    with with_keys(space, Path(path), replace) as matrix, open(matrix, "wb") as stream:
        write_tensors(stream, held)


def recognizes(path: Path, head: bytes) -> bool:
    """A length that fits the file, and the brace that opens a header behind it."""
    return head[8:9] == b"{" and not path.is_dir() and int.from_bytes(head[:8], "little") <= os.path.getsize(path) - 8


FORMAT = Format(read, write, recognizes, (".safetensors",))


def _matrix(path: Path, found: dict[str, Tensor], wanted: str | None) -> Tensor:
    """The tensor to read.

    Raises:
        BadData: There is none of this name, or it is no matrix, or nothing says which one is meant.
    """
    held = ", ".join(f"'{each.name}' {each.shape}" for each in list(found.values())[:20])
    if wanted is not None and wanted not in found:
        raise BadData(f"{path}: has no tensor '{wanted}'. It has: {held}.")
    matrices = [each for each in found.values() if len(each.shape) == 2 and 1 <= each.shape[1] <= MAX_DIM]
    usual = [found[name] for name in _USUAL if found.get(name) in matrices]
    likely = [found[wanted]] if wanted is not None else usual[:1] or matrices
    if len(likely) != 1:
        what = f"{len(likely)} matrices" if likely else "no matrix (rows, dim)"
        raise BadData(f'{path}: holds {what}; say with tensor="…" which one to read. It has: {held}.')
    if likely[0] not in matrices:
        raise BadData(f"{path}: the tensor '{wanted}' {likely[0].shape} is no matrix (rows, dim). It has: {held}.")
    return likely[0]
