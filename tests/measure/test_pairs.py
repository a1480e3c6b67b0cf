"""What rows of texts are worth on pairs of texts."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from kinfold.core.errors import BadData
from kinfold.core.metric import Metric
from kinfold.core.shapes import TextPairs
from kinfold.measure.pairs import text_pairs


def table(seed=0, count=40):
    """Rows of texts by name: those of b are those of a with noise."""
    draw = np.random.default_rng(seed)
    left = draw.standard_normal((count, 6)).astype(np.float32)
    right = left + draw.standard_normal((count, 6)).astype(np.float32)
    held = {f"a{at}": row for at, row in enumerate(left)} | {f"b{at}": row for at, row in enumerate(right)}
    return lambda texts: np.stack([held[text] for text in texts])


NAMES = [f"a{at}" for at in range(40)], [f"b{at}" for at in range(40)]


@pytest.mark.parametrize("metric", list(Metric))
def test_recall_is_that_of_a_plain_search(metric):
    rows = table()
    left, right = (rows(names) for names in NAMES)
    scores = np.stack([metric.between(row[None], right)[0] for row in left])
    ranks = (scores > np.diag(scores)[:, None]).sum(axis=1)
    found = text_pairs(TextPairs.of(*NAMES), rows, metric=metric)
    assert found["recall@1"].value == pytest.approx(np.mean(ranks == 0))
    assert found["mrr"].value == pytest.approx(np.mean(1 / (ranks + 1)))
    assert found["recall@1"].low <= found["recall@1"].value <= found["recall@1"].high


def test_spearman_is_scipys_and_of_the_first_coordinates_alone():
    rows = table()
    scores = np.random.default_rng(1).random(40)
    pairs = TextPairs.of(*NAMES, scores=scores)
    left, right = (rows(names)[:, :3] for names in NAMES)
    cosines = (left * right).sum(1) / np.linalg.norm(left, axis=1) / np.linalg.norm(right, axis=1)
    assert text_pairs(pairs, rows, dim=3)["spearman"].value == pytest.approx(spearmanr(cosines, scores).statistic)


def test_another_text_that_goes_with_it_is_not_in_the_way():
    rows = {"q": [1, 0], "near": [1, 0.1], "less near": [1, 0.5], "other": [0, 1], "r": [0, 1]}
    pairs = TextPairs.of(["q", "q", "r"], ["near", "less near", "other"])
    found = text_pairs(pairs, lambda texts: np.array([rows[text] for text in texts], np.float32))
    assert found["recall@1"].value == 1


def test_triplets_say_how_often_the_negative_is_farther():
    rows = {"q": [1, 0], "yes": [1, 0.1], "no": [0, 1], "p": [0, 1], "far": [1, 0]}
    pairs = TextPairs.of(["q", "p"], ["yes", "far"], [["no"], ["no"]])
    found = text_pairs(pairs, lambda texts: np.array([rows[text] for text in texts], np.float32))
    assert found["apart"].value == 0.5


def test_texts_alone_are_refused():
    with pytest.raises(BadData, match="give pairs"):
        text_pairs(TextPairs.of(["a", "b"]), table())
