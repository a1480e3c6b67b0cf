"""Hard debiasing as its authors published it (debiaswe: `doPCA` and `debias`), word by word on unit rows."""

from __future__ import annotations

import numpy as np


def hard_debiased(rows, definitional, specific, equalize):
    """Rows (n, dim) float64 after it.

    Args:
        rows: (n, dim), of unit length.
        definitional: Pairs of rows, whose differences give the direction.
        specific: Rows that are not neutralized.
        equalize: Pairs of rows.
    """
    rows = np.array(rows, np.float64)
    around = []
    for a, b in definitional:
        center = (rows[a] + rows[b]) / 2
        around += [rows[a] - center, rows[b] - center]
    direction = np.linalg.eigh(np.cov(np.array(around).T, bias=True))[1][:, -1]
    for row in range(len(rows)):
        if row not in specific:
            rows[row] = drop(rows[row], direction)
    rows /= np.linalg.norm(rows, axis=1)[:, None]
    for a, b in equalize:
        y = drop((rows[a] + rows[b]) / 2, direction)
        z = np.sqrt(1 - np.linalg.norm(y) ** 2)
        if (rows[a] - rows[b]) @ direction < 0:
            z = -z
        rows[a], rows[b] = z * direction + y, -z * direction + y
    return rows / np.linalg.norm(rows, axis=1)[:, None]


def drop(u, v):
    return u - v * (u @ v) / (v @ v)
