import dataclasses

import numpy as np
import pyarrow as pa
import pytest
from worlds import crowds

from kinfold import Space, measure
from kinfold.core.errors import BadData, BadOption, UnknownName
from kinfold.core.keys import Keys
from kinfold.core.rows import Rows
from kinfold.transform import Clusters


def partition(column):
    """Which rows are together, whatever they are called."""
    places = {}
    for row, value in enumerate(column.to_pylist()):
        places.setdefault(value, []).append(row)
    return sorted(places.values())


@pytest.mark.parametrize("metric", ["cosine", "dot", "l2"])
@pytest.mark.parametrize("kinds", [2, 5, 8])
def test_planted_crowds_are_found(metric, kinds):
    space = crowds(kinds, metric=metric)
    found = Clusters(k=kinds).apply(space)
    assert partition(found.attribute("cluster")) == partition(space.attribute("kind"))
    assert found.attribute("cluster").type == pa.int32()
    assert found.frame == space.frame
    assert found.rows.values is space.rows.values


def test_directions_count_unless_the_metric_is_l2():
    rng = np.random.default_rng(0)
    lengths = np.where(np.arange(80) % 2, 1, 50)[:, None]
    ways = np.eye(2)[np.arange(80) // 40] * lengths + 0.01 * rng.normal(size=(80, 2))
    found = {
        metric: partition(Clusters(k=2).apply(Space.of(range(80), ways, metric=metric)).attribute("cluster"))
        for metric in ("cosine", "dot", "l2")
    }
    assert found["cosine"] == found["dot"] == [list(range(40)), list(range(40, 80))]
    assert found["l2"] != found["cosine"]


def test_clusters_are_numbered_by_size_and_named_by_the_keys_at_their_centers():
    rows = [[1, 0.3], [1, 0], [1, -0.2], [0, 1], [0.1, 1], [0.1, 0.9], [-0.1, 1], [0.05, 1]]
    space = Space.of(["tea", "milk", "juice", "car", "bus", "tram", "bike", "train"], rows)
    found = Clusters(k=2).apply(space)
    assert found.attribute("cluster").to_pylist() == [1, 1, 1, 0, 0, 0, 0, 0]
    first, second = found.attribute("cluster_name")[3].as_py(), found.attribute("cluster_name")[0].as_py()
    assert first.split(", ")[0] == "train"
    assert second.split(", ")[0] == "milk"
    assert len(first.split(", ")) == len(second.split(", ")) == 3


def test_names_are_of_the_more_frequent_half():
    space = crowds(2, 40).with_attribute("count", np.where(np.arange(40) < 20, 9, 1))
    for name in set(Clusters(k=2).apply(space).attribute("cluster_name").to_pylist()):
        assert all(int(key.split("_")[1]) < 20 for key in name.split(", "))


def test_only_one_group_is_clustered_and_the_others_have_none():
    rows = np.concatenate([crowds(3, 60).rows.values, np.random.default_rng(9).normal(size=(500, 8))])
    keys = Keys([f"w{i}" for i in range(60)] + [str(i) for i in range(500)], {"word": 60, "ngram": 500})
    space = Space.of(keys, rows)
    found = Clusters(k=3).apply(space)
    numbers = found.attribute("cluster").to_pylist()
    assert partition(found.group("word").attribute("cluster")) == partition(crowds(3, 60).attribute("kind"))
    assert numbers[60:] == [None] * 500
    assert found.attribute("cluster_name").null_count == 500
    named = Clusters(k=2, group="ngram", name="pile").apply(found)
    assert named.attribute("pile").null_count == 60
    assert named.attribute("cluster").to_pylist() == numbers
    with pytest.raises(UnknownName, match="Did you mean 'word'"):
        Clusters(k=2, group="words").apply(space)


def test_the_same_seed_gives_the_same_clusters_and_the_card_says_which(tmp_path):
    space = Space.of(range(300), np.random.default_rng(0).normal(size=(300, 6)))
    before = space.rows.values.copy()
    one, two = (Clusters(k=7, seed=3).apply(space) for _ in range(2))
    assert one.table == two.table
    assert np.array_equal(space.rows.values, before)
    assert space.table is None
    step = one.card.steps[-1]
    assert step["step"] == "clusters"
    assert (step["k"], step["seed"], step["found"]) == (7, 3, 7)
    again = Clusters(**{field.name: step[field.name] for field in dataclasses.fields(Clusters)}).apply(space)
    assert again.table == one.table
    one.save(tmp_path / "space.arrow")
    assert Space.open(tmp_path / "space.arrow").table == one.table


def test_restarts_do_not_make_it_worse():
    space = Space.of(range(400), np.random.default_rng(1).normal(size=(400, 3)))

    def fit(restarts):
        found = Clusters(k=12, restarts=restarts, iterations=3).apply(space)
        units = space.rows.values / space.rows.norms[:, None]
        owners = np.array(found.attribute("cluster").to_pylist())
        return sum(np.linalg.norm(units[owners == each].sum(axis=0)) for each in range(12))

    assert fit(8) >= fit(1) - 1e-3


@pytest.mark.parametrize("metric", ["cosine", "dot", "l2"])
def test_fewer_different_rows_than_clusters_leave_some_out(metric):
    rows = np.repeat(np.eye(3), 10, axis=0)
    found = Clusters(k=6).apply(Space.of(range(30), rows, metric=metric))
    assert partition(found.attribute("cluster")) == [list(range(start, start + 10)) for start in (0, 10, 20)]
    assert set(found.attribute("cluster").to_pylist()) == {0, 1, 2}
    assert found.card.steps[-1]["found"] == 3


@pytest.mark.parametrize("metric", ["cosine", "dot", "l2"])
def test_zero_rows_half_precision_and_one_row_a_cluster_are_no_trouble(metric):
    rows = crowds(4, 40).rows.values.astype(np.float16)
    rows[5:8] = 0
    space = dataclasses.replace(Space.of(range(40), rows, metric=metric), rows=Rows(rows))
    assert Clusters(k=4).apply(space).attribute("cluster").null_count == 0
    alone = Clusters(k=9).apply(Space.of(range(9), crowds(4, 9).rows.values, metric=metric))
    assert sorted(alone.attribute("cluster").to_pylist()) == list(range(9))
    assert set(Clusters(k=1).apply(space).attribute("cluster").to_pylist()) == {0}


def test_large_spaces_are_clustered_by_a_sample(monkeypatch):
    from kinfold.transform import clusters

    for name in ("_EACH", "_LEAST", "_EACH_FIRST", "_LEAST_FIRST"):
        monkeypatch.setattr(clusters, name, 8)
    monkeypatch.setattr(clusters, "_MANY", 1)
    space = crowds(4, 4000)
    assert partition(Clusters(k=4).apply(space).attribute("cluster")) == partition(space.attribute("kind"))


@pytest.mark.parametrize(
    ("options", "says"),
    [({"k": 0}, "k is 0"), ({"k": 2.5}, "k is 2.5"), ({"restarts": 0}, "restarts is 0"), ({"seed": -1}, "seed is -1")],
)
def test_options_out_of_range_are_refused(options, says):
    with pytest.raises(BadOption, match=says):
        Clusters(**options)


def test_more_clusters_than_rows_are_refused_and_so_are_rows_without_coordinates():
    with pytest.raises(BadOption, match="k is 11, but there are 10 rows"):
        Clusters(k=11).apply(crowds(2, 10))
    with pytest.raises(BadData, match="without coordinates"):
        Clusters(k=1).apply(Space.of(["a"], np.zeros((1, 0))))


def test_rows_that_are_not_finite_are_refused():
    space = crowds(2, 10)
    space.rows.values[3, 1] = np.nan
    for ask in (Clusters(k=2).apply, lambda given: measure.clusters(given, "kind")):
        with pytest.raises(BadData, match="row 3"):
            ask(space)
