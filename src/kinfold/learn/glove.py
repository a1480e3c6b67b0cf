"""GloVe: rows whose products are the logarithms of counts."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from kinfold.core.card import Card, born
from kinfold.core.errors import BadData, BadOption
from kinfold.core.keys import Keys
from kinfold.core.metric import Metric
from kinfold.core.progress import Progress, quiet
from kinfold.core.protocols import takes
from kinfold.core.rows import Rows
from kinfold.core.shapes import Counts, describe
from kinfold.core.space import Space
from kinfold.learn.history import Callback, History
from kinfold.learn.passes import generator
from kinfold.learn.sides import both, distinct
from kinfold.learn.start import Start, joined
from kinfold.learn.tiles import Tiles, arranged, one_pass
from kinfold.prepare.counting import Counting

if TYPE_CHECKING:
    import scipy.sparse as sparse


@dataclass(frozen=True, slots=True)
class GloVe:
    """Keys that go together with the same keys get near rows: products of rows approach the logarithms of counts.

    Entries are all it learns from: a pair that never went together says nothing, so counts of many words suit it, and
    a handful of keys that keep to themselves does not. Where rows and columns have the same keys, the Space has the sum
    of a key's two rows; where they differ (users and items), it has both sides, in their groups. The same seed gives
    the same bytes, whatever the number of threads.

    Args:
        dim: Coordinates of a row.
        epochs: Passes over the entries.
        learning_rate: Of AdaGrad, which makes each coordinate's steps smaller the more it has moved.
        x_max: Count from which on an entry has its full weight; smaller ones weigh (x / x_max) ** alpha.
        alpha: Power of the weights below x_max.

    Raises:
        BadOption: A field outside its range, or training diverged.
        BadData: There is no entry, one is not finite or not above 0, or rows and columns are of one group but not the
            same.
        ShapeMismatch: The data are not Counts.

    Source:
        Pennington, Socher, Manning 2014 (GloVe); Duchi, Hazan, Singer 2011 (AdaGrad); Dingwall, Potts 2018 (start).

    Example:
        >>> import scipy.sparse as sparse
        >>> from kinfold.core.keys import Keys
        >>> keys = Keys(["a", "b", "c", "d"])
        >>> together = np.array([[9, 9, 1, 1], [9, 9, 1, 1], [1, 1, 9, 9], [1, 1, 9, 9]], np.float32)
        >>> GloVe(dim=2, epochs=50).fit(Counts(keys, keys, sparse.csr_array(together))).nearest("a", k=1).keys
        ['b']
    """

    takes: ClassVar[type] = Counts
    counting: ClassVar[Counting] = Counting(window=10, weighting="harmonic", ppmi=False)

    dim: int = 100
    epochs: int = 25
    learning_rate: float = 0.05
    x_max: float = 10.0
    alpha: float = 0.75

    def __post_init__(self) -> None:
        for name, high in (("dim", 65_536), ("epochs", 100_000)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 1 <= value <= high:
                raise BadOption(f"{name} is {value!r}; it is a whole number from 1 to {high:,}.")
        if not 0 < self.learning_rate < 10:
            raise BadOption(f"learning_rate is {self.learning_rate!r}; it is a number above 0 and below 10.")
        if not 0 < self.x_max < np.inf:
            raise BadOption(f"x_max is {self.x_max!r}; it is a finite count above 0.")
        if not 0 <= self.alpha <= 2:
            raise BadOption(f"alpha is {self.alpha!r}; it is a power from 0 to 2.")

    def fit(
        self,
        data: Counts,
        *,
        start: Start | None = None,
        seed: int = 0,
        threads: int | None = None,
        progress: Progress = quiet,
        callback: Callback | None = None,
    ) -> Space:
        """Learns rows for the keys of some counts.

        Args:
            data: The counts.
            start: Vectors to begin with, half of them on either side; what `known` says is done after each epoch.
            seed: Of the first rows and of the order in which entries are learned.
            threads: How many work at once; as many as there are processors by default.
            progress: Told of every few thousand entries.
            callback: Called after each epoch, in the calling thread.
        """
        takes(self, data)
        if threads is not None and threads < 1:
            raise BadOption(f"threads is {threads}; it is at least 1.")
        same = data.row_keys == data.column_keys
        keys = data.row_keys if same else both(data.row_keys, data.column_keys)
        matrix, known = data.values, np.zeros((0, self.dim), np.float32)
        steps: tuple[Mapping[str, Any], ...] = ()
        if start is not None:
            if not same:
                raise BadOption("rows and columns of these counts have different keys; start is for those of words.")
            start.check_dim(self.dim)
            keys, matrix, known = _begun(start, data)
            shared = len(data.row_keys) + len(known) - len(keys)
            steps = (*start.space.card.steps, start.told(shared, len(keys) - len(known)))
        matrix = distinct(matrix)
        if not matrix.nnz:
            raise BadData("these counts have no entry; there is nothing to learn from.")
        draw = generator(seed, 0)
        sides = _Side(matrix.shape[0], self.dim, draw), _Side(matrix.shape[1], self.dim, draw)
        for side in sides:
            side.rows[: len(known)] = known / 2
        tiles = arranged(matrix, sides[1].bytes_each, x_max=self.x_max, alpha=self.alpha, threads=threads)
        history = History(matrix.nnz, "entries", "", callback)
        progress.start("learn", self.epochs * matrix.nnz, "entries")
        for epoch in range(1, self.epochs + 1):
            began = time.perf_counter()
            before = [side.rows[: len(known)].copy() for side in sides]
            loss = self._pass(tiles, sides, (seed, epoch), threads, progress)
            if start is not None:
                for side, old in zip(sides, before, strict=True):
                    _hold(side.rows[: len(known)], old, known / 2, start, self.learning_rate)
            history.add(loss, time.perf_counter() - began, lambda: _rows(sides, same))
        rows = Rows(_rows(sides, same))
        rows.refuse_non_finite("what was learned")
        frame, parameters = born("glove", rows.values), dataclasses.asdict(self)
        card = Card(frame, "glove", parameters, seed, describe(data), steps, reports=(history.report(),))
        return Space(keys, rows, Metric.COSINE, card)

    def _pass(
        self,
        tiles: Tiles,
        sides: tuple[_Side, _Side],
        seed: tuple[int, ...],
        threads: int | None,
        progress: Progress,
    ) -> float:
        """One epoch; returns its mean loss."""
        from kinfold.kernels.glove import learn

        rows, columns = sides
        rate = np.float32(self.learning_rate)

        def kernel(first: int, last: int, stats: np.ndarray) -> None:
            learn(tiles.entries, first, last, rows.flat, columns.flat, rows.width, rate, stats)

        total, entries = one_pass(tiles, kernel, seed=seed, threads=threads, progress=progress)
        loss = float(total / entries)
        if not np.isfinite(loss):
            raise BadOption(f"training diverged in epoch {seed[1]}; take a learning_rate below {self.learning_rate}.")
        return loss


class _Side:
    """The rows of one side as the kernel wants them: coordinates, their sums of squares, the bias and its sum."""

    def __init__(self, keys: int, dim: int, draw: np.random.Generator) -> None:
        from kinfold.kernels._jit import aligned
        from kinfold.kernels._simd import LANES, LINE

        self.dim = dim
        self.width = (dim + LANES - 1) // LANES * LANES
        stride = 2 * self.width + LINE
        self.bytes_each = 4 * stride
        self.flat = aligned(keys, stride)
        self._rows = self.flat.reshape(keys, stride)
        for start in range(0, keys, 65_536):
            block = self._rows[start : start + 65_536]
            first = (draw.random((len(block), dim + 1), dtype=np.float32) - np.float32(0.5)) / np.float32(dim)
            block[:, :dim] = first[:, :dim]
            block[:, self.width : 2 * self.width] = 1
            block[:, 2 * self.width] = first[:, dim]
            block[:, 2 * self.width + 1] = 1

    @property
    def rows(self) -> np.ndarray:
        """(keys, dim) float32, not copied."""
        return self._rows[:, : self.dim]


def _begun(start: Start, data: Counts) -> tuple[Keys, sparse.csr_array, np.ndarray]:
    """The keys of the start and behind them the new ones, the counts of these keys, and the rows of the start."""
    import scipy.sparse as sparse

    words = start.words
    keys, places = joined(words.keys, data.row_keys)
    entries = data.values.tocoo()
    moved = (entries.data, (places[entries.coords[0]], places[entries.coords[1]]))
    return keys, sparse.csr_array(moved, shape=(len(keys), len(keys))), words.rows.dense()


def _hold(rows: np.ndarray, before: np.ndarray, first: np.ndarray, start: Start, rate: float) -> None:
    """Gives known rows the share of an epoch's change that the start allows, and draws them back, in place."""
    rows[:] = before + np.float32(start.pace) * (rows - before)
    if start.known == "anchor":
        rows += np.float32(min(start.pull * rate, 1)) * (first - rows)


def _rows(sides: tuple[_Side, _Side], same: bool) -> np.ndarray:
    """The rows of the Space: of the same keys the sums, else both."""
    rows, columns = (side.rows for side in sides)
    return rows + columns if same else np.concatenate([rows, columns])
