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


def royalty(metric="cosine", **more):
    """Royalty one way, gender the other; the rows of royalty are long."""
    rows = {"man": [1, 0, 0.2], "woman": [0, 1, 0.2], "king": [3, 0, 3], "queen": [0, 3, 3], "apple": [-1, -1, 0]}
    return Space.of([*rows, *more], [*rows.values(), *more.values()], metric=metric)


MIX = {"king": 1, "woman": 1, "man": -1}


def test_a_mix_is_nearest_to_what_it_means_and_not_to_itself():
    hits = royalty().nearest(MIX, 10)
    assert hits.query == "king + woman - man"
    assert hits.keys[0] == "queen"
    assert sorted(hits.keys) == ["apple", "queen"]
    assert royalty().nearest(MIX, 10, exclude=["queen"]).keys == ["apple"]


def test_members_of_a_mix_are_directions_by_cosine():
    space = royalty()
    units = space.rows.values / space.rows.norms[:, None]
    expected = units[2] + 0.5 * units[1] - 2 * units[0]
    hits = space.nearest([("king", 1), ("woman", 0.5), ("man", -2)], 2)
    assert hits.query == "king + 0.5 woman - 2 man"
    np.testing.assert_allclose(
        hits.scores, space.nearest(expected, 5, exclude=["king", "woman", "man"]).scores, atol=1e-6
    )
    # A key a hundred times as long has no more say.
    longer = royalty(king2=[300, 0, 300])
    assert longer.nearest({"king2": 1, "man": -1}, 1).scores == pytest.approx(
        longer.nearest({"king": 1, "man": -1}, 1).scores
    )


def test_by_dot_a_mix_scores_the_mean_of_its_members_and_by_l2_it_is_their_middle():
    dot, l2 = royalty("dot"), royalty("l2")
    rows = dot.rows.values
    assert dot.nearest(["king", "man"], 1).scores[0] == pytest.approx(max((rows[[1, 3, 4]] @ (rows[2] + rows[0])) / 2))
    middle = (rows[2] + 3 * rows[0]) / 4
    hits = l2.nearest({"king": 1, "man": 3}, 5)
    assert hits.scores == pytest.approx(l2.nearest(middle, 5, exclude=["king", "man"]).scores)


def test_vectors_may_be_members_of_a_mix():
    space = royalty()
    plain, mixed = space.nearest(MIX, 2), space.nearest([(space["king"], 1), (space["woman"], 1.0), ("man", -1)], 9)
    assert mixed.query == "a vector + a vector - man"
    assert set(mixed.keys) == {"king", "woman", "queen", "apple"}
    assert dict(iter(mixed))["queen"] == pytest.approx(dict(iter(plain))["queen"])


def test_a_mix_looks_where_its_keys_are(space):
    assert all(key.startswith("u") for key in space.nearest(["u1", "u2"], 99).keys)
    assert len(space.nearest(["u1", "u2"], 99)) == 38
    assert len(space.nearest(["u1", "i2"], 99)) == 98
    assert len(space.nearest(["u1", "i2"], 99, group="item")) == 59
    assert space.nearest(["u1", "u2"], 99, where="count in (1, 2, 3)").keys == ["u3"]


def test_a_batch_of_mixes_is_one_product(space, monkeypatch):
    asked = []
    monkeypatch.setattr(Space, "topk", lambda self, *each, topk=Space.topk: asked.append(each) or topk(self, *each))
    queries = [{"u1": 1, "u2": -0.5}, "u9", ["u3", "u4", "u5"]]
    several = space.nearest_many(queries, 6)
    assert len(asked) == 1
    for hits, query in zip(several, queries, strict=True):
        alone = space.nearest(query, 6)
        assert (hits.keys, hits.query) == (alone.keys, alone.query)
        assert len(hits) == 6


def test_a_long_mix_has_a_short_name(space):
    assert space.nearest([f"u{i}" for i in range(30)]).query.endswith("+ u7 and 22 more")


@pytest.mark.parametrize("metric", ["cosine", "dot", "l2"])
def test_an_index_answers_a_mix_too(metric):
    from kinfold import search

    space = royalty(metric)
    index = search.build(space, "hnsw")
    for query in (["king", "woman"], {"king": 2, "man": -1}):
        assert index.nearest(query, 3).keys == space.nearest(query, 3).keys


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({}, "at least one member"),
        ({"king": 0}, "cancel out"),
        ({"king": 1, "king2": -1}, "cancel out"),
        ({"king": float("nan")}, "finite number"),
        ({"king": "much"}, "finite number, not 'much'"),
        (["king", 3], "a member of a mix"),
        ([("king", 1, 2)], "a member of a mix"),
        ([(np.zeros(2), 1)], "shape"),
    ],
)
def test_what_is_no_mix_is_refused(query, says):
    with pytest.raises(BadOption, match=says):
        royalty(king2=[1, 0, 1]).nearest(query)


def test_a_mix_of_an_unknown_key_names_it_and_one_by_l2_must_be_a_place():
    with pytest.raises(UnknownKey, match="'quen'"):
        royalty().nearest(["king", "quen"])
    with pytest.raises(BadOption, match="sum to 0; by l2"):
        royalty("l2").nearest({"king": 1, "man": -1})


@pytest.mark.parametrize("metric", ["cosine", "dot", "l2"])
def test_similarity_is_the_score_that_nearest_gives(metric):
    space = royalty(metric)
    for a, b in (("king", "queen"), ("man", "apple"), (["king", "man"], "queen")):
        assert space.similarity(a, b) == pytest.approx(dict(iter(space.nearest(a, 9)))[b], abs=1e-6)
    assert space.similarity("king", space["king"]) == pytest.approx(space.nearest(space["king"], 1).scores[0])
    assert space.similarity(["king", "man"], ["queen", "woman"]) == pytest.approx(
        space.similarity(["queen", "woman"], ["king", "man"])
    )


def test_similarities_are_those_of_each_with_each(space):
    left, right = ["u1", "i3", ["u1", "u2"]], ["u1", space["u7"]]
    found = space.similarities(left, right)
    assert found.shape == (3, 2)
    assert found.dtype == np.float32
    for row, a in enumerate(left):
        for column, b in enumerate(right):
            assert found[row, column] == pytest.approx(space.similarity(a, b), abs=1e-6)
    assert space.similarities([], ["u1"]).shape == (0, 1)
    assert space.similarities(space.rows.values[:4], ["u1"]).shape == (4, 1)
    with pytest.raises(BadOption, match="put it in a list"):
        space.similarities("u1", ["u2"])


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
        ([["x"] * 8], {}),
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
    assert list(space.group().keys) == [f"u{i}" for i in range(40)]


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
