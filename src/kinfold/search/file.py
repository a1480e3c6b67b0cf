"""An index on disk: what it knows beside the rows, which stay in the Space's own file.

A first line of text, the length of the header (8 bytes, little-endian), the header (JSON: kind of index, frame,
metric, rows, parameters, and dtype, shape and place of each array), then the arrays. A checksum covers the arrays,
another one the header, and each index checks what its arrays say before FAISS sees them: FAISS trusts a file's word.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from kinfold.core.card import born
from kinfold.core.errors import BadData, BadFile, FrameMismatch
from kinfold.core.files import existing, whole_file
from kinfold.search.index import damaged

if TYPE_CHECKING:
    from kinfold.core.space import Space

MAGIC = b"kinfold index 1\n"
_HEADER_LIMIT = 1 << 20
_DTYPES = {"int32": np.int32, "int64": np.int64, "float32": np.float32, "uint8": np.uint8}


class Kept(Protocol):
    """What can be kept beside a Space."""

    @property
    def name(self) -> str:
        """Its kind."""

    @property
    def space(self) -> Space:
        """The Space that it belongs to."""

    @property
    def parameters(self) -> Mapping[str, Any]:
        """What it was built with."""

    def arrays(self) -> dict[str, np.ndarray]:
        """What it knows."""


def write_index(path: str | os.PathLike[str], index: Kept) -> None:
    """Writes the file, whole or not at all.

    Raises:
        BadFile: The folder cannot be written.
    """
    arrays = {name: np.ascontiguousarray(array) for name, array in index.arrays().items()}
    places, start = {}, 0
    for name, array in arrays.items():
        places[name] = {"dtype": str(array.dtype), "shape": list(array.shape), "start": start}
        start += array.nbytes
    digest = _digest(arrays.values())
    header = {
        "index": index.name,
        "frame": index.space.frame,
        "metric": index.space.metric.value,
        "rows": len(index.space),
        "dim": index.space.dim,
        "fingerprint": fingerprint(index.space),
        "parameters": dict(index.parameters),
        "arrays": places,
        "bytes": start,
        "checksum": digest,
    }
    text = json.dumps(header).encode()
    with whole_file(path) as temporary, open(temporary, "wb") as file:
        file.write(MAGIC)
        file.write(len(text).to_bytes(8, "little"))
        file.write(hashlib.blake2b(text, digest_size=8).digest())
        file.write(text)
        for array in arrays.values():
            file.write(array.data)


def read_index(path: str | os.PathLike[str], space: Space) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The header and the arrays, once they are known to be whole and to belong to the Space.

    Raises:
        BadFile: Nothing is there, or it cannot be read.
        BadData: It is not the file of an index, is damaged, or belongs to other rows.
        FrameMismatch: The Space is in another frame.
    """
    found = existing(path)
    if found.is_dir():
        raise BadFile(f"{found}: is a folder, not the file of an index.")
    size = found.stat().st_size
    with open(found, "rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise BadData(f"{found}: not the file of an index; `kinfold.search.build(space).save(path)` writes one.")
        length = int.from_bytes(file.read(8), "little")
        start = len(MAGIC) + 16 + length
        if length > _HEADER_LIMIT or start > size:
            raise damaged(str(found), "it ends within its header")
        seal, text = file.read(8), file.read(length)
        if hashlib.blake2b(text, digest_size=8).digest() != seal:
            raise damaged(str(found), "the checksum of its header does not fit")
        try:
            header = json.loads(text)
            _belongs(header, space, str(found))
            if header["bytes"] != size - start:
                raise damaged(str(found), f"its header tells of {header['bytes']:,} bytes, but {size - start:,} follow")
            data = file.read()
            arrays = {name: _array(data, place) for name, place in header["arrays"].items()}
            checksum = header["checksum"]
            if not isinstance(header["index"], str) or not isinstance(header["parameters"], dict):
                raise ValueError("an index has a name and parameters")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            if isinstance(error, BadData | FrameMismatch):
                raise
            raise damaged(str(found), f"its header does not say what it must ({error!r})") from error
    if _digest(arrays.values()) != checksum:
        raise damaged(str(found), "the checksum of its contents does not fit")
    return header, arrays


def fingerprint(space: Space) -> str:
    """A hash of the keys' number and of rows spread evenly: tells a Space from another one of its frame."""
    return born(str(len(space)), space.rows.values)


def _belongs(header: dict[str, Any], space: Space, place: str) -> None:
    if header["frame"] != space.frame:
        raise FrameMismatch(
            f"{place}: an index over the frame {header['frame']}, but this Space is in {space.frame}. "
            "Open it with the Space that it was built from, or build one for this Space."
        )
    for name, actual in (("rows", len(space)), ("dim", space.dim), ("metric", space.metric.value)):
        if header[name] != actual:
            raise BadData(
                f"{place}: an index over a Space whose {name} is {header[name]}, but here it is {actual}. "
                "Build an index for this Space."
            )
    if header["fingerprint"] != fingerprint(space):
        raise BadData(f"{place}: an index over other rows than those of this Space. Build one for this Space.")


def _array(data: bytes, place: dict[str, Any]) -> np.ndarray:
    shape = [int(size) for size in place["shape"]]
    if min(shape, default=0) < 0 or int(place["start"]) < 0:
        raise ValueError("negative size")
    # Numpy itself refuses more than the bytes that are there.
    count = int(np.prod(shape, dtype=object)) if shape else 1
    if not count:
        return np.zeros(shape, _DTYPES[place["dtype"]])
    return np.frombuffer(data, _DTYPES[place["dtype"]], count, int(place["start"])).reshape(shape)


def _digest(arrays: Any) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for array in arrays:
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
