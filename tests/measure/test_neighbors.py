import numpy as np
import pytest

from kinfold import Space, measure, search
from kinfold.core.errors import BadData, BadOption, FrameMismatch


def noise(size=3000, dim=32, seed=0):
    return Space.of([f"k{i}" for i in range(size)], np.random.default_rng(seed).normal(size=(size, dim)))


def test_exact_search_finds_everything():
    space = noise(400)
    report = measure.recall(space, search.build(space, "exact"), queries=50)
    found = report["recall@10"]
    assert (found.value, found.low, found.high, found.n) == (1, 1, 1, 50)
    assert report["exact/queries per second"].value > 0


def test_a_careless_index_finds_less_than_a_careful_one():
    space = noise()
    poor = measure.recall(space, search.build(space, "ivf", probes=1), k=5, queries=200)["recall@5"]
    good = measure.recall(space, search.build(space, "ivf", probes=40), k=5, queries=200)["recall@5"]
    assert poor.high < good.low
    assert poor.value < 0.7


def test_all_rows_where_there_are_fewer_than_asked_for():
    space = noise(30)
    report = measure.recall(space, search.build(space, "hnsw"), k=100)
    assert report["recall@29"].n == 30


def test_what_cannot_be_compared_is_refused():
    space = noise(50)
    index = search.build(space, "exact")
    with pytest.raises(FrameMismatch):
        measure.recall(noise(50, seed=1), index)
    with pytest.raises(BadData):
        measure.recall(space.take(np.arange(20)), index)
    with pytest.raises(BadOption):
        measure.recall(space, index, k=0)
