"""The next of a history, as sasrec learned to tell it: its network in numpy, from the rows of the Space alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from kinfold.core.errors import BadData
from kinfold.core.layers import LAYERS, layout
from kinfold.core.progress import Progress
from kinfold.core.space import Space

if TYPE_CHECKING:
    import scipy.sparse as sparse

_EPSILON = np.float32(1e-6)
_BLOCK = 1024  # histories at a time


class Sequential:
    """The state after the last of what was met, in order (sasrec); weights are places in that order.

    Args:
        still: The items.
        layers: The rows of the network.

    Raises:
        BadData: The rows are not those of the network that the card describes.

    Source:
        Kang, McAuley 2018 (arXiv 1808.09781).
    """

    ordered: ClassVar[bool] = True
    rated: ClassVar[bool] = False
    both: ClassVar[bool] = False

    def __init__(self, still: Space, layers: Space) -> None:
        given = still.card.parameters
        self._items = still.rows.dense()
        self._blocks, self._heads, self._length = given["blocks"], given["heads"], given["length"]
        rows = layout(still.dim, self._blocks, self._length, given["wide"])
        if len(layers) != sum(rows.values()):
            raise BadData(
                f"this Space has {len(layers):,} rows of layers, where its card describes a network of "
                f"{sum(rows.values()):,}; learn it anew."
            )
        parts = np.split(layers.rows.dense(), np.cumsum(list(rows.values()))[:-1])
        self._weights = dict(zip(rows, parts, strict=True))

    @classmethod
    def of(cls, space: Space, other: str) -> Self:
        """Of a Space, and its group that stands still.

        Raises:
            BadData: The Space has no rows of layers, or not those of its card.
        """
        if LAYERS not in space.groups or other == LAYERS:
            raise BadData(f"this Space has lost its group '{LAYERS}', which encodes histories; keep it, or learn anew.")
        return cls(space.group(other), space.group(LAYERS))

    def rows(self, matrix: sparse.csr_array, threads: int | None, progress: Progress) -> np.ndarray:
        """Rows of histories, those of one length together, so that nothing is padded."""
        found = np.zeros((matrix.shape[0], self._items.shape[1]), np.float32)
        owners = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
        ids = matrix.indices[np.lexsort((matrix.data, owners))]
        sizes = np.diff(matrix.indptr)
        lengths = np.minimum(sizes, self._length)
        for length in np.unique(lengths[lengths > 0]).tolist():
            alike = np.flatnonzero(lengths == length)
            for start in range(0, len(alike), _BLOCK):
                some = alike[start : start + _BLOCK]
                places = matrix.indptr[some + 1][:, None] - np.arange(length, 0, -1)
                found[some] = self._last(ids[places])
                progress.advance(int(sizes[some].sum()))
        return found

    def parts(self, matrix: sparse.csr_array, target: np.ndarray) -> np.ndarray:
        """There are none.

        Raises:
            BadData: Always.
        """
        raise BadData("a score by sasrec is no sum over what was met; learn with als, ease or svd to tell why.")

    def _last(self, ids: np.ndarray) -> np.ndarray:
        """States (n, dim) after histories (n, t) of one length."""
        weights, dim = self._weights, self._items.shape[1]
        count, length = ids.shape
        x = self._items[ids] * np.float32(np.sqrt(dim))
        places = np.arange(length)
        back = places[:, None] - places
        for block in range(self._blocks):
            part = f"block{block}."
            y = self._norm(x, part + "before")
            if block == self._blocks - 1:  # only the last place is asked for
                x, back = x[:, -1:], back[-1:]
            query, key, value = (
                (some @ weights[part + name]).reshape(count, -1, self._heads, dim // self._heads).transpose(0, 2, 1, 3)
                for name, some in (("query", y[:, -x.shape[1] :]), ("key", y), ("value", y))
            )
            far = weights[part + "distance"][:length].reshape(length, self._heads, -1).transpose(1, 2, 0)
            scores = query @ key.transpose(0, 1, 3, 2) + (query @ far)[:, :, places[: len(back), None], back]
            scores = np.where(back >= 0, scores * np.float32((dim // self._heads) ** -0.5), -np.inf)
            scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
            mixed = (scores / scores.sum(axis=-1, keepdims=True)) @ value
            x = x + mixed.transpose(0, 2, 1, 3).reshape(x.shape) @ weights[part + "output"]
            y = np.maximum(self._norm(x, part + "between") @ weights[part + "widen"].T, 0)
            x = x + y @ weights[part + "narrow"]
        found: np.ndarray = self._norm(x, "last")[:, -1]
        return found

    def _norm(self, x: np.ndarray, name: str) -> np.ndarray:
        apart = x - x.mean(axis=-1, keepdims=True)
        spread = np.sqrt((apart * apart).mean(axis=-1, keepdims=True) + _EPSILON)
        found: np.ndarray = apart / spread * self._weights[name + ".scale"] + self._weights[name + ".shift"]
        return found
