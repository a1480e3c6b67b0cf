"""Rows and columns that are learned together: users and items in one Space."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from kinfold.core.card import Card, born
from kinfold.core.columns import lists_of, to_arrow
from kinfold.core.errors import BadData
from kinfold.core.keys import Keys
from kinfold.core.metric import Metric
from kinfold.core.report import Report
from kinfold.core.rows import Rows
from kinfold.core.shapes import Counts, describe
from kinfold.core.space import Space

if TYPE_CHECKING:
    import scipy.sparse as sparse


def both(rows: Keys, columns: Keys) -> Keys:
    """The keys of both sides, each in its own groups.

    Raises:
        BadData: A group has keys on either side.
    """
    import pyarrow as pa

    shared = set(rows.groups) & set(columns.groups)
    if shared:
        raise BadData(
            f"rows and columns have different keys, but are both of the group '{min(shared)}'; "
            "name the groups of either side: Keys(names, 'user')."
        )
    sizes = {name: len(members) for keys in (rows, columns) for name, members in keys.groups.items()}
    return Keys.trusted(pa.concat_arrays([rows.names, columns.names]), sizes)


def distinct(matrix: sparse.csr_array) -> sparse.csr_array:
    """The matrix with columns ascending in each row and none twice."""
    if not matrix.has_canonical_format:
        matrix = matrix.copy()
        matrix.sum_duplicates()
    return matrix


def two_sided(
    learner: Any,
    data: Counts,
    matrix: sparse.csr_array,
    left: np.ndarray,
    right: np.ndarray,
    seed: int,
    report: Report,
    *,
    biases: int = 0,
) -> Space:
    """The Space of the rows of both sides, by the metric dot.

    Args:
        learner: Whose fields become the card's parameters.
        data: What was learned from.
        matrix: Its entries, distinct.
        left: (rows, dim) float32, copied.
        right: (columns, dim) float32, copied.
        seed: Of what was learned.
        report: Of the training.
        biases: Last coordinates that are biases, or what these are multiplied with.

    Returns:
        Groups of both sides; where both have the same keys, those of the rows, with the columns' as attribute
        `context`. The attribute `count` has the entries of each.

    Raises:
        BadData: A number is not finite, or rows and columns are of one group but not the same.
    """
    same = data.row_keys == data.column_keys
    keys = data.row_keys if same else both(data.row_keys, data.column_keys)
    rows = Rows(left.copy() if same else np.concatenate([left, right]))
    rows.refuse_non_finite("what was learned")
    counts = [np.diff(matrix.indptr).astype(np.int64), np.bincount(matrix.indices, minlength=matrix.shape[1])]
    columns: dict[str, Any] = {"count": to_arrow(counts[0] if same else np.concatenate(counts))}
    if same:
        columns["context"] = lists_of(np.ascontiguousarray(right))
    name = type(learner).__name__.lower()
    told = {**describe(data), "biases": biases} if biases else describe(data)
    card = Card(born(name, rows.values), name, dataclasses.asdict(learner), seed, told, reports=(report,))
    return Space(keys, rows, Metric.DOT, card, pa.table(columns))


def with_counts(space: Space, known: Counts, rows: np.ndarray) -> Space:
    """The columns of some counts in the frame of a Space: their rows, and how many things have each as `count`."""
    counts = np.bincount(known.values.indices, minlength=len(rows)).astype(np.int64)
    return Space(known.column_keys, Rows(rows.copy()), space.metric, space.card, pa.table({"count": to_arrow(counts)}))
