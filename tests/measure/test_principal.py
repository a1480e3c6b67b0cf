import numpy as np
import pytest

from kinfold import Space, measure
from kinfold.core.errors import BadData, BadOption


def test_directions_are_those_of_pca():
    from sklearn.decomposition import PCA

    rng = np.random.default_rng(0)
    rows = rng.normal(size=(300, 6)) * [5, 3, 1, 1, 1, 1]
    space = Space.of([f"k{n}" for n in range(300)], rows, metric="l2")
    report = measure.directions(space, 2)
    reference = PCA(2).fit(rows)
    found = [each for each in report.findings if each.name == "share of variance"]
    np.testing.assert_allclose([each.value for each in found], reference.explained_variance_ratio_, atol=1e-6)
    assert all(each.low < each.value < each.high for each in found)
    order = (reference.transform(rows)[:, 0]).argsort()
    ends = {report.tables[0].rows[0][2].split(", ")[0], report.tables[0].rows[0][3].split(", ")[0]}
    assert ends == {f"k{order[0]}", f"k{order[-1]}"}


def test_a_direction_is_told_by_the_number_that_goes_with_it():
    rng = np.random.default_rng(0)
    size = rng.normal(size=500)
    rows = np.stack([4 * size, *rng.normal(size=(4, 500))], axis=1)
    space = Space.of(range(500), rows, metric="l2").with_attribute("count", size.tolist())
    report = measure.directions(space.with_attribute("title", [f"t{n}" for n in range(500)]), 2, show="title")
    first, second = report.tables[0].rows
    assert first[-1].startswith("count") or first[-1].startswith("length")
    assert abs(float(first[-1].split()[-1])) > 0.5
    assert first[2].startswith("t")
    assert second[-1] == "" or abs(float(second[-1].split()[-1])) < 0.5


def test_a_sample_stands_for_all_and_bad_rows_are_refused():
    rows = np.random.default_rng(0).normal(size=(2000, 4)) * [3, 1, 1, 1]
    space = Space.of(range(2000), rows, metric="l2")
    every, some = (measure.directions(space, 1, sample=sample).findings[0] for sample in (2000, 500))
    assert some.n == 500
    assert some.value == pytest.approx(every.value, abs=0.05)
    for rows in (np.zeros((0, 3)), np.ones((1, 3)), np.ones((5, 3)), np.zeros((4, 3))):
        with pytest.raises(BadData, match="two different rows"):
            measure.directions(Space.of(range(len(rows)), rows))
    with pytest.raises(BadOption, match="k is 0"):
        measure.directions(space, 0)
    assert len(measure.directions(Space.of(list("abc"), [[1.0], [-1], [1]]), 3).findings) == 1
