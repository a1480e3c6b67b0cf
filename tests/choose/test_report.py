from __future__ import annotations

import pytest

from kinfold.choose import Quality, Search, Trial, told

GRID = {"dim": [8, 2, 4], "penalty": [0.1, 0.0015]}


def quality(dim, penalty, larger=True):
    """Held out, a weak penalty is best at dim 4; on what was learned from more is always better."""
    held = {2: 0.2, 4: 0.4, 8: 0.3}[dim] if penalty < 0.01 else 0.1 * dim
    fitted = dim / 10
    held, fitted = (held, fitted) if larger else (1 - held, 1 - fitted)
    return Quality(held, held - 0.05, held + 0.05, 100, fitted)


def search(larger=True):
    return Search(GRID, "score", larger=larger, axis="dim", unit="epochs")


def trials(larger=True):
    settings = [{"dim": dim, "penalty": penalty} for dim in GRID["dim"] for penalty in GRID["penalty"]]
    return [
        Trial(settings[0], 1, 3, quality(2, 0.1, larger)),
        *(Trial(each, 2, 9, quality(*each.values(), larger)) for each in settings),
    ]


@pytest.mark.parametrize("larger", [True, False])
def test_curves_rise_along_the_axis_and_learning_by_heart_is_told(larger):
    report = told("t", search(larger), trials(larger), trials(larger)[1], [{"penalty": 0.1}, {"penalty": 0.0015}])
    held, fitted, _ = report.tables
    assert held.columns == ("dim", "penalty 0.1", "penalty 0.0015")
    assert [row[0] for row in held.rows] == [2, 4, 8]
    assert [row[2] for row in held.rows] == [quality(dim, 0.0015, larger).value for dim in (2, 4, 8)]
    assert [row[1] for row in fitted.rows] == [quality(dim, 0.1, larger).fitted for dim in (2, 4, 8)]
    by_heart = [note for note in report.notes if "by heart" in note]
    assert len(by_heart) == 1
    assert "with penalty 0.0015, a larger dim" in by_heart[0]
    assert "at 4 to" in by_heart[0]


def test_all_that_was_tried_is_told_rung_by_rung_the_best_first():
    table = told("t", search(), trials(), trials()[1], [{"penalty": 0.1}]).tables[-1]
    assert table.columns == ("dim", "penalty", "rung", "epochs", "score", "low", "high", "learned from")
    assert [row[2] for row in table.rows] == [1, *[2] * 6]
    values = [row[4] for row in table.rows[1:]]
    assert values == sorted(values, reverse=True)
    assert {row[1] for row in table.rows} == {0.1, "0.0015"}  # a report would round it to 0.002


def test_a_smaller_one_that_is_nearly_as_good_is_told():
    near = [*trials(), Trial({"dim": 4, "penalty": 0.2}, 2, 9, Quality(0.78))]
    grid = {**GRID, "penalty": [0.2]}
    first = Trial({"dim": 8, "penalty": 0.2}, 2, 9, Quality(0.8, 0.75, 0.85))
    notes = told("t", Search(grid, "score", axis="dim"), [*near, first], first, []).notes
    assert any("a dim of 4 does nearly as well: 0.780" in note for note in notes)
    assert not any("nearly" in note for note in told("t", search(), trials(), trials()[1], []).notes)


def test_the_best_at_an_end_of_what_was_tried_is_told():
    notes = told("t", search(), trials(), trials()[1], []).notes
    assert any("the best dim, 8, is the largest" in note for note in notes)
    assert any("the best penalty, 0.1, is the largest" in note for note in notes)
    inside = Trial({"dim": 4, "penalty": 0.1}, 2, 9, Quality(1.0))
    assert not any("dim, 4" in note for note in told("t", search(), trials(), inside, []).notes)
