import numpy as np
import pytest

from kinfold.core.errors import BadData, BadOption
from kinfold.core.intervals import bootstrap, of_difference, of_mean


def test_the_interval_of_a_share_is_that_of_theory():
    values = np.array([1] * 300 + [0] * 700)
    low, high = of_mean(values, samples=20_000)
    half = 1.96 * np.sqrt(0.3 * 0.7 / 1000)
    np.testing.assert_allclose([low, high], [0.3 - half, 0.3 + half], atol=2e-3)


def test_drawing_how_often_is_drawing_which():
    values = np.random.default_rng(0).integers(0, 11, 400) / 10
    quick = of_mean(values, samples=20_000)
    plain = bootstrap(lambda drawn: drawn.mean(axis=1), values, samples=20_000)
    np.testing.assert_allclose(quick, plain, atol=2e-3)


def test_it_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(1)
    inside = 0
    for seed in range(400):
        low, high = of_mean(rng.normal(size=300), samples=300, seed=seed)
        inside += low <= 0 <= high
    assert 0.91 < inside / 400 < 0.98


def test_pairs_tell_a_difference_that_single_intervals_hide():
    rng = np.random.default_rng(2)
    base = rng.normal(size=500)
    better = base + 0.05 + 0.01 * rng.normal(size=500)
    assert of_mean(base)[1] > of_mean(better)[0]
    low, high = of_difference(better, base)
    assert 0 < low < 0.05 < high


def test_the_seed_decides():
    values = np.random.default_rng(3).normal(size=50)
    assert of_mean(values, seed=1) == of_mean(values, seed=1)
    assert of_mean(values, seed=1) != of_mean(values, seed=2)


def test_columns_are_drawn_together():
    column = np.arange(50.0)
    low, high = bootstrap(lambda x, y: (x - y).mean(axis=1), column, column)
    assert low == high == 0


def test_a_statistic_that_is_never_a_number_has_no_interval():
    assert np.isnan(bootstrap(lambda x: np.full(len(x), np.nan), np.ones(3))).all()


def test_nothing_to_draw_from_is_refused():
    for columns in ((np.zeros(0),), (np.zeros(2), np.zeros(3))):
        with pytest.raises(BadData):
            bootstrap(lambda *drawn: drawn[0].mean(axis=1), *columns)
    with pytest.raises(BadData):
        of_mean(np.zeros(0))
    with pytest.raises(BadData):
        of_difference(np.zeros(3), np.zeros(2))
    for options in ({"samples": 0}, {"level": 1.0}):
        with pytest.raises(BadOption):
            of_mean(np.ones(3), **options)
