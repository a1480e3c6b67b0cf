import numpy as np
import pytest

from kinfold.kernels.bpr import PAIRS, Met, learn, noise
from kinfold.kernels.sgns import padded


def world(users=5, items=7, dim=10, seed=0):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(users, dim)).astype("f4"), rng.normal(size=(items, dim)).astype("f4")
    return (*rows, padded(rows[0]), padded(rows[1], more=1))


def run(met, users, things, width, rate=0.1, penalty=0.02, constant=-1, both=True, seed=1, counts=None):
    stats = np.zeros(2)
    counts = np.bincount(met.items, minlength=len(things) // width - 1) if counts is None else counts
    order = np.arange(len(met.starts) - 1)
    how = constant, order, 0, len(order), rate, 0.0, np.float32(penalty), both, seed, stats
    learn(met, noise(counts, 0.0), users, things, width, *how)
    return stats


def test_one_pair_is_the_formula():
    x, y, users, things = world(users=1)
    width = len(users)
    met = Met(np.array([0, 1]), np.array([2], np.int32))
    # Only item 5 was met by anyone else: it is the one that is drawn.
    stats = run(met, users, things, width, counts=np.array([0, 0, 0, 0, 0, 9, 0]))
    rate, keep = 0.1, 1 - 0.1 * 0.02
    apart = x[0] @ (y[2] - y[5])
    gradient = rate / (1 + np.exp(apart))
    shrunk = keep * y
    np.testing.assert_allclose(users[:10], keep * x[0] + gradient * (shrunk[2] - shrunk[5]), rtol=1e-4)
    rows = things.reshape(-1, width)[:, :10]
    np.testing.assert_allclose(rows[2], shrunk[2] + gradient * keep * x[0], rtol=1e-4)
    np.testing.assert_allclose(rows[5], shrunk[5] - gradient * keep * x[0], rtol=1e-4)
    np.testing.assert_array_equal(rows[[0, 1, 3, 4, 6]], y[[0, 1, 3, 4, 6]])
    assert stats[0] == pytest.approx(np.log1p(np.exp(-apart)), rel=1e-4)
    assert stats[1] == 1


def test_every_entry_is_a_pair_once_and_one_who_met_nothing_stays():
    x, _, users, things = world(users=3, items=40)
    starts = np.array([0, 2 * PAIRS + 1, 2 * PAIRS + 1, 2 * PAIRS + 20])
    met = Met(starts, np.arange(2 * PAIRS + 20, dtype=np.int32))
    stats = run(met, users, things, 16)
    assert stats[1] == len(met.items)
    np.testing.assert_array_equal(users[16 : 16 + 10], x[1])


def test_items_can_stand_still_and_a_coordinate_stay_1():
    x, _y, users, things = world()
    before = things.copy()
    users.reshape(-1, 16)[:, 9] = 1
    met = Met(np.arange(6) * 2, np.tile(np.array([1, 3], np.int32), 5))
    run(met, users, things, 16, constant=9, both=False)
    np.testing.assert_array_equal(things, before)
    assert (users.reshape(-1, 16)[:, 9] == 1).all()
    assert not np.allclose(users.reshape(-1, 16)[:, :9], x[:, :9])


def test_one_who_met_everything_is_passed_over():
    x, _, users, things = world(users=1)
    stats = run(Met(np.array([0, 7]), np.arange(7, dtype=np.int32)), users, things, 16)
    assert stats[1] == 0
    np.testing.assert_array_equal(users[:10], x[0])
