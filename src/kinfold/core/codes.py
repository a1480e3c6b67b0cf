"""Rows kept as product codes: a byte for each few coordinates, read as float32."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from kinfold.core.columns import lists_of, matrix_of, to_arrow, to_numpy
from kinfold.core.errors import BadData

CENTROIDS = 256
# Cells of a codebook that are looked up at a time: what is laid out beside the rows stays small.
_CELLS = 1 << 18


@dataclass(frozen=True, slots=True, eq=False)
class Codes:
    """Rows (n, dim) of which codebook s knows the coordinates from s · width on, and code s of a row says which.

    Reads like an array: a row number gives a row (dim,), a slice or row numbers (or a mask) give rows, float32.

    Args:
        codes: (n, m) uint8.
        codebooks: (m, 256, width) float32; of the last one, only the columns up to `dim` count.
        dim: Coordinates of a row.
        norm_codes: (n,) uint8, which of `norm_book` a row is multiplied by; None for 1.
        norm_book: (256,) float32.
        places: Rows (k,) int64, ascending, that are not read from their codes.
        exact: What they are instead, (k, dim) float32.

    Raises:
        BadData: The parts do not fit together.

    Source:
        Jégou, Douze, Schmid 2011 (product quantization); Joulin et al. 2016 (arXiv 1612.03651: norms apart).

    Example:
        >>> books = np.arange(512, dtype=np.float32).reshape(2, 256, 1)
        >>> Codes(np.array([[3, 4], [0, 255]], np.uint8), books, 2)[:].tolist()
        [[3.0, 260.0], [0.0, 511.0]]
    """

    codes: np.ndarray
    codebooks: np.ndarray
    dim: int
    norm_codes: np.ndarray | None = None
    norm_book: np.ndarray | None = None
    places: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    exact: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))

    def __post_init__(self) -> None:
        if self.codes.ndim != 2 or self.codes.dtype != np.uint8:
            raise BadData(f"codes are bytes (n, m), not {self.codes.dtype} of the shape {self.codes.shape}.")
        books = self.codebooks
        if books.ndim != 3 or books.dtype != np.float32 or books.shape[:2] != (self.codes.shape[1], CENTROIDS):
            raise BadData(
                f"codes of {self.codes.shape[1]:,} bytes need as many codebooks of {CENTROIDS} float32 rows, "
                f"not {books.dtype} of the shape {books.shape}."
            )
        if not max(books.shape[0] - 1, 0) * books.shape[2] < self.dim <= books.shape[0] * books.shape[2]:
            raise BadData(
                f"{books.shape[0]:,} codebooks of {books.shape[2]:,} columns do not make up {self.dim:,} coordinates."
            )
        norms = (self.norm_codes, self.norm_book)
        if (norms[0] is None) != (norms[1] is None) or (
            norms[0] is not None
            and norms[1] is not None
            and (norms[0].dtype, norms[0].shape, norms[1].shape)
            != (np.dtype(np.uint8), self.codes.shape[:1], (CENTROIDS,))
        ):
            raise BadData(f"norms are a byte for each row and {CENTROIDS} numbers, or neither.")
        count = len(self.places)
        if (count and self.exact.shape != (count, self.dim)) or len(self.exact) != count:
            raise BadData(f"{count:,} rows that are kept exactly need {self.dim:,} coordinates each.")
        if count and not (self.places[0] >= 0 and self.places[-1] < len(self) and (np.diff(self.places) > 0).all()):
            raise BadData("rows that are kept exactly are named in ascending order, each once.")

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and coordinates."""
        return len(self.codes), self.dim

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of what is kept: bytes."""
        return self.codes.dtype

    @property
    def nbytes(self) -> int:
        """Memory of codes, codebooks and exact rows."""
        parts = (self.codes, self.codebooks, self.norm_codes, self.norm_book, self.places, self.exact)
        return sum(int(part.nbytes) for part in parts if part is not None)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self[:].astype(dtype or np.float32, copy=False)

    def __getitem__(self, rows: Any) -> np.ndarray:
        if isinstance(rows, int | np.integer):
            one: np.ndarray = self[[rows]][0]
            return one
        rows = self._numbers(rows)
        found = np.empty((len(rows), self.dim), np.float32)
        at, is_exact = self._among_exact(rows)
        if is_exact.any():
            found[is_exact] = self.exact[at[is_exact]]
        coded = np.flatnonzero(~is_exact)
        step = max(1, _CELLS // self.codes.shape[1])
        for start in range(0, len(coded), step):
            some = coded[start : start + step]
            found[some if len(coded) < len(rows) else slice(start, start + len(some))] = self._decoded(rows[some])
        return found

    def slice(self, start: int, stop: int) -> Codes:
        """The rows from `start` to `stop`, on the same memory."""
        first, last = np.searchsorted(self.places, [start, stop])
        return replace(
            self,
            codes=self.codes[start:stop],
            norm_codes=None if self.norm_codes is None else self.norm_codes[start:stop],
            places=self.places[first:last] - start,
            exact=self.exact[first:last],
        )

    def take(self, rows: Any) -> Codes:
        """Some rows (k,), as they are kept."""
        rows = self._numbers(rows)
        at, is_exact = self._among_exact(rows)
        return replace(
            self,
            codes=self.codes[rows],
            norm_codes=None if self.norm_codes is None else self.norm_codes[rows],
            places=np.flatnonzero(is_exact),
            exact=self.exact[at[is_exact]],
        )

    def beneath(self) -> Codes:
        """All rows read from their codes, also those that are kept exactly."""
        return replace(self, places=self.places[:0], exact=self.exact[:0])

    def _numbers(self, rows: Any) -> np.ndarray:
        if isinstance(rows, slice):
            return np.arange(*rows.indices(len(self)))
        rows = np.asarray(rows)
        if rows.dtype == np.bool_:
            return np.flatnonzero(rows)
        rows = rows.astype(np.int64)
        if len(rows) and not -len(self) <= rows.min() <= rows.max() < len(self):
            raise IndexError(f"a row is outside the {len(self):,} that there are.")
        numbers: np.ndarray = np.where(rows < 0, rows + len(self), rows)
        return numbers

    def _among_exact(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where each of the rows (k,) stands, or would, among the exact ones, and whether it is one of them."""
        if not len(self.places):
            return np.zeros(len(rows), np.int64), np.zeros(len(rows), np.bool_)
        at = np.minimum(np.searchsorted(self.places, rows), len(self.places) - 1)
        return at, self.places[at] == rows

    def _decoded(self, rows: np.ndarray) -> np.ndarray:
        books, _, width = self.codebooks.shape
        cells = self.codes[rows] + CENTROIDS * np.arange(books)
        # Ten times as fast as indexing by the same cells.
        found: np.ndarray = np.take(self.codebooks.reshape(books * CENTROIDS, width), cells, axis=0)
        found = found.reshape(len(rows), books * width)[:, : self.dim]
        if self.norm_codes is not None and self.norm_book is not None:
            found *= self.norm_book[self.norm_codes[rows]][:, None]
        return found


def columns_of(codes: Codes) -> dict[str, pa.Array]:
    """What a Space's file has beside the codes: columns of the norms and of the rows that are kept exactly."""
    columns = {}
    if codes.norm_codes is not None:
        columns["vector_norm"] = to_arrow(codes.norm_codes)
    if len(codes.places):
        columns["vector_exact"] = lists_of(codes.exact, codes.places, len(codes))
    return columns


def codebooks_text(codes: Codes) -> str:
    """The codebooks as JSON, for the file's schema."""
    books = {"codebooks": codes.codebooks, "norms": codes.norm_book}
    return json.dumps(
        {"dim": codes.dim}
        | {
            name: base64.b64encode(np.ascontiguousarray(book, "<f4").tobytes()).decode()
            for name, book in books.items()
            if book is not None
        }
    )


def restored(codes: np.ndarray, columns: Mapping[str, pa.Array], text: str) -> Codes:
    """The rows again, from codes (n, m), what `columns_of` gave and what `codebooks_text` wrote.

    Raises:
        BadData: The parts do not fit together.
    """
    try:
        told = json.loads(text)
        dim = int(told["dim"])
        books = np.frombuffer(base64.b64decode(told["codebooks"], validate=True), "<f4")
        norms = np.frombuffer(base64.b64decode(told["norms"], validate=True), "<f4") if "norms" in told else None
        books = books.reshape(codes.shape[1], CENTROIDS, -1)
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise BadData(f"the codebooks of the column 'vector' are damaged ({error!r}).") from error
    kept = columns.get("vector_exact")
    exact = {} if kept is None else {"places": np.flatnonzero(to_numpy(kept.is_valid())), "exact": matrix_of(kept, dim)}
    column = columns.get("vector_norm")
    if column is not None and (column.type != pa.uint8() or column.null_count):
        raise BadData(f"the column 'vector_norm' is {column.type}, or has missing values; it is a byte, one a row.")
    return Codes(codes, books, dim, None if column is None else to_numpy(column), norms, **exact)
