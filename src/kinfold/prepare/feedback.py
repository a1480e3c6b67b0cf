"""What entries of implicit feedback weigh, and what a row that has them costs: the objective of factor models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from kinfold.core.errors import BadData, BadOption, did_you_mean

if TYPE_CHECKING:
    import scipy.sparse as sparse

    from kinfold.kernels.als import Entries

_CHOICES = {"objective": ("all", "unobserved"), "weighting": ("given", "log", "one")}


@dataclass(frozen=True, slots=True)
class Feedback:
    """The objective of a row x beside rows y of the other side.

        sum over its entries of c (x.y - 1)² + unobserved * sum over all y of (x.y)² + penalty |x|²

    Args:
        regularization: Of the penalty, regularization * (weight of the entries and all pairs of the row)^frequency.
        unobserved: Weight of a pair without an entry, beside that of an entry of weight 1.
        frequency: Power of what is known of a row in its penalty; 0 for the same penalty for all.
        confidence: What weights of entries are multiplied by.
        weighting: What an entry weighs: its weight as given, log(1 + weight), or 1.
        objective: all pairs are drawn to 0, those with an entry too, or only the unobserved ones (Hu et al.).

    Raises:
        BadOption: A field outside its range.
    """

    regularization: float = 0.01
    unobserved: float = 0.1
    frequency: float = 1.0
    confidence: float = 1.0
    weighting: Literal["given", "log", "one"] = "given"
    objective: Literal["all", "unobserved"] = "all"

    def __post_init__(self) -> None:
        for name in ("regularization", "unobserved", "confidence"):
            if not 0 < getattr(self, name) < np.inf:
                raise BadOption(f"{name} is {getattr(self, name)!r}; it is a finite number above 0.")
        if not 0 <= self.frequency <= 2:
            raise BadOption(f"frequency is {self.frequency!r}; it is a power from 0 to 2.")
        for name, allowed in _CHOICES.items():
            value = getattr(self, name)
            if value not in allowed:
                near = did_you_mean(str(value), allowed)
                raise BadOption(f"{name} is '{value}'.{near} It is one of: {', '.join(allowed)}.")

    def weigh(self, weights: np.ndarray) -> np.ndarray:
        """What entries (n,) of some weights count (n,) float32.

        Raises:
            BadData: A weight is negative or not finite.
        """
        weights = weights.astype(np.float32, copy=False)
        if not np.isfinite(weights).all() or (len(weights) and weights.min() < 0):
            raise BadData("a weight of these entries is negative, NaN or infinite; weights are finite and at least 0.")
        if self.weighting != "given":
            weights = np.log1p(weights) if self.weighting == "log" else np.ones_like(weights)
        return weights * np.float32(self.confidence)

    def entries(self, matrix: sparse.csr_array, others: int, toward: np.ndarray | None = None) -> Entries:
        """The entries of rows (n, m) as the solver wants them.

        Args:
            matrix: Weights of what was met; an entry of weight 0 is one that was not.
            others: Rows of the other side that have any entry.
            toward: Rows (n, width) float32 that penalties pull to; zero by default.

        Raises:
            BadData: A weight is negative or not finite, or one weighs less than a pair that was not met.
        """
        from kinfold.kernels._jit import plain
        from kinfold.kernels.als import Entries

        weights = self.weigh(matrix.data)
        less = np.float32(self.unobserved if self.objective == "unobserved" else 0)
        if len(weights) and weights.min() < less:
            raise BadData(
                f"an entry weighs {weights.min():.3g}, less than a pair that was not met ({less:.3g}); take a larger "
                "confidence, a smaller unobserved, or objective='all'."
            )
        starts = matrix.indptr.astype(np.int64)
        owners = np.repeat(np.arange(matrix.shape[0]), np.diff(starts))
        known = self.unobserved * others + np.bincount(owners, weights, matrix.shape[0])
        penalty = (self.regularization * known**self.frequency).astype(np.float32)
        pulled = np.zeros(0, np.float32) if toward is None else toward.reshape(-1)
        return Entries(starts, plain(matrix.indices.astype(np.int32, copy=False)), weights, less, penalty, pulled)
