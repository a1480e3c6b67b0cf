import dataclasses

import numpy as np
import pytest

from kinfold.core.errors import BadData, BadOption
from kinfold.prepare.interactions import matrix, placed, sessions
from kinfold.prepare.split import HOWS, split
from kinfold.sources.interactions import read

ROWS = [("ann", "tea", 2, 10), ("bob", "rye", 1, 9), ("ann", "rye", 1, 5), ("ann", "tea", 4, 7), ("bob", "tea", 0, 1)]


def random_world(seed=0, users=60, items=40, count=1500):
    rng = np.random.default_rng(seed)
    who, what = rng.integers(0, users, count), rng.integers(0, items, count)
    return read(list(zip(who.tolist(), what.tolist(), [1] * count, rng.permutation(count).tolist(), strict=True)))


def test_repeated_weights_are_summed_or_the_last_counts():
    met = read(ROWS)
    assert matrix(met).values.toarray().tolist() == [[6, 1], [0, 1]]
    assert matrix(met, repeated="last").values.toarray().tolist() == [[2, 1], [0, 1]]
    without = read([row[:3] for row in ROWS])
    assert matrix(without, repeated="last").values.toarray().tolist() == [[4, 1], [0, 1]]
    with pytest.raises(BadOption, match="repeated"):
        matrix(met, repeated="max")


def test_sessions_are_in_order_of_time_then_of_the_source():
    assert list(sessions(read(ROWS))) == [["rye", "tea", "tea"], ["tea", "rye"]]
    assert list(sessions(read([row[:2] for row in ROWS]))) == [["tea", "rye", "tea"], ["rye", "tea"]]
    assert list(sessions(read(ROWS)).names) == ["ann", "bob"]


@pytest.mark.parametrize("timed", [True, False])
def test_places_are_those_of_the_last_time_in_order(timed):
    met = random_world()
    met = met if timed else dataclasses.replace(met, times=None)
    found = placed(met)
    for user, history in zip(met.users, sessions(met), strict=True):
        last = list(dict.fromkeys(reversed(history)))[::-1]
        row = met.users.row(user)
        mine = found.take(found.user_ids == row)
        assert [item for _, item in mine] == last
        assert mine.weights.tolist() == list(range(1, len(last) + 1))
    assert list(sessions(placed(found))) == list(sessions(found))


@pytest.mark.parametrize("how", HOWS)
def test_parts_are_disjoint_and_whole_and_hold_known_items(how):
    met = random_world()
    parts = split(met, how, seed=3)
    assert len(parts.test) > 0
    if how != "user":
        assert parts.history is parts.train
        assert len(parts.train) + len(parts.test) == len(met)
    else:
        trained, asked = set(parts.train.user_ids.tolist()), set(parts.test.user_ids.tolist())
        assert not trained & asked
        assert asked <= set(parts.history.user_ids.tolist())
        assert len(parts.train) + len(parts.history) + len(parts.test) == len(met)
    assert set(parts.test.item_ids.tolist()) <= set(parts.train.item_ids.tolist())
    again = split(met, how, seed=3)
    assert again.test.item_ids.tobytes() == parts.test.item_ids.tobytes()


def test_time_parts_all_at_one_moment():
    parts = split(random_world(), "time", share=0.25)
    assert parts.train.times.max() < parts.test.times.min()
    assert len(parts.test) == pytest.approx(375, abs=2)


def test_leave_last_takes_the_last_of_each():
    parts = split(read([("a", "x", 1, 3), ("a", "y", 1, 9), ("a", "z", 1, 5), ("b", "y", 1, 1)]), "leave-last")
    assert list(parts.test) == [("a", "y")]
    assert list(parts.train) == [("a", "x"), ("a", "z"), ("b", "y")]


def test_what_cannot_be_split_is_said():
    with pytest.raises(BadData, match="no times"):
        split(read({"a": ["x", "y"]}), "time")
    with pytest.raises(BadOption, match="unknown"):
        split(random_world(), "tme")
    with pytest.raises(BadOption, match="share"):
        split(random_world(), share=1.0)
    with pytest.raises(BadData, match="two items"):
        split(read({"a": ["x"], "b": ["y"]}), "user")
    with pytest.raises(BadData, match="leaves"):
        split(read({"a": ["x"], "b": ["y"]}), "leave-last")
