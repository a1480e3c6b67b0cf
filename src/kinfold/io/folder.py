"""The small files in the folder of a model: read without trusting their size."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from kinfold.core.errors import BadData, BadFile

_LARGEST = 1 << 28


def bytes_of(path: Path) -> bytes:
    """All bytes of a small file.

    Raises:
        BadFile: It cannot be read.
        BadData: It is too large to be what it should be.
    """
    try:
        if os.path.getsize(path) > _LARGEST:
            raise BadData(f"{path}: is larger than {_LARGEST >> 20:,} MiB; this is no file of a model.")
        return path.read_bytes()
    except OSError as error:
        raise BadFile(f"{path}: cannot be read ({error.strerror}).") from error


def read_json(path: Path) -> Any:
    """What a file of JSON says.

    Raises:
        BadFile: It cannot be read.
        BadData: It is no JSON, or too large.
    """
    try:
        return json.loads(bytes_of(path))
    except (ValueError, RecursionError) as error:
        if isinstance(error, BadData):
            raise
        raise BadData(f"{path}: no JSON ({error}).") from error
