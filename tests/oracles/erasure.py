"""LEACE by its formula (Belrose et al. 2023, theorem 4.3), with matrix square roots, in float64."""

from __future__ import annotations

import numpy as np
from scipy.linalg import orth, sqrtm


def leace(rows, labels):
    """What becomes of rows (n, dim), all of which have a label (n,)."""
    x = np.asarray(rows, np.float64)
    z = (labels[:, None] == np.unique(labels)).astype(np.float64)
    around, told = x - x.mean(axis=0), z - z.mean(axis=0)
    root = np.real(sqrtm(around.T @ around / len(x)))
    whitening = np.linalg.pinv(root)
    seen = orth(whitening @ (around.T @ told / len(x)))
    projection = seen @ seen.T
    return x - around @ (np.linalg.pinv(whitening) @ projection @ whitening).T
