import numpy as np
import pytest

from kinfold.kernels.ratings import learn
from kinfold.kernels.sgns import padded


def test_every_rating_is_the_formula_in_order():
    rng = np.random.default_rng(0)
    dim, count = 6, 50
    x, y = rng.normal(size=(8, dim)).astype("f4"), rng.normal(size=(9, dim)).astype("f4")
    x[:, dim - 1], y[:, dim - 2] = 1, 1
    users, items = rng.integers(0, 8, count).astype("i4"), rng.integers(0, 9, count).astype("i4")
    ratings, order = rng.normal(size=count).astype("f4"), rng.permutation(count)
    left, right = padded(x), padded(y)
    stats = np.zeros(2)
    rate, penalty, mean = np.float32(0.05), np.float32(0.1), np.float32(0.3)
    learn(users, items, ratings, order, 0, count, left, right, 16, dim, mean, rate, penalty, stats)
    x, y, error = x.astype("f8"), y.astype("f8"), 0.0
    for entry in order:
        a, b = x[users[entry]].copy(), y[items[entry]].copy()
        apart = ratings[entry] - mean - a @ b
        error += apart**2
        x[users[entry]] += rate * (apart * b - penalty * a)
        y[items[entry]] += rate * (apart * a - penalty * b)
        x[:, dim - 1], y[:, dim - 2] = 1, 1
    np.testing.assert_allclose(left.reshape(-1, 16)[:, :dim], x, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(right.reshape(-1, 16)[:, :dim], y, rtol=1e-4, atol=1e-5)
    assert stats[0] == pytest.approx(error, rel=1e-4)
    assert stats[1] == count
