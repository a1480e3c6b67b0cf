import numpy as np
import pytest

import kinfold as kf
from kinfold.core.errors import BadData
from kinfold.measure import ratings
from kinfold.prepare.split import split
from kinfold.sources.interactions import read


def rated(users=80, items=60, count=3000, seed=0):
    """Ratings by biases and two factors, with noise."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(users, 2)), rng.normal(size=(items, 2))
    bias = 3 + 0.3 * rng.normal(size=(users, 1)) + 0.3 * rng.normal(size=items)
    truth = np.clip(bias + 0.7 * x @ y.T + 0.1 * rng.normal(size=(users, items)), 0, 6)
    pairs = rng.permutation(users * items)[:count]
    return read([(f"u{pair // items}", f"i{pair % items}", float(truth.flat[pair])) for pair in pairs])


def test_factors_predict_better_than_means():
    parts = split(rated(), seed=1)
    space = kf.items(parts.train, method="funksvd", dim=6, epochs=100, learning_rate=0.02)
    report = ratings(space, parts)
    rows = {row[0]: row[1] for row in report.tables[0].rows}
    assert report["rmse"].low <= report["rmse"].value == rows["funksvd"] <= report["rmse"].high
    assert rows["funksvd"] < 0.6 * rows["mean of user and item"] < 0.6 * rows["mean"]


def test_errors_by_hand():
    parts = split(rated(), seed=1)
    space = kf.items(parts.train, method="funksvd", dim=5, epochs=2)
    told = [space.card.data["mean"] + space[f"user:{user}"] @ space[f"item:{item}"] for user, item in parts.test]
    told = np.clip(told, parts.train.weights.min(), parts.train.weights.max())
    apart = np.abs(told - parts.test.weights)
    report = ratings(space, parts)
    assert report["rmse"].value == pytest.approx(np.sqrt((apart**2).mean()), rel=1e-5)
    assert report["mae"].value == pytest.approx(apart.mean(), rel=1e-5)


def test_what_has_no_ratings_is_said():
    parts = split(rated(), seed=1)
    with pytest.raises(BadData, match="by funksvd"):
        ratings(kf.items(parts.train, dim=2), parts)
    plain = split(read({f"u{n}": ["a", "b", "c", "d", "e"] for n in range(9)}))
    with pytest.raises(BadData, match="have none"):
        ratings(kf.items(plain.train, method="funksvd", dim=3), plain)


def test_users_who_are_new_are_folded_in():
    parts = split(rated(), "user", users=0.3, seed=1)
    space = kf.items(parts.train, method="funksvd", dim=6, epochs=100, learning_rate=0.02)
    rows = {row[0]: row[1] for row in ratings(space, parts).tables[0].rows}
    assert rows["funksvd"] < 0.6 * rows["mean of user and item"]


def test_an_item_is_folded_in_from_who_rated_it():
    met = rated()
    space = kf.items(met, method="funksvd", dim=5, epochs=200, learning_rate=0.02)
    fold = kf.encode.ENCODERS["foldin"](space, "item")
    of = {}
    for (user, item), rating in zip(met, met.weights.tolist(), strict=True):
        of.setdefault(item, {})[user] = rating
    made = fold.encode([of["i0"], of["i1"]]).rows.dense()
    own = np.stack([space["item:i0"], space["item:i1"]])
    np.testing.assert_allclose(made[:, -2], 1)
    assert (np.abs(made - own).max(axis=1) < 0.25).all()
