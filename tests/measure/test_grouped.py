import numpy as np
import pytest

from kinfold.core.errors import BadData, BadOption
from kinfold.measure import by_group
from kinfold.measure.judgment import spearman


def test_a_planted_gap_is_found():
    rng = np.random.default_rng(0)
    groups = np.repeat(["old", "young", "other"], [200, 200, 5])
    right = rng.random(405) < np.where(groups == "old", 0.9, 0.6)
    report = by_group(right, groups, name="accuracy", by="age")
    gap = report["largest gap"]
    assert gap.low < 0.3 < gap.high
    assert gap.low > 0
    assert gap.n == 400
    assert report["p"].value == 1 / 1000
    assert report["old/accuracy"].n == 200
    assert "The largest gap by age is" in report.notes[0]
    assert any("fewer than 10 items" in note for note in report.notes)


def test_groups_that_mean_nothing_have_no_gap():
    rng = np.random.default_rng(1)
    report = by_group(rng.normal(size=300), rng.choice(["a", "b", "c", "d"], 300))
    assert report["p"].value > 0.05
    assert "mean nothing often differ so much" in report.notes[0]


def test_a_statistic_of_several_columns():
    rng = np.random.default_rng(2)
    truth = rng.normal(size=200)
    groups = np.repeat(["a", "b"], 100)
    told = truth + np.where(groups == "a", 0.3, 3) * rng.normal(size=200)
    report = by_group([told, truth], groups, name="spearman", statistic=spearman)
    assert report["a/spearman"].low > report["b/spearman"].high
    assert report["p"].value < 0.01


def test_all_right_has_an_interval_and_empty_groups_take_no_part():
    report = by_group(np.ones(40), ["a"] * 20 + ["b"] * 10 + [""] * 10, name="accuracy")
    assert report["a/accuracy"].high == pytest.approx(1)
    assert 0.8 < report["a/accuracy"].low < 0.9
    assert report["largest gap"].value == 0
    assert report["p"].value == 1
    assert any("10 items have no 'group'" in note for note in report.notes)


def test_bad_values_are_refused():
    with pytest.raises(BadData, match="do not go with"):
        by_group(np.ones(3), ["a", "b"])
    with pytest.raises(BadData, match="not finite"):
        by_group(np.array([1, np.nan]), ["a", "b"])
    with pytest.raises(BadData, match="a comparison takes two"):
        by_group(np.ones(3), ["a"] * 3)
    with pytest.raises(BadOption, match="at least 1"):
        by_group(np.ones(2), ["a", "b"], permutations=0)
