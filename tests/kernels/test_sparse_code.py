import numpy as np
import pytest
from oracles import sparse_code as oracle

from kinfold.kernels.sparse_code import gradients, largest, made


def dense(features, values, k):
    found = np.zeros((len(features), k), np.float32)
    for row, (places, some) in enumerate(zip(features, values, strict=True)):
        found[row, places[places >= 0]] = some[places >= 0]
    return found


@pytest.mark.parametrize(("k", "active"), [(1, 1), (7, 1), (7, 3), (7, 7), (40, 5)])
def test_the_largest_scores_above_0_are_kept(k, active):
    scores = np.random.default_rng(k).normal(size=(50, k)).astype(np.float32)
    features, values = largest(scores, active)
    np.testing.assert_array_equal(dense(features, values, k), oracle.code(scores, active))
    assert (np.diff(values, axis=1) <= 0).all()
    assert ((features < 0) == (values == 0)).all()


def test_rows_without_a_score_above_0_and_scores_that_are_no_numbers_have_none():
    features, values = largest(np.array([[-1, -2], [np.nan, 0]], np.float32), 2)
    assert (features == -1).all()
    assert (values == 0).all()
    assert not made(features, values, np.ones((2, 3), np.float32)).any()


def test_gradients_are_those_of_the_error():
    rng = np.random.default_rng(0)
    rows, encoder, decoder = (rng.normal(size=(n, 4)) for n in (6, 5, 5))
    center = rng.normal(size=4)
    inside = (rows - center).astype(np.float32)
    parts = [each.astype(np.float32) for each in (decoder, encoder)]
    features, values = largest(inside @ parts[1].T, 2)
    of_encoder, of_decoder, of_center, losses = gradients(inside, features, values, *parts)
    assert losses.sum() == pytest.approx(oracle.error(rows, encoder, decoder, center, 2), rel=1e-5)
    np.testing.assert_allclose(
        2 * of_encoder,
        oracle.gradient(lambda at: oracle.error(rows, at, decoder, center, 2), encoder),
        rtol=1e-3,
        atol=1e-3,
    )
    np.testing.assert_allclose(
        2 * of_decoder,
        oracle.gradient(lambda at: oracle.error(rows, encoder, at, center, 2), decoder),
        rtol=1e-3,
        atol=1e-3,
    )
    np.testing.assert_allclose(
        2 * of_center,
        oracle.gradient(lambda at: oracle.error(rows, encoder, decoder, at, 2), center),
        rtol=1e-3,
        atol=1e-3,
    )
