import numpy as np
import pytest

from kinfold import Space
from kinfold.core.errors import BadData
from kinfold.measure.kept import kept, others


def space(rows, metric="cosine"):
    return Space.of([f"w{i}" for i in range(len(rows))], rows, metric=metric)


@pytest.mark.parametrize("metric", ["cosine", "dot", "l2"])
def test_what_stays_is_kept_and_what_moves_is_named(metric):
    rows = np.random.default_rng(0).normal(size=(200, 8))
    findings, table = kept(space(rows, metric), space(rows, metric))
    assert [each.value for each in findings] == pytest.approx([1, 1, 1])
    moved = rows.copy()
    moved[7] = -moved[7]
    findings, table = kept(space(rows, metric), space(moved, metric))
    assert 0.8 < findings[1].value < 1
    key, cosine, held, before, after = table.rows[0]
    assert (key, held) == ("w7", 0)
    assert cosine == pytest.approx(-1)
    assert set(before.split(", ")).isdisjoint(after.split(", "))
    assert table.rows[1][1] == pytest.approx(1)


def test_neighbors_are_by_hand_and_leave_the_row_itself_out():
    rows = np.random.default_rng(0).normal(size=(40, 3))
    rows[5] = rows[6] = rows[7]
    found = others(space(rows, "l2"), np.arange(40), np.arange(40), 3)
    distances = np.linalg.norm(rows[:, None] - rows[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    np.testing.assert_allclose(
        np.take_along_axis(distances, found, axis=1), np.sort(distances, axis=1)[:, :3], atol=1e-6
    )
    assert (found != np.arange(40)[:, None]).all()


def test_few_and_zero_rows_take_no_part():
    findings, table = kept(space([[1.0, 2]]), space([[1.0, 2]]))
    assert [each.name for each in findings] == ["cosine to the row before"]
    assert table.rows[0][0] == "w0"
    rows = np.array([[0.0, 0], [1, 0], [0, 1], [1, 1]])
    assert {row[0] for row in kept(space(rows), space(rows))[1].rows} == {"w1", "w2", "w3"}
    with pytest.raises(BadData, match="all rows are zero"):
        kept(space(0 * rows), space(0 * rows))
