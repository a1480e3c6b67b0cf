import itertools

import numpy as np
import pytest

from kinfold.kernels.ranges import even


@pytest.mark.parametrize("pieces", [1, 3, 16])
def test_ranges_follow_each_other_and_are_about_alike(pieces):
    sizes = np.random.default_rng(0).integers(0, 30, 500)
    starts = np.concatenate([[7], 7 + np.cumsum(sizes)])
    parts = even(starts, pieces)
    assert parts[0][0] == 0
    assert parts[-1][1] == 500
    assert all(one[1] == two[0] for one, two in itertools.pairwise(parts))
    most = max(starts[stop] - starts[first] for first, stop in parts)
    assert most <= sizes.sum() / pieces + 60


def test_no_row_is_no_range():
    assert even(np.zeros(1, np.int64), 4) == []
