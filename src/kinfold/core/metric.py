"""How near two rows are. A larger score is nearer, whatever the metric."""

from __future__ import annotations

from enum import StrEnum

import numpy as np


class Metric(StrEnum):
    """`cosine`: of the angle. `dot`: inner product. `l2`: minus the Euclidean distance."""

    COSINE = "cosine"
    DOT = "dot"
    L2 = "l2"

    def between(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """The score (m, n) float32 of each of a few rows (m, dim) with each of others (n, dim).

        Example:
            >>> Metric.L2.between(np.zeros((1, 2)), np.array([[3, 4], [0, 1]])).tolist()
            [[-5.0, -1.0]]
        """
        a, b = np.asarray(a, np.float32), np.asarray(b, np.float32)
        if self is Metric.L2:
            # From differences: |a|² - 2 a.b + |b|² would lose the small ones.
            return np.stack([-np.linalg.norm(b - row, axis=1) for row in a]) if len(a) else np.zeros((0, len(b)), "f4")
        found: np.ndarray = units(a) @ units(b).T if self is Metric.COSINE else a @ b.T
        return found


def units(rows: np.ndarray) -> np.ndarray:
    """Rows (m, dim) at length 1; a zero row stays one."""
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    scaled: np.ndarray = rows / np.where(lengths > 0, lengths, lengths.dtype.type(1))
    return scaled
