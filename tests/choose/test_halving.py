from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinfold.choose import Quality, best, halving, rungs
from kinfold.core.errors import BadData, BadOption


def planted(setting, budget):
    """Best at a = 3 and b = 0.1 on any budget; the smaller that is, the coarser the scale."""
    apart = abs(setting["a"] - 3) + abs(math.log10(setting["b"]) + 1)
    return Quality(-apart * (1 + 1 / budget), fitted=apart)


GRID = [{"a": a, "b": b} for a in range(9) for b in (1, 0.1, 0.01)]


def test_it_finds_what_brute_force_finds_for_less():
    spent = []

    def judge(setting, budget):
        spent.append(budget)
        return planted(setting, budget)

    found = best(halving(GRID, judge, budget=27))
    assert found.setting == max(GRID, key=lambda each: planted(each, 27).value) == {"a": 3, "b": 0.1}
    assert found.budget == 27
    assert sum(spent) == 27 * 1 + 9 * 3 + 3 * 9 + 27 < 27 * len(GRID) / 6


def test_all_that_was_tried_is_told_in_its_order():
    trials = halving(GRID, planted, budget=27)
    assert [(each.rung, each.budget) for each in trials] == [
        (rung, budget) for rung, (count, budget) in enumerate(rungs(len(GRID), 27), start=1) for _ in range(count)
    ]
    assert [each.setting for each in trials[:27]] == GRID
    assert all(each.quality == planted(each.setting, each.budget) for each in trials)


def test_of_equals_the_first_goes_on():
    settings = [{"n": n} for n in range(9)]
    trials = halving(settings, lambda *_: Quality(1.0), budget=9)
    assert [each.setting["n"] for each in trials] == [*range(9), 0, 1, 2, 0]
    assert best(trials).setting == {"n": 0}


def test_a_smaller_value_may_be_the_better_one():
    trials = halving(GRID, lambda *how: Quality(-planted(*how).value), budget=27, larger=False)
    assert best(trials, larger=False).setting == {"a": 3, "b": 0.1}


def test_what_has_no_number_is_worse_than_any():
    def judge(setting, budget):
        return Quality(math.nan if setting["n"] < 7 else -1000.0 * setting["n"])

    trials = halving([{"n": n} for n in range(9)], judge, budget=9)
    assert best(trials).setting == {"n": 7}
    with pytest.raises(BadData, match="nothing can be chosen"):
        best(halving([{"n": 1}], judge, budget=1))


@given(st.integers(1, 300), st.integers(1, 300), st.integers(2, 6))
def test_rungs_grow_and_shrink_to_the_whole_budget(count, budget, eta):
    found = rungs(count, budget, eta=eta)
    assert found[0][0] == count
    assert found[-1][1] == budget
    for (many, little), (few, more) in itertools.pairwise(found):
        assert few == math.ceil(many / eta)
        assert more > little >= 1


def test_what_cannot_be_halved_is_said():
    with pytest.raises(BadOption, match="no setting"):
        halving([], planted, budget=3)
    with pytest.raises(BadOption, match="eta is 1"):
        halving(GRID, planted, budget=3, eta=1)
    with pytest.raises(BadOption, match="budget is 0"):
        halving(GRID, planted, budget=0)
