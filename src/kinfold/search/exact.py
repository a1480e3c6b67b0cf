"""The index that is none: exact search behind the same methods, for comparison and for small Spaces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kinfold.core.space import Space
from kinfold.search.index import Index


@dataclass(frozen=True, slots=True, eq=False)
class Exact(Index):
    """Every row is compared with every query, by `kinfold.kernels.topk`."""

    name: ClassVar[str] = "exact"

    @classmethod
    def build(cls, space: Space) -> Exact:
        """Nothing to do."""
        return cls(space, {})

    @classmethod
    def restore(
        cls, space: Space, parameters: Mapping[str, Any], arrays: Mapping[str, np.ndarray], place: str
    ) -> Exact:
        """Nothing to read."""
        return cls(space, {})

    def arrays(self) -> dict[str, np.ndarray]:
        """None."""
        return {}

    def candidates(self, vectors: np.ndarray, k: int, among: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """All of the nearest."""
        return self.space.topk(vectors, k, among)
