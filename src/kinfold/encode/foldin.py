"""New users in the space of a factor model, from what they met; and new items, from who met them."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from kinfold.core.columns import to_arrow
from kinfold.core.errors import BadData, BadOption
from kinfold.core.histories import Sides
from kinfold.core.keys import Keys
from kinfold.core.progress import Progress, quiet
from kinfold.core.rows import Rows
from kinfold.core.shapes import Items
from kinfold.core.space import Space
from kinfold.encode.folding import FOLDINGS, Folding, LeastSquares
from kinfold.encode.over import OverSpace
from kinfold.prepare.features import EVERY

if TYPE_CHECKING:
    import scipy.sparse as sparse


@dataclass(frozen=True, eq=False)
class FoldIn(OverSpace):
    """Rows of those who were not there, from their history, as their method would have made them.

    als solves for them exactly, svd projects, bpr learns them while all others stand still, item2vec takes the mean,
    for ease the history is the row, and sasrec reads it in its order.

    Args:
        space: Of users and items, or of items alone.
        side: Group that gets new rows: `user` by default, or the first. A history names keys of the other one.

    Raises:
        BadData: The Space is by another method.
        BadOption: There is no such group.
    """

    # Words by svd are a Space of one side: there it is for who asks for it.
    methods: ClassVar[tuple[str, ...]] = tuple(name for name in FOLDINGS if name != "svd")
    things: ClassVar[str] = "histories"

    side: str | None = None

    def __post_init__(self) -> None:
        if self.space.card.method not in FOLDINGS:
            raise BadData(
                f"histories are folded into a Space by {', '.join(FOLDINGS)}, not by {self.space.card.method}."
            )
        if self.side not in (None, *self._groups):
            raise BadOption(f"side is '{self.side}'; it is one of: {', '.join(self._groups)}.")
        if self._kind.ordered and self.side not in (None, self._groups[0]):
            raise BadOption(f"{self.space.card.method} encodes what was met in order; side is '{self._groups[0]}'.")

    @property
    def _groups(self) -> list[str]:
        """The two sides; users have no rows where the method keeps none."""
        sides = Sides.of(self.space)
        return ["user" if sides.users is None else sides.users, sides.items]

    @property
    def own(self) -> str:
        """The group that gets new rows."""
        return self.side or self._groups[0]

    @property
    def other(self) -> str:
        """The group whose keys are in histories."""
        first, second = self._groups
        return second if self.own == first else first

    def encode(
        self, items: Items[Any] | Iterable[Any], *, threads: int | None = None, progress: Progress = quiet
    ) -> Space:
        """Rows of some histories; keys that have no row are left out and counted, and so are histories without any.

        Args:
            items: Each a list of keys, or a mapping from keys to weights (to places, where order counts); their names,
                or numbers from 0, become the keys.
            threads: How many work at once; as many as there are processors by default.
            progress: Told of how far the work is.

        Returns:
            A Space with the attribute `count`, known keys of each history.

        Raises:
            BadData: No history has a known key, or one is a string.
        """
        items = Items.of(items)
        matrix, unknown = self.matrix(items)
        full = np.flatnonzero(np.diff(matrix.indptr))
        if matrix.shape[0] and not len(full):
            raise BadData(f"no history has a key of the group '{self.other}'; nothing can be told of anyone.")
        keys = items.keys if items.keys is not None else Keys([str(each) for each in range(matrix.shape[0])], self.own)
        rows = self.rows(matrix[full], threads=threads, progress=progress)
        table = pa.table({"count": to_arrow(np.diff(matrix.indptr)[full].astype(np.int64))})
        told = {"histories": matrix.shape[0], "skipped": matrix.shape[0] - len(full), "unknown": unknown}
        card = self.space.card.then("encode", side=self.own, **told)
        named = Keys.trusted(keys.names.take(to_arrow(full)), self.own)
        return Space(named, Rows(rows), self.space.metric, card, table)

    def rows(
        self,
        matrix: sparse.csr_array,
        *,
        toward: np.ndarray | None = None,
        threads: int | None = None,
        progress: Progress = quiet,
    ) -> np.ndarray:
        """Rows (n, dim) float32 of histories (n, other side's keys) of weights; zeros where there is no entry.

        Args:
            matrix: What was met; where order counts, weights are places in it, as `prepare.interactions.placed` gives
                them.
            toward: What features say of the rows (n, dim), for a Space that learned some (als); by default what is
                common to all.
            threads: How many work at once.
            progress: Told of the entries that are done.
        """
        progress.start("fold in", matrix.nnz, "entries")
        if toward is None:
            toward = self._common(matrix.shape[0])
        if toward is None:
            return self._folding.rows(matrix, threads, progress)
        assert isinstance(self._folding, LeastSquares)
        return self._folding.rows(matrix, threads, progress, toward)

    def parts(self, matrix: sparse.csr_array, target: np.ndarray) -> np.ndarray:
        """What each entry of one history (1, other side's keys) adds to its score with a row (dim,) of the other side.

        Returns:
            Parts (entries,) float64, in the order of the entries.

        Raises:
            BadData: Scores of this method are no such sums.
        """
        return self._folding.parts(matrix, target)

    def _common(self, count: int) -> np.ndarray | None:
        """What features say of rows (count, dim) of which none is known; None where none were learned."""
        if self.own not in self.space.card.data.get("features", {}):
            return None
        row: np.ndarray = self.space.group(f"{self.own}_feature")[EVERY]
        return np.broadcast_to(row, (count, self.space.dim))

    @functools.cached_property
    def _folding(self) -> Folding:
        return self._kind.of(self.space, self.other)

    @property
    def _kind(self) -> type[Folding]:
        return FOLDINGS[self.space.card.method]

    def matrix(self, items: Items[Any]) -> tuple[sparse.csr_array, int]:
        """Histories as a matrix over the other side's keys, and how many keys have no row.

        Raises:
            BadData: A history is none, or one of its weights is no finite number of at least 0.
        """
        import scipy.sparse as sparse

        keys = self.space.keys.group(self.other)
        names: list[str] = []
        weights: list[float] = []
        sizes = []
        for number, history in enumerate(items.raw):
            some = self._weighted(number, history)
            names += some
            weights += some.values()
            sizes.append(len(some))
        found = keys.rows(pa.array(names, pa.large_string()))
        known = found >= 0
        owners = np.repeat(np.arange(len(sizes)), sizes)[known]
        entries = (np.asarray(weights, np.float32)[known], (owners, found[known]))
        matrix = sparse.csr_array(entries, shape=(len(sizes), len(keys)))
        matrix.sort_indices()
        return matrix, int((~known).sum())

    def _weighted(self, number: int, history: Any) -> dict[str, float]:
        """The keys of a history, each once, with their weights; where order counts, with their places."""
        if isinstance(history, str) or not isinstance(history, Iterable):
            raise BadData(f"history {number:,} is {history!r:.40}; it is a list of keys, or a mapping to weights.")
        found: dict[str, float] = {}
        if not isinstance(history, Mapping):
            if self._kind.rated:
                raise BadData(
                    f"history {number:,} has no ratings, which {self.space.card.method} needs; give a mapping from "
                    "keys to ratings, or key=rating between commas."
                )
            for place, key in enumerate(history, 1):
                found[str(key)] = place if self._kind.ordered else found.get(str(key), 0.0) + 1
            return found
        for key, weight in history.items():
            try:
                value = float(weight)
            except (TypeError, ValueError):
                value = float("nan")
            if not 0 <= value < float("inf"):
                told = f"the weight of '{key}' in history {number:,} is {weight!r}"
                raise BadData(f"{told}; weights are finite numbers of at least 0.")
            found[str(key)] = value
        return found
