"""Lists of rows around centers, by FAISS."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kinfold.core.errors import BadOption
from kinfold.core.faiss import load_faiss
from kinfold.core.metric import Metric
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
from kinfold.transform.kmeans import kmeans

# Rows that k-means sees for each center.
_SAMPLE = 256
_RANGES = {"lists": (1, 1 << 24), "probes": (1, 1 << 24), "iterations": (1, 10_000), "seed": (0, (1 << 31) - 1)}


@dataclass(frozen=True, slots=True, eq=False)
class IVF(Index):
    """Inverted file: k-means centers, each with the list of its rows; a search reads the lists of the nearest centers.

    Args:
        space: What is searched.
        parameters: `lists`, `probes`, `iterations`, `seed`.
        lists: FAISS's index.
        owners: The center of each row (n,) int64.

    Source:
        Jégou, Douze, Schmid 2011.
    """

    name: ClassVar[str] = "ivf"

    lists: Any
    owners: np.ndarray

    @classmethod
    def build(
        cls,
        space: Space,
        *,
        lists: int | None = None,
        probes: int | None = None,
        iterations: int = 10,
        seed: int = 0,
        threads: int | None = None,
        progress: Progress = quiet,
    ) -> IVF:
        """Finds the centers on a sample, then gives every row to its center.

        Args:
            space: What is to be searched.
            lists: Centers; four times the root of the number of rows where it is None.
            probes: Lists that a search reads; one in ten, and at least eight, where it is None.
            iterations: Of k-means.
            seed: Of the sample and the first centers.
            threads: All cores where it is None.
            progress: Told of each block of rows.

        Raises:
            BadOption: A number is out of its range.
        """
        count = len(space)
        if lists is None:
            lists = max(1, min(int(4 * math.sqrt(count)), count // 32))
        if probes is None:
            probes = max(8, lists // 10)
        given = {"lists": lists, "probes": probes, "iterations": iterations, "seed": seed}
        parameters = whole_numbers(given, _RANGES)
        parameters["lists"] = max(1, min(parameters["lists"], count))
        parameters["probes"] = min(parameters["probes"], parameters["lists"])
        progress.start("finding centers and filling lists", count, "rows")
        owners = np.zeros(count, np.int64)
        with on_threads(threads):
            centers = _centers(space, parameters)
            quantizer = _quantizer(space, centers)
            start = 0
            for block in blocks(space):
                owners[start : start + len(block)] = quantizer.search(block, 1)[1][:, 0]
                start += len(block)
                progress.advance(len(block))
            held = _filled(space, quantizer, parameters, owners)
        return cls(space, parameters, held, owners)

    @classmethod
    def restore(cls, space: Space, parameters: Mapping[str, Any], arrays: Mapping[str, np.ndarray], place: str) -> IVF:
        """The lists again, over the rows of the Space.

        Raises:
            BadData: They are not over these rows.
        """
        try:
            parameters = whole_numbers(parameters, _RANGES)
            centers, owners = arrays["centers"], arrays["owners"]
        except (BadOption, KeyError) as error:
            raise damaged(place, str(error)) from error
        shape = (parameters["lists"], space.dim)
        if centers.dtype != np.float32 or centers.shape != shape or not np.isfinite(centers).all():
            raise damaged(place, f"the centers are not {shape} finite numbers")
        if owners.dtype != np.int32 or owners.shape != (len(space),):
            raise damaged(place, "there is not one center for each row")
        if len(owners) and (owners.min() < 0 or owners.max() >= len(centers)):
            raise damaged(place, "a row belongs to no center")
        owners = owners.astype(np.int64)
        held = _filled(space, _quantizer(space, centers), parameters, owners)
        return cls(space, parameters, held, owners)

    def arrays(self) -> dict[str, np.ndarray]:
        """`centers` (lists, dim) float32 and `owners` (n,) int32, the center of each row."""
        return {
            "centers": self.lists.quantizer.reconstruct_n(0, self.lists.nlist),
            "owners": self.owners.astype(np.int32),
        }

    def candidates(self, vectors: np.ndarray, k: int, among: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """The nearest in the lists that are read; a filter makes it read more of them."""
        faiss = load_faiss()
        share = 1.0 if among is None else len(among) / len(self.space)
        probes = min(self.parameters["lists"], math.ceil(self.parameters["probes"] / share))
        chosen = None if among is None else selector(len(self.space), among)
        settings = faiss.SearchParametersIVF(nprobe=probes, **({} if chosen is None else {"sel": chosen}))
        scores, rows = self.lists.search(prepared(self.space.metric, vectors), k, params=settings)
        return results(self.space.metric, scores, rows)


def _centers(space: Space, parameters: Mapping[str, Any]) -> np.ndarray:
    rng = np.random.default_rng(parameters["seed"])
    size = min(len(space), _SAMPLE * parameters["lists"])
    sample = np.sort(rng.choice(len(space), size, replace=False)) if size < len(space) else slice(None)
    rows = prepared(space.metric, space.rows.take(sample))
    if not len(rows):
        return np.zeros((parameters["lists"], space.dim), np.float32)
    # Centers of directions are directions; where lengths count, long rows need centers of their own.
    spherical = space.metric is Metric.COSINE
    return kmeans(
        rows, parameters["lists"], spherical=spherical, iterations=parameters["iterations"], seed=parameters["seed"]
    ).centers


def _quantizer(space: Space, centers: np.ndarray) -> Any:
    faiss = load_faiss()
    quantizer = faiss.IndexFlatIP(space.dim) if inner(space.metric) else faiss.IndexFlatL2(space.dim)
    quantizer.add(np.ascontiguousarray(centers))
    return quantizer


def _filled(space: Space, quantizer: Any, parameters: Mapping[str, Any], owners: np.ndarray) -> Any:
    faiss = load_faiss()
    metric = faiss.METRIC_INNER_PRODUCT if inner(space.metric) else faiss.METRIC_L2
    held = faiss.IndexIVFFlat(quantizer, space.dim, parameters["lists"], metric)
    held.is_trained = True
    start = 0
    for block in blocks(space):
        part = np.ascontiguousarray(owners[start : start + len(block)])
        held.add_core(len(block), faiss.swig_ptr(block), None, faiss.swig_ptr(part))
        start += len(block)
    return held
