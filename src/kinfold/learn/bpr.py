"""BPR: users and items by pairs of an item that was met and one that was not."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from kinfold.core.errors import BadData, BadOption
from kinfold.core.options import falling, whole
from kinfold.core.progress import Progress, quiet
from kinfold.core.protocols import takes
from kinfold.core.shapes import Counts
from kinfold.core.space import Space
from kinfold.learn.history import Callback, History
from kinfold.learn.matrices import Matrices
from kinfold.learn.passes import generator, one_pass
from kinfold.learn.sides import distinct, two_sided

if TYPE_CHECKING:
    import scipy.sparse as sparse


@dataclass(frozen=True, slots=True)
class BPR:
    """Users and items in one space: what a user met scores above what it did not (Bayesian personalized ranking).

    Every entry is learned once an epoch beside three items that its user did not meet, drawn by a power of how often
    items were met and shared by three entries of the user: nine pairs for the traffic of six rows. Weights
    of entries play no role, only that they are above 0. With one thread the same seed gives the same bytes; with more,
    threads write to the same rows without locks (Hogwild) and results differ slightly from run to run.

    Args:
        dim: Coordinates of a row; one of them is the item's bias where there are such, and 1 for users.
        epochs: Passes over the entries.
        learning_rate: At the start.
        final_rate: At the end; the rate falls linearly.
        regularization: Penalty on the squares of coordinates.
        noise_exponent: Power of the counts that items are drawn by; 0 draws all alike.
        bias: Whether an item has a score of its own, the same for all users.

    Raises:
        BadOption: A field outside its range, or training diverged.
        BadData: There is no entry, or rows and columns are of one group but not the same.
        ShapeMismatch: The data are not Counts.

    Source:
        Rendle et al. 2009 (arXiv 1205.2618).

    Example:
        >>> import scipy.sparse as sparse
        >>> from kinfold.core.keys import Keys
        >>> met = sparse.csr_array(np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]], np.float32))
        >>> counts = Counts(Keys(["a", "b", "c", "d"], "user"), Keys(["w", "x", "y", "z"], "item"), met)
        >>> BPR(dim=8, epochs=200).fit(counts, threads=1).nearest("x", k=1, group="item").keys
        ['w']
    """

    takes: ClassVar[type] = Counts

    dim: int = 64
    epochs: int = 40
    learning_rate: float = 0.05
    final_rate: float = 0.0
    regularization: float = 0.01
    noise_exponent: float = 0.25
    bias: bool = True

    def __post_init__(self) -> None:
        whole(self, dim=(2, 16_384), epochs=(1, 100_000))
        falling(self.learning_rate, self.final_rate)
        if not 0 <= self.regularization * self.learning_rate < 1:
            raise BadOption(f"regularization is {self.regularization!r}; it is at least 0 and below 1 / learning_rate.")
        if not 0 <= self.noise_exponent <= 2:
            raise BadOption(f"noise_exponent is {self.noise_exponent!r}; it is a power from 0 to 2.")

    def fit(
        self,
        data: Counts,
        *,
        seed: int = 0,
        threads: int | None = None,
        progress: Progress = quiet,
        callback: Callback | None = None,
    ) -> Space:
        """Learns rows for both sides of some counts.

        Args:
            data: Who met what.
            seed: Of the first rows, the order of the users and the items that were not met.
            threads: How many work at once; as many as there are processors by default.
            progress: Told of every few thousand entries.
            callback: Called after each epoch, in the calling thread.

        Returns:
            A Space of the groups of both sides, as `sides.two_sided` says.
        """
        takes(self, data)
        matrix = distinct(data.values)
        if not matrix.nnz:
            raise BadData("these counts have no entry; there is nothing to learn from.")
        users, items = matrix.shape
        weights = Matrices(users, items, self.dim, generator(seed, 0))
        draw = generator(seed, 1)
        first = (draw.random((items, self.dim), dtype=np.float32) - np.float32(0.5)) / np.float32(self.dim)
        weights.outer_rows[:-1, : self.dim] = first
        if self.bias:
            weights.inner_rows[:, self.dim - 1] = 1
            weights.outer_rows[:, self.dim - 1] = 0
        history = self._learn(matrix, weights, seed, threads, progress, callback)
        rows = weights.inner_rows[:, : self.dim], weights.outer_rows[:-1, : self.dim]
        return two_sided(self, data, matrix, *rows, seed, history.report(), biases=int(self.bias))

    def _learn(
        self,
        matrix: sparse.csr_array,
        weights: Matrices,
        seed: int,
        threads: int | None,
        progress: Progress,
        callback: Callback | None,
    ) -> History:
        from kinfold.kernels.bpr import Met, learn, noise

        met = Met(matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32))
        drawn = noise(np.bincount(matrix.indices, minlength=matrix.shape[1]), self.noise_exponent)
        sizes = np.diff(met.starts)
        asked = np.flatnonzero(sizes)
        decay = (self.learning_rate - self.final_rate) / (self.epochs * matrix.nnz)
        history = History(matrix.nnz, "entries", "nats", callback)
        constant = self.dim - 1 if self.bias else -1
        progress.start("learn", self.epochs * matrix.nnz, "entries")
        for epoch in range(self.epochs):
            began = time.perf_counter()
            order = generator(seed, epoch, 2).permutation(asked)
            done = np.append(0, np.cumsum(sizes[order])).astype(np.int64)

            def kernel(first: int, last: int, own: int, stats: np.ndarray) -> None:
                rate = self.learning_rate - decay * (epoch * matrix.nnz + done[first])  # noqa: B023
                how = order, first, last, rate, decay, np.float32(self.regularization), True, own, stats  # noqa: B023
                learn(met, drawn, weights.inner, weights.outer, weights.width, constant, *how)

            stats = one_pass(done, kernel, seed=(seed, epoch), threads=threads, progress=progress)
            loss = float(stats[0] / max(stats[1], 1))
            if not np.isfinite(loss):
                raise BadOption(f"training diverged in epoch {epoch + 1}; take a smaller learning_rate.")
            history.add(loss, time.perf_counter() - began, lambda: weights.inner_rows[:, : self.dim])
        return history
