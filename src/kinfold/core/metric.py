"""How near two rows are. A larger score is nearer, whatever the metric."""

from __future__ import annotations

from enum import StrEnum

import numpy as np


class Metric(StrEnum):
    """`cosine`: of the angle. `dot`: inner product. `l2`: minus the Euclidean distance."""

    COSINE = "cosine"
    DOT = "dot"
    L2 = "l2"


def units(rows: np.ndarray) -> np.ndarray:
    """Rows (m, dim) at length 1; a zero row stays one."""
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    scaled: np.ndarray = rows / np.where(lengths > 0, lengths, lengths.dtype.type(1))
    return scaled
