import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.transport import least_cost

from kinfold.kernels.transport import transport


def heaps_and_pits(rng, rows, columns, most):
    """Whole masses of one sum on both sides, none of them 0."""
    heaps, pits = rng.integers(1, most + 1, rows), rng.integers(1, most + 1, columns)
    return heaps * pits.sum(), pits * heaps.sum()


@settings(deadline=None, max_examples=150)
@given(rows=st.integers(1, 9), columns=st.integers(1, 9), most=st.integers(1, 5), seed=st.integers(0, 9999))
@pytest.mark.parametrize("kind", ["any", "few values", "distances"])
def test_no_transport_is_cheaper(kind, rows, columns, most, seed):
    rng = np.random.default_rng(seed)
    heaps, pits = heaps_and_pits(rng, rows, columns, most)
    if kind == "any":
        costs = rng.random((rows, columns))
    elif kind == "few values":
        costs = rng.integers(0, 3, (rows, columns)).astype(float)
    else:
        places = rng.normal(size=(rows + columns, 3))
        costs = np.linalg.norm(places[:rows, None] - places[None, rows:], axis=2)
    flow = transport(costs, heaps, pits)
    assert (flow >= 0).all()
    assert flow.sum(axis=1).tolist() == heaps.tolist()
    assert flow.sum(axis=0).tolist() == pits.tolist()
    assert (flow * costs).sum() == pytest.approx(least_cost(costs, heaps, pits), rel=1e-9, abs=1e-9)


def test_a_large_one_is_solved_too():
    rng = np.random.default_rng(0)
    heaps, pits = heaps_and_pits(rng, 70, 90, 6)
    costs = rng.random((70, 90))
    flow = transport(costs, heaps, pits)
    assert (flow * costs).sum() == pytest.approx(least_cost(costs, heaps, pits), rel=1e-9)


def test_what_is_given_is_left_as_it_is():
    costs, heaps, pits = np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([2, 1]), np.array([1, 2])
    for each in (costs, heaps, pits):
        each.flags.writeable = False
    assert transport(costs, heaps, pits).tolist() == [[1, 1], [0, 1]]
    assert heaps.tolist() == [2, 1]


def test_nothing_is_moved_where_there_is_nothing():
    none = np.zeros(0, np.int64)
    assert transport(np.zeros((0, 0)), none, none).shape == (0, 0)
