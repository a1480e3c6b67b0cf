"""FunkSVD: ratings by biases and factors."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from typing import ClassVar

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

_PIECE = 4096  # ratings that a thread takes at a time


@dataclass(frozen=True, slots=True)
class FunkSVD:
    """How users rate items: r ~ mean + bias of the user + bias of the item + x.y, learned from the entries alone.

    Of a row's coordinates the last two are biases, (b_u, 1) of users and (1, c_i) of items: the product of two rows and
    the `mean` among the card's `data` are the rating. What was not rated plays no role: first come items that a user
    would rate highly, not those that it would take. With one thread the same seed gives the same bytes; with more,
    threads write to the same rows without locks (Hogwild).

    Args:
        dim: Coordinates of a row, with the two biases.
        epochs: Passes over the ratings.
        learning_rate: At the start.
        final_rate: At the end; the rate falls linearly.
        regularization: Penalty on the squares of factors and biases.

    Raises:
        BadOption: A field outside its range, or training diverged.
        BadData: There is no entry, one is not finite, or rows and columns are of one group but not the same.
        ShapeMismatch: The data are not Counts.

    Source:
        Funk 2006; Koren, Bell, Volinsky 2009.

    Example:
        >>> import scipy.sparse as sparse
        >>> from kinfold.core.keys import Keys
        >>> rated = sparse.csr_array(np.array([[5, 4, 1, 0], [4, 5, 0, 1], [1, 0, 5, 4], [0, 1, 4, 5]], np.float32))
        >>> counts = Counts(Keys(["a", "b", "c", "d"], "user"), Keys(["w", "x", "y", "z"], "item"), rated)
        >>> space = FunkSVD(dim=4, epochs=300, learning_rate=0.05).fit(counts, threads=1)
        >>> rating = space.card.data["mean"] + space["a"] @ space["z"]
        >>> bool(rating < 3)
        True
    """

    takes: ClassVar[type] = Counts

    dim: int = 34
    epochs: int = 60
    learning_rate: float = 0.01
    final_rate: float = 0.0
    regularization: float = 0.05

    def __post_init__(self) -> None:
        whole(self, dim=(3, 16_384), epochs=(1, 100_000))
        falling(self.learning_rate, self.final_rate)
        if not 0 <= self.regularization * self.learning_rate < 1:
            raise BadOption(f"regularization is {self.regularization!r}; it is at least 0 and below 1 / learning_rate.")

    def fit(
        self,
        data: Counts,
        *,
        seed: int = 0,
        threads: int | None = None,
        progress: Progress = quiet,
        callback: Callback | None = None,
    ) -> Space:
        """Learns rows for both sides of some ratings.

        Args:
            data: Ratings, of which an entry is one.
            seed: Of the first rows and of the order of the ratings.
            threads: How many work at once; as many as there are processors by default.
            progress: Told of every few thousand ratings.
            callback: Called after each epoch, in the calling thread.

        Returns:
            A Space of the groups of both sides, as `sides.two_sided` says.
        """
        from kinfold.kernels.ratings import learn

        takes(self, data)
        matrix = distinct(data.values)
        if not matrix.nnz or not np.isfinite(matrix.data).all():
            raise BadData("these counts have no entry, or one that is NaN or infinite; there is nothing to learn from.")
        users, items = matrix.shape
        weights = Matrices(users, items, self.dim, generator(seed, 0))
        first = generator(seed, 1).random((items, self.dim), dtype=np.float32) - np.float32(0.5)
        weights.outer_rows[:-1, : self.dim] = first / np.float32(self.dim)
        weights.inner_rows[:, self.dim - 2], weights.inner_rows[:, self.dim - 1] = 0, 1
        weights.outer_rows[:, self.dim - 2], weights.outer_rows[:, self.dim - 1] = 1, 0
        who = np.repeat(np.arange(users, dtype=np.int32), np.diff(matrix.indptr))
        what, ratings = matrix.indices.astype(np.int32), matrix.data.astype(np.float32)
        mean = float(ratings.mean(dtype=np.float64))
        pieces = np.unique(np.append(np.arange(0, matrix.nnz, _PIECE), matrix.nnz)).astype(np.int64)
        history = History(matrix.nnz, "ratings", "squared", callback)
        progress.start("learn", self.epochs * matrix.nnz, "ratings")
        for epoch in range(self.epochs):
            began = time.perf_counter()
            order = generator(seed, epoch, 2).permutation(matrix.nnz)
            rate = np.float32(self.learning_rate + (self.final_rate - self.learning_rate) * epoch / self.epochs)

            def kernel(low: int, high: int, own: int, stats: np.ndarray) -> None:
                sides = weights.inner, weights.outer, weights.width, self.dim
                part = who, what, ratings, order, pieces[low], pieces[high]  # noqa: B023
                learn(*part, *sides, np.float32(mean), rate, np.float32(self.regularization), stats)  # noqa: B023

            stats = one_pass(pieces, kernel, seed=(seed, epoch), threads=threads, progress=progress)
            loss = float(stats[0] / stats[1])
            if not np.isfinite(loss):
                raise BadOption(f"training diverged in epoch {epoch + 1}; take a smaller learning_rate.")
            history.add(loss, time.perf_counter() - began, lambda: weights.inner_rows[:, : self.dim])
        rows = weights.inner_rows[:, : self.dim], weights.outer_rows[:-1, : self.dim]
        space = two_sided(self, data, matrix, *rows, seed, history.report(), biases=2)
        return dataclasses.replace(space, card=dataclasses.replace(space.card, data={**space.card.data, "mean": mean}))
