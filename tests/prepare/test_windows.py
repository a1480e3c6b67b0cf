import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kinfold.prepare.windows import central, windows


@given(st.lists(st.integers(1, 9), min_size=1, max_size=30), st.integers(4, 20))
def test_windows_cover_all_tokens_and_each_is_read_from_one(lengths, inner):
    owner = np.repeat(np.arange(len(lengths)), lengths)
    spans = windows(owner, inner)
    assert spans[0][0] == 0
    assert spans[-1][1] == len(owner)
    for (first, last), (later, _) in itertools.pairwise(spans):
        assert first < later <= last
    assert all(0 < last - first <= inner for first, last in spans)
    tokens = np.arange(len(owner))
    for token, at in zip(tokens.tolist(), central(spans, tokens).tolist(), strict=True):
        assert spans[at][0] <= token < spans[at][1]


def test_of_two_windows_the_one_counts_in_which_a_token_is_farther_from_the_edges():
    spans = [(0, 8), (6, 14)]
    assert central(spans, np.array([0, 6, 7, 13])).tolist() == [0, 0, 1, 1]
