"""SVD: the closed-form way from counts to rows."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from kinfold.core.card import Card, born
from kinfold.core.errors import BadData, BadOption
from kinfold.core.metric import Metric
from kinfold.core.options import whole
from kinfold.core.progress import Progress, quiet
from kinfold.core.protocols import takes
from kinfold.core.rows import Rows
from kinfold.core.shapes import Counts, describe
from kinfold.core.space import Space
from kinfold.learn.sides import both
from kinfold.prepare.counting import Counting

if TYPE_CHECKING:
    import scipy.sparse as sparse


@dataclass(frozen=True, slots=True)
class SVD:
    """Rows whose products are nearest to the matrix: its largest singular directions, by randomized iteration.

    Where rows and columns have the same keys, the Space has the rows; where they differ (users and items), it has
    both, in their groups. The same seed gives the same bytes, whatever the number of threads of the sparse products.

    Args:
        dim: Coordinates of a row.
        exponent: Power of the singular values that scales the coordinates; 1 for the matrix itself, 0 for directions.
        iterations: Products with the matrix and back that sharpen the directions.
        oversample: Directions that are followed beside those that are kept.

    Raises:
        BadOption: A field outside its range, or `dim` above the smaller side of the matrix.
        BadData: There is no entry, one is not finite, or rows and columns are of one group but not the same.
        ShapeMismatch: The data are not Counts.

    Source:
        Halko, Martinsson, Tropp 2011 (randomized subspace iteration); Levy, Goldberg, Dagan 2015 (exponent).

    Example:
        >>> import scipy.sparse as sparse
        >>> from kinfold.core.keys import Keys
        >>> keys = Keys(["a", "b", "c"])
        >>> counts = Counts(keys, keys, sparse.csr_array(np.array([[4, 3, 0], [3, 4, 0], [0, 0, 5]], np.float32)))
        >>> SVD(dim=2).fit(counts).nearest("a", k=1).keys
        ['b']
    """

    takes: ClassVar[type] = Counts
    counting: ClassVar[Counting] = Counting()

    dim: int = 100
    exponent: float = 0.5
    iterations: int = 5
    oversample: int = 30

    def __post_init__(self) -> None:
        whole(self, dim=(1, 65_536), iterations=(0, 1000), oversample=(0, 65_536))
        if not 0 <= self.exponent <= 2:
            raise BadOption(f"exponent is {self.exponent!r}; it is a number from 0 to 2.")

    def fit(self, data: Counts, *, seed: int = 0, threads: int | None = None, progress: Progress = quiet) -> Space:
        """The rows of the counts in `dim` coordinates."""
        takes(self, data)
        matrix = data.values
        if self.dim > min(matrix.shape):
            raise BadOption(
                f"dim is {self.dim}, but a matrix of {matrix.shape[0]:,} × {matrix.shape[1]:,} has no more than "
                f"{min(matrix.shape):,} directions; take a smaller dim or more data."
            )
        if not matrix.nnz:
            raise BadData("these counts have no entry; there is nothing to learn from.")
        if not np.isfinite(matrix.data).all():
            raise BadData("an entry of these counts is NaN or infinite; weights are finite numbers.")
        if threads is not None and threads < 1:
            raise BadOption(f"threads is {threads}; it is at least 1.")
        same = data.row_keys == data.column_keys
        left, scale, right = singular(
            matrix,
            self.dim,
            iterations=self.iterations,
            oversample=self.oversample,
            seed=seed,
            threads=threads or os.cpu_count() or 1,
            progress=progress,
        )
        # A direction that the matrix does not have is noise, which an exponent of 0 would keep at full size.
        factors = np.where(scale > scale[0] * 1e-6, scale, 0) ** self.exponent * (scale > scale[0] * 1e-6)
        rows = (left if same else np.concatenate([left, right])) * factors.astype(np.float32)
        keys = data.row_keys if same else both(data.row_keys, data.column_keys)
        card = Card(born("svd", rows), "svd", dataclasses.asdict(self), seed, describe(data))
        # Of users and items the product is what the matrix has; of words the directions are what is alike.
        return Space(keys, Rows(rows), Metric.COSINE if same else Metric.DOT, card)


def singular(
    matrix: sparse.csr_array,
    dim: int,
    *,
    iterations: int = 5,
    oversample: int = 30,
    seed: int = 0,
    threads: int = 1,
    progress: Progress = quiet,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The largest singular values and their directions.

    The sign of a direction is such that its largest coordinate on the left is positive.

    Args:
        matrix: (n, m) CSR float32.
        dim: How many, at most min(n, m).
        iterations: Products with the matrix and back.
        oversample: Directions beside those wanted.
        seed: Of the first directions.
        threads: Of the sparse products.
        progress: Told of each product.

    Returns:
        Left directions (n, dim), values (dim,) descending, right directions (m, dim); float32.
    """
    from kinfold.kernels.sparse import product

    def parts(of: sparse.csr_array) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return of.indptr.astype(np.int64), of.indices.astype(np.int32, copy=False), of.data

    there, back = parts(matrix), parts(matrix.T.tocsr())
    width = min(dim + oversample, *matrix.shape)
    progress.start("finding directions", 2 * iterations + 2, "products")
    directions = np.random.default_rng(seed).standard_normal((matrix.shape[1], width), dtype=np.float32)
    for _ in range(iterations):
        directions = np.linalg.qr(product(*there, directions, threads))[0]
        progress.advance(1)
        directions = np.linalg.qr(product(*back, directions, threads))[0]
        progress.advance(1)
    left = np.linalg.qr(product(*there, directions, threads))[0]
    progress.advance(1)
    # matrixᵀ · left = right · diag(scale) · turnᵀ, so matrix ≈ (left · turn) · diag(scale) · rightᵀ
    right, scale, turned = np.linalg.svd(product(*back, left, threads), full_matrices=False)
    progress.advance(1)
    left = left @ turned.T
    largest = np.abs(left).argmax(axis=0)
    signs = np.where(left[largest, np.arange(width)] < 0, np.float32(-1), np.float32(1))
    return (left * signs)[:, :dim], scale[:dim], (right * signs)[:, :dim]
