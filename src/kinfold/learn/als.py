"""ALS: users and items from implicit feedback, one side solved while the other stands still."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from kinfold.core.errors import BadData, BadOption, did_you_mean
from kinfold.core.options import whole
from kinfold.core.progress import Progress, quiet
from kinfold.core.protocols import takes
from kinfold.core.shapes import Counts
from kinfold.core.space import Space
from kinfold.core.threads import many
from kinfold.learn.history import Callback, History
from kinfold.learn.passes import generator
from kinfold.learn.prior import Prior
from kinfold.learn.sides import distinct, two_sided, with_counts
from kinfold.prepare.feedback import Feedback

if TYPE_CHECKING:
    import scipy.sparse as sparse

    from kinfold.kernels.als import Entries

_UNOBSERVED = 8  # all pairs together beside all entries
SOLVERS = ("gradients", "cholesky", "blocks")


@dataclass(frozen=True, slots=True)
class ALS:
    """Users and items in one space, by alternating least squares on implicit feedback.

    What was met should score 1, each entry by its weight, and everything else 0, by a small one:

        sum over entries of c (x.y - 1)² + unobserved * sum over pairs of (x.y)² + penalties

    A row's penalty grows with what is known of it, by `frequency`. Rows do not depend on each other within half an
    epoch: the same seed gives the same rows for any number of threads, but for the rounding of the matrix library. In
    the end users are solved exactly, so that one who is folded in has the row that the same history had in training.

    Args:
        dim: Coordinates of a row.
        epochs: Times that both sides are solved.
        regularization: Of the penalty |x|² (weight of the entries and of all pairs of the row)^frequency.
        unobserved: Weight of a pair without an entry, beside that of an entry of weight 1; by default such that all
            pairs together weigh eight times as much as the entries, which suits sparse and dense matrices alike.
        frequency: Power of what is known of a row in its penalty; 0 for the same penalty for all.
        confidence: What weights of entries are multiplied by.
        weighting: What an entry weighs: its weight as given, log(1 + weight), or 1.
        objective: all pairs are drawn to 0, those with an entry too, or only the unobserved ones (Hu et al.).
        solver: gradients (a few steps of conjugate gradients), cholesky (exact), or blocks of coordinates (iALS++).
        steps: Steps of gradients.
        block: Coordinates of a block.
        scale: Standard deviation of the first rows' coordinates, times the root of dim.
        feature_regularization: Of the squares of the rows of features, in penalties of a row in the middle.

    Raises:
        BadOption: A field outside its range.
        BadData: There is no entry, a weight is negative or not finite, or rows and columns are of one group but not
            the same.
        ShapeMismatch: The data are not Counts.

    Source:
        Hu, Koren, Volinsky 2008; Takács, Pilászy, Tikk 2011 (conjugate gradients); Rendle et al. 2021
        (arXiv 2110.14037: penalties and first rows; 2110.14044: blocks).

    Example:
        >>> import scipy.sparse as sparse
        >>> from kinfold.core.keys import Keys
        >>> met = sparse.csr_array(np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]], np.float32))
        >>> counts = Counts(Keys(["a", "b", "c", "d"], "user"), Keys(["w", "x", "y", "z"], "item"), met)
        >>> ALS(dim=2).fit(counts).nearest("c", k=1, group="user").keys
        ['d']
    """

    takes: ClassVar[type] = Counts

    dim: int = 64
    epochs: int = 16
    regularization: float = 0.01
    unobserved: float | None = None
    frequency: float = 1.0
    confidence: float = 1.0
    weighting: Literal["given", "log", "one"] = "given"
    objective: Literal["all", "unobserved"] = "all"
    solver: Literal["gradients", "cholesky", "blocks"] = "gradients"
    steps: int = 3
    block: int = 64
    scale: float = 0.1
    feature_regularization: float = 10.0

    def __post_init__(self) -> None:
        whole(self, dim=(1, 16_384), epochs=(1, 100_000), steps=(1, 1000), block=(1, 16_384))
        for name in ("scale", "feature_regularization"):
            if not 0 < getattr(self, name) < np.inf:
                raise BadOption(f"{name} is {getattr(self, name)!r}; it is a finite number above 0.")
        if self.solver not in SOLVERS:
            raise BadOption(
                f"solver is '{self.solver}'.{did_you_mean(str(self.solver), SOLVERS)} "
                f"It is one of: {', '.join(SOLVERS)}."
            )
        self._feedback()

    def _feedback(self) -> Feedback:
        """The objective; its fields are checked there."""
        given = {field.name: getattr(self, field.name) for field in dataclasses.fields(Feedback)}
        return Feedback(**{name: value for name, value in given.items() if value is not None})

    def _for(self, matrix: sparse.csr_array) -> ALS:
        """The same with the weight of unobserved pairs that suits a matrix, where none is given."""
        if self.unobserved is not None:
            return self
        pairs = np.prod([np.count_nonzero(np.bincount(each)) for each in matrix.nonzero()], dtype=np.float64)
        total = self._feedback().weigh(matrix.data).sum(dtype=np.float64)
        if not total > 0:
            raise BadData("all entries of these counts weigh nothing; there is nothing to learn from.")
        return dataclasses.replace(self, unobserved=float(_UNOBSERVED * total / pairs))

    def fit(
        self,
        data: Counts,
        *,
        row_features: Counts | None = None,
        column_features: Counts | None = None,
        seed: int = 0,
        threads: int | None = None,
        progress: Progress = quiet,
        callback: Callback | None = None,
    ) -> Space:
        """Learns rows for both sides of some counts.

        Args:
            data: Who met what, and how strongly.
            row_features: Features of the rows, which these are pulled to the sum of; a row without any entry is it.
            column_features: The same of the columns.
            seed: Of the first rows.
            threads: How many work at once; as many as there are processors by default.
            progress: Told of the entries of each half epoch.
            callback: Called after each epoch, in the calling thread.

        Returns:
            A Space of the groups of both sides, as `sides.two_sided` says, and the features behind them.
        """
        takes(self, data)
        matrix = distinct(data.values)
        if not matrix.nnz:
            raise BadData("these counts have no entry; there is nothing to learn from.")
        known = row_features, column_features
        for keys, each in zip((data.row_keys, data.column_keys), known, strict=True):
            if each is not None and each.row_keys != keys:
                raise BadData("features are those of the keys of the counts, in their order.")
        return self._for(matrix)._fit(data, matrix, known, seed, many(threads), progress, callback)

    def _fit(
        self,
        data: Counts,
        matrix: sparse.csr_array,
        known: tuple[Counts | None, Counts | None],
        seed: int,
        threads: int,
        progress: Progress,
        callback: Callback | None,
    ) -> Space:
        sides = self._sides(matrix, known, generator(seed, 0))
        history = History(matrix.nnz, "entries", "", callback)
        progress.start("learn", 2 * self.epochs * matrix.nnz, "entries")
        for epoch in range(1, self.epochs + 1):
            began = time.perf_counter()
            loss = self._epoch(sides, threads, progress) / matrix.nnz
            if not np.isfinite(loss):
                raise BadOption(f"training diverged in epoch {epoch}; take a larger regularization.")
            history.add(loss, time.perf_counter() - began, lambda: np.concatenate(self._rows(sides)))
        # Rows of users are then what folding them in gives, whatever the solver.
        self._half(*sides, threads=threads)
        for side in sides:
            side.without_entries()
        space = two_sided(self, data, matrix, *self._rows(sides), seed, history.report())
        for side in sides:
            if side.prior is not None:
                space = space.beside(with_counts(space, side.prior.known, side.prior.rows[:, : self.dim]))
        return space

    def _sides(
        self, matrix: sparse.csr_array, known: tuple[Counts | None, Counts | None], draw: np.random.Generator
    ) -> tuple[_Side, _Side]:
        turned = matrix.T.tocsr()
        met = [int(np.count_nonzero(np.diff(each.indptr))) for each in (matrix, turned)]
        left, right = (
            _Side(self._feedback().entries(each, others), known_of, self, draw)
            for each, others, known_of in ((matrix, met[1], known[0]), (turned, met[0], known[1]))
        )
        return left, right

    def _epoch(self, sides: tuple[_Side, _Side], threads: int, progress: Progress) -> float:
        """Solves both sides; returns the whole of the objective."""
        left, right = sides
        steps = self.steps if self.solver == "gradients" else 0
        block = self.block if self.solver == "blocks" else 0
        how: dict[str, Any] = {"steps": steps, "block": block, "threads": threads, "told": progress.advance}
        self._half(left, right, **how)
        left.learn_prior()
        total = self._half(right, left, **how)
        # What does not depend on the rows that were solved last: the targets, and the penalty of the other side.
        total += float(left.entries.weights.sum(dtype=np.float64)) + left.pulled()
        if right.prior is not None:
            total += right.pulled() - right.plain()
        right.learn_prior()
        return total

    def _half(self, side: _Side, other: _Side, **how: Any) -> float:
        """Solves one side; returns the part of the objective that depends on it."""
        from kinfold.kernels.als import axes, solved, turn

        assert self.unobserved is not None
        found, diagonal = axes(other.rows, self.dim, self.unobserved)
        for each in (side, other):
            turn(each.rows, found)
            if each.prior is not None:
                each.prior.turn(found)
        return solved(side.entries, other.rows, side.rows, diagonal, **how)

    def _rows(self, sides: tuple[_Side, _Side]) -> tuple[np.ndarray, np.ndarray]:
        left, right = (side.rows[:, : self.dim] for side in sides)
        return left, right


class _Side:
    """What is known of one side's rows, and the rows (n, width) float32."""

    def __init__(self, entries: Entries, known: Counts | None, learner: ALS, draw: np.random.Generator) -> None:
        from kinfold.kernels._jit import aligned
        from kinfold.kernels._simd import LANES

        dim, scale = learner.dim, learner.scale
        count, width = len(entries.penalty), (dim + LANES - 1) // LANES * LANES
        self.entries, self.prior = entries, None
        # Rows without entries are no part of the objective.
        self._weights = np.where(np.diff(entries.starts) > 0, entries.penalty, np.float32(0))
        if known is not None:
            self.prior = Prior(known, self._weights, width, learner.feature_regularization)
            self.entries = entries._replace(toward=self.prior.toward.reshape(-1))
        self.rows = aligned(count, width).reshape(-1, width)
        for start in range(0, count, 65_536):
            block = self.rows[start : start + 65_536, :dim]
            block[:] = draw.standard_normal(block.shape, dtype=np.float32) * np.float32(scale / np.sqrt(dim))
        self.rows[np.diff(entries.starts) == 0] = 0

    def learn_prior(self) -> None:
        """The features from the rows, where there are some."""
        if self.prior is not None:
            self.prior.learn(self.rows)

    def pulled(self) -> float:
        """The penalty: of how far rows are from where they are pulled, and of the features."""
        apart = self.rows if self.prior is None else self.rows - self.prior.toward
        own = float(self._weights @ np.einsum("ij,ij->i", apart, apart, dtype=np.float64))
        return own if self.prior is None else own + self.prior.cost()

    def plain(self) -> float:
        """What a solved side tells of its penalty: p (|x|² - 2 x.t), of what `pulled` tells."""
        assert self.prior is not None
        rows, toward = self.rows, self.prior.toward
        squares = np.einsum("ij,ij->i", rows, rows, dtype=np.float64)
        return float(self._weights @ (squares - 2 * np.einsum("ij,ij->i", rows, toward, dtype=np.float64)))

    def without_entries(self) -> None:
        """Gives the rows of which nothing else is known what their features say."""
        if self.prior is not None:
            without = np.diff(self.entries.starts) == 0
            self.rows[without] = self.prior.toward[without]
