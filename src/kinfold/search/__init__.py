"""Space → Index → Hits: other ways to the nearest rows than `Space.nearest`, which is exact and needs no index.

Example:
    >>> import numpy as np
    >>> from kinfold.core.space import Space
    >>> space = Space.of([f"row {i}" for i in range(500)], np.random.default_rng(0).normal(size=(500, 16)))
    >>> index = build(space, "hnsw", links=16)
    >>> index.nearest("row 7", k=3).keys == space.nearest("row 7", k=3).keys
    True
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

from kinfold.core.catalogue import Catalogue, Entry

if TYPE_CHECKING:
    from kinfold.core.space import Space
    from kinfold.search.across import csls
    from kinfold.search.bm25 import BM25
    from kinfold.search.index import Index
    from kinfold.search.movers import Bags, nearest_texts
    from kinfold.search.relations import analogy, closer, odd_one_out

__all__ = ["BM25", "INDEXES", "Bags", "analogy", "build", "closer", "csls", "nearest_texts", "odd_one_out", "open"]

INDEXES = Catalogue(
    "search",
    Entry("exact", "kinfold.search.exact:Exact", "every row is compared; nothing is built"),
    Entry("hnsw", "kinfold.search.hnsw:HNSW", "a graph of neighbors: fastest to search, slow to build"),
    Entry("ivf", "kinfold.search.ivf:IVF", "lists around centers: fast to build, a little slower to search"),
)

_PLACES = {
    "BM25": "kinfold.search.bm25",
    "Bags": "kinfold.search.movers",
    "nearest_texts": "kinfold.search.movers",
    "analogy": "kinfold.search.relations",
    "closer": "kinfold.search.relations",
    "csls": "kinfold.search.across",
    "odd_one_out": "kinfold.search.relations",
}


def build(space: Space, method: str = "hnsw", **options: Any) -> Index:
    """An index over all rows of a Space.

    Args:
        space: What is to be searched.
        method: A name of `INDEXES`.
        options: Those of the index's `build`.

    Raises:
        UnknownName: There is no such index.
        BadOption: An option is unknown to this index or out of its range.
        BadData: A row holds a number that is not finite.
    """
    from kinfold.search.index import built

    return built(INDEXES[method], space, options)


def open(path: str | os.PathLike[str], space: Space) -> Index:
    """A saved index, for the Space that it was built from.

    Raises:
        BadFile: Nothing is there, or it cannot be read.
        BadData: It is not the file of an index, is damaged, or belongs to other rows.
        FrameMismatch: The Space is in another frame.
        UnknownName: It is of a kind that this Kinfold does not know.
    """
    from kinfold.search.file import read_index

    header, arrays = read_index(path, space)
    index: Index = INDEXES[header["index"]].restore(space, header["parameters"], arrays, str(path))
    return index


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        return getattr(importlib.import_module(_PLACES[name]), name)
    raise AttributeError(f"module 'kinfold.search' has no attribute '{name}'")
