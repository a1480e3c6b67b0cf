import numpy as np
import pytest
from worlds import crowds

from kinfold import Space, measure
from kinfold.core.errors import BadData, FrameMismatch, UnknownName
from kinfold.transform import SparseAutoencoder


def test_features_are_told_by_the_value_that_they_stand_for():
    space = crowds(4, 400)
    names = np.array(["ant", "bee", "cat", "dog"])
    kinds = names[space.attribute("kind").to_pylist()]
    space = space.with_attribute("name", kinds).with_attribute("tags", [f"{name}|all" for name in kinds])
    found = SparseAutoencoder(k=4, active=1).apply(space)
    report = measure.features(space, found, by="name", other=SparseAutoencoder(k=4, active=1, seed=1).apply(space))
    table = report.tables[0]
    at = table.columns.index("name")
    for row in table.rows:
        assert names[int(row[0][1])] == row[at]
        assert row[at + 1] == pytest.approx(4, abs=0.1)
    assert report["reconstruction R²"].low > 0.8
    assert report["dead"].value == 0
    assert report["features of a row"].value <= 1
    assert report["coherence"].low > 0.5
    assert report["found again"].value == 1
    tagged = measure.features(space, found, by="tags:|").tables[0]
    assert {row[-2] for row in tagged.rows} == set(names)


def test_features_of_noise_are_not_found_again():
    rng = np.random.default_rng(0)
    space = Space.of(range(600), rng.normal(size=(600, 20)))
    first, second = (SparseAutoencoder(k=40, active=2, epochs=5, seed=seed).apply(space) for seed in (0, 1))
    assert measure.features(space, first, other=second)["found again"].value < 0.5


def test_what_are_no_features_is_refused():
    space = crowds(2, 40)
    found = SparseAutoencoder(k=2, active=1, epochs=2).apply(space)
    with pytest.raises(BadData, match="no features"):
        measure.features(space, space)
    with pytest.raises(FrameMismatch):
        measure.features(crowds(2, 40, seed=3), found)
    with pytest.raises(UnknownName):
        measure.features(space, found, by="nothing")
