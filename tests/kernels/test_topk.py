import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.topk import topk as oracle

from kinfold.kernels import topk as module
from kinfold.kernels.topk import topk


def lengths(rows):
    return np.sqrt((np.asarray(rows, np.float32) ** 2).sum(axis=1))


def agree(rows, queries, k, metric, among=None):
    """Same scores as the oracle; the same rows where no two scores are almost equal."""
    scores, found = topk(rows, queries, k, metric, lengths(rows), among)
    true, best = oracle(rows, queries, k, metric, among)
    assert scores.dtype == np.float32
    assert found.dtype == np.int64
    np.testing.assert_allclose(scores, true, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(found < 0, best < 0)
    for line in found:
        assert len(set(line[line >= 0])) == np.count_nonzero(line >= 0)
    if among is not None:
        assert np.isin(found[found >= 0], among).all()


@settings(deadline=None, max_examples=60)
@given(data=st.data(), metric=st.sampled_from(["dot", "cosine", "l2"]), dtype=st.sampled_from(["f4", "f2"]))
def test_scores_are_those_of_the_oracle(data, metric, dtype):
    size, dim, many, k = (data.draw(st.integers(0, top)) for top in (300, 6, 5, 40))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    rows = rng.normal(size=(size, dim)).astype(dtype)
    share = data.draw(st.sampled_from([None, 0.0, 0.1, 0.6, 1.0]))
    among = None if share is None else np.flatnonzero(rng.random(size) < share)
    agree(rows, rng.normal(size=(many, dim)).astype("f4"), k, metric, among)


@pytest.mark.parametrize("metric", ["dot", "cosine"])
@pytest.mark.parametrize("share", [None, 0.1, 0.6])
@pytest.mark.parametrize("queries", [1, 5])
def test_offsets_are_taken_from_the_scores_of_their_rows(metric, share, queries):
    rng = np.random.default_rng(3)
    rows, many = rng.normal(size=(2, 400, 6)).astype("f4")
    offsets = rng.normal(size=400).astype("f4")
    among = None if share is None else np.flatnonzero(rng.random(400) < share)
    scores, found = topk(rows, many[:queries], 9, metric, lengths(rows), among, offsets)
    true, best = oracle(rows, many[:queries], 9, metric, among, offsets)
    np.testing.assert_allclose(scores, true, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(found, best)


@pytest.mark.parametrize("queries", [1, 3, 40])
@pytest.mark.parametrize("k", [1, 7, 2000])
@pytest.mark.parametrize("compiled", [False, True])
def test_blocks_numpy_and_the_compiled_scan_give_the_same_rows(monkeypatch, queries, k, compiled):
    monkeypatch.setattr(module, "_SCORES", 1 << 10)
    monkeypatch.setattr(module, "_SCANNED", 1 if compiled else 1 << 62)
    rng = np.random.default_rng(1)
    # Whole numbers: every sum is exact, so ties are ties and rows can be compared one by one.
    rows = rng.integers(-4, 5, (3000, 5)).astype("f4")
    many = rng.integers(-4, 5, (queries, 5)).astype("f4")
    for among in (None, np.arange(100, 900), np.arange(0, 3000, 7), np.delete(np.arange(3000), 5)):
        scores, found = topk(rows, many, k, "dot", None, among)
        true, best = oracle(rows, many, k, "dot", among)
        np.testing.assert_array_equal(found, best)
        np.testing.assert_array_equal(scores, true.astype("f4"))


def test_equal_scores_come_in_the_order_of_the_rows():
    rows = np.ones((5000, 3), np.float32)
    for queries in (1, 4):
        _, found = topk(rows, np.ones((queries, 3), np.float32), 6)
        assert found.tolist() == [[0, 1, 2, 3, 4, 5]] * queries


@pytest.mark.parametrize("queries", [1, 4])
@pytest.mark.parametrize("metric", ["dot", "cosine", "l2"])
def test_a_row_with_nan_hides_itself_and_no_other(queries, metric):
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(4000, 4)).astype("f4")
    many = rng.normal(size=(queries, 4)).astype("f4")
    broken = rows.copy()
    broken[::7] = np.nan
    _, found = topk(broken, many, 25, metric, lengths(broken))
    _, kept = topk(rows, many, 25, metric, lengths(rows), np.flatnonzero(np.arange(4000) % 7))
    np.testing.assert_array_equal(found, kept)


def test_a_distance_of_zero_is_zero_however_long_the_rows():
    rows = (10 + np.random.default_rng(0).normal(size=(50, 300))).astype("f4")
    scores, found = topk(rows, rows, 1, "l2", lengths(rows))
    assert found.ravel().tolist() == list(range(50))
    assert (scores == 0).all()


def test_zero_rows_and_zero_queries_have_cosine_zero():
    rows = np.array([[0, 0], [1, 0], [1e-30, 0]], np.float32)
    scores, _ = topk(rows, np.array([[1, 0], [0, 0]], np.float32), 3, "cosine", lengths(rows))
    np.testing.assert_allclose(scores, [[1, 1, 0], [0, 0, 0]] if scores[0, 1] else [[1, 0, 0], [0, 0, 0]])


def test_read_only_memory_is_searched_as_it_is():
    rows = np.eye(4, dtype=np.float32)
    rows.flags.writeable = False
    assert topk(rows, rows, 1)[1].ravel().tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("metric", ["dot", "cosine", "l2"])
@pytest.mark.parametrize("share", [None, 0.1, 0.7])
def test_what_a_query_refuses_is_not_found(metric, share):
    rng = np.random.default_rng(0)
    rows, queries = rng.normal(size=(500, 6)).astype("f4"), rng.normal(size=(7, 6)).astype("f4")
    among = None if share is None else np.flatnonzero(rng.random(500) < share)
    sizes = np.array([0, 3, 499, 500, 20, 0, 100])
    starts = np.concatenate([[0], np.cumsum(sizes)])
    refused = np.concatenate([rng.permutation(500)[:size] for size in sizes])
    scores, found = topk(rows, queries, 9, metric, lengths(rows), among, refused=(starts, refused))
    for number in range(7):
        left = np.setdiff1d(np.arange(500) if among is None else among, refused[starts[number] : starts[number + 1]])
        true, best = oracle(rows, queries[number : number + 1], 9, metric, left)
        np.testing.assert_array_equal(found[number], best[0])
        np.testing.assert_allclose(scores[number], true[0], rtol=1e-5, atol=1e-5)
