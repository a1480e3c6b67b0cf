"""EASE: items from items, in closed form, where there are few of them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pyarrow as pa

from kinfold.core.card import Card, born
from kinfold.core.columns import to_arrow
from kinfold.core.errors import BadData, BadOption
from kinfold.core.metric import Metric
from kinfold.core.progress import Progress, quiet
from kinfold.core.protocols import takes
from kinfold.core.rows import Rows
from kinfold.core.shapes import Counts, describe
from kinfold.core.space import Space

if TYPE_CHECKING:
    import scipy.sparse as sparse

_MOST = 30_000  # items; the matrix between them takes 4 bytes a pair, and twice that while it is inverted
_BLOCK = 2048  # users at a time


@dataclass(frozen=True, slots=True)
class EASE:
    """What users met predicts what else they meet: a linear model without a layer between, in closed form.

        min |X - X B|² + regularization |B|²  with a diagonal of zeros:  B = I - P / diag(P),  P = (Xᵀ X + λ I)^-1

    A coordinate is an item: row i is column i of B, and a user's row is what it met. So there is a group of items only,
    and users come by `encode`.

    Args:
        regularization: The λ above; some hundreds.

    Raises:
        BadOption: `regularization` is not above 0.
        BadData: There is no entry, one is not finite, or there are too many items.
        ShapeMismatch: The data are not Counts.

    Source:
        Steck 2019 (arXiv 1905.03375).

    Example:
        >>> import scipy.sparse as sparse
        >>> from kinfold.core.keys import Keys
        >>> met = sparse.csr_array(np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]], np.float32))
        >>> counts = Counts(Keys(["a", "b", "c", "d"], "user"), Keys(["w", "x", "y", "z"], "item"), met)
        >>> EASE(regularization=1).fit(counts).nearest("w", k=1)
        Hits(w: x 0.000)
    """

    takes: ClassVar[type] = Counts

    regularization: float = 300.0

    def __post_init__(self) -> None:
        if not 0 < self.regularization < np.inf:
            raise BadOption(f"regularization is {self.regularization!r}; it is a finite number above 0.")

    def fit(self, data: Counts, *, seed: int = 0, threads: int | None = None, progress: Progress = quiet) -> Space:
        """The rows of the columns of some counts; neither seed nor threads play a role."""
        takes(self, data)
        matrix = data.values
        items = matrix.shape[1]
        if not matrix.nnz or not np.isfinite(matrix.data).all():
            raise BadData("these counts have no entry, or one that is NaN or infinite; there is nothing to learn from.")
        if items > _MOST:
            raise BadData(f"{items:,} items are too many for ease, which takes up to {_MOST:,}; als takes more.")
        progress.start("learn", 3, "steps")
        between = _products(matrix)
        progress.advance(1)
        between[np.diag_indices(items)] += self.regularization
        _invert(between)
        progress.advance(1)
        # Row i is column i of B, and P is symmetric.
        between /= -np.diag(between)[:, None].copy()
        between[np.diag_indices(items)] = 0
        progress.advance(1)
        table = pa.table({"count": to_arrow(np.bincount(matrix.indices, minlength=items).astype(np.int64))})
        card = Card(born("ease", between), "ease", dataclasses.asdict(self), seed, describe(data))
        return Space(data.column_keys, Rows(between), Metric.DOT, card, table)


def _products(matrix: sparse.csr_array) -> np.ndarray:
    """Xᵀ X (items, items) float32."""
    total = np.zeros((matrix.shape[1], matrix.shape[1]), np.float32)
    for start in range(0, matrix.shape[0], _BLOCK):
        part = matrix[start : start + _BLOCK].toarray()
        total += part.T @ part
    return total


def _invert(matrix: np.ndarray) -> None:
    """The inverse of a symmetric positive definite matrix, in place."""
    from scipy.linalg import lapack

    turned = matrix.T  # the same matrix, as LAPACK has its columns one after another
    factor, failed = lapack.spotrf(turned, lower=True, overwrite_a=True)
    if not failed:
        inverse, failed = lapack.spotri(factor, lower=True, overwrite_c=True)
    if failed:
        raise BadData("these counts have no inverse within rounding; take a larger regularization.")
    lower = np.tril(inverse, -1)
    matrix[:] = lower + lower.T + np.diag(np.diag(inverse))
