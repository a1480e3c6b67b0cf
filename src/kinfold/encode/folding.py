"""Rows of those who were not there, as each method would have made them from their history."""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

import numpy as np

from kinfold.core.errors import BadData
from kinfold.core.metric import units
from kinfold.core.progress import Progress, quiet
from kinfold.core.space import Space
from kinfold.encode.sequential import Sequential
from kinfold.prepare.feedback import Feedback

if TYPE_CHECKING:
    import scipy.sparse as sparse

    from kinfold.kernels.als import Entries


class Folding(Protocol):
    """Made of the side that stands still, and the parameters of the method.

    Where `ordered`, the weights of a history are places in its order; where `rated`, they are ratings. Where `both`,
    items get rows from who met them as users do from what they met.
    """

    ordered: ClassVar[bool] = False
    rated: ClassVar[bool] = False
    both: ClassVar[bool] = True

    @classmethod
    def of(cls, space: Space, other: str) -> Self:
        """Of a Space, and its group that stands still."""
        return cls(space.group(other))

    def __init__(self, still: Space) -> None: ...

    def rows(self, matrix: sparse.csr_array, threads: int | None, progress: Progress) -> np.ndarray:
        """Rows (n, dim) float32 of histories (n, still rows); zeros where there is no entry."""

    def parts(self, matrix: sparse.csr_array, target: np.ndarray) -> np.ndarray:
        """What each entry of one history adds to its score with a row (dim,) of the still side, (entries,) float64."""


class LeastSquares(Folding):
    """Solved exactly, with the objective of training (als)."""

    def __init__(self, still: Space) -> None:
        from kinfold.kernels.als import axes, turn
        from kinfold.kernels.sgns import padded

        given = still.card.parameters
        self._feedback = Feedback(**{field.name: given[field.name] for field in dataclasses.fields(Feedback)})
        met = np.asarray(still.attribute("count")) > 0
        self._met = int(np.count_nonzero(met))
        self._dim = still.dim
        self._fixed = padded(still.rows.dense()).reshape(len(still), -1)
        # Rows that nobody met (known by their features) are not among all pairs.
        among = self._fixed if met.all() else self._fixed[met]
        self._axes, self._diagonal = axes(among, self._dim, self._feedback.unobserved)
        turn(self._fixed, self._axes)

    def _entries(self, matrix: sparse.csr_array, toward: np.ndarray | None = None) -> Entries:
        return self._feedback.entries(matrix, self._met, toward)

    def rows(
        self, matrix: sparse.csr_array, threads: int | None, progress: Progress, toward: np.ndarray | None = None
    ) -> np.ndarray:
        """Rows of histories, pulled to others (n, dim) where these are given."""
        from kinfold.kernels._jit import aligned
        from kinfold.kernels.als import solved

        width = self._fixed.shape[1]
        rows = aligned(matrix.shape[0], width).reshape(-1, width)
        if toward is not None:
            pulled = np.zeros((len(toward), width), np.float32)
            pulled[:, : self._dim] = toward @ self._axes
            toward = pulled
        how: dict[str, Any] = {"threads": threads or os.cpu_count() or 1, "told": progress.advance}
        solved(self._entries(matrix, toward), self._fixed, rows, self._diagonal, **how)
        found: np.ndarray = rows[:, : self._dim] @ self._axes.T
        return found

    def parts(self, matrix: sparse.csr_array, target: np.ndarray) -> np.ndarray:
        """X = A^-1 sum_j l_j y_j, so x.y is the sum of l_j y_j . A^-1 y."""
        entries = self._entries(matrix)
        rows = self._fixed[matrix.indices, : self._dim].astype(np.float64)
        system = np.diag(self._diagonal[: self._dim].astype(np.float64) + entries.penalty[0])
        system += (rows.T * (entries.weights - entries.less)) @ rows
        found: np.ndarray = entries.weights * (rows @ np.linalg.solve(system, (target @ self._axes).astype(np.float64)))
        return found


class Counted(Folding):
    """The history itself is the row (ease)."""

    both: ClassVar[bool] = False

    def __init__(self, still: Space) -> None:
        self._dim = still.dim

    def rows(self, matrix: sparse.csr_array, threads: int | None, progress: Progress) -> np.ndarray:
        """Rows of histories."""
        found: np.ndarray = matrix.astype(np.float32).toarray()
        return found

    def parts(self, matrix: sparse.csr_array, target: np.ndarray) -> np.ndarray:
        """Each entry's weight times what its item says of the other."""
        found: np.ndarray = matrix.data * target.astype(np.float64)[matrix.indices]
        return found


class Projected(Folding):
    """The history's projection onto the directions (svd): x V S^(p-1), where the still side's rows are V S^p."""

    def __init__(self, still: Space) -> None:
        power = float(still.card.parameters["exponent"])
        if power == 0:
            raise BadData("rows by svd with exponent 0 do not tell how strong a direction is; learn with another one.")
        self._still = still.rows.dense()
        lengths = np.sqrt(np.einsum("ij,ij->j", self._still, self._still, dtype=np.float64))
        strong = lengths > 0
        self._inverse = np.divide(1, lengths ** (1 / power), out=np.zeros_like(lengths), where=strong)

    def rows(self, matrix: sparse.csr_array, threads: int | None, progress: Progress) -> np.ndarray:
        """Rows of histories."""
        found: np.ndarray = ((matrix @ self._still) * self._inverse).astype(np.float32)
        return found

    def parts(self, matrix: sparse.csr_array, target: np.ndarray) -> np.ndarray:
        """Each entry's weight times the product of its row and the other, direction by direction."""
        rows = self._still[matrix.indices].astype(np.float64)
        found: np.ndarray = matrix.data * (rows @ (self._inverse * target))
        return found


class Averaged(Folding):
    """The mean of the directions of what was met (item2vec)."""

    both: ClassVar[bool] = False

    def __init__(self, still: Space) -> None:
        self._still = units(still.rows.dense())

    def rows(self, matrix: sparse.csr_array, threads: int | None, progress: Progress) -> np.ndarray:
        """Rows of histories."""
        totals = np.maximum(np.asarray(matrix.sum(axis=1)).reshape(-1, 1), np.float32(1e-30))
        found: np.ndarray = ((matrix @ self._still) / totals).astype(np.float32)
        return found

    def parts(self, matrix: sparse.csr_array, target: np.ndarray) -> np.ndarray:
        """The cosine to the mean is the weighted mean of the cosines, over the length of the mean."""
        row = self.rows(matrix, None, quiet)[0].astype(np.float64)
        lengths = np.linalg.norm(row) * np.linalg.norm(target.astype(np.float64)) * matrix.data.sum(dtype=np.float64)
        found: np.ndarray = (
            matrix.data * (self._still[matrix.indices] @ target.astype(np.float64)) / max(lengths, 1e-30)
        )
        return found


class Ranked(Folding):
    """Learned as in training, while all items stand still (bpr)."""

    epochs = 60

    def __init__(self, still: Space) -> None:
        from kinfold.kernels.bpr import noise
        from kinfold.kernels.sgns import padded

        self._given = still.card.parameters
        self._dim = still.dim
        self._flat = padded(still.rows.dense(), more=1)
        self._width = len(self._flat) // (len(still) + 1)
        self._noise = noise(np.asarray(still.attribute("count")), self._given["noise_exponent"])

    def rows(self, matrix: sparse.csr_array, threads: int | None, progress: Progress) -> np.ndarray:
        """Rows of histories; each depends on its own entries alone."""
        from kinfold.kernels._jit import aligned
        from kinfold.kernels.bpr import Met, learn

        constant = self._dim - 1 if self._given["bias"] else -1
        rows = aligned(matrix.shape[0], self._width)
        if constant >= 0:
            rows.reshape(-1, self._width)[:, constant] = 1
        met = Met(matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32))
        penalty, stats = np.float32(self._given["regularization"]), np.zeros(2)
        order = np.arange(matrix.shape[0])
        for epoch, rate in enumerate(np.linspace(self._given["learning_rate"], 0, self.epochs, endpoint=False)):
            for user in order.tolist():
                how = order, user, user + 1, rate, 0.0, penalty, False, epoch, stats
                learn(met, self._noise, rows, self._flat, self._width, constant, *how)
        found: np.ndarray = rows.reshape(-1, self._width)[:, : self._dim].copy()
        found[np.diff(met.starts) == 0] = 0
        return found

    def parts(self, matrix: sparse.csr_array, target: np.ndarray) -> np.ndarray:
        """There are none.

        Raises:
            BadData: Always.
        """
        raise BadData("a score by bpr is no sum over what was met; learn with als, ease or svd to tell why.")


class Rated(Folding):
    """Ratings by ridge regression on the factors and biases of what was rated (funksvd)."""

    rated: ClassVar[bool] = True

    def __init__(self, still: Space) -> None:
        rows = still.rows.dense().astype(np.float64)
        self._mean = float(still.card.data["mean"])
        self._penalty = float(still.card.parameters["regularization"])
        # Rows of items end with (1, bias), those of users with (bias, 1): one is a factor, the other is known.
        self._users = bool((rows[:, -1] == 1).all())
        bias = still.dim - 2 if self._users else still.dim - 1
        self._bias, self._factors = rows[:, bias], np.delete(rows, bias, axis=1)

    def rows(self, matrix: sparse.csr_array, threads: int | None, progress: Progress) -> np.ndarray:
        """Rows of histories of ratings."""
        count, width = matrix.shape[0], self._factors.shape[1]
        found = np.zeros((count, width))
        for number in np.flatnonzero(np.diff(matrix.indptr)).tolist():
            its = slice(matrix.indptr[number], matrix.indptr[number + 1])
            columns = matrix.indices[its]
            factors, left = self._factors[columns], matrix.data[its] - self._mean - self._bias[columns]
            # A gradient step is taken for each rating, with its penalty: so the penalty counts once a rating.
            system = factors.T @ factors + self._penalty * len(columns) * np.eye(width)
            found[number] = np.linalg.solve(system, factors.T @ left)
        known = np.full((count, 1), 1.0)
        bias = found[:, -1:]
        ends = (known, bias) if self._users else (bias, known)
        whole: np.ndarray = np.concatenate([found[:, :-1], *ends], axis=1).astype(np.float32)
        return whole

    def parts(self, matrix: sparse.csr_array, target: np.ndarray) -> np.ndarray:
        """There are none.

        Raises:
            BadData: Always.
        """
        raise BadData("a rating by funksvd is no sum over what was rated; learn with als, ease or svd to tell why.")


FOLDINGS: dict[str, type[Folding]] = {
    "als": LeastSquares,
    "ease": Counted,
    "svd": Projected,
    "bpr": Ranked,
    "item2vec": Averaged,
    "funksvd": Rated,
    "sasrec": Sequential,
}


def ordered(method: str) -> bool:
    """Whether the order of a history counts, and its weights are places in it."""
    return method in FOLDINGS and FOLDINGS[method].ordered
