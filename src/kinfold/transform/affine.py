"""Maps of rows that pairs of rows determine: rotations, and any linear ones, with what is taken off and added."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kinfold.core.errors import BadData
from kinfold.core.metric import units
from kinfold.core.space import Space

_PAIRS = 8192


class Affine(NamedTuple):
    """A map of rows to another frame: the direction u of a row goes to u · matrix + offset, and keeps its length.

    With n-grams, whose sums words are made of, offset is 0, so that the map of a mean is the mean of the maps.

    Args:
        matrix: (source dim, target dim) float32.
        offset: (target dim,) float32.
        center: What is near to all rows there (target dim,) float32; 0 where nothing was taken off.
        length: What lengths are multiplied with; 1 where rows are not seen as directions and lengths.
        unit: Whether they are; if not, a row itself goes to row · matrix + offset.
    """

    matrix: np.ndarray
    offset: np.ndarray
    center: np.ndarray
    length: float
    unit: bool

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """The rows (m, source dim) float32 in the other frame (m, target dim)."""
        moved: np.ndarray = rows @ self.matrix
        if self.offset.any():
            moved += np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None] * self.offset if self.unit else self.offset
        return moved * np.float32(self.length)

    def around_center(self, rows: np.ndarray) -> np.ndarray:
        """What is left of the mapped rows, at length 1 where they are directions, when the center is taken off."""
        left: np.ndarray = self(prepared(rows, self.unit)) / np.float32(self.length) - self.center
        return left


class Moments(NamedTuple):
    """Sums over pairs of rows x and y, in float64: all that a map is fitted from.

    Args:
        weight: How many pairs, or the sum of their weights.
        x: Mean of the x (source dim,).
        y: Mean of the y (target dim,).
        xx: Sum of the products xᵀx (source dim, source dim).
        xy: Sum of the products xᵀy (source dim, target dim).
        yy: Sum of the squares of y.
        lengths: Mean lengths of x and of y before they were made directions.
    """

    weight: float
    x: np.ndarray
    y: np.ndarray
    xx: np.ndarray
    xy: np.ndarray
    yy: float
    lengths: tuple[float, float]

    def centered(self) -> Moments:
        """The sums of x and y less their means."""
        xx, xy = (self.xx - self.weight * np.outer(self.x, self.x), self.xy - self.weight * np.outer(self.x, self.y))
        return self._replace(xx=xx, xy=xy, yy=self.yy - self.weight * float(self.y @ self.y))


def prepared(rows: np.ndarray, unit: bool) -> np.ndarray:
    """The rows as directions, or as they are."""
    return units(rows) if unit else rows


def moments(source: Space, target: Space, pairs: np.ndarray, weights: np.ndarray | None, unit: bool) -> Moments:
    """The sums over pairs of rows (m, 2) int64, read some thousands at a time.

    Raises:
        BadData: A row holds a number that is not finite.
    """
    x, y = np.zeros(source.dim), np.zeros(target.dim)
    xx, xy = np.zeros((source.dim, source.dim)), np.zeros((source.dim, target.dim))
    total = yy = 0.0
    long = np.zeros(2)
    for start in range(0, len(pairs), _PAIRS):
        some = slice(start, start + _PAIRS)
        weight = np.ones(len(pairs[some])) if weights is None else weights[some].astype(np.float64)
        raw = source.rows.take(pairs[some, 0]).astype(np.float64), target.rows.take(pairs[some, 1]).astype(np.float64)
        left, right = (prepared(each, unit) for each in raw)
        total += float(weight.sum())
        long += [float(weight @ np.linalg.norm(each, axis=1)) for each in raw]
        x += weight @ left
        y += weight @ right
        yy += float(weight @ np.einsum("ij,ij->i", right, right))
        left *= weight[:, None]
        xx += left.T @ prepared(raw[0], unit)
        xy += left.T @ right
    if not (np.isfinite(xx).all() and np.isfinite(yy)):
        source.rows.refuse_non_finite("the source")
        target.rows.refuse_non_finite("the target")
    if not total > 0:
        raise BadData("the weights of these pairs are all 0, so that nothing is asked of the alignment.")
    return Moments(total, x / total, y / total, xx, xy, yy, (long[0] / total, long[1] / total))


def fitted(sums: Moments, *, rotation: bool, center: bool, unit: bool, regularization: float = 0.0) -> Affine:
    """The map that brings the x of the pairs nearest to their y.

    Args:
        sums: Over the pairs.
        rotation: The best rotation (with reflections); else the best linear map.
        center: Take off the means first; the map puts the one of y back on.
        unit: Whether the sums are over directions.
        regularization: Penalty on the linear map, relative to the mean square of the x.

    Source:
        Schönemann 1966 (the rotation: U Vᵀ, where U S Vᵀ is the sum of xᵀy).
    """
    near = sums.centered() if center else sums
    if rotation:
        left, _, right = np.linalg.svd(near.xy, full_matrices=False)
        matrix = left @ right
    else:
        penalty = regularization * np.trace(near.xx) / len(near.xx)
        matrix = np.linalg.lstsq(near.xx + penalty * np.eye(len(near.xx)), near.xy, rcond=None)[0]
    # As far from the center as the rows of the target are: least squares, and noise, would leave all rows close to it.
    spread = float(np.einsum("ij,ij->", near.xx @ matrix, matrix))
    if spread > 0 and near.yy > 0:
        matrix = matrix * np.sqrt(near.yy / spread)
    middle = sums.y if center else np.zeros(len(sums.y))
    offset = sums.y - sums.x @ matrix if center else middle
    length = sums.lengths[1] / sums.lengths[0] if unit and min(sums.lengths) > 0 else 1.0
    return Affine(matrix.astype(np.float32), offset.astype(np.float32), middle.astype(np.float32), float(length), unit)
