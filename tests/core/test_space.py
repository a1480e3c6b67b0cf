import numpy as np
import pyarrow as pa
import pytest

from kinfold import Space
from kinfold.core.errors import BadData, BadOption, FrameMismatch, UnknownKey, UnknownName
from kinfold.core.keys import Keys
from kinfold.core.report import Finding, Report
from kinfold.core.rows import Rows


@pytest.fixture
def space():
    rows = np.random.default_rng(0).normal(size=(100, 8))
    keys = Keys([f"u{i}" for i in range(40)] + [f"i{i}" for i in range(60)], {"user": 40, "item": 60})
    table = pa.table({"count": np.arange(100), "title": [f"title {i % 10}" for i in range(100)]})
    return Space.of(keys, rows, table=table)


def test_a_key_is_not_its_own_neighbor_but_its_vector_has_it(space):
    assert "u3" not in space.nearest("u3", 39).keys
    assert space.nearest(space["u3"], 1)[0][0] == "u3"
    assert space.nearest(space["u3"], 1)[0][1] == pytest.approx(1)


def test_neighbors_of_a_key_are_of_its_group_unless_another_is_named(space):
    assert all(key.startswith("u") for key in space.nearest("u3", 99).keys)
    assert len(space.nearest("u3", 99)) == 39
    assert len(space.nearest("u3", 99, group="item")) == 60
    assert len(space.nearest(space["u3"], 999)) == 100


def test_a_filter_gives_exactly_what_there_is(space):
    hits = space.nearest("i3", 10, where="count % 2 = 0 and title <> 'title 4'")
    numbers = [40 + int(key[1:]) for key in hits.keys]
    assert len(hits) == 10
    assert all(number % 2 == 0 and number % 10 != 4 for number in numbers)
    assert len(space.nearest("i3", 10, where="count in (50, 51, 0)")) == 2
    assert len(space.nearest("i3", 10, where="false")) == 0
    assert space.nearest("i3", 3, where="\"group\" = 'item' and key like 'i1_'").keys[0].startswith("i1")


def test_excluded_keys_are_no_hits(space):
    first = space.nearest("u3", 5).keys
    rest = space.nearest("u3", 5, exclude=first[:2]).keys
    assert rest[:3] == first[2:]
    assert len(rest) == 5


def test_a_batch_is_its_queries_one_by_one(space):
    queries = ["u3", space["i7"], "i9"]
    for hits, query in zip(space.nearest_many(queries, 4), queries, strict=True):
        assert hits.keys == space.nearest(query, 4).keys
    assert space.nearest_many([], 4) == []
    matrix = space.rows.take(np.arange(5))
    assert [hits.keys[0] for hits in space.nearest_many(matrix, 1)] == [f"u{i}" for i in range(5)]


@pytest.mark.parametrize("metric", ["cosine", "dot", "l2"])
def test_larger_is_nearer_for_every_metric(metric):
    space = Space.of(["a", "b", "c"], [[2, 0], [1, 0.1], [0, 3]], metric=metric)
    scores = space.nearest(np.array([2, 0.0]), 3).scores
    assert (np.diff(scores) < 0).all()
    assert space.nearest(np.array([2, 0.0]), 1).keys == ["a"]
    if metric == "l2":
        assert space.nearest(np.array([2, 0.0]), 2)[1][1] == pytest.approx(-np.hypot(1, 0.1))


def test_bad_questions_are_refused(space):
    for query, options in [
        ("u3", {"k": 0}),
        (np.zeros(3), {}),
        (np.full(8, np.nan), {}),
        (["x"] * 8, {}),
        ("u3", {"where": "nothing > 3"}),
        ("u3", {"where": "count >"}),
        ("u3", {"where": "true; drop table x"}),
        ("u3", {"where": "(select count(*) from read_text('/etc/passwd')) > 0"}),
    ]:
        with pytest.raises(BadOption):
            space.nearest(query, **options)
    with pytest.raises(BadOption, match="list"):
        space.nearest_many("u3")
    with pytest.raises(UnknownKey):
        space.nearest("u99")
    with pytest.raises(UnknownName):
        space.nearest("u3", group="thing")


def test_a_group_is_a_view_of_the_same_memory(space):
    items = space.group("item")
    assert np.shares_memory(items.rows.values, space.rows.values)
    assert items.frame == space.frame
    assert items.attribute("count").to_pylist() == list(range(40, 100))
    np.testing.assert_array_equal(items["i5"], space["i5"])
    items.same_frame(space)


def test_taking_rows_keeps_names_and_attributes(space):
    some = space.take(np.array([3, 50, 45]))
    assert list(some.keys) == ["u3", "i10", "i5"]
    assert some.attribute("count").to_pylist() == [3, 50, 45]
    np.testing.assert_array_equal(some["i10"], space["i10"])


def test_rows_handed_out_are_copies(space):
    row = space["u1"]
    row[:] = 0
    assert space["u1"].any()


def test_vectors_of_several_keys(space):
    np.testing.assert_array_equal(space.vectors(["i1", "u2", "i1"]), space.rows.values[[41, 2, 41]])
    with pytest.raises(UnknownKey, match="u77"):
        space.vectors(["u1", "u77"])


def test_two_fits_are_two_frames():
    one, two = (Space.of(["a"], [[float(i), 1.0]]) for i in (1, 2))
    with pytest.raises(FrameMismatch, match="Align one first"):
        one.same_frame(two)


def test_attributes(space):
    more = space.with_attribute("year", [1900 + i for i in range(100)]).with_attribute("count", np.zeros(100, int))
    assert more.nearest("u3", 2, where="year = 1905").keys == ["u5"]
    assert set(more.attribute("count").to_pylist()) == {0}
    with pytest.raises(UnknownName, match=r"Did you mean 'count'\? It has: count, title"):
        space.attribute("counts")
    with pytest.raises(UnknownName, match="It has none"):
        Space.of(["a"], [[1.0]]).attribute("count")
    with pytest.raises(BadData, match="reserved"):
        space.with_attribute("vector", [0] * 100)
    with pytest.raises((BadData, pa.ArrowInvalid)):
        space.with_attribute("year", [1])


def test_reports_are_kept_by_title(space):
    first, second = (Report("quality", [Finding("accuracy", value, n=9)]) for value in (0.1, 0.2))
    card = space.with_report(first).with_report(Report("other")).with_report(second).card
    assert [report.title for report in card.reports] == ["other", "quality"]
    assert card.reports[1]["accuracy"].value == 0.2


@pytest.mark.parametrize(
    "bad", [[[1.0], [np.nan]], [[1.0], [np.inf]], [1.0, 2.0], [[1.0]], [["x"], ["y"]], [[1], [1, 2]]]
)
def test_what_is_no_matrix_of_two_rows_is_refused(bad):
    with pytest.raises(BadData):
        Space.of(["a", "b"], bad)


def test_norms_and_blocks_of_half_precision():
    values = np.random.default_rng(0).normal(size=(50, 7)).astype(np.float16)
    rows = Rows(values)
    assert rows.dtype == np.float16
    np.testing.assert_allclose(rows.norms, np.linalg.norm(values.astype(np.float32), axis=1), rtol=1e-5)
    assert rows.take([1, 2]).dtype == np.float32
    assert Rows(np.eye(3)).values.dtype == np.float32
