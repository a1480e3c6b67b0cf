from __future__ import annotations

import random
import tempfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import tokens as oracle

from kinfold.core import spill
from kinfold.core.errors import BadData, BadOption
from kinfold.core.keys import Keys
from kinfold.core.shapes import Items, Sequences
from kinfold.prepare import phrases
from kinfold.prepare.phrases import join
from kinfold.prepare.tokens import sequences


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.lists(st.sampled_from(["a", "b", "c", "a_b", "d"]), min_size=1, max_size=8), min_size=1, max_size=8),
    st.integers(1, 3),
    st.sampled_from([("npmi", 0.2), ("npmi", -0.5), ("word2vec", 0.4), ("word2vec", 1.3)]),
    st.integers(1, 3),
)
def test_joins_are_those_of_the_oracle(lists, min_count, how, rounds):
    scoring, threshold = how
    data = sequences(Items(lists), min_count=1)
    before = data.ids.copy(), data.starts.copy()
    expected = lists
    for _ in range(rounds):
        expected = oracle.joined(expected, min_count, threshold, scoring)
    found = join(data, min_count=min_count, threshold=threshold, scoring=scoring, rounds=rounds)
    assert list(found) == expected
    assert list(found.keys) == oracle.sequences(expected)[0]
    assert found.total == data.total
    np.testing.assert_array_equal(data.ids, before[0])
    np.testing.assert_array_equal(data.starts, before[1])


@pytest.mark.parametrize("scoring", ["npmi", "word2vec"])
def test_finds_what_was_planted(scoring):
    draw = random.Random(0)
    lists = []
    for _ in range(3000):
        words = [f"w{draw.randrange(300)}" for _ in range(10)]
        if draw.random() < 0.1:
            words[3:3] = ["new", "york", "times"]
        lists.append(words)
    two = join(sequences(Items(lists)), scoring=scoring)
    assert [key for key in two.keys if "_" in key] == ["new_york"]
    assert "new" not in two.keys
    three = join(sequences(Items(lists)), scoring=scoring, rounds=2)
    assert [key for key in three.keys if "_" in key] == ["new_york_times"]


def test_counting_goes_on_in_larger_tables_and_files(monkeypatch, tmp_path):
    draw = random.Random(1)
    lists = [[f"w{int(draw.paretovariate(0.6)) % 200}" for _ in range(400)] for _ in range(20)]
    data = sequences(Items(lists), min_count=1)
    expected = join(data, min_count=3, threshold=0.1)
    monkeypatch.setattr(phrases, "_FIRST_SLOTS", 16)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(spill.empty, "__defaults__", (100,))
    found = join(data, min_count=3, threshold=0.1)
    assert list(found) == list(expected) == oracle.joined(lists, 3, 0.1, "npmi")
    assert list(tmp_path.iterdir()) == []


def test_nothing_to_join_and_nothing_at_all():
    data = sequences(Items(["a b c"]), min_count=1)
    assert join(data) is data
    empty = Sequences(Keys(["a"]), np.zeros(0, np.int32), np.zeros(1, np.int64))
    assert len(join(empty)) == 0


@pytest.mark.parametrize("options", [{"scoring": "chi2"}, {"min_count": 0}, {"rounds": 0}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(BadOption, match=next(iter(options))):
        join(sequences(Items(["a b"]), min_count=1), **options)


def test_keys_of_several_groups_are_refused():
    data = Sequences(Keys(["a", "b"], {"x": 1, "y": 1}), np.zeros(1, np.int32), np.array([0, 1]))
    with pytest.raises(BadData, match="one group"):
        join(data)
