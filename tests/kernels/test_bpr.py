import numpy as np
import pytest

from kinfold.kernels.bpr import EACH, Met, learn, noise
from kinfold.kernels.sgns import padded


def world(users=5, items=7, dim=10, seed=0):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(users, dim)).astype("f4"), rng.normal(size=(items, dim)).astype("f4")
    return (*rows, padded(rows[0]), padded(rows[1], more=1))


def run(met, users, things, width, rate=0.1, penalty=0.02, constant=-1, both=True, seed=1):
    stats = np.zeros(2)
    order = np.arange(len(met.starts) - 1)
    how = constant, order, 0, len(order), rate, 0.0, np.float32(penalty), both, seed, stats
    learn(met, noise(np.ones(len(things) // width - 1), 0.0), users, things, width, *how)
    return stats


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_tile_is_the_formula(count):
    rate, keep = 0.1, 1 - 0.1 * 0.02
    met = Met(np.array([0, count]), np.arange(count, dtype=np.int32))
    for seed in range(50):
        x, y, users, things = world(users=1)
        stats = run(met, users, things, 16, seed=seed)
        rows = things.reshape(-1, 16)[:-1, :10]
        drawn = np.flatnonzero(np.abs(rows - y)[count:].sum(axis=1)) + count
        if len(drawn) == EACH:  # each once
            break
    apart = (y[:count] @ x[0])[:, None] - y[drawn] @ x[0]
    gradient = rate / (1 + np.exp(apart))
    own, other = keep**EACH * y[:count], keep**count * y[drawn]
    user = keep ** (EACH * count) * x[0]
    np.testing.assert_allclose(users[:10], user + gradient.sum(1) @ own - gradient.sum(0) @ other, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(rows[:count], own + gradient.sum(1)[:, None] * user, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(rows[drawn], other - gradient.sum(0)[:, None] * user, rtol=1e-4, atol=1e-6)
    assert stats[0] == pytest.approx(np.log1p(np.exp(-apart)).sum(), rel=1e-4)
    assert stats[1] == EACH * count


def test_every_entry_counts_once_and_one_who_met_nothing_stays():
    x, _, users, things = world(users=3, items=40)
    starts = np.array([0, 2 * EACH + 1, 2 * EACH + 1, 2 * EACH + 20])
    met = Met(starts, np.arange(2 * EACH + 20, dtype=np.int32))
    stats = run(met, users, things, 16)
    assert stats[1] == EACH * len(met.items)
    np.testing.assert_array_equal(users[16 : 16 + 10], x[1])


def test_what_was_met_is_not_drawn():
    _, y, users, things = world(users=1, items=40)
    met = Met(np.array([0, 10]), np.arange(10, dtype=np.int32))
    for seed in range(20):
        run(met, users, things, 16, rate=1e-6, penalty=0.0, seed=seed)
    moved = np.sign(things.reshape(-1, 16)[:-1, :10] - y) * np.sign(users[:10])
    assert (moved[:10].mean(axis=1) > 0).all()
    assert (moved[10:].mean(axis=1) < 0).all()


def test_items_can_stand_still_and_a_coordinate_stay_1():
    x, _, users, things = world()
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
