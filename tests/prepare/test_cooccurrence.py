import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.cooccurrence import count as oracle

from kinfold.core.errors import BadData, BadOption
from kinfold.core.keys import Keys
from kinfold.core.shapes import Sequences
from kinfold.prepare import cooccurrence


def shape(sequences, keys):
    lengths = [len(each) for each in sequences]
    ids = np.array([id for each in sequences for id in each], np.int32)
    return Sequences(Keys([str(key) for key in range(keys)]), ids, np.cumsum([0, *lengths], dtype=np.int64))


def entries(counts):
    values = counts.values.tocoo()
    return dict(zip(zip(values.row.tolist(), values.col.tolist(), strict=True), values.data.tolist(), strict=True))


@settings(deadline=None, max_examples=60)
@given(
    sequences=st.lists(st.lists(st.integers(0, 8), max_size=12), max_size=8),
    window=st.integers(1, 6),
    weighting=st.sampled_from(["flat", "harmonic"]),
    threads=st.integers(1, 3),
    block=st.sampled_from([3, 10, 1000]),
)
def test_counts_are_those_of_the_oracle(sequences, window, weighting, threads, block):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cooccurrence, "_BLOCK", block)
        patch.setattr(cooccurrence, "_ENTRIES", 16)
        counts = cooccurrence.count(shape(sequences, 9), window=window, weighting=weighting, threads=threads)
    expected = oracle(sequences, window, weighting)
    found = entries(counts)
    assert found.keys() == expected.keys()
    np.testing.assert_allclose([found[pair] for pair in expected], list(expected.values()), rtol=1e-5)


def test_rows_are_sorted_and_symmetric_where_keys_are_many():
    rng = np.random.default_rng(0)
    data = shape([rng.integers(0, 3000, 400).tolist() for _ in range(20)], 3000)
    values = cooccurrence.count(data, window=3).values
    assert values.has_sorted_indices
    assert (values != values.T).nnz == 0
    assert values.sum() == 20 * 2 * (399 + 398 + 397)


def test_bad_options_and_ids_are_refused():
    data = shape([[0, 1]], 2)
    for options in ({"window": 0}, {"weighting": "square"}, {"threads": 0}, {"window": 1.5}):
        with pytest.raises(BadOption):
            cooccurrence.count(data, **options)
    with pytest.raises(BadData, match="outside"):
        cooccurrence.count(shape([[0, 7]], 2))
