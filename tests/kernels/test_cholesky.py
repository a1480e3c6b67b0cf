import numpy as np
import pytest

from kinfold.kernels._jit import jit
from kinfold.kernels._simd import LANES, TARGETS
from kinfold.kernels.cholesky import factor, room, solve


@jit
def solved(a, size, width, b):
    lower = np.zeros((size + TARGETS) * width, np.float32)
    at, to = np.zeros(size + TARGETS, np.int64), np.zeros(TARGETS, np.int64)
    s = np.zeros(4 * TARGETS + 2 * LANES, np.float32)
    factor(a, size, width, lower, at, to, s)
    solve(lower, size, width, b)


@pytest.mark.parametrize("size", [1, 2, 5, 6, 7, 12, 13, 31, 32, 33, 64, 100])
def test_is_the_solution(size):
    rng = np.random.default_rng(size)
    root = rng.normal(size=(size, size + 3))
    system = (root @ root.T / size + np.eye(size)).astype("f4")
    width = (size + 2 * LANES - 1) // (2 * LANES) * (2 * LANES)
    assert room.py_func(size) == width
    a = np.full((size + TARGETS, width), 7, np.float32)
    a[:size, :size] = np.tril(system) + np.triu(rng.normal(size=(size, size)), 1)
    b = rng.normal(size=size).astype("f4")
    found = np.concatenate([b, np.zeros(TARGETS, np.float32)])
    solved(a.reshape(-1), size, width, found)
    np.testing.assert_allclose(found[:size], np.linalg.solve(system.astype("f8"), b), rtol=2e-3, atol=2e-4)
