import numpy as np
import pyarrow as pa
import pytest
from worlds import crowds

import kinfold as kf
from kinfold import Space, measure
from kinfold.core.errors import BadData, BadOption, UnknownName


def test_what_rows_know_is_selective():
    space = crowds(3, 300)
    report = measure.probe(space, "kind")
    assert report["accuracy"].value > 0.99
    assert abs(report["control"].value - 1 / 3) < 0.1
    assert report["selectivity"].low > 0.5
    assert report["selectivity"].value == pytest.approx(report["accuracy"].value - report["control"].value)
    assert report["majority"].value == pytest.approx(1 / 3)
    assert {row[0] for row in report.tables[0].rows} == {"0", "1", "2"}


def test_random_rows_know_nothing():
    rng = np.random.default_rng(0)
    selective, numbers = [], []
    for draw in range(10):
        space = Space.of(range(150), rng.normal(size=(150, 10)))
        space = space.with_attribute("kind", rng.integers(0, 2, 150)).with_attribute("size", rng.normal(size=150))
        found = measure.probe(space, "kind", seed=draw)["selectivity"]
        selective.append(found.low <= 0 <= found.high)
        numbers.append(measure.probe(space, "size", seed=draw)["R²"].value)
    assert np.mean(selective) >= 0.8
    assert np.mean(numbers) < 0.05


def test_numbers_are_told_by_ridge_regression_as_scikit_learn_tells_them():
    from sklearn.linear_model import RidgeCV
    from sklearn.model_selection import cross_val_predict

    rng = np.random.default_rng(0)
    rows = rng.normal(size=(400, 6))
    size = rows @ rng.normal(size=6) + rng.normal(size=400)
    space = Space.of(range(400), rows, metric="l2").with_attribute("size", size)
    report = measure.probe(space, "size")
    told = cross_val_predict(RidgeCV(np.geomspace(1e-3, 1e3, 7)), rows, size, cv=5)
    reference = 1 - ((told - size) ** 2).sum() / ((size - size.mean()) ** 2).sum()
    assert report["R²"].value == pytest.approx(reference, abs=0.02)
    assert report["R²"].low < reference < report["R²"].high
    assert abs(report["control"].value) < 0.1
    assert report["spearman"].low > 0.7
    exponential = measure.probe(space.with_attribute("size", np.exp(4 * size)), "size")
    assert exponential["R²"].value == pytest.approx(report["R²"].value, abs=0.02)
    assert any("logarithms" in note for note in exponential.notes)


def test_a_control_label_goes_with_a_type():
    """Rows of a type are nearly the same: a probe knows types by heart, and so passes the control task as well."""
    rng = np.random.default_rng(0)
    types = np.arange(300) % 10
    rows = rng.normal(size=(10, 20))[types] + 0.01 * rng.normal(size=(300, 20))
    space = (
        Space.of(range(300), rows).with_attribute("kind", types % 2).with_attribute("word", [f"w{t}" for t in types])
    )
    alone, by_type = (measure.probe(space, "kind", types=each) for each in (None, "word"))
    assert alone["accuracy"].value == by_type["accuracy"].value > 0.99
    assert alone["control"].value < 0.65
    assert by_type["control"].value > 0.9


def test_whether_rows_have_a_value():
    space = crowds(2, 100)
    tags = ["Drama|War" if kind else "Comedy" for kind in space.attribute("kind").to_pylist()]
    report = measure.probe(space.with_attribute("tags", tags), "tags:|=War")
    assert report["accuracy"].value > 0.95
    assert {row[0] for row in report.tables[0].rows} == {"War", "not War"}


def test_what_cannot_be_probed_is_refused_or_counted():
    space = crowds(2, 40)
    some = ["rare"] + [None] * 5 + ["a", "b"] * 17
    report = measure.probe(space.with_attribute("name", some), "name")
    assert report["accuracy"].n == 34
    assert any("5 rows have no 'name'" in note for note in report.notes)
    assert any("1 values with fewer than 5 rows" in note for note in report.notes)
    drawn = measure.probe(space, "kind", sample=20)
    assert drawn["accuracy"].n == 20
    assert any("20 of 40 rows" in note for note in drawn.notes)
    with pytest.raises(UnknownName):
        measure.probe(space, "nothing")
    for name, values in (("one", ["x"] * 40), ("each", [f"x{n}" for n in range(40)]), ("flat", [1.0] * 40)):
        with pytest.raises(BadData, match=name if name == "flat" else "fewer than two"):
            measure.probe(space.with_attribute(name, values), name)
    with pytest.raises(BadOption, match="folds is 1"):
        measure.probe(space, "kind", folds=1)
    rows = space.rows.dense().copy()
    rows[0, 0] = np.inf
    with pytest.raises(BadData, match="probe: row 0"):
        measure.probe(Space(space.keys, type(space.rows)(rows), space.metric, space.card, space.table), "kind")


def test_an_attribute_that_is_missing_everywhere_is_called_so():
    empty = kf.Space.of(range(20), np.eye(20)).with_attribute("kind", pa.nulls(20, pa.string()))
    with pytest.raises(BadOption, match="missing everywhere"):
        kf.measure.probe(empty, "kind")
