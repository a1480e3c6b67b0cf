"""Features of users and items: rows of the same Space, which give rows to what nobody met."""

import numpy as np
import pytest
import scipy.sparse as sparse

from kinfold.core.errors import BadData
from kinfold.core.keys import Keys
from kinfold.core.shapes import Counts
from kinfold.learn import ALS
from kinfold.learn.prior import Prior


def planted(users=300, items=80, kinds=4, cold=8, seed=0):
    """Users meet items of their kind; the first `cold` items nobody met. Features tell the kind, and noise."""
    rng = np.random.default_rng(seed)
    kind = np.arange(items) % kinds
    liked = np.where(kind[None, :] == np.arange(users)[:, None] % kinds, 0.3, 0.02)
    liked[:, :cold] = 0
    met = (rng.random((users, items)) < liked).astype(np.float32)
    noise = rng.random((items, 5)) < 0.4
    known = np.concatenate([np.ones((items, 1)), kind[:, None] == np.arange(kinds), noise], axis=1)
    names = ["*", *(f"kind={each}" for each in range(kinds)), *(f"noise={each}" for each in range(5))]
    things = Keys([f"i{number}" for number in range(items)], "item")
    people = Keys([f"u{number}" for number in range(users)], "user")
    features = Counts(things, Keys(names, "item_feature"), sparse.csr_array(known.astype(np.float32)))
    return Counts(people, things, sparse.csr_array(met)), features


@pytest.mark.parametrize("solver", ["gradients", "cholesky", "blocks"])
def test_what_nobody_met_is_placed_by_its_features(solver):
    counts, features = planted()
    space = ALS(dim=8, solver=solver, block=4).fit(counts, column_features=features)
    assert list(space.groups) == ["user", "item", "item_feature"]
    users, items = (space.group(name).rows.dense() for name in ("user", "item"))
    scores = users @ items[:8].T
    best = scores.argmax(axis=1) % 4
    assert (best == np.arange(len(users)) % 4).mean() > 0.95
    rows = space.group("item_feature").rows.dense()
    np.testing.assert_allclose(items[:8], (features.values @ rows)[:8], atol=1e-5)
    assert space.group("item_feature").attribute("count").to_pylist()[0] == 80


def test_without_features_it_has_no_row():
    counts, _ = planted()
    assert not ALS(dim=8).fit(counts).group("item").rows.dense()[:8].any()


def test_users_have_features_too():
    counts, features = planted()
    turned = Counts(counts.column_keys, counts.row_keys, sparse.csr_array(counts.values.T))
    space = ALS(dim=8).fit(turned, row_features=features)
    assert space.group("item").rows.dense()[:8].any(axis=1).all()


def test_features_of_other_keys_are_refused():
    counts, features = planted()
    with pytest.raises(BadData, match="in their order"):
        ALS(dim=4).fit(counts, row_features=features)


def test_features_are_the_ridge_regression_of_the_things():
    rng = np.random.default_rng(4)
    known = sparse.csr_array((rng.random((50, 9)) < 0.3).astype(np.float32))
    penalty = rng.random(50).astype(np.float32)
    penalty[:5] = 0
    things = rng.normal(size=(50, 16)).astype(np.float32)
    counts = Counts(Keys([f"i{n}" for n in range(50)], "item"), Keys([f"f{n}" for n in range(9)], "f"), known)
    prior = Prior(counts, penalty, 16, 2.0)
    for _ in range(4):
        prior.learn(things)
    dense, weights = known.toarray().astype(np.float64), np.diag(penalty.astype(np.float64))
    ridge = 2 * np.median(penalty[penalty > 0])
    expected = np.linalg.solve(dense.T @ weights @ dense + ridge * np.eye(9), dense.T @ weights @ things)
    np.testing.assert_allclose(prior.rows, expected, atol=2e-3)
    np.testing.assert_allclose(prior.toward, dense @ prior.rows, atol=1e-5)
