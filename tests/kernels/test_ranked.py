import numpy as np
import pytest

from kinfold.kernels.ranked import worth


def test_metrics_are_those_of_the_formulas():
    rng = np.random.default_rng(0)
    hits = rng.random((50, 10)) < 0.2
    relevant = np.maximum(hits.sum(axis=1) + rng.integers(0, 3, 50), 1)
    found = worth(hits, relevant, [1, 5, 10])
    for k in (1, 5, 10):
        for line in range(50):
            there = [place for place in range(k) if hits[line, place]]
            most = min(k, relevant[line])
            ideal = sum(1 / np.log2(place + 2) for place in range(most))
            assert found["recall", k][line] == pytest.approx(len(there) / most)
            assert found["hit", k][line] == bool(there)
            assert found["mrr", k][line] == pytest.approx(1 / (there[0] + 1) if there else 0)
            assert found["ndcg", k][line] == pytest.approx(sum(1 / np.log2(place + 2) for place in there) / ideal)
            precisions = [sum(other <= place for other in there) / (place + 1) for place in there]
            assert found["map", k][line] == pytest.approx(sum(precisions) / most)
