"""Real vectors and real tests, against the same vectors under shuffled names."""

import os
from pathlib import Path

import numpy as np
import pytest

from kinfold import Space, measure
from kinfold import open as open_vectors

DATA = Path(os.environ.get("KINFOLD_DATA", Path(__file__).parents[3] / "shared" / "data"))
VECTORS = DATA / "vectors" / "googlenews_subset_300d.bin"
TESTS = DATA / "word_eval"

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not VECTORS.exists() or not TESTS.exists(), reason=f"no real vectors and tests in {DATA}"),
]


@pytest.fixture(scope="module")
def spaces():
    space = open_vectors(VECTORS)
    order = np.random.default_rng(0).permutation(len(space))
    return space, Space.of(space.keys, space.rows.values[order])


@pytest.mark.parametrize("method", ["3cosadd", "3cosmul"])
def test_analogies_are_solved_by_meaning(spaces, method):
    real, shuffled = (measure.analogies(space, TESTS / "questions-words.txt", method=method) for space in spaces)
    assert real["accuracy"].n == shuffled["accuracy"].n > 5000
    assert real["accuracy"].low > 0.5 > 0.01 > shuffled["accuracy"].high
    assert real["semantic/accuracy"].n + real["syntactic/accuracy"].n == real["accuracy"].n
    assert len(real.tables[0].rows) == 14


@pytest.mark.parametrize("test", ["EN-WS-353-ALL.txt", "EN-SIMLEX-999.txt"])
def test_similarity_agrees_with_people(spaces, test):
    real, shuffled = (measure.similarity(space, TESTS / test)["spearman"] for space in spaces)
    assert real.low > shuffled.high
    assert shuffled.low < 0 < shuffled.high
    assert real.n > 250
