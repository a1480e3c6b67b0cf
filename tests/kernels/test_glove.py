import numpy as np
import pytest
import scipy.sparse as sparse
from oracles import glove as oracle

from kinfold.kernels._jit import aligned
from kinfold.kernels._simd import LANES, LINE
from kinfold.kernels.glove import Entries, arrange, learn


def side(keys, dim, spread, seed):
    """The same first rows for the kernel and for the oracle."""
    rng = np.random.default_rng(seed)
    width = (dim + LANES - 1) // LANES * LANES
    flat = aligned(keys, 2 * width + LINE)
    rows = flat.reshape(keys, -1)
    rows[:, :dim] = rng.normal(size=(keys, dim)) * spread
    rows[:, width : 2 * width] = 1
    rows[:, 2 * width] = rng.normal(size=keys)
    rows[:, 2 * width + 1] = 1
    return flat, oracle.Side(rows[:, :dim], rows[:, 2 * width]), width


def run(rows, columns, counts, dim, spread=0.3, rate=0.05):
    """Both learn the same entries in the same order."""
    keys = (int(rows.max(initial=0)) + 1, int(columns.max(initial=0)) + 1)
    left, slow_left, width = side(keys[0], dim, spread, 1)
    right, slow_right, _ = side(keys[1], dim, spread, 2)
    weights = np.minimum(1, (counts / 10) ** 0.75)
    entries = Entries(rows.astype(np.int32), columns.astype(np.int32), np.log(counts).astype(np.float32),
                      weights.astype(np.float32))  # fmt: skip
    stats = np.zeros(2)
    learn(entries, 0, len(rows), left, right, width, np.float32(rate), stats)
    loss = oracle.learn(zip(rows, columns, counts, strict=True), slow_left, slow_right, rate, 10, 0.75)
    assert stats[0] == pytest.approx(loss, rel=1e-3)
    assert stats[1] == len(rows)
    for flat, slow in ((left, slow_left), (right, slow_right)):
        fast = flat.reshape(len(slow.rows), -1)
        np.testing.assert_allclose(fast[:, :dim], slow.rows, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(fast[:, width : width + dim], slow.row_squares, rtol=1e-3)
        np.testing.assert_allclose(fast[:, 2 * width], slow.biases, rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(fast[:, 2 * width + 1], slow.bias_squares, rtol=2e-3)
        assert not fast[:, dim:width].any()


def some(number, keys=40, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, keys, number), rng.integers(0, keys, number), rng.lognormal(1, 1, number)


@pytest.mark.parametrize("dim", [1, 16, 33, 100])
def test_entries_are_learned_as_the_formula_says(dim):
    run(*some(501), dim=dim)


def test_neighbors_that_share_a_row_or_a_column_are_learned_one_after_the_other():
    _, columns, counts = some(200)
    run(np.zeros(200, int), columns, counts, dim=20)
    run(columns, np.zeros(200, int), counts, dim=20)
    run(np.zeros(200, int), np.zeros(200, int), counts, dim=20)


def test_steep_gradients_are_clipped():
    rows, columns, counts = some(30, keys=30)
    run(rows, columns, counts * 1e4, dim=8, spread=20, rate=0.5)


@pytest.mark.parametrize("number", [0, 1])
def test_no_entry_and_one(number):
    run(*some(number), dim=5)


def arranged(matrix, first, last, stops):
    entries = Entries(*(np.zeros(matrix.nnz, kind) for kind in ("i4", "i4", "f4", "f4")))
    bounds = np.zeros(len(stops) + 1, np.int64)
    places = np.zeros(matrix.shape[0], np.int64)
    starts = matrix.indptr.astype(np.int64)
    bad = arrange(
        starts, matrix.indices, matrix.data, first, last, np.array(stops), 10.0, 0.75, places, bounds, entries
    )
    return entries, bounds, bad


def test_arranging_keeps_every_entry_in_its_rows_and_chunk():
    matrix = sparse.random_array((50, 30), density=0.4, format="csr", rng=np.random.default_rng(3), dtype=np.float32)
    matrix.data += np.float32(0.5)
    matrix.sort_indices()
    stops = [4, 4, 17, 30]
    entries, bounds, bad = arranged(matrix, 10, 45, stops)
    assert bad == 0
    assert bounds[0] == matrix.indptr[10]
    assert bounds[-1] == matrix.indptr[45]
    low = 0
    for chunk, stop in enumerate(stops):
        here = slice(bounds[chunk], bounds[chunk + 1])
        expected = matrix[10:45, low:stop].tocoo()
        found = sorted(zip(entries.rows[here], entries.columns[here], entries.logs[here], strict=True))
        wanted = zip(expected.row + 10, expected.col + low, np.log(expected.data), strict=True)
        np.testing.assert_allclose(found, sorted(wanted), rtol=1e-6)
        low = stop
    inside = slice(bounds[0], bounds[-1])
    np.testing.assert_allclose(
        entries.weights[inside], np.minimum(1, np.exp(entries.logs[inside]) / 10) ** 0.75, rtol=1e-5
    )
    # Two rows take turns: few entries wait for the one before them.
    together = (np.diff(entries.rows[inside]) == 0) | (np.diff(entries.columns[inside]) == 0)
    assert together.mean() < 0.15


def test_what_has_no_logarithm_is_counted():
    matrix = sparse.csr_array(np.ones((2, 3), np.float32))
    matrix.data[:] = [1, 0, -1, np.nan, np.inf, 2]
    assert arranged(matrix, 0, 2, [3])[2] == 4
