import numpy as np
import pytest
from worlds import crowds

from kinfold import Space, measure
from kinfold.core.errors import BadData, BadOption, UnknownKey, UnknownName


@pytest.mark.parametrize("metric", ["cosine", "dot", "l2"])
def test_exemplars_of_a_key_are_of_its_kind_and_counter_exemplars_of_others(metric):
    space = crowds(4, 200, metric=metric)
    for by in ("kind", None):
        report = measure.exemplars(space, "k1_1", by=by, k=5)
        same, other = report.tables
        assert all(row[0].startswith("k1_") and row[0] != "k1_1" for row in same.rows)
        assert len({row[0] for row in other.rows}) == 5
        nearest = space.nearest("k1_1", 5, where="kind = 1")
        if by is not None:
            assert not any(row[0].startswith("k1_") for row in other.rows)
            assert sum(key in [row[0] for row in same.rows] for key in nearest.keys) >= 4
            assert report["same kind"].value > 0.9
    several = measure.exemplars(space, ["k1_1", "k2_2"], by="kind", k=5)
    assert all(row[0][:2] in ("k1", "k2") for row in several.tables[0].rows)


def test_a_row_on_the_wrong_side_is_found():
    space = crowds(2, 100)
    kinds = np.array(["a", "b"])[space.attribute("kind").to_pylist()]
    kinds[7] = "a"  # a row of the other crowd
    report = measure.exemplars(
        space.with_attribute("name", kinds).with_attribute("title", [f"t{n}" for n in range(100)]),
        "name=a",
        k=3,
        show="title",
    )
    typical, astray, counter = report.tables
    assert [row[0] for row in astray.rows] == ["t7"]
    assert "t7" not in [row[0] for row in typical.rows]
    assert all(int(row[0][1:]) % 2 for row in counter.rows)
    assert report["nearer to its own"].value == pytest.approx(50 / 51)
    assert report["others nearer to it"].value == 0


def test_what_has_no_exemplars_is_refused():
    space = crowds(2, 20)
    with pytest.raises(UnknownKey, match="Nor is it a value"):
        measure.exemplars(space, "nobody")
    with pytest.raises(UnknownName):
        measure.exemplars(space, "k0_0", by="nothing")
    with pytest.raises(BadData, match="no row has kind=9"):
        measure.exemplars(space, "kind=9")
    with pytest.raises(BadData, match="all rows have"):
        measure.exemplars(space.with_attribute("same", ["x"] * 20), "same=x")
    with pytest.raises(BadData, match="one row only"):
        measure.exemplars(Space.of(["a"], [[1.0]]), "a")
    with pytest.raises(BadOption, match="k is 0"):
        measure.exemplars(space, "k0_0", k=0)
