import numpy as np
import pytest

import kinfold as kf
from kinfold import Space
from kinfold.core.errors import BadData, BadOption, UnknownName
from kinfold.measure import leftover
from kinfold.measure.remains import by_neighbors, enough
from kinfold.transform.erasure import Labels


def kinds(apart, count=400, dim=10, of=2, metric="cosine", seed=0):
    """Rows of kinds whose means are so far apart."""
    rng = np.random.default_rng(seed)
    kind = np.arange(count) % of
    rows = rng.normal(size=(count, dim)) + apart * np.eye(dim)[kind] * np.sqrt(2)
    space = Space.of([f"u{i}" for i in range(count)], rows, metric=metric)
    return space.with_attribute("kind", [f"k{each}" for each in kind])


@pytest.mark.parametrize("metric", ["cosine", "dot", "l2"])
def test_kinds_that_are_apart_are_told_in_every_way(metric):
    report = leftover(kinds(4, metric=metric), "kind")
    for name in ("clusters", "probe", "new probe", "neighbors"):
        assert report[name].value > 0.9
        assert report[name].low <= report[name].value <= report[name].high
    assert report["chance"].value == 0.5
    assert report["probe"].n == 200


def test_kinds_that_are_alike_are_told_by_chance():
    report = leftover(kinds(0, count=1000), "kind")
    for name in ("probe", "new probe", "neighbors"):
        assert abs(report[name].value - 0.5) < 0.08
    # Clusters are called by the better of two names, so that chance is a little above a half.
    assert 0.5 <= report["clusters"].value < 0.58


def test_what_a_probe_sees_clusters_need_not():
    rng = np.random.default_rng(0)
    loud = rng.normal(size=(600, 10)) + 6 * np.sign(rng.normal(size=(600, 1))) * np.eye(10)[9]
    space = Space.of([f"u{i}" for i in range(600)], loud + 1.5 * np.eye(10)[np.arange(600) % 2], metric="l2")
    report = leftover(space.with_attribute("kind", np.arange(600) % 2), "kind")
    assert report["clusters"].value < 0.6
    assert report["probe"].value > 0.8


def test_more_kinds_and_lists_of_words():
    space = kinds(4, of=3)
    report = leftover(space, {f"k{each}": [f"u{i}" for i in range(each, 300, 3)] for each in range(3)})
    assert report["clusters"].value > 0.9
    assert report["chance"].value == pytest.approx(1 / 3, abs=0.01)
    assert [list(row) for row in report.tables[0].rows] == [["k0", 100], ["k1", 100], ["k2", 100]]


def test_rare_kinds_are_left_out_and_many_rows_are_drawn_from():
    labels = Labels(np.arange(30_000), np.array([*[0] * 29_000, *[1] * 995, *[2] * 5]), ["a", "b", "c"])
    found = enough(labels, 0)
    assert found.names == ["a", "b"]
    assert len(found.rows) == 4_000
    assert np.bincount(found.kinds)[1] == pytest.approx(133, abs=40)
    assert (np.diff(found.rows) > 0).all()


def test_neighbors_tell_what_rows_leaned_to():
    rng = np.random.default_rng(0)
    leaning = rng.uniform(-1, 1, 500)
    rows = np.stack([leaning, *(0.1 * rng.normal(size=(3, 500)))], axis=1)
    space = Space.of([f"w{i}" for i in range(500)], rows, metric="l2")
    assert by_neighbors(space, np.arange(100), leaning, neighbors=20).value > 0.8
    assert abs(by_neighbors(space, np.arange(100), rng.permutation(leaning), neighbors=20).value) < 0.3


def test_what_tells_no_kinds_is_refused():
    space = kinds(1)
    with pytest.raises(UnknownName):
        leftover(space, "kid")
    with pytest.raises(BadData, match="at least 8 rows"):
        leftover(space, {"a": ["u1", "u2"], "b": ["u3"]})
    with pytest.raises(BadOption, match="neighbors"):
        leftover(space, "kind", neighbors=0)
    with pytest.raises(BadData):
        leftover(Space.of([], np.zeros((0, 3))), {"a": ["x"], "b": ["y"]})
    assert "leftover" in kf.measure.__all__
