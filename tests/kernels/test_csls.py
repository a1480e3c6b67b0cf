import numpy as np
import pytest
from oracles.csls import cosines
from oracles.csls import csls as oracle

from kinfold.kernels import csls as module
from kinfold.kernels.csls import csls, mutual


def best(scores, k):
    return np.argsort(-scores, axis=1, kind="stable")[:, :k]


@pytest.mark.parametrize("size", [1, 3, 60])
@pytest.mark.parametrize("dtype", ["f4", "f2"])
@pytest.mark.parametrize("zero", [False, True])
def test_scores_are_those_of_the_formula(size, dtype, zero):
    rng = np.random.default_rng(size)
    rows, sources, queries = (rng.normal(size=(count, 5)).astype(dtype) for count in (size, 40, 7))
    if zero:
        rows[0] = sources[3] = queries[2] = 0
    scores, found = csls(rows, queries.astype("f4"), 4, sources, neighbors=3)
    true = oracle(rows, queries, sources, 3)
    k = min(4, size)
    np.testing.assert_allclose(scores[:, :k], -np.sort(-true, axis=1)[:, :k], atol=1e-5)
    np.testing.assert_allclose(np.take_along_axis(true, found[:, :k], axis=1), scores[:, :k], atol=1e-5)
    assert (found[:, k:] == -1).all()
    assert np.isneginf(scores[:, k:]).all()


def test_only_allowed_rows_are_found_and_counted_as_neighbors():
    rng = np.random.default_rng(0)
    rows, sources, queries = (rng.normal(size=(count, 4)).astype("f4") for count in (50, 30, 6))
    among = np.flatnonzero(rng.random(50) < 0.5)
    scores, found = csls(rows, queries, 3, sources, among=among)
    true = oracle(rows[among], queries, sources, 10)
    np.testing.assert_array_equal(found, among[best(true, 3)])
    np.testing.assert_allclose(scores, -np.sort(-true, axis=1)[:, :3], atol=1e-5)


def test_few_queries_among_many_rows_are_answered_from_their_nearest(monkeypatch):
    rng = np.random.default_rng(1)
    rows, sources, queries = (rng.normal(size=(count, 8)).astype("f4") for count in (3000, 500, 2))
    whole = oracle(rows, queries, sources, 10)
    scores, found = csls(rows, queries, 5, sources)
    np.testing.assert_array_equal(found, best(whole, 5))
    np.testing.assert_allclose(scores, -np.sort(-whole, axis=1)[:, :5], atol=1e-5)
    monkeypatch.setattr(module, "_POOL", 20)
    _, found = csls(rows, queries, 5, sources)
    assert np.isin(found, best(cosines(queries, rows), 50)).all()


def test_a_hub_is_the_answer_by_cosine_and_not_by_csls():
    # One row in the middle of everything is nearest to most queries, whose own partners are a little farther.
    rng = np.random.default_rng(2)
    sources = rng.normal(size=(200, 30)) + 1
    partners = sources + 1.2 * rng.normal(size=sources.shape)
    rows = np.concatenate([[sources.mean(axis=0)], partners]).astype("f4")
    by_cosine = best(cosines(sources, rows), 1)[:, 0]
    _, found = csls(rows, sources.astype("f4"), 1, sources.astype("f4"))
    assert (by_cosine == 0).sum() > 40
    assert (found[:, 0] == 0).sum() < 15
    assert (found[:, 0] == np.arange(200) + 1).sum() > (by_cosine == np.arange(200) + 1).sum() + 40


def test_mutual_pairs_are_those_of_the_formula():
    rng = np.random.default_rng(3)
    first, second = (rng.normal(size=(count, 6)).astype("f4") for count in (80, 60))
    there, back = oracle(second, first, first, 10), oracle(first, second, second, 10)
    pairs, cosine = mutual(first, second)
    expected = [(i, j) for i, j in enumerate(there.argmax(axis=1)) if back[j].argmax() == i]
    assert [tuple(each) for each in pairs.tolist()] == expected
    true = cosines(first, second)
    chosen = [*true[np.arange(80), there.argmax(axis=1)], *true.T[np.arange(60), back.argmax(axis=1)]]
    assert cosine == pytest.approx(np.mean(chosen), abs=1e-6)


def test_nothing_to_search_finds_nothing():
    rows = np.zeros((0, 3), np.float32)
    _, found = csls(rows, np.ones((2, 3), np.float32), 2, np.ones((2, 3), np.float32))
    assert (found == -1).all()
    assert csls(np.ones((4, 3), np.float32), rows, 2, rows)[0].shape == (0, 2)
