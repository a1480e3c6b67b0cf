"""Names from bytes: strings in Arrow buffers, whatever the bytes are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa

from kinfold.core.errors import BadData
from kinfold.core.streams import open_bytes
from kinfold.io.blocks import line_blocks

# How the card and the report of a conversion call it.
REPAIRED = "keys that were not UTF-8"


def names_at(
    data: np.ndarray,
    starts: np.ndarray,
    stops: np.ndarray,
    *,
    place: Callable[[int], str],
    bad_bytes: str,
    counts: Counter[str],
) -> pa.LargeStringArray:
    """Strings of pieces of a block.

    Args:
        data: uint8.
        starts: Where each name begins.
        stops: And ends.
        place: Says of name i in which file it stands and where, for errors.
        bad_bytes: What becomes of names that are not UTF-8: "replace", "ignore" or "strict".
        counts: Those that were repaired are added.

    Raises:
        BadData: A name is not UTF-8 and bad bytes are refused.
    """
    from kinfold.kernels.numbers import gather

    joined, offsets = gather(data, starts, stops)
    parts = [None, pa.py_buffer(offsets), pa.py_buffer(joined)]
    array = pa.Array.from_buffers(pa.large_string(), len(starts), parts)
    try:
        array.validate(full=True)
    except pa.ArrowInvalid:
        raw = pa.Array.from_buffers(pa.large_binary(), len(starts), parts)
        return _repaired(raw, place, bad_bytes, counts)
    return array


def read_names(path: Path, bad_bytes: str, counts: Counter[str]) -> pa.LargeStringArray:
    """The lines of a file, divided by 0x0A only, a 0x0D before it dropped; an empty line is an empty name.

    Raises:
        BadFile: Nothing is there, or it cannot be read.
        BadData: It is not UTF-8 and bad bytes are refused.
    """
    parts: list[pa.LargeStringArray] = []
    line = 1

    def place(name: int) -> str:
        return f"{path} line {line + name:,}"

    with open_bytes(path) as stream:
        for block in line_blocks(stream, path):
            data = np.frombuffer(block, np.uint8)
            stops = np.flatnonzero(data == 10)
            starts = np.concatenate([[0], stops[:-1] + 1])
            ends = stops - ((stops > starts) & (data[stops - 1] == 13))
            parts.append(names_at(data, starts, ends, place=place, bad_bytes=bad_bytes, counts=counts))
            line += len(stops)
    return pa.chunked_array(parts, pa.large_string()).combine_chunks() if parts else pa.array([], pa.large_string())


def _repaired(
    raw: pa.LargeBinaryArray, place: Callable[[int], str], bad_bytes: str, counts: Counter[str]
) -> pa.LargeStringArray:
    names = []
    for position, name in enumerate(raw.to_pylist()):
        try:
            names.append(name.decode())
        except UnicodeDecodeError as error:
            if bad_bytes == "strict":
                raise BadData(
                    f"{place(position)}: byte {error.start} of {name[:40]!r} is not UTF-8 (0x{name[error.start]:02x}). "
                    'Pass bad_bytes="replace" or "ignore".'
                ) from error
            counts[REPAIRED] += 1
            names.append(name.decode(errors=bad_bytes))
    return pa.array(names, pa.large_string())
