import numpy as np
import pyarrow as pa
import pytest

from kinfold import Space, audit
from kinfold.core.errors import BadData, BadOption, UnknownName
from kinfold.core.keys import Keys
from kinfold.core.rows import Rows
from kinfold.measure import separation


def people(apart=3.0, size=120, dim=6, seed=0, metric="cosine"):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(size, dim))
    side = np.arange(size) % 3 == 0
    rows[side, 0] += apart
    space = Space.of([f"p{at}" for at in range(size)], rows, metric=metric)
    return space.with_attribute("gender", ["f" if each else "m" for each in side])


@pytest.mark.parametrize("metric", ["cosine", "dot", "l2"])
def test_planted_groups_are_told(metric):
    report = separation(people(metric=metric), "gender")
    assert report["told by a probe"].low > 0.7
    assert report["chance"].value == 0.5
    for name in ("spread between groups", "told by a probe"):
        assert report[f"{name}/p"].value < 0.01
    assert report["spread between groups"].value > 0.1
    assert report["neighbors of the same group"].value > report["when mixed"].value
    assert report.notes[0].startswith("A probe tells gender in")
    assert [row[:2] for row in report.tables[0].rows] == [["m", 80], ["f", 40]]


def test_groups_without_meaning_are_not():
    report = separation(people(apart=0.0, seed=2), "gender")
    assert report["spread between groups"].value < 0.05
    assert report["told by a probe"].low <= 0.5
    assert report.notes[0].startswith("Rows are not shown to tell gender")


def test_p_of_groups_without_meaning_is_spread_evenly():
    # Counted by rows told alone, so many partitions are level that p is 0.65 on the mean, and below 0.05 once in 100.
    found = []
    for draw in range(80):
        rng = np.random.default_rng([draw, 1])
        space = Space.of([f"p{at}" for at in range(40)], rng.normal(size=(40, 4)))
        space = space.with_attribute("side", rng.permutation(["a", "b"] * 20))
        found.append(separation(space, "side", permutations=99, seed=draw)["told by a probe/p"].value)
    assert 0.42 < np.mean(found) < 0.58
    assert min(found) < 0.05 < 0.95 < max(found)


def test_when_mixed_is_what_chance_gives():
    report = separation(people(), "gender", k=5)
    # 80 and 40 of 120: one finds 79 of 119 others of its kind, the other 39.
    assert report["when mixed"].value == pytest.approx((80 * 79 / 119 + 40 * 39 / 119) / 120)


def test_only_rows_that_tell_take_part():
    space = people()
    told = [None if at < 30 else each for at, each in enumerate(space.attribute("gender").to_pylist())]
    rows = space.rows.values.copy()
    rows[100] = 0
    rows[101] = np.nan
    held = Space(space.keys, Rows(rows), space.metric, space.card, pa.table({"gender": told}))
    report = separation(held, "gender", sample=60, seed=1)
    assert any("30 of 120 rows have no 'gender'" in note for note in report.notes)
    assert any("60 rows were drawn with seed 1" in note for note in report.notes)
    whole = separation(held, "gender")
    assert any("2 rows are zero or not finite" in note for note in whole.notes)
    assert sum(row[1] for row in whole.tables[0].rows) == 88


def test_the_group_of_keys_that_has_the_attribute_is_taken():
    space = people(size=60)
    names = [*space.keys, *(f"i{at}" for at in range(10))]
    rows = np.concatenate([space.rows.values, np.ones((10, space.dim))])
    both = Space.of(Keys(names, {"user": 60, "item": 10}), rows)
    both = both.with_attribute("gender", [*space.attribute("gender").to_pylist(), *[None] * 10])
    assert audit(both, group="gender")["told by a probe"].n == 30
    nothing = both.with_attribute("age", pa.nulls(70, pa.string()))
    with pytest.raises(BadData, match="missing for all"):
        separation(nothing, "age")


def test_small_groups_bad_names_and_numbers_are_refused():
    space = people()
    with pytest.raises(UnknownName, match="no attribute 'sex'"):
        separation(space, "sex")
    lone = space.with_attribute("one", ["a"] * 118 + ["b"] * 2)
    with pytest.raises(BadData, match="1 groups of at least 5 rows"):
        separation(lone, "one")
    with pytest.raises(BadOption, match="at most 50"):
        separation(people(size=600).with_attribute("many", [f"g{at % 60}" for at in range(600)]), "many")
    with pytest.raises(BadOption, match="tells no kinds"):
        separation(space.with_attribute("height", np.linspace(0, 1, 120)), "height")
    for name in ("k", "sample", "permutations"):
        with pytest.raises(BadOption, match=f"{name} is 0"):
            separation(space, "gender", **{name: 0})


def test_one_coordinate_and_rows_that_are_all_alike():
    one = Space.of([str(at) for at in range(20)], np.arange(1.0, 21)[:, None], metric="l2")
    report = separation(one.with_attribute("half", ["low"] * 10 + ["high"] * 10), "half", k=3)
    assert report["told by a probe"].value > 0.8
    same = Space.of([str(at) for at in range(20)], np.ones((20, 3))).with_attribute("half", ["a", "b"] * 10)
    report = separation(same, "half")
    assert report["told by a probe"].value == pytest.approx(0.5)
    assert not np.isfinite(report["spread between groups"].value)
