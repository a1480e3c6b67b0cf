"""Files of keys, one a line."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow as pa

from kinfold.core.errors import BadData
from kinfold.core.streams import open_bytes
from kinfold.io.gather import REPAIRED
from kinfold.io.lines import line_blocks


def read_lines_of_text(path: Path, bad_bytes: str, counts: Counter[str]) -> list[str]:
    """The lines of a UTF-8 file, divided by 0x0A only, a 0x0D before it dropped.

    Raises:
        BadFile: Nothing is there, or it cannot be read.
        BadData: It is not UTF-8 and bad bytes are refused.
    """
    found: list[str] = []
    with open_bytes(path) as stream:
        for block in line_blocks(stream, path):
            for raw in block[:-1].split(b"\n"):
                line = raw.removesuffix(b"\r")
                try:
                    found.append(line.decode())
                except UnicodeDecodeError as error:
                    if bad_bytes == "strict":
                        raise BadData(
                            f"{path} line {len(found) + 1:,}: byte {error.start} is not UTF-8 "
                            f'(0x{line[error.start]:02x}). Pass bad_bytes="replace" or "ignore".'
                        ) from error
                    counts[REPAIRED] += 1
                    found.append(line.decode(errors=bad_bytes))
    return found


def read_names(path: Path, bad_bytes: str, counts: Counter[str]) -> pa.LargeStringArray:
    """The keys of a file, one a line; an empty line is an empty key.

    Raises:
        BadFile: Nothing is there, or it cannot be read.
        BadData: It is not UTF-8 and bad bytes are refused.
    """
    return pa.array(read_lines_of_text(path, bad_bytes, counts), pa.large_string())
