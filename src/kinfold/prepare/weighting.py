"""Counts become weighted Counts."""

from __future__ import annotations

import math

import numpy as np

from kinfold.core.errors import BadData, BadOption
from kinfold.core.shapes import Counts

# Entries weighted at a time, some 100 MB with all that is needed beside them.
_ENTRIES = 1 << 22


def ppmi(counts: Counts, *, shift: float = 1.0, smoothing: float = 0.75) -> Counts:
    """Positive pointwise mutual information: max(0, log p(row, column) / (p(row) p(column)) - log shift).

    Entries that are not positive are left out of the matrix.

    Args:
        counts: How often rows and columns go together.
        shift: What word2vec calls negatives; 1 does not shift.
        smoothing: Power of the columns' sums, so that rare columns do not look too informative; 1 does not smooth.

    Raises:
        BadOption: `shift` is not above 0, or `smoothing` outside 0..1.
        BadData: An entry is negative or not finite, or there is none.

    Source:
        Church, Hanks 1990; Levy, Goldberg 2014 (shift); Levy, Goldberg, Dagan 2015 (smoothing).

    Example:
        >>> import scipy.sparse as sparse
        >>> from kinfold.core.keys import Keys
        >>> keys = Keys(["a", "b"])
        >>> together = Counts(keys, keys, sparse.csr_array(np.eye(2, dtype=np.float32)))
        >>> print(ppmi(together).values.toarray().round(3))
        [[0.693 0.   ]
         [0.    0.693]]
    """
    import scipy.sparse as sparse

    if not 0 < shift < math.inf:
        raise BadOption(f"shift is {shift}; it is a finite number above 0, and 1 leaves the values as they are.")
    if not 0 <= smoothing <= 1:
        raise BadOption(f"smoothing is {smoothing}; it is a power from 0 to 1.")
    values = counts.values
    if not values.nnz:
        raise BadData("these counts have no entry; nothing goes together with anything.")
    if not np.isfinite(values.data).all() or values.data.min() < 0:
        raise BadData("a count is negative or not finite; counts are finite and at least 0.")
    rows = np.asarray(values.sum(axis=1, dtype=np.float64)).ravel()
    columns = np.asarray(values.sum(axis=0, dtype=np.float64)).ravel() ** smoothing
    columns[np.asarray(values.sum(axis=0)).ravel() == 0] = 0  # 0 ** 0 is 1
    if rows.sum() == 0:
        raise BadData("these counts are all 0; nothing goes together with anything.")
    with np.errstate(divide="ignore"):
        # log p(r, c) / (p(r) p(c)) = log n(r, c) - log n(r) - log p(c)
        log_rows, log_columns = np.log(rows), np.log(columns / columns.sum()) + math.log(shift)
    kept_columns, kept_values = [], []
    sizes = np.zeros(len(rows), np.int64)
    cuts = np.unique(np.searchsorted(values.indptr, np.arange(0, values.nnz + _ENTRIES, _ENTRIES)).clip(0, len(rows)))
    for first, last in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True):
        start, stop = values.indptr[first], values.indptr[last]
        owner = np.repeat(np.arange(first, last), np.diff(values.indptr[first : last + 1]))
        column = values.indices[start:stop]
        with np.errstate(divide="ignore"):
            weighted = np.log(values.data[start:stop].astype(np.float64))
        weighted -= log_rows[owner]
        weighted -= log_columns[column]
        positive = weighted > 0
        sizes[first:last] = np.bincount(owner[positive] - first, minlength=last - first)
        kept_columns.append(column[positive])
        kept_values.append(weighted[positive].astype(np.float32))
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(values.indptr.dtype)
    matrix = (np.concatenate(kept_values), np.concatenate(kept_columns), starts)
    return Counts(counts.row_keys, counts.column_keys, sparse.csr_array(matrix, shape=values.shape))
