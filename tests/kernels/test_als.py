import itertools

import numpy as np
import pytest
import scipy.sparse as sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import als as oracle

from kinfold.kernels.als import axes, solved, turn
from kinfold.kernels.sgns import padded
from kinfold.prepare.feedback import Feedback


def world(seed, users, items, dim, density=0.3):
    """A matrix with some empty rows, rows of items, and starts for users."""
    rng = np.random.default_rng(seed)
    dense = np.where(rng.random((users, items)) < density, rng.integers(1, 4, (users, items)), 0).astype(np.float32)
    dense[rng.random(users) < 0.1] = 0
    return (
        sparse.csr_array(dense),
        rng.normal(size=(items, dim)).astype("f4"),
        rng.normal(size=(users, dim)).astype("f4"),
    )


def solve(feedback, matrix, others, start, toward=None, threads=1, **how):
    """Rows by the kernel, in the axes that they came in, and the sum of f."""
    dim = others.shape[1]
    fixed, rows = (padded(each).reshape(len(each), -1) for each in (others, start))
    found, diagonal = axes(fixed, dim, feedback.unobserved)
    pull = None
    if toward is not None:
        pull = padded(toward).reshape(len(toward), -1)
        turn(pull, found)
    for each in (fixed, rows):
        turn(each, found)
    entries = feedback.entries(matrix, matrix.shape[1], pull)
    value = solved(entries, fixed, rows, diagonal, threads=threads, **how)
    return rows[:, :dim] @ found.T, value, entries


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 2**32),
    users=st.integers(1, 40),
    items=st.integers(2, 60),
    dim=st.integers(1, 40),
    objective=st.sampled_from(["all", "unobserved"]),
    density=st.sampled_from([0.05, 0.3, 0.9]),
)
def test_one_block_is_the_exact_solution(seed, users, items, dim, objective, density):
    matrix, others, start = world(seed, users, items, dim, density)
    feedback = Feedback(regularization=0.1, unobserved=0.3, objective=objective)
    rows, _, entries = solve(feedback, matrix, others, start)
    exact = oracle.half(matrix, others, 0.3, float(entries.less), entries.penalty)
    np.testing.assert_allclose(rows, exact, rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize("how", [{"steps": 40}, {"block": 16}, {"block": 48}])
@pytest.mark.parametrize("dim", [7, 50, 100])
def test_steps_and_blocks_come_to_the_exact_solution(how, dim):
    matrix, others, start = world(1, 60, 90, dim)
    feedback = Feedback(regularization=0.2, unobserved=0.2)
    rows, _, entries = solve(feedback, matrix, others, start, **how)
    for _ in range(60 if "block" in how else 0):
        rows, _, _ = solve(feedback, matrix, others, rows.astype("f4"), **how)
    exact = oracle.half(matrix, others, 0.2, 0.0, entries.penalty)
    np.testing.assert_allclose(rows, exact, rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("how", [{}, {"steps": 3}, {"block": 16}])
@pytest.mark.parametrize("objective", ["all", "unobserved"])
def test_the_sum_of_f_is_that_of_the_objective(how, objective):
    matrix, others, start = world(2, 50, 40, 20)
    feedback = Feedback(regularization=0.2, unobserved=0.2, objective=objective)
    rows, value, entries = solve(feedback, matrix, others, start, **how)
    rows = np.where(np.diff(matrix.indptr)[:, None] > 0, rows, 0)
    less = float(entries.less)
    whole = oracle.objective(matrix, rows, others, 0.2, less, entries.penalty, np.zeros(len(others)))
    assert value + matrix.data.sum() == pytest.approx(whole, rel=1e-3)


@pytest.mark.parametrize("how", [{}, {"steps": 60}, {"block": 16}])
def test_penalties_pull_toward_given_rows(how):
    matrix, others, start = world(3, 40, 30, 12)
    toward = np.random.default_rng(4).normal(size=start.shape).astype("f4")
    feedback = Feedback(regularization=2.0, unobserved=0.2)
    rows = start
    for _ in range(60 if "block" in how else 1):
        rows, _, entries = solve(feedback, matrix, others, rows.astype("f4"), toward, **how)
    exact = oracle.half(matrix, others, 0.2, 0.0, entries.penalty, toward)
    np.testing.assert_allclose(rows, exact, rtol=1e-2, atol=1e-3)


def test_more_steps_never_cost_more():
    matrix, others, start = world(5, 80, 120, 32)
    values = [solve(Feedback(), matrix, others, start, steps=steps)[1] for steps in (1, 2, 3, 5, 9)]
    assert all(later <= earlier + 1e-3 for earlier, later in itertools.pairwise(values))


@pytest.mark.parametrize("how", [{}, {"steps": 3}, {"block": 16}])
def test_threads_do_not_change_a_byte(how):
    matrix, others, start = world(6, 300, 200, 24)
    one, two = (solve(Feedback(), matrix, others, start, threads=threads, **how)[0] for threads in (1, 3))
    assert one.tobytes() == two.tobytes()


def test_rows_without_an_entry_are_zero():
    matrix, others, start = world(7, 30, 20, 5)
    matrix = sparse.csr_array(np.where(np.arange(30)[:, None] % 3 == 0, 0, matrix.toarray()))
    for how in ({}, {"steps": 2}, {"block": 16}):
        assert not solve(Feedback(), matrix, others, start, **how)[0][::3].any()


def test_a_long_history_is_solved_in_pieces():
    matrix, others, start = world(8, 3, 2000, 40, density=0.9)
    rows, _, entries = solve(Feedback(), matrix, others, start)
    exact = oracle.half(matrix, others, 0.1, 0.0, entries.penalty)
    np.testing.assert_allclose(rows, exact, rtol=1e-3, atol=1e-4)
