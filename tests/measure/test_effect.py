import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from kinfold.core.errors import BadData, BadOption
from kinfold.measure.effect import (
    effect_size,
    interval_of_correlation,
    interval_of_effect,
    interval_of_gap,
    interval_of_share,
    interval_of_small_mean,
    permuted,
)


@pytest.mark.parametrize(("n", "m", "delta"), [(8, 8, 0.0), (8, 8, 1.5), (5, 11, 1.0), (25, 25, 3.0)])
def test_intervals_of_effects_cover(n, m, delta):
    rng = np.random.default_rng(n + m)
    mixed = n * m / (n + m) ** 2
    truth = delta / np.sqrt(1 + mixed * delta**2)
    held = 0
    for _ in range(600):
        low, high = interval_of_effect(rng.normal(delta, 1, n), rng.normal(0, 1, m))
        held += low <= truth <= high
    # Three standard errors of a share of 600 that is 95 %.
    assert abs(held / 600 - 0.95) < 0.027


def test_false_alarms_are_as_many_as_they_should_be():
    rng = np.random.default_rng(0)
    p = [permuted(rng.exponential(size=7), rng.exponential(size=7)).two_sided for _ in range(600)]
    assert abs(np.mean(np.array(p) < 0.05) - 0.05) < 0.027


@given(
    some.lists(some.floats(-1, 1, width=32), min_size=2, max_size=9),
    some.lists(some.floats(-1, 1, width=32), min_size=2, max_size=9),
)
@settings(max_examples=100, deadline=None)
def test_ends_are_in_order_and_within_what_is_possible(first, second):
    first, second = np.array(first), np.array(second)
    ends = interval_of_effect(first, second)
    if ends is None:
        return
    most = np.sqrt((len(first) + len(second)) ** 2 / (len(first) * len(second)))
    assert -most <= ends[0] <= ends[1] <= most
    turned = interval_of_effect(second, first)
    assert turned == pytest.approx((-ends[1], -ends[0]), abs=1e-6)
    chance = permuted(first, second)
    assert 0 < chance.one_sided <= 1
    assert 0 < chance.two_sided <= 1


def test_no_interval_where_nothing_differs():
    assert interval_of_effect(np.ones(4), np.ones(4)) is None
    assert interval_of_effect(np.ones(1), np.zeros(1)) is None
    assert np.isnan(effect_size(np.ones(3), np.ones(3)))
    assert permuted(np.ones(3), np.ones(3)).two_sided == 1
    assert interval_of_small_mean(np.ones(1)) is None
    assert interval_of_correlation(0.5, 4) is None
    assert interval_of_correlation(1.0, 40) is None


def test_drawn_partitions_never_give_zero_and_agree_with_all():
    rng = np.random.default_rng(1)
    few = rng.normal(1.2, 1, 8), rng.normal(0, 1, 8)
    assert permuted(*few).exact
    assert permuted(np.arange(3.0), np.arange(5.0, 8)).two_sided == permuted(np.arange(3.0), np.ones(3)).least == 0.1
    many = permuted(rng.normal(9, 1, 20), rng.normal(0, 1, 20), draws=99)
    assert not many.exact
    assert many.two_sided == many.one_sided == 1 / 100
    close = rng.normal(0.5, 1, 11), rng.normal(0, 1, 11)
    assert permuted(*close, draws=4000).one_sided == permuted(*close, draws=4000).one_sided
    sampled = permuted(*close, draws=20_000).one_sided
    wider = permuted(*close, draws=20_000, seed=5).one_sided
    assert sampled == pytest.approx(wider, abs=0.02)


def test_other_intervals_are_known_ones():
    # Newcombe 1998, table I: 81 of 263.
    assert interval_of_share(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert interval_of_small_mean(np.array([1.0, 2, 3, 4, 5])) == pytest.approx((1.0368, 4.9632), abs=1e-4)
    assert interval_of_correlation(0.5, 28, ranks=False) == pytest.approx((0.156, 0.736), abs=2e-3)
    low, high = interval_of_gap((0.9, 0.8, 1.0), (0.5, 0.4, 0.6))
    assert (low, high) == pytest.approx((0.4 - 0.1414, 0.4 + 0.1414), abs=1e-4)


def test_bad_questions_are_refused():
    with pytest.raises(BadData, match="without numbers"):
        permuted(np.zeros(0), np.ones(3))
    with pytest.raises(BadOption, match="permutations is 0"):
        permuted(np.ones(3), np.ones(3), draws=0)
