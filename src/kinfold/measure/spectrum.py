"""How many dimensions rows fill: the variance along their principal axes, and the neighbors that a part of them keeps.

Source:
    Roy, Vetterli 2007 (effective rank); Rudman et al. 2022 (arXiv 2108.07344: IsoScore); Yin, Shen 2018 (arXiv
    1812.04224: pairwise inner product loss).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kinfold.core.metric import Metric, units
from kinfold.kernels.topk import topk
from kinfold.measure.survey import WIDEST, Survey


@dataclass(frozen=True, slots=True, eq=False)
class Spectrum:
    """Principal axes of the rows of a group, as they are compared.

    Args:
        dim: Coordinates of a row.
        count: Rows that it rests on.
        variances: Variance along each axis around the mean (r,) float64, the largest first.
        axes: The axes (dim, r) float64 that rows are shortened along: those around the mean by `l2`, which looks at
            differences, else those around zero.
        energies: Mean square along each of these (r,) float64, the largest first.
    """

    dim: int
    count: int
    variances: np.ndarray
    axes: np.ndarray
    energies: np.ndarray

    @classmethod
    def of(cls, surveyed: Survey, *, seed: int = 0) -> Spectrum:
        """The axes of all rows; of a sample of 2,048 where rows are wider than that.

        Args:
            surveyed: The rows.
            seed: Of the sample.
        """
        around_mean = surveyed.space.metric is Metric.L2
        if surveyed.products is not None:
            second, mean = surveyed.products, surveyed.mean
            variances, inner = _axes(second - np.outer(mean, mean))
            along = (variances, inner) if around_mean else _axes(second)
            return cls(len(mean), surveyed.count, variances, along[1], along[0])
        at = drawn(surveyed.taking, WIDEST, seed)
        rows = surveyed.points(at).astype(np.float64)
        variances, inner = _sampled(rows - rows.mean(axis=0))
        along = (variances, inner) if around_mean else _sampled(rows)
        return cls(rows.shape[1], len(rows), variances, along[1], along[0])

    @property
    def effective_rank(self) -> float:
        """The exponential of the entropy of the singular values, each as a share of their sum."""
        shares = np.sqrt(self.variances[self.variances > 0])
        shares = shares / shares.sum() if len(shares) else np.ones(1)
        return float(np.exp(-(shares * np.log(shares)).sum()))

    @property
    def participation(self) -> float:
        """(sum of variances)² / sum of their squares: how many axes there would be, were all alike."""
        scaled = self.variances / self.variances.max(initial=1e-300)
        return float(scaled.sum() ** 2 / (scaled**2).sum()) if scaled.any() else 1.0

    @property
    def isoscore(self) -> float:
        """How evenly the variance fills the dimensions, from 0 (one of them) to 1 (all alike); NaN of one dimension.

        The published steps come to (participation - 1) / (dim - 1): with Σ the variances at length √dim, the defect
        δ = |Σ - 1| / √(2 (dim - √dim)) makes (dim - δ² (dim - √dim))² / dim equal to the participation ratio.
        """
        return (self.participation - 1) / (self.dim - 1) if self.dim > 1 else float("nan")

    def carrying(self, share: float) -> int:
        """How many axes carry that share of the variance."""
        summed = np.cumsum(self.variances)
        whole = summed[-1] if len(summed) else 0.0
        return int(np.searchsorted(summed, share * whole * (1 - 1e-12))) + 1 if whole > 0 else 0

    def explained(self, dim: int) -> float:
        """The share of the variance that the first `dim` axes carry."""
        whole = self.variances.sum()
        return float(self.variances[:dim].sum() / whole) if whole > 0 else 1.0

    def pip_loss(self, dim: int) -> float:
        """How far the products of all pairs of rows move when only the first `dim` axes are left.

        |XXᵀ - X'X'ᵀ| / |XXᵀ| in the Frobenius norm, by the eigenvalues of XᵀX alone.
        """
        whole = float((self.energies**2).sum())
        return float(np.sqrt((self.energies[dim:] ** 2).sum() / whole)) if whole > 0 else 0.0


def kept(
    spectrum: Spectrum, points: np.ndarray, at: np.ndarray, dims: Sequence[int], k: int, metric: Metric
) -> np.ndarray:
    """The share of the k nearest points that some points keep when rows are shortened (dims, q) float64.

    Args:
        spectrum: Whose axes rows are shortened along.
        points: (m, dim) float32, as they are compared.
        at: The points that are asked (q,).
        dims: How many axes are left each time.
        k: Neighbors, fewer than there are points.
        metric: By what they are near.
    """
    true = nearest(points, at, k, metric)[1]
    turned = points @ spectrum.axes.astype(np.float32)
    found = np.empty((len(dims), len(at)))
    for line, dim in zip(found, dims, strict=True):
        short = np.ascontiguousarray(turned[:, :dim], np.float32)
        mine = nearest(units(short) if metric is Metric.COSINE else short, at, k, metric)[1]
        line[:] = shared(true, mine) / k
    return found


def nearest(
    points: np.ndarray,
    at: np.ndarray,
    k: int,
    metric: Metric,
    crowding: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest other points to some points: scores (q, k) float32, and numbers (q, k) int64, best first.

    Scores are products of rows, or minus squared distances by `l2`.

    Args:
        points: (m, dim) float32, at length 1 where the metric is cosine.
        at: The points that are asked (q,).
        k: Fewer than there are points.
        metric: By what they are near.
        crowding: What is taken from the scores of a point (m,) float32.
    """
    offsets = None if crowding is None else crowding.astype(np.float32)
    if metric is Metric.L2:
        # -|q - x|² is 2 (q · x - |x|² / 2) - |q|².
        squares = np.einsum("ij,ij->i", points, points)
        offsets = squares / 2 + (0 if crowding is None else crowding / 2)
    scores, found = topk(points, points[at], k + 1, "dot", offsets=offsets)
    own = found == at[:, None]
    # A point is not among its own neighbors; where others are even nearer, the last one goes.
    own[:, -1] |= ~own.any(axis=1)
    scores, found = scores[~own].reshape(len(at), k), found[~own].reshape(len(at), k)
    if metric is Metric.L2:
        scores = 2 * scores - squares[at][:, None]
    return scores, found


def shared(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """How many numbers each line (q, k) has in common with the other's (q,) int64; within a line each stands once."""
    both = np.sort(np.concatenate([first, second], axis=1), axis=1)
    counted: np.ndarray = np.count_nonzero(both[:, 1:] == both[:, :-1], axis=1)
    return counted


def drawn(among: np.ndarray, most: int, seed: int) -> np.ndarray:
    """At most so many of some numbers, ascending."""
    if len(among) <= most:
        return among
    return np.sort(np.random.default_rng(seed).choice(among, most, replace=False))


def _axes(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    values, vectors = np.linalg.eigh(matrix)
    values = np.maximum(values[::-1], 0)
    # What rounding leaves of directions that the rows do not have.
    values[values < values.max(initial=0) * 1e-12] = 0
    return values, vectors[:, ::-1]


def _sampled(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The axes of rows (m, dim) with m below dim, from their products with each other."""
    values, left = _axes(rows @ rows.T / max(len(rows), 1))
    axes = rows.T @ left
    lengths = np.sqrt(np.einsum("ij,ij->j", axes, axes))
    return values, axes / np.where(lengths > 0, lengths, 1)
