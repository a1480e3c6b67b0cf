import numpy as np
import pytest
import scipy.sparse as sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.cooccurrence import ppmi as oracle

from kinfold.core.errors import BadData, BadOption
from kinfold.core.keys import Keys
from kinfold.core.shapes import Counts
from kinfold.prepare import weighting


def counts(values):
    matrix = sparse.csr_array(np.asarray(values, np.float32))
    rows, columns = matrix.shape
    return Counts(Keys([f"r{i}" for i in range(rows)]), Keys([f"c{i}" for i in range(columns)]), matrix)


@settings(deadline=None, max_examples=60)
@given(
    values=st.lists(st.lists(st.integers(0, 9), min_size=4, max_size=4), min_size=1, max_size=7),
    shift=st.sampled_from([0.5, 1.0, 3.0]),
    smoothing=st.sampled_from([0.0, 0.75, 1.0]),
)
def test_weights_are_those_of_the_oracle(values, shift, smoothing):
    table = np.array(values)
    if not table.any():
        return
    pairs = {(row, column): int(table[row, column]) for row, column in zip(*np.nonzero(table), strict=True)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weighting, "_ENTRIES", 5)
        made = weighting.ppmi(counts(values), shift=shift, smoothing=smoothing).values.toarray()
    expected = np.zeros(table.shape)
    for place, weight in oracle(pairs, shift, smoothing).items():
        expected[place] = weight
    np.testing.assert_allclose(made, expected, atol=1e-6)


def test_what_cannot_be_weighed_is_refused():
    with pytest.raises(BadData, match="no entry"):
        weighting.ppmi(counts([[0, 0]]))
    for bad in (-1, np.nan, np.inf):
        with pytest.raises(BadData, match="finite"):
            weighting.ppmi(counts([[1, bad]]))
    for options in ({"shift": 0}, {"smoothing": 2}, {"shift": np.inf}):
        with pytest.raises(BadOption):
            weighting.ppmi(counts([[1, 2]]), **options)
