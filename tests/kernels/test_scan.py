"""Some hundred lines against sorting, around widths that are no multiple of a piece."""

import numpy as np
import pytest

from kinfold.kernels._scan import keep_best


@pytest.mark.parametrize("width", [1, 63, 64, 65, 200])
@pytest.mark.parametrize("k", [1, 5, 40])
def test_the_best_of_blocks_are_those_of_a_stable_sort(width, k):
    rng = np.random.default_rng(width + k)
    whole = rng.integers(-20, 20, (7, 3 * width)).astype("f4")
    whole[rng.random(whole.shape) < 0.05] = np.nan
    whole[rng.random(whole.shape) < 0.05] = -np.inf
    scores, found = np.full((7, k), -np.inf, "f4"), np.full((7, k), -1)
    for start in range(0, 3 * width, width):
        keep_best(np.ascontiguousarray(whole[:, start : start + width]), start, scores, found)
    for line, score, row in zip(whole, scores, found, strict=True):
        order = [each for each in np.argsort(-line, kind="stable").tolist() if line[each] > -np.inf][:k]
        assert row[: len(order)].tolist() == order
        assert (row[len(order) :] == -1).all()
        np.testing.assert_array_equal(score[: len(order)], line[order])
