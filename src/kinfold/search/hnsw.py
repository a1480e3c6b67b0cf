"""A navigable graph of neighbors, by FAISS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kinfold.core.errors import BadOption
from kinfold.core.faiss import load_faiss
from kinfold.core.progress import Progress, quiet
from kinfold.core.space import Space
from kinfold.search.index import (
    Index,
    blocks,
    damaged,
    inner,
    on_threads,
    prepared,
    results,
    selector,
    whole_numbers,
)

_RANGES = {"links": (2, 1024), "build_effort": (1, 1 << 20), "effort": (1, 1 << 20), "seed": (0, (1 << 62) - 1)}


@dataclass(frozen=True, slots=True, eq=False)
class HNSW(Index):
    """Hierarchical navigable small world: each row is linked to near ones, and a search walks along the links.

    Args:
        space: What is searched.
        parameters: `links`, `build_effort`, `effort`, `seed`.
        graph: FAISS's index.

    Source:
        Malkov, Yashunin 2018.
    """

    name: ClassVar[str] = "hnsw"

    graph: Any

    @classmethod
    def build(
        cls,
        space: Space,
        *,
        links: int = 32,
        build_effort: int = 100,
        effort: int = 64,
        seed: int = 0,
        threads: int | None = None,
        progress: Progress = quiet,
    ) -> HNSW:
        """Links every row.

        Args:
            space: What is to be searched.
            links: Neighbors of a row in the graph (twice as many in its lowest layer).
            build_effort: Candidates that are looked at for the links of a row.
            effort: Candidates that a search keeps; more finds more, and takes longer.
            seed: Of the layers. One thread and one seed give the same graph.
            threads: All cores where it is None.
            progress: Told of each block of rows.

        Raises:
            BadOption: A number is out of its range.
        """
        given = {"links": links, "build_effort": build_effort, "effort": effort, "seed": seed}
        parameters = whole_numbers(given, _RANGES)
        faiss = load_faiss()
        graph = _empty(space, parameters)
        graph.hnsw.efConstruction = parameters["build_effort"]
        graph.hnsw.rng = faiss.RandomGenerator(parameters["seed"])
        progress.start("linking rows", len(space), "rows")
        with on_threads(threads):
            for block in blocks(space):
                graph.add(block)
                progress.advance(len(block))
        return cls(space, parameters, graph)

    @classmethod
    def restore(cls, space: Space, parameters: Mapping[str, Any], arrays: Mapping[str, np.ndarray], place: str) -> HNSW:
        """The graph again, over the rows of the Space.

        Raises:
            BadData: It is no graph over these rows.
        """
        faiss = load_faiss()
        try:
            parameters = whole_numbers(parameters, _RANGES)
            levels, neighbors, entry = arrays["levels"], arrays["neighbors"], arrays["entry"]
        except (BadOption, KeyError) as error:
            raise damaged(place, str(error)) from error
        graph = _empty(space, parameters)
        # Links of a row below each layer: [0, 2 M, 3 M, 4 M, …].
        below = faiss.vector_to_array(graph.hnsw.cum_nneighbor_per_level).astype(np.int64)
        starts = _checked(levels, neighbors, entry, below, len(space), place)
        for block in blocks(space):
            graph.storage.add(block)
        graph.ntotal = len(space)
        faiss.copy_array_to_vector(levels, graph.hnsw.levels)
        faiss.copy_array_to_vector(starts.astype(np.uint64), graph.hnsw.offsets)
        # The links are in a vector that can also be a view, which `copy_array_to_vector` does not fill.
        graph.hnsw.neighbors.resize(len(neighbors))
        faiss.memcpy(graph.hnsw.neighbors.data(), faiss.swig_ptr(neighbors), neighbors.nbytes)
        graph.hnsw.entry_point = int(entry[0])
        graph.hnsw.max_level = int(levels.max(initial=0)) - 1
        return cls(space, parameters, graph)

    def arrays(self) -> dict[str, np.ndarray]:
        """The graph, all int32.

        `levels` (n,): in how many layers a row is; `neighbors`: the links, row by row and layer by layer, -1 where
        there is none; `entry` (1,): the row where a search begins.
        """
        faiss = load_faiss()
        hnsw = self.graph.hnsw
        return {
            "levels": faiss.vector_to_array(hnsw.levels),
            "neighbors": faiss.vector_to_array(hnsw.neighbors),
            "entry": np.array([hnsw.entry_point], np.int32),
        }

    def candidates(self, vectors: np.ndarray, k: int, among: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """What a walk along the links finds; a filter makes it look at more of them."""
        faiss = load_faiss()
        settings = faiss.SearchParametersHNSW()
        share = 1.0 if among is None else len(among) / len(self.space)
        settings.efSearch = int(max(self.parameters["effort"], k) / share)
        if among is not None:
            # FAISS keeps no reference to the selector: `allowed` does, until the search is over.
            allowed = selector(len(self.space), among)
            settings.sel = allowed
        scores, rows = self.graph.search(prepared(self.space.metric, vectors), k, params=settings)
        return results(self.space.metric, scores, rows)


def _empty(space: Space, parameters: Mapping[str, Any]) -> Any:
    faiss = load_faiss()
    metric = faiss.METRIC_INNER_PRODUCT if inner(space.metric) else faiss.METRIC_L2
    return faiss.IndexHNSWFlat(space.dim, parameters["links"], metric)


def _checked(
    levels: np.ndarray, neighbors: np.ndarray, entry: np.ndarray, below: np.ndarray, count: int, place: str
) -> np.ndarray:
    """Where the links of each row start (n + 1,) int64, once no link can lead outside of the graph."""
    if any(array.dtype != np.int32 for array in (levels, neighbors, entry)):
        raise damaged(place, "its arrays are not of int32")
    if levels.shape != (count,) or entry.shape != (1,):
        raise damaged(place, "the graph does not have one line for each row")
    if count and (levels.min() < 1 or levels.max() >= len(below)):
        raise damaged(place, "a row is in a layer that cannot be")
    if not (0 <= entry[0] < count and levels[entry[0]] == levels.max()) and (count or entry[0] != -1):
        raise damaged(place, "a search would begin at no row")
    starts = np.concatenate([[0], np.cumsum(below[levels])])
    if neighbors.shape != (starts[-1],):
        raise damaged(place, "the number of links does not fit the layers")
    if neighbors.size and (neighbors.min() < -1 or neighbors.max() >= count):
        raise damaged(place, "a link leads to no row")
    for layer in range(1, int(levels.max(initial=0))):
        owners = np.flatnonzero(levels > layer)
        linked = neighbors[starts[owners][:, None] + np.arange(below[layer], below[layer + 1])]
        if np.any(levels[linked[linked >= 0]] <= layer):
            raise damaged(place, "a link leads to a row that is not in its layer")
    return starts
