import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinfold import Finding, Report, Space
from kinfold.core.errors import BadData, BadOption, UnknownName
from kinfold.core.rows import Rows
from kinfold.measure import compare
from kinfold.measure.comparison import moves


def space(count=200, dim=8, seed=0, **options) -> Space:
    rows = np.random.default_rng(seed).normal(size=(count, dim))
    return Space.of([f"w{i}" for i in range(count)], rows, **options)


def turned(given: Space, seed=1) -> np.ndarray:
    turn = np.linalg.qr(np.random.default_rng(seed).normal(size=(given.dim, given.dim)))[0]
    return given.rows.dense() @ turn


def table(report: Report, title: str) -> list:
    return next(list(each.rows) for each in report.tables if each.title.startswith(title))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 99), st.sampled_from(["cosine", "dot", "l2"]), st.integers(1, 6))
def test_kept_neighbors_are_those_of_a_plain_count(seed, metric, k):
    one, other = space(30, 4, seed, metric=metric), space(30, 4, seed + 100, metric=metric)
    found = moves(one, other, k=k, sample=10, seed=seed)
    for at, kept in zip(found.asked.tolist(), found.kept, strict=True):
        row = int(found.shared[at, 0])
        near = [
            {key for key in each.nearest(each.rows.take(row), k + 1).keys if key != f"w{row}"} for each in (one, other)
        ]
        if all(len(each) == k for each in near):  # by the inner product a row may not find itself
            assert kept == pytest.approx(len(near[0] & near[1]) / k)


def test_a_rotation_changes_nothing_and_noise_does():
    one = space()
    same = compare(one, Space.of(one.keys, turned(one)))
    assert same["overlap@10"].value == 1
    assert same["rows/cosine, held out of the rotation"].value > 0.99
    noise = np.random.default_rng(5).normal(size=(200, 8))
    less = compare(one, Space.of(one.keys, turned(one) + noise))["overlap@10"]
    unlike = compare(one, space(seed=9))["overlap@10"]
    assert unlike.high < less.low < less.value < less.high < 1
    assert unlike.value == pytest.approx(compare(one, space(seed=9))["overlap by chance"].value, abs=0.03)


def test_it_names_what_moved_with_its_neighbors_before_and_after():
    one = space()
    rows = turned(one)
    rows[[3, 4]] = rows[[4, 3]]
    report = compare(one, Space.of(one.keys, rows), names=("old", "new"))
    moved = table(report, "Moved most")
    assert {moved[0][0], moved[1][0]} == {"w3", "w4"}
    key, kept, cosine, before, after = moved[0]
    assert kept < 3
    assert cosine < 0.9
    other = {"w3": "w4", "w4": "w3"}
    expected = [one.nearest(each, 6).keys for each in (key, other[key])]
    shared = [len(set(near.split(", ")) & set(keys)) for near, keys in zip((before, after), expected, strict=True)]
    assert min(shared) >= 5  # but for the swapped key itself


def test_keys_gone_and_new_are_counted_and_listed():
    one = space().with_attribute("count", list(range(200, 0, -1)))
    other = one.take(np.arange(20, 200))
    renamed = Space.of([*list(other.keys)[:-1], "newcomer"], other.rows.dense())
    report = compare(one, renamed)
    assert [report[name].value for name in ("shared", "gone", "new")] == [179, 21, 1]
    assert table(report, "Keys gone")[0] == ["w0"]
    assert table(report, "Keys new") == [["newcomer"]]


def test_spaces_of_one_frame_are_compared_as_they_are():
    one = space()
    report = compare(one, one.take(np.arange(150)))
    assert report["cosine, in one frame"].value == pytest.approx(1)
    turned_in_name = dataclasses.replace(one, rows=Rows(turned(one).astype(np.float32)))
    assert compare(one, turned_in_name)["cosine, in one frame"].value < 0.5


def test_dimensions_may_differ_either_way():
    one = space(dim=8)
    wide = np.concatenate([one.rows.dense(), np.zeros((200, 3))], axis=1)
    other = Space.of(one.keys, wide @ np.linalg.qr(np.random.default_rng(2).normal(size=(11, 11)))[0])
    for pair in ((one, other), (other, one)):
        report = compare(*pair)
        assert report["overlap@10"].value == 1
        assert report["cosine, after a rotation"].value > 0.99


def test_scores_of_both_cards_stand_side_by_side():
    one, other = (
        space().with_report(Report("analogies", (Finding("accuracy", value, value - 0.1, value + 0.1, group="all"),)))
        for value in (0.4, 0.6)
    )
    assert table(compare(one, other), "Scores of both cards") == [
        ["analogies", "all · accuracy", 0.4, "0.3 to 0.5", 0.6, "0.5 to 0.7"]
    ]


def test_broken_rows_are_counted_and_take_no_part():
    one = space()
    rows = one.rows.dense().copy()
    rows[0], rows[1, 2] = 0, np.nan
    broken = dataclasses.replace(one, rows=Rows(rows))
    report = compare(one, broken)
    assert report["overlap@10"].value == 1
    assert any("2 shared keys take no part" in note for note in report.notes)


def test_little_in_common_is_refused_by_name():
    one = space()
    with pytest.raises(BadData, match="at least 3"):
        compare(one, Space.of(["a", "b", "w1"], np.eye(3)))
    with pytest.raises(BadData, match="at least 3"):
        compare(one, Space.of([], np.zeros((0, 8))))
    with pytest.raises(BadOption, match="k=0"):
        compare(one, one, k=0)
    with pytest.raises(UnknownName, match="verb"):
        compare(one, one, group="verb")


def test_one_dimension_and_three_keys_are_enough():
    one = Space.of(["a", "b", "c"], [[1.0], [2.0], [-3.0]], metric="l2")
    report = compare(one, Space.of(["c", "b", "a"], [[3.0], [-2.0], [-1.0]], metric="l2"))
    assert report["overlap@2"].value == 1
