"""Rows that are near what their features say, so that one of which nothing else is known has a row too."""

from __future__ import annotations

import numpy as np

from kinfold.core.shapes import Counts
from kinfold.kernels.als import turn

_STEPS, _CLOSE = 25, 1e-3  # of conjugate gradients, and the share of the residual that is small enough


class Prior:
    """The sum of the rows of a thing's features, which the thing's own row is pulled to.

    Both are learned together: things from their entries and this, then features by ridge regression from the things,

        min over F of  sum_i p_i |y_i - a_i F|² + mu |F|² ,

    with p_i the penalty that pulls y_i, so that things of which much is known say more.

    Args:
        known: Things (n) and their features (m).
        penalty: The p_i above (n,) float32; things of which no entry is known have 0.
        width: Coordinates of a row.
        regularization: The mu above, in penalties of a thing in the middle.
    """

    def __init__(self, known: Counts, penalty: np.ndarray, width: int, regularization: float) -> None:
        import scipy.sparse as sparse

        self.known = known
        self.rows = np.zeros((len(known.column_keys), width), np.float32)
        self.toward = np.zeros((len(known.row_keys), width), np.float32)
        self._weighted = sparse.csr_array(known.values.multiply(penalty[:, None]).T)
        self._ridge = np.float32(regularization * np.median(penalty[penalty > 0]))
        self._normal = sparse.csr_array(self._weighted @ known.values + self._ridge * sparse.eye_array(len(self.rows)))

    def cost(self) -> float:
        """The penalty of the features, mu |F|²."""
        return float(self._ridge * np.einsum("ij,ij->", self.rows, self.rows, dtype=np.float64))

    def turn(self, axes: np.ndarray) -> None:
        """All rows by other axes (dim, dim)."""
        for each in (self.rows, self.toward):
            turn(each, axes)

    def learn(self, things: np.ndarray) -> None:
        """The rows of the features from those of the things (n, width), going on from where they are."""
        inverse = (1 / self._normal.diagonal())[:, None]
        wanted = self._weighted @ things
        residual = wanted - self._normal @ self.rows
        goal = _CLOSE * np.linalg.norm(wanted)
        direction = inverse * residual
        now = np.einsum("ij,ij->j", residual, direction)
        for _ in range(_STEPS):
            if np.linalg.norm(residual) <= goal:
                break
            ahead = self._normal @ direction
            length = _over(now, np.einsum("ij,ij->j", direction, ahead))
            self.rows += length * direction
            residual -= length * ahead
            towards = inverse * residual
            before, now = now, np.einsum("ij,ij->j", residual, towards)
            direction = towards + _over(now, before) * direction
        self.toward[:] = self.known.values @ self.rows


def _over(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """A / b, and 0 where b is."""
    found: np.ndarray = np.divide(a, b, out=np.zeros_like(a), where=b > 0)
    return found
