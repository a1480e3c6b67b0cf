"""Vectors without names, as they are asked about: a .npy file, or lines of numbers."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from kinfold.core.errors import BadData
from kinfold.core.files import existing
from kinfold.core.streams import open_bytes

_STANDARD_INPUT = "-"


def read_vectors(path: str | Path) -> np.ndarray:
    """Vectors (m, dim) float32; one of a file that holds an array (dim,).

    A line of text is a vector: numbers between spaces, tabs or commas, in square brackets or without; empty lines are
    passed over. No pickle is read.

    Args:
        path: A .npy file, a text (.gz .bz2 .xz .zst too), or `-` for lines from standard input.

    Raises:
        BadFile: Nothing is there, or it cannot be read.
        BadData: It holds no vectors; names the line.
    """
    if str(path) == _STANDARD_INPUT:
        return _parsed("standard input", sys.stdin.buffer)
    if Path(path).suffix.lower() == ".npy":
        return _loaded(existing(path))
    with open_bytes(path) as file:
        return _parsed(str(path), file)


def _loaded(path: Path) -> np.ndarray:
    try:
        # Mapped, so that no memory is taken on a header's word.
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        if array.ndim not in (1, 2) or array.dtype.kind not in "fiu" or not array.size:
            raise ValueError(f"it is an array of {array.dtype} with the shape {array.shape}")
    except Exception as error:  # numpy's header is Python source: a damaged one raises what Python's parser does
        raise BadData(
            f"{path}: holds no vectors ({error}); save numbers (dim,) or (m, dim) with numpy.save."
        ) from error
    with np.errstate(over="ignore"):  # what no float32 can hold is refused as infinite where it is asked for
        vectors: np.ndarray = np.array(array, np.float32, ndmin=2)
    return vectors


def _parsed(name: str, lines: Iterable[bytes]) -> np.ndarray:
    rows: list[np.ndarray] = []
    for number, raw in enumerate(lines, 1):
        text = raw.decode("utf-8", "replace").removeprefix("\ufeff").strip()
        if not text:
            continue
        fields = text.removeprefix("[").removesuffix("]").replace(",", " ").split()
        try:
            with np.errstate(over="ignore"):
                row = np.array([float(field) for field in fields]).astype(np.float32)
        except ValueError as error:
            raise BadData(
                f"{name} line {number:,}: '{text[:40]}' is no vector ({error}); a line is numbers between spaces."
            ) from error
        if rows and len(row) != len(rows[0]):
            raise BadData(
                f"{name} line {number:,}: {len(row):,} numbers, where the lines before have {len(rows[0]):,}."
            )
        rows.append(row)
    if not rows:
        raise BadData(f"{name}: holds no vector; a line is numbers between spaces.")
    return np.stack(rows)
