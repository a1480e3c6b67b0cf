import numpy as np
import pyarrow as pa
import pytest
from worlds import crowds

from kinfold import Space, measure
from kinfold.core.errors import BadOption, UnknownName


@pytest.mark.parametrize("metric", ["cosine", "dot", "l2"])
@pytest.mark.parametrize("kinds", [2, 5])
def test_silhouettes_are_those_of_all_pairs(metric, kinds):
    from sklearn.metrics import silhouette_samples

    rng = np.random.default_rng(kinds)
    space = Space.of(range(120), rng.normal(size=(120, 4)), metric=metric)
    labels = np.array([9, *rng.integers(0, kinds, 119).tolist()])  # one of them alone
    report = measure.clusters(space.with_attribute("kind", labels), "kind")
    true = silhouette_samples(space.rows.values, labels, metric="sqeuclidean" if metric == "l2" else "cosine")
    found = report["silhouette"]
    assert found.value == pytest.approx(true.mean(), abs=1e-5)
    assert found.low < found.value < found.high
    assert found.n == 120
    for label, size, silhouette, _ in report.tables[0].rows:
        assert silhouette == pytest.approx(true[labels == int(label)].mean(), abs=1e-5)
        assert size == (labels == int(label)).sum()


def test_kinds_that_stand_together_score_high_and_others_do_not():
    space = crowds(4)
    shuffled = np.random.default_rng(0).permutation(np.asarray(space.attribute("kind")))
    true, none = (measure.clusters(each, "kind") for each in (space, space.with_attribute("kind", shuffled)))
    assert true["silhouette"].low > 0.8
    assert none["silhouette"].high < 0.1
    for label, _, _, keys in true.tables[0].rows:
        assert all(key.startswith(f"k{label}_") for key in keys.split(", "))


def test_a_sample_stands_for_all():
    space = crowds(3, 3000, metric="l2")
    every, some = (measure.clusters(space, "kind", sample=sample)["silhouette"] for sample in (3000, 300))
    assert some.n == 300
    assert some.low < every.value < some.high


def test_rows_without_a_kind_take_no_part():
    space = crowds(2, 20)
    labels = [None if row < 6 else f"name {row % 2}" for row in range(20)]
    for column in (pa.array(labels), pa.array(labels).dictionary_encode(), pa.array(labels).cast(pa.string_view())):
        report = measure.clusters(space.with_attribute("title", column), "title")
        assert report["silhouette"].n == report["clusters"].n == 14
        assert any("6 rows have no 'title'" in note for note in report.notes)
        assert sum(row[1] for row in report.tables[0].rows) == 14


def test_true_and_false_are_kinds_and_one_kind_is_apart_from_nothing():
    space = crowds(2, 20)
    halves = measure.clusters(space.with_attribute("even", [row % 2 == 0 for row in range(20)]), "even")
    assert {row[0] for row in halves.tables[0].rows} == {"true", "false"}
    assert halves["silhouette"].low > 0.8
    one = measure.clusters(space.with_attribute("same", [1] * 20), "same")
    assert np.isnan(one["silhouette"].value)
    assert any("one kind only" in note for note in one.notes)


def test_what_tells_no_kinds_is_refused():
    space = (
        crowds(2, 20).with_attribute("weight", np.linspace(0, 1, 20)).with_attribute("none", pa.nulls(20, pa.string()))
    )
    for by, says in (("weight", "is of double"), ("none", "no kinds, it is missing everywhere")):
        with pytest.raises(BadOption, match=says):
            measure.clusters(space, by)
    with pytest.raises(UnknownName, match="no attribute 'cluster'"):
        measure.clusters(space)
    with pytest.raises(BadOption, match="sample is 0"):
        measure.clusters(space, "kind", sample=0)


def test_memory_is_bounded_by_blocks(monkeypatch):
    from kinfold.transform import silhouettes

    space = crowds(3, 50)
    whole = measure.clusters(space, "kind")
    monkeypatch.setattr(silhouettes, "_DISTANCES", 10)
    assert measure.clusters(space, "kind").to_dict() == whole.to_dict()
