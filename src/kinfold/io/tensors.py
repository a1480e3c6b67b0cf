"""What a safetensors file holds: named tensors behind a header of JSON, read without trusting what it says.

Eight bytes give the length of the header, little-endian; the header maps names to type, shape and place; behind it the
tensors stand one after another, in row-major order, without gaps.

Source: https://github.com/huggingface/safetensors, the format's description.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from kinfold.core.errors import BadData, BadFile

# What the safetensors library itself allows.
_LONGEST_HEADER = 100_000_000

_TYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "<u2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "u1",
    "BOOL": "u1",
}
_NAMES = {"float16": "F16", "float32": "F32", "float64": "F64", "int64": "I64", "int32": "I32"}


@dataclass(frozen=True, slots=True)
class Tensor:
    """Where in a file one tensor is.

    Args:
        path: The file.
        name: Of the tensor.
        kind: Type of its numbers, as the header calls it.
        shape: Its axes.
        begins: Byte of the file.
    """

    path: Path
    name: str
    kind: str
    shape: tuple[int, ...]
    begins: int

    def numbers(self) -> np.ndarray | Brain:
        """The tensor, memory-mapped."""
        if not math.prod(self.shape):
            return np.zeros(self.shape, np.float32)
        values = np.memmap(self.path, _TYPES[self.kind], "r", self.begins, self.shape).view(np.ndarray)
        return Brain(values) if self.kind == "BF16" else values


class Brain:
    """Numbers of bfloat16, the upper halves of float32, which come out as float32.

    Args:
        halves: uint16 of any shape.
    """

    def __init__(self, halves: np.ndarray) -> None:
        self._halves = halves
        self.shape = halves.shape
        self.dtype = np.dtype(np.float32)

    def __getitem__(self, rows: Any) -> np.ndarray:
        whole: np.ndarray = self._halves[rows].astype(np.uint32) << 16
        return whole.view(np.float32)


def tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by name.

    Raises:
        BadFile: It cannot be read.
        BadData: It is no safetensors file, or one whose header does not fit its bytes.
    """
    size = os.path.getsize(path)
    try:
        with open(path, "rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            if not 2 <= length <= min(_LONGEST_HEADER, size - 8):
                raise BadData(
                    f"{path}: its first 8 bytes say that a header of {length:,} bytes follows, but "
                    f"{max(0, size - 8):,} do. It is no safetensors file, or cut short; fetch it again."
                )
            header = json.loads(stream.read(length).decode())
    except OSError as error:
        raise BadFile(f"{path}: cannot be read ({error.strerror}).") from error
    except (ValueError, RecursionError) as error:
        if isinstance(error, BadData):
            raise
        raise BadData(f"{path}: the header of this safetensors file is damaged ({error}).") from error
    found = {
        name: _checked(path, name, entry, 8 + length, size)
        for name, entry in (header.items() if isinstance(header, dict) else ())
        if name != "__metadata__"
    }
    if not found:
        raise BadData(f"{path}: holds no tensor.")
    ends = 8 + length
    for each in sorted(found.values(), key=lambda tensor: (tensor.begins, _bytes(tensor))):
        if each.begins != ends:
            raise BadData(f"{path}: the tensor '{each.name}' does not begin where the one before it ends.")
        ends += _bytes(each)
    return found


def write_tensors(
    stream: BinaryIO, held: Mapping[str, tuple[np.dtype[Any], tuple[int, ...], Iterable[np.ndarray]]]
) -> None:
    """Writes tensors one after another.

    Args:
        stream: Where to.
        held: Type, shape and blocks of numbers in row-major order, by name.
    """
    header: dict[str, Any] = {}
    place = 0
    for name, (kind, shape, _) in held.items():
        size = math.prod(shape) * kind.itemsize
        header[name] = {"dtype": _NAMES[kind.name], "shape": list(shape), "data_offsets": [place, place + size]}
        place += size
    text = json.dumps(header, separators=(",", ":")).encode()
    # Padded, so that the numbers can be memory-mapped where they begin on their own boundary.
    text += b" " * (-len(text) % 8)
    stream.write(len(text).to_bytes(8, "little") + text)
    for kind, _, blocks in held.values():
        for block in blocks:
            stream.write(np.ascontiguousarray(block, kind.newbyteorder("<")).data)


def _bytes(tensor: Tensor) -> int:
    return math.prod(tensor.shape) * np.dtype(_TYPES[tensor.kind]).itemsize


def _checked(path: Path, name: str, entry: Any, begins: int, size: int) -> Tensor:
    """One tensor, once it lies within the file and is as long as its shape.

    Raises:
        BadData: It does not, or its entry is no entry.
    """
    try:
        kind, shape, (start, stop) = entry["dtype"], entry["shape"], entry["data_offsets"]
        good = all(type(each) is int and 0 <= each < 1 << 62 for each in (*shape, start, stop))
    except (TypeError, KeyError, ValueError):
        good = False
    if not good or not isinstance(kind, str) or len(shape) > 8:
        raise BadData(f"{path}: the header's entry of the tensor '{name[:60]}' is damaged.")
    if kind not in _TYPES:
        raise BadData(f"{path}: the tensor '{name[:60]}' is of the type {kind[:20]}; {', '.join(_TYPES)} can be read.")
    tensor = Tensor(path, name, kind, tuple(shape), begins + start)
    if stop - start != _bytes(tensor) or begins + stop > size:
        raise BadData(
            f"{path}: the header says that the tensor '{name[:60]}' {tuple(shape)} of {kind} stands at the bytes "
            f"{start:,} to {stop:,}, where {max(0, size - begins):,} follow. The file is damaged or cut short."
        )
    return tensor
