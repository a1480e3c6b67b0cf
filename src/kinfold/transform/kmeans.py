"""Centers of rows, by FAISS."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kinfold.core.faiss import load_faiss


class Centers(NamedTuple):
    """What k-means found.

    Args:
        centers: (k, dim) float32.
        fit: How near the rows are to their centers in all; larger is nearer.
    """

    centers: np.ndarray
    fit: float


def kmeans(
    rows: np.ndarray,
    k: int,
    *,
    spherical: bool,
    iterations: int,
    seed: int,
    first: np.ndarray | None = None,
) -> Centers:
    """Lloyd's iterations; a center that loses its last row takes half of another's.

    Args:
        rows: (n, dim) float32, at least k of them.
        k: How many centers.
        spherical: Whether centers are directions of length 1, compared by inner product, or places.
        iterations: Of assigning rows and moving centers.
        seed: Of the first centers.
        first: Where the centers begin (k, dim); at rows drawn by chance where it is None.
    """
    found = load_faiss().Kmeans(
        rows.shape[1],
        k,
        niter=iterations,
        seed=seed,
        spherical=spherical,
        min_points_per_centroid=1,
        max_points_per_centroid=len(rows) // k + 1,
    )
    found.train(np.ascontiguousarray(rows), init_centroids=first)
    fit = float(found.obj[-1]) if len(found.obj) else 0.0
    return Centers(found.centroids, fit if spherical else -fit)
