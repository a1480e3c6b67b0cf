"""How well clusters are apart, row by row."""

from __future__ import annotations

import numpy as np

from kinfold.core.metric import Metric, units
from kinfold.core.space import Space

# Distances held at a time.
_DISTANCES = 1 << 22


def silhouettes(
    space: Space, owners: np.ndarray, centers: np.ndarray, sizes: np.ndarray, drawn: np.ndarray
) -> np.ndarray:
    """How much nearer rows are to their own cluster than to the nearest other one (m,) float64, from -1 to 1.

    (b - a) / max(a, b), of the mean distances a to the other rows of its cluster and b to those of the nearest other:
    1 - cosine, or squared Euclidean where the metric is `l2`. Of a row that is alone it is 0.

    Args:
        space: The rows.
        owners: The cluster of each (n,), -1 for none.
        centers: The mean of each cluster (k, dim), of directions unless the metric is `l2`: `clusters.means`.
        sizes: Rows of each (k,), at least 1.
        drawn: The rows that are asked about (m,), each in a cluster.

    Source:
        Rousseeuw 1987.
    """
    place = space.metric is Metric.L2
    # Mean squared lengths: of unit rows 1, of zero rows 0.
    squares = space.rows.norms.astype(np.float64) ** 2
    if not place:
        squares = (squares > 0).astype(np.float64)
    taking = owners >= 0
    spread = np.bincount(owners[taking], squares[taking], minlength=len(sizes)) / sizes
    found = np.zeros(len(drawn))
    step = max(1, _DISTANCES // len(sizes))
    for start in range(0, len(drawn), step):
        rows = drawn[start : start + step]
        vectors = space.rows.take(rows).astype(np.float64)
        products = (vectors if place else units(vectors)) @ centers.T
        # The mean of |x - y|² over a kind is |x|² - 2 x · mean + the mean of |y|²; of 1 - cosine, 1 - x · mean.
        distances = squares[rows][:, None] - 2 * products + spread if place else 1 - products
        line, own = np.arange(len(rows)), owners[rows]
        alone = sizes[own] < 2
        to_itself = 0.0 if place else 1 - squares[rows]
        inside = (distances[line, own] * sizes[own] - to_itself) / np.maximum(sizes[own] - 1, 1)
        distances[line, own] = np.inf
        outside = distances.min(axis=1)
        larger = np.maximum(inside, outside)
        # That of a row that is alone, or of the only kind, stays 0.
        good = ~alone & (larger > 0) & np.isfinite(outside)
        found[start : start + step][good] = (outside - inside)[good] / larger[good]
    return found
