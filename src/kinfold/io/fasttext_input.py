"""The rows of a fastText model as those of a Space: words, then n-grams, then labels."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import numpy as np

from kinfold.core.errors import BadData
from kinfold.core.parts import Parts, mean
from kinfold.core.rows import Rows
from kinfold.io.cursor import Cursor
from kinfold.io.fasttext_dictionary import Dictionary
from kinfold.io.fasttext_header import Header
from kinfold.io.fasttext_matrix import (
    read_coded,
    read_dense,
    read_dense_shape,
    read_flag,
    read_rows,
    refuse_non_finite,
)

_WHAT = "the input matrix"


class Input(Protocol):
    """What the input matrix holds.

    `numbers` (m,) int64 has the bucket of each row of n-grams that is kept, `own` (words, dim) the words' own rows
    where they have n-grams, else None.
    """

    numbers: np.ndarray
    own: np.ndarray | None

    def finish(self, labels: np.ndarray, threads: int | None) -> Rows:
        """All rows, words as means with their n-grams, and the labels' (labels, dim) at the end.

        Raises:
            BadData: A mean is infinite.
        """


class Dense:
    """Rows of float32; buckets that are all zeros are left out."""

    def __init__(self, cursor: Cursor, header: Header, known: Dictionary) -> None:
        self._path, self._header, self._known = cursor.path, header, known
        words, buckets = known.words, header.buckets
        read_dense_shape(cursor, (words + buckets, header.dim), _WHAT)
        cursor.need((words + buckets) * header.dim * 4, _WHAT)
        self.own = read_dense(cursor, words, header.dim, _WHAT) if header.max_n else None
        self._into = cursor.growing(buckets, header.dim, np.float32, words + known.labels)
        if self.own is None:
            for block in read_rows(cursor, self._into, words, _WHAT):
                self._into.keep(len(block))
        else:
            # Their means are filled in when the n-grams are known.
            self._into.room(words)
            self._into.keep(words)
        kept = [np.zeros(0, np.int64)]
        begin = 0
        for block in read_rows(cursor, self._into, buckets, _WHAT):
            some = np.flatnonzero(block.any(axis=1))
            if len(some) < len(block):
                block[: len(some)] = block[some]
            self._into.keep(len(some))
            kept.append(some + begin)
            begin += len(block)
        self.numbers = np.concatenate(kept)

    def finish(self, labels: np.ndarray, threads: int | None) -> Rows:
        """As `Input` says."""
        self._into.room(len(labels))[: len(labels)] = labels
        self._into.keep(len(labels))
        values = self._into.filled()
        words = self._known.words
        if self.own is not None:
            ngrams = Rows(values[words : words + len(self.numbers)])
            parts = _parts(self.numbers, ngrams, self._header, self._known)
            for start, block in _means(self._path, self.own, parts, self._known, threads):
                values[start : start + len(block)] = block
        return Rows(values)


class Coded:
    """Rows of product codes; those of labels, and of words that have n-grams, are kept exactly beside them."""

    def __init__(self, cursor: Cursor, header: Header, known: Dictionary) -> None:
        self._path, self._header, self._known = cursor.path, header, known
        ngrams = header.buckets if known.kept is None else len(known.kept)
        self._codes = read_coded(cursor, (known.words + ngrams, header.dim), known.labels, _WHAT)
        self.numbers = np.arange(ngrams) if known.kept is None else known.kept
        self.own = self._codes[: known.words] if header.max_n else None

    def finish(self, labels: np.ndarray, threads: int | None) -> Rows:
        """As `Input` says."""
        words = self._known.words
        ends = words + len(self.numbers)
        places, exact = np.arange(ends, len(self._codes)), labels
        if self.own is not None:
            places = np.concatenate([np.arange(words), places])
            exact = np.concatenate([np.empty_like(self.own), labels])
            parts = _parts(self.numbers, Rows(self._codes.slice(words, ends)), self._header, self._known)
            for start, block in _means(self._path, self.own, parts, self._known, threads):
                exact[start : start + len(block)] = block
        return Rows(dataclasses.replace(self._codes, places=places, exact=exact))


def read_context(cursor: Cursor, header: Header, known: Dictionary, version: int, coded: bool) -> np.ndarray:
    """The output rows (labels or words, dim) float32; of words' trees, in the sign of `kernels.tree`.

    Raises:
        BadData: The file ends before the last one, or their matrix is damaged.
    """
    shape, what = (known.labels or known.words, header.dim), "the output matrix"
    if version and read_flag(cursor, "whether the output matrix is quantized") and coded:
        context = read_coded(cursor, shape, 0, what)[:]
    else:
        read_dense_shape(cursor, shape, what)
        context = read_dense(cursor, *shape, what)
    return np.negative(context, out=context) if is_turned(header) else context


def is_turned(header: Header) -> bool:
    """Whether output rows are nodes with which word2vec and fastText mean opposite turns.

    Words' nodes are learned, and gone on with, in word2vec's sign; those of labels are kept as fastText has them.
    """
    return header.loss == "hierarchical" and header.mode != "supervised"


def label_rows(path: Path, header: Header, known: Dictionary, context: np.ndarray) -> np.ndarray:
    """The labels' rows (labels, dim): output rows, or half the signed sums of the nodes on their paths.

    Raises:
        BadData: The labels' order does not tell the tree, or a sum is infinite.
    """
    counts = known.counts[known.words :]
    if header.loss != "hierarchical" or not len(counts):
        return context[: len(counts)]
    if (np.diff(counts) > 0).any():
        raise BadData(f"{path}: the labels are not in falling order of their counts, so that their tree is unknown.")
    rows = path_rows(counts, context)
    refuse_non_finite(path, rows, 0, "the labels' sums of nodes")
    return rows


def path_rows(counts: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    """Half the signed sum of the nodes on the path to each label, (n, dim) float32.

    That is the gradient of the label's log-probability by the text's row, where that row is zero.

    Args:
        counts: Of the labels (n,), falling.
        nodes: (n, dim) float32 as fastText's file has them; the last one is none.
    """
    from kinfold.kernels.sparse import product
    from kinfold.kernels.tree import huffman

    if len(counts) < 2:
        return np.zeros_like(nodes)
    starts, places, turns = huffman(counts)
    # fastText calls it a success to turn to the more frequent child, the kernel to the rarer one.
    return product(starts, places, np.where(turns, np.float32(-0.5), np.float32(0.5)), nodes)


def _parts(numbers: np.ndarray, rows: Rows, header: Header, known: Dictionary) -> Parts:
    return Parts(numbers, rows, header.min_n, header.max_n, header.buckets, known.kept is not None)


def _means(
    path: Path, own: np.ndarray, parts: Parts, known: Dictionary, threads: int | None
) -> Iterator[tuple[int, np.ndarray]]:
    for sums in parts.sums(known.data, known.offsets, threads):
        block = mean(own[sums.start : sums.stop], sums)
        refuse_non_finite(path, block, sums.start, "the means of words and their n-grams")
        yield sums.start, block
