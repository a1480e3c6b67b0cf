"""Lines of numbers, the slow way."""

from __future__ import annotations

import numpy as np


def parse(line: bytes, dim: int) -> tuple[bytes, np.ndarray] | None:
    """Name and row of `name number … number` with single spaces, by Python's own float; None for anything else."""
    fields = line.removesuffix(b"\r").rstrip(b" ").split(b" ")
    if len(fields) != dim + 1:
        return None
    with np.errstate(over="ignore"):
        row = np.array([float(field) for field in fields[1:]]).astype(np.float32)
    return (fields[0], row) if np.isfinite(row).all() else None
