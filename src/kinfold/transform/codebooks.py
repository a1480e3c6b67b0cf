"""Codebooks: each few coordinates of a row become one of 256 centers, and its length one of 256 lengths."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kinfold.core.codes import CENTROIDS, Codes
from kinfold.core.faiss import load_faiss
from kinfold.transform.kmeans import kmeans

# Rows that k-means sees, as in fastText.
_SAMPLE = 65_536
_BLOCK = 65_536


@dataclass(frozen=True, slots=True, eq=False)
class Codebooks:
    """What codes stand for.

    Args:
        books: (m, 256, width) float32.
        lengths: (256,) float32, ascending; None where lengths are not kept apart.
        dim: Coordinates of a row.
    """

    books: np.ndarray
    lengths: np.ndarray | None
    dim: int

    @classmethod
    def of(cls, rows: np.ndarray, width: int, lengths: bool, iterations: int, seed: int) -> Codebooks:
        """Learns them from rows (n, dim) float32, n at least 1.

        Source:
            Jégou, Douze, Schmid 2011; Joulin et al. 2016 (arXiv 1612.03651: lengths apart).
        """
        rng = np.random.default_rng(seed)
        if len(rows) > _SAMPLE:
            rows = rows[np.sort(rng.choice(len(rows), _SAMPLE, replace=False))]
        sizes = None
        if lengths:
            norms = np.linalg.norm(rows, axis=1)
            rows = rows / np.where(norms > 0, norms, 1)[:, None]
            sizes = np.sort(_centers(norms[:, None], iterations, seed)[:, 0])
        dim = rows.shape[1]
        books = np.zeros((-(-dim // width), CENTROIDS, width), np.float32)
        for book, start in enumerate(range(0, dim, width)):
            part = rows[:, start : start + width]
            books[book, :, : part.shape[1]] = _centers(part, iterations, seed + book)
        return cls(books, sizes, dim)

    def codes(self, rows: np.ndarray) -> Codes:
        """Rows (n, dim) float32 as codes."""
        faiss = load_faiss()
        count, width = len(rows), self.books.shape[2]
        found = np.empty((count, len(self.books)), np.uint8)
        norm_codes = None if self.lengths is None else np.empty(count, np.uint8)
        indexes = []
        for book, start in enumerate(range(0, self.dim, width)):
            columns = min(width, self.dim - start)
            index = faiss.IndexFlatL2(columns)
            index.add(np.ascontiguousarray(self.books[book, :, :columns]))
            indexes.append((start, columns, index))
        for first in range(0, count, _BLOCK):
            block: np.ndarray = np.asarray(rows[first : first + _BLOCK], np.float32)
            some = slice(first, first + len(block))
            if self.lengths is not None and norm_codes is not None:
                norms = np.linalg.norm(block, axis=1)
                block = block / np.where(norms > 0, norms, np.float32(1))[:, None]
                between = self.lengths[1:] / 2 + self.lengths[:-1] / 2
                norm_codes[some] = np.searchsorted(between, norms)
            for book, (start, columns, index) in enumerate(indexes):
                part = np.ascontiguousarray(block[:, start : start + columns])
                found[some, book] = index.search(part, 1)[1][:, 0]
        return Codes(found, self.books, self.dim, norm_codes, self.lengths)


def _centers(rows: np.ndarray, iterations: int, seed: int) -> np.ndarray:
    """256 centers of rows (n, width); those that nothing is left for repeat the first one."""
    distinct = np.unique(rows, axis=0)
    centers = np.empty((CENTROIDS, rows.shape[1]), np.float32)
    if len(distinct) <= CENTROIDS:
        centers[: len(distinct)], centers[len(distinct) :] = distinct, distinct[:1]
        return centers
    found = kmeans(np.ascontiguousarray(rows, np.float32), CENTROIDS, spherical=False, iterations=iterations, seed=seed)
    return found.centers
