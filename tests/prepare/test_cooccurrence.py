import subprocess
import sys

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


def random_data(seed=0, keys=300, sequences=60):
    rng = np.random.default_rng(seed)
    return shape([rng.zipf(1.3, 80).clip(1, keys).tolist() for _ in range(sequences)], keys + 1)


@pytest.mark.parametrize("weighting", ["flat", "harmonic"])
@pytest.mark.parametrize("window", [3, 10, 40])
def test_blocks_threads_and_files_do_not_change_a_bit(monkeypatch, window, weighting):
    data = random_data()
    whole = cooccurrence.count(data, window=window, weighting=weighting, threads=1).values
    monkeypatch.setattr(cooccurrence, "_ENTRIES", 500)
    monkeypatch.setattr(cooccurrence.Spill, "__init__", tight(cooccurrence.Spill.__init__))
    for block in (700, 1 << 20):
        monkeypatch.setattr(cooccurrence, "_BLOCK", block)
        for threads in (1, 3):
            values = cooccurrence.count(data, window=window, weighting=weighting, threads=threads).values
            np.testing.assert_array_equal(values.indptr, whole.indptr)
            np.testing.assert_array_equal(values.indices, whole.indices)
            np.testing.assert_array_equal(values.data, whole.data)
            assert not values.data.flags.owndata  # mapped


def tight(make):
    return lambda spill, kind, in_memory=100: make(spill, kind, in_memory)


def test_more_entries_than_32_bits_number_are_counted_with_64(monkeypatch):
    data = random_data()
    narrow = cooccurrence.count(data).values
    monkeypatch.setattr(cooccurrence, "_NARROW", 1000)
    wide = cooccurrence.count(data).values
    assert (narrow != wide).nnz == 0


def test_a_row_without_neighbors_and_no_key_at_all():
    values = cooccurrence.count(shape([[0, 1], [3]], 4)).values
    assert np.diff(values.indptr).tolist() == [1, 1, 0, 0]
    assert cooccurrence.count(shape([], 0)).values.shape == (0, 0)
    assert cooccurrence.count(shape([[]], 3)).values.nnz == 0


SMALL = """
import resource, sys
import numpy as np
from kinfold.core.keys import Keys
from kinfold.core.shapes import Sequences
from kinfold.prepare import cooccurrence

def data(tokens):
    ids = np.random.default_rng(0).integers(0, 20_000, tokens).astype(np.int32)
    return Sequences(Keys([str(key) for key in range(20_000)]), ids, np.array([0, tokens]))

cooccurrence._BLOCK, cooccurrence._ENTRIES = 1 << 16, 1 << 17
cooccurrence.count(data(1 << 17), window=2, threads=1)  # compiled, and what that takes is taken
large = data(400_000)
line = next(line for line in open("/proc/self/status") if line.startswith("VmData"))
resource.setrlimit(resource.RLIMIT_DATA, (int(line.split()[1]) * 1024 + int(sys.argv[1]),) * 2)
values = cooccurrence.count(large, window=10, threads=1).values
print(values.data.nbytes + values.indices.nbytes)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, and only Linux limits all private memory")
def test_counts_may_be_larger_than_the_memory_there_is():
    limit = 56 << 20
    ran = subprocess.run([sys.executable, "-c", SMALL, str(limit)], capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    # Its parts, with 64-bit sums, are half as much again.
    assert int(ran.stdout) > limit
