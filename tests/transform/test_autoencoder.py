import numpy as np
import pytest

from kinfold import Space
from kinfold.core.errors import BadData, BadOption, FrameMismatch
from kinfold.transform.autoencoder import SparseAutoencoder, activations


def planted(k=24, dim=16, rows=4000, each=2, seed=0):
    """Rows that are sums of a few of k directions, and the directions."""
    rng = np.random.default_rng(seed)
    directions = rng.normal(size=(k, dim))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    mixed = np.zeros((rows, k))
    for row in mixed:
        row[rng.choice(k, each, replace=False)] = rng.uniform(0.5, 1.5, each)
    return Space.of([f"r{n}" for n in range(rows)], mixed @ directions, metric="l2"), directions, mixed


def test_a_planted_dictionary_is_found():
    space, directions, mixed = planted()
    found = SparseAutoencoder(k=24, active=2, epochs=80).apply(space)
    nearest = (found.rows.dense() @ directions.T).max(axis=0)
    assert np.median(nearest) > 0.98
    assert np.mean(nearest > 0.9) > 0.8
    assert found.card.reports[-1]["reconstruction R²"].low > 0.85
    # Rows have the features that they were made of.
    names = (found.rows.dense() @ directions.T).argmax(axis=1)
    code = activations(found, space, np.arange(200))
    right = [mixed[row, names[at]] > 0 for row in range(200) for at in code.features[row] if at >= 0]
    assert np.mean(right) > 0.85


def test_features_are_rows_that_name_themselves_by_their_keys():
    rng = np.random.default_rng(1)
    kinds = np.arange(300) % 3
    rows = 5 * np.eye(6)[kinds] + 0.1 * rng.normal(size=(300, 6))
    space = Space.of([f"{'abc'[kind]}{n}" for n, kind in enumerate(kinds)], rows).with_attribute(
        "title", [f"Title {n}" for n in range(300)]
    )
    found = SparseAutoencoder(k=3, active=1).apply(space)
    assert found.frame == space.frame
    assert found.groups == {"feature": range(3)}
    assert sorted(name[0] for name in found.keys) == ["a", "b", "c"]
    for name, top in zip(found.keys, found.attribute("top").to_pylist(), strict=True):
        assert name == ", ".join(top[:3])
        assert {key[0] for key in top} == {name[0]}
    both = space.beside(found)
    assert {each[0] for each in both.nearest(f"feature:{found.keys[0]}", 5, group="row").keys} == {found.keys[0][0]}
    assert all(name.startswith("Title ") for name in SparseAutoencoder(k=3, active=1, show="title").apply(space).keys)


def test_frequent_keys_name_features():
    space, _, _ = planted(rows=400)
    counts = np.arange(400) % 2
    found = SparseAutoencoder(k=8, active=2).apply(space.with_attribute("count", counts))
    assert all(int(key[1:]) % 2 == 1 for top in found.attribute("top").to_pylist() for key in top)


@pytest.mark.parametrize("metric", ["cosine", "dot", "l2"])
def test_half_of_the_memory_and_other_metrics_do(metric):
    space, _, _ = planted(rows=300)
    half = Space.of(space.keys, space.rows.values.astype(np.float16), metric=metric)
    found = SparseAutoencoder(k=8, active=2, epochs=5).apply(half)
    assert np.isfinite(found.rows.dense()).all()
    assert activations(found, half, np.arange(3)).values.shape == (3, 2)


def test_what_has_no_features_is_refused():
    space, _, _ = planted(rows=50)
    for fields, says in (({"k": 1}, "k is 1"), ({"active": 0}, "active is 0"), ({"learning_rate": 2}, "learning_rate")):
        with pytest.raises(BadOption, match=says):
            SparseAutoencoder(**fields)
    with pytest.raises(BadData, match="take a smaller k"):
        SparseAutoencoder(k=51).apply(space)
    with pytest.raises(BadData, match="all alike"):
        SparseAutoencoder(k=4, active=1).apply(Space.of(range(9), np.ones((9, 3))))
    with pytest.raises(BadData, match="take a smaller k"):
        SparseAutoencoder(k=4, active=1).apply(Space.of([], np.zeros((0, 3))))
    rows = space.rows.dense().copy()
    found = SparseAutoencoder(k=4, active=1, epochs=1).apply(space)
    rows[7, 2] = np.nan
    broken = Space(space.keys, type(space.rows)(rows), space.metric, space.card)
    with pytest.raises(BadData, match="row 7"):
        SparseAutoencoder(k=4, active=1).apply(broken)
    with pytest.raises(FrameMismatch):
        activations(found, planted(seed=5, rows=50)[0], np.arange(3))
    with pytest.raises(BadData, match="no features"):
        activations(space, space, np.arange(3))
