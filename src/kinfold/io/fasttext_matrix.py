"""The numbers in fastText's files: matrices of float32, or of product codes."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from kinfold.core.codes import CENTROIDS, Codes
from kinfold.core.errors import BadData
from kinfold.io.cursor import Cursor
from kinfold.io.growing import Growing

_FLAG = struct.Struct("<B")
_SHAPE = struct.Struct("<2q")
_CODED = struct.Struct("<B2qi")
_BOOKS = struct.Struct("<4i")


def read_flag(cursor: Cursor, what: str) -> bool:
    """A yes or no.

    Raises:
        BadData: The file ends before it, or it is neither.
    """
    (flag,) = cursor.take(_FLAG, what)
    if flag > 1:
        raise BadData(f"{cursor.path} byte {cursor.at - 1:,}: {flag} stands where 0 or 1 says {what}. It is damaged.")
    return bool(flag)


def check_shape(cursor: Cursor, rows: int, dim: int, expected: tuple[int, int], what: str) -> None:
    """Does nothing where a matrix has the rows and columns that the header tells of.

    Raises:
        BadData: It has not.
    """
    if (rows, dim) != expected:
        raise BadData(
            f"{cursor.path} byte {cursor.at:,}: {what} has {rows:,} rows of {dim:,} numbers; by the header it has "
            f"{expected[0]:,} of {expected[1]:,}. The file is damaged."
        )


def read_dense_shape(cursor: Cursor, expected: tuple[int, int], what: str) -> None:
    """The head of a matrix of float32, which must be of the shape that is expected.

    Raises:
        BadData: The file ends before it, or it is of another shape.
    """
    rows, dim = cursor.take(_SHAPE, what)
    check_shape(cursor, rows, dim, expected, what)


def read_rows(cursor: Cursor, into: Growing, rows: int, what: str) -> Iterator[np.ndarray]:
    """Rows of float32, some megabytes at a time, each laid in the room of `into` and finite.

    Raises:
        BadData: The file ends before the last one, or a number is NaN or infinite.
    """
    done = 0
    for block in cursor.rows_into(into, rows, what):
        refuse_non_finite(cursor.path, block, done, what)
        done += len(block)
        yield block


def refuse_non_finite(path: Path, block: np.ndarray, begin: int, what: str) -> None:
    """Does nothing where all numbers of a block (m, dim) are finite.

    Raises:
        BadData: One is not; names its row, counted from `begin`.
    """
    with np.errstate(invalid="ignore"):
        bad = ~np.isfinite(block.sum(axis=1, dtype=np.float64))
    if bad.any():
        row = begin + int(np.flatnonzero(bad)[0])
        raise BadData(f"{path}: row {row:,} of {what} holds a number that is NaN or infinite. It is damaged.")


def read_dense(cursor: Cursor, rows: int, dim: int, what: str) -> np.ndarray:
    """Rows (rows, dim) float32 behind the head of their matrix.

    Raises:
        BadData: The file ends before the last one, or a number is NaN or infinite.
    """
    into = cursor.growing(rows, dim, np.float32)
    for block in read_rows(cursor, into, rows, what):
        into.keep(len(block))
    return into.filled()


def read_coded(cursor: Cursor, expected: tuple[int, int], spare: int, what: str) -> Codes:
    """A quantized matrix with `spare` rows more at its end, of which the codes mean nothing.

    Raises:
        BadData: The file ends before its end, or its parts contradict each other.
    """
    has_norms, rows, dim, size = cursor.take(_CODED, what)
    if has_norms > 1:
        raise BadData(f"{cursor.path}: {has_norms} stands where 0 or 1 says whether {what} has norms. It is damaged.")
    check_shape(cursor, rows, dim, expected, what)
    width = size // rows
    if width * rows != size or not 0 < width <= dim:
        raise BadData(
            f"{cursor.path} byte {cursor.at:,}: {what} has {size:,} bytes of codes, which do not make {rows:,} rows "
            f"of {dim:,} coordinates. The file is damaged."
        )
    codes = _with_spare(cursor, rows, width, spare, f"the codes of {what}")
    books = _read_books(cursor, dim, width, f"the codebooks of {what}")
    if not has_norms:
        return Codes(codes, books, dim)
    norm_codes = _with_spare(cursor, rows, 1, spare, f"the norms of {what}").reshape(-1)
    norms = _read_books(cursor, 1, 1, f"the norms of {what}").reshape(CENTROIDS)
    with np.errstate(over="ignore"):
        refuse_non_finite(cursor.path, np.abs(books).max() * np.abs(norms[:, None]), 0, f"the norms of {what}")
    return Codes(codes, books, dim, norm_codes, norms)


def _with_spare(cursor: Cursor, rows: int, width: int, spare: int, what: str) -> np.ndarray:
    into = cursor.growing(rows, width, np.uint8, spare)
    for block in cursor.rows_into(into, rows, what):
        into.keep(len(block))
    into.room(spare)[:spare] = 0
    into.keep(spare)
    return into.filled()


def _read_books(cursor: Cursor, dim: int, count: int, what: str) -> np.ndarray:
    """Codebooks (count, 256, width) float32; what the last one lacks in columns is 0."""
    told, books, width, last = cursor.take(_BOOKS, what)
    if told != dim or books != count or width < 1 or not 1 <= last <= width or (books - 1) * width + last != dim:
        raise BadData(
            f"{cursor.path} byte {cursor.at:,}: {what} are {books:,} of {width:,} columns, the last of {last:,}, for "
            f"{told:,} coordinates; there should be {count:,} for {dim:,}. The file is damaged."
        )
    numbers = cursor.numbers(dim * CENTROIDS, np.float32, what)
    refuse_non_finite(cursor.path, numbers.reshape(CENTROIDS, dim), 0, what)
    # A single codebook may be narrower than it says.
    width = width if books > 1 else last
    found = np.zeros((books, CENTROIDS, width), np.float32)
    whole = (books - 1) * CENTROIDS * width
    found[:-1] = numbers[:whole].reshape(books - 1, CENTROIDS, width)
    found[-1, :, :last] = numbers[whole:].reshape(CENTROIDS, last)
    return found


def packed_coded(codes: Codes) -> Iterator[bytes | memoryview]:
    """A quantized matrix as its file has it, piece by piece."""
    rows, dim = codes.shape
    yield _CODED.pack(codes.norm_codes is not None, rows, dim, codes.codes.size)
    yield np.ascontiguousarray(codes.codes).data
    yield from _packed_books(codes.codebooks, dim)
    if codes.norm_codes is not None and codes.norm_book is not None:
        yield np.ascontiguousarray(codes.norm_codes).data
        yield from _packed_books(codes.norm_book.reshape(1, CENTROIDS, 1), 1)


def _packed_books(books: np.ndarray, dim: int) -> Iterator[bytes]:
    count, _, width = books.shape
    last = dim - (count - 1) * width
    yield _BOOKS.pack(dim, count, width, last)
    yield np.ascontiguousarray(books[:-1], "<f4").tobytes()
    yield np.ascontiguousarray(books[-1, :, :last], "<f4").tobytes()


def packed_shape(rows: int, dim: int) -> bytes:
    """The head of a matrix of float32."""
    return _SHAPE.pack(rows, dim)
