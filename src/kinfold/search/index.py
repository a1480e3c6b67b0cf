"""What all indexes do alike; each adds only how candidates are found."""

from __future__ import annotations

import dataclasses
import inspect
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np

from kinfold.core.errors import BadData, BadOption, did_you_mean
from kinfold.core.faiss import load_faiss
from kinfold.core.hits import Hits
from kinfold.core.metric import Metric, units
from kinfold.core.nearest import Query, among, checked_k, checked_vectors, nearest_many
from kinfold.core.space import Space

# Below this share of the rows, comparing each that matches is quicker than finding them by an index.
_FEW = 0.1
_THREADS = {"threads": (1, 1024)}


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Index:
    """A way to the nearest rows of one Space.

    Every search gives exactly min(k, matching rows) rows for each query: where an index finds fewer, that query is
    searched again exactly.

    Args:
        space: What is searched.
        parameters: What it was built with.
    """

    name: ClassVar[str]

    space: Space
    parameters: Mapping[str, Any]

    @classmethod
    def restore(
        cls, space: Space, parameters: Mapping[str, Any], arrays: Mapping[str, np.ndarray], place: str
    ) -> Index:
        """The index again, from what `arrays` gave; nothing in it is trusted.

        Raises:
            BadData: The arrays are not those of such an index.
        """
        raise NotImplementedError

    def arrays(self) -> dict[str, np.ndarray]:
        """What the index knows beside the rows themselves, as it is saved."""
        raise NotImplementedError

    def candidates(self, vectors: np.ndarray, k: int, among: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """Scores (q, k) float32 and rows (q, k) int64, best first; -inf and -1 where none was found."""
        raise NotImplementedError

    def search(
        self, vectors: np.ndarray, k: int = 10, *, where: str | None = None, group: str | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """The k nearest rows to each vector.

        Args:
            vectors: (q, dim), finite.
            k: Rows wanted.
            where: An SQL condition on key, group and attributes that every hit fulfills.
            group: Where to look; everywhere if it is None.

        Returns:
            Scores (q, k) float32 and rows (q, k) int64, best first, equal scores by row;
            -inf and -1 fill up where fewer than k rows match.

        Raises:
            BadOption: `k` below 1, vectors of another shape, or a bad condition.
            UnknownName: There is no such group.
        """
        allowed = None if where is None else self.space.where(where)
        return self._search(checked_vectors(self.space, vectors), checked_k(k), among(self.space, group, allowed))

    def nearest(
        self,
        query: Query,
        k: int = 10,
        *,
        where: str | None = None,
        group: str | None = None,
        exclude: Sequence[str] = (),
    ) -> Hits:
        """`Space.nearest` by this index."""
        return self.nearest_many([query], k, where=where, group=group, exclude=exclude)[0]

    def nearest_many(
        self,
        queries: Sequence[Query] | np.ndarray,
        k: int = 10,
        *,
        where: str | None = None,
        group: str | None = None,
        exclude: Sequence[str] = (),
    ) -> list[Hits]:
        """`Space.nearest_many` by this index."""
        return nearest_many(self.space, self._search, queries, k, where=where, group=group, exclude=exclude)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes one file beside the Space, whole or not at all; the rows themselves are not in it.

        Raises:
            BadFile: The folder cannot be written.
        """
        from kinfold.search.file import write_index

        write_index(path, self)

    def _search(self, vectors: np.ndarray, k: int, among: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        count = len(self.space) if among is None else len(among)
        if count <= max(k, _FEW * len(self.space)):
            return self.space.topk(vectors, k, among)
        scores, rows = self.candidates(vectors, k, among)
        order = np.lexsort((rows, -scores), axis=1)
        scores, rows = np.take_along_axis(scores, order, axis=1), np.take_along_axis(rows, order, axis=1)
        short = np.flatnonzero((rows < 0).any(axis=1))
        if len(short):
            scores[short], rows[short] = self.space.topk(vectors[short], k, among)
        return scores, rows


def built(kind: Any, space: Space, options: Mapping[str, Any]) -> Index:
    """`kind.build(space, **options)` once the options are known to be its own and the rows can be indexed."""
    known = [name for name in inspect.signature(kind.build).parameters if name != "space"]
    for name in options:
        if name not in known:
            listed = f"It has: {', '.join(known)}." if known else "It has none."
            raise BadOption(f"the index '{kind.name}' has no option '{name}'.{did_you_mean(name, known)} {listed}")
    if space.dim == 0:
        raise BadData("a Space without coordinates cannot be indexed; its rows need at least one number each.")
    space.rows.refuse_non_finite("an index")
    index: Index = kind.build(space, **options)
    return index


def whole_numbers(values: Mapping[str, Any], ranges: Mapping[str, tuple[int, int]]) -> dict[str, int]:
    """Options that are whole numbers, once each is known to lie in its range.

    Raises:
        BadOption: One does not.
    """
    for name, (least, most) in ranges.items():
        value = values.get(name)
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or not least <= value <= most:
            raise BadOption(f"{name} is {value!r}; it is a whole number from {least:,} to {most:,}.")
    return {name: int(values[name]) for name in ranges}


def damaged(place: str, how: str) -> BadData:
    """The error for a file whose contents cannot be those of an index."""
    return BadData(f"{place}: damaged: {how}. Build the index again.")


@contextmanager
def on_threads(threads: int | None) -> Iterator[None]:
    """FAISS on so many threads inside the block; as many as there are cores where it is None."""
    faiss = load_faiss()
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(before if threads is None else whole_numbers({"threads": threads}, _THREADS)["threads"])
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def inner(metric: Metric) -> bool:
    """Whether FAISS compares by inner product (of unit rows where the metric is cosine), not by distance."""
    return metric is not Metric.L2


def blocks(space: Space, size: int = 65_536) -> Iterator[np.ndarray]:
    """All rows (some, dim) float32 as FAISS keeps them."""
    for start in range(0, len(space), size):
        yield prepared(space.metric, space.rows.take(slice(start, start + size)))


def prepared(metric: Metric, vectors: np.ndarray) -> np.ndarray:
    """Vectors (m, dim) for FAISS: of unit length where the metric is cosine, zero vectors as they are."""
    return np.ascontiguousarray(units(vectors) if metric is Metric.COSINE else vectors)


def results(metric: Metric, scores: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """FAISS's answer as ours: larger is nearer, -inf where there is no row."""
    if metric is Metric.L2:
        scores = -np.sqrt(np.maximum(scores, 0))
    return np.where(rows < 0, np.float32(-np.inf), scores).astype(np.float32, copy=False), rows


def selector(count: int, among: np.ndarray) -> Any:
    """Tells FAISS the rows that may be found."""
    allowed = np.zeros(-(-count // 8) * 8, np.bool_)
    allowed[among] = True
    return load_faiss().IDSelectorBitmap(np.packbits(allowed, bitorder="little"))
