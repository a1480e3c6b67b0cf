"""How far predicted ratings are from those that users gave."""

from __future__ import annotations

import numpy as np

from kinfold.core.errors import BadData
from kinfold.core.histories import Sides
from kinfold.core.intervals import bootstrap, of_mean
from kinfold.core.report import Finding, Report, Table
from kinfold.core.shapes import Interactions
from kinfold.core.space import Space
from kinfold.encode.foldin import FoldIn
from kinfold.measure.ranking import _matrix
from kinfold.prepare.split import Split


def ratings(space: Space, split: Split, *, seed: int = 0) -> Report:
    """The errors of predicted ratings, beside those of the mean of all and of means by user and item.

    Args:
        space: Users and items by FunkSVD, learned from `split.train`.
        split: What was learned from, and ratings that were held out; those of users or items without a rating in
            training are left out and counted.
        seed: Of the intervals, which resample the ratings.

    Returns:
        `rmse` and `mae`, and a table of the same for the simpler predictions.

    Raises:
        BadData: The Space is not by FunkSVD, or no rating of the test has rows.

    Source:
        Koren, Bell, Volinsky 2009.
    """
    if "mean" not in space.card.data:
        raise BadData(f"ratings are predicted by funksvd, not by {space.card.method}, whose scores are no ratings.")
    sides = Sides.of(space)
    train, test = split.train, split.test
    if train.weights is None or test.weights is None:
        raise BadData("these interactions have no weights to be ratings; name the column with weight=….")
    known = np.isin(test.user_ids, split.history.user_ids) & np.isin(test.item_ids, train.item_ids)
    test = test.take(known)
    if not len(test):
        raise BadData("no rating of the test is of a user and an item that were rated in training.")
    assert test.weights is not None
    items = space.group(sides.items)
    rows = [_users(space, split, sides)[test.user_ids], items.rows.take(items.keys.rows(test.items)[test.item_ids])]
    mean, low, high = space.card.data["mean"], float(train.weights.min()), float(train.weights.max())
    told = {
        space.card.method: mean + np.einsum("ij,ij->i", *rows),
        "mean of user and item": _by_means(train, split.history, test, mean),
        "mean": np.full(len(test), mean),
    }
    errors = {name: np.abs(np.clip(each, low, high) - test.weights) for name, each in told.items()}
    own = errors[space.card.method]
    squared = bootstrap(lambda drawn: np.sqrt((drawn**2).mean(axis=1)), own, samples=200, seed=seed)
    findings = [
        Finding("rmse", float(np.sqrt((own**2).mean())), *squared, len(own)),
        Finding("mae", float(own.mean()), *of_mean(own, seed=seed), len(own)),
    ]
    table = [[name, float(np.sqrt((each**2).mean())), float(each.mean())] for name, each in errors.items()]
    note = f"{int((~known).sum()):,} ratings left out, whose user or item was not rated in training."
    return Report(
        f"Ratings · {space.card.method}", findings, [Table("Predictions", ("by", "rmse", "mae"), table)], [note]
    )


def _users(space: Space, split: Split, sides: Sides) -> np.ndarray:
    """The row of each user of the split: its own, or the one that its history gives it."""
    people = space.group(sides.known_users())
    places = people.keys.rows(split.train.users)
    rows = np.where((places >= 0)[:, None], people.rows.take(np.maximum(places, 0)), np.float32(0))
    if split.history is split.train:
        return rows
    items = space.group(sides.items).keys
    history = _matrix(split.history, items.rows(split.train.items), len(items))
    some = np.flatnonzero(np.diff(history.indptr))
    rows[some] = FoldIn(space).rows(history[some])
    return rows


def _by_means(train: Interactions, history: Interactions, test: Interactions, mean: float) -> np.ndarray:
    """The mean plus how far the item's mean is from it, plus how far the user's is from what its items explain."""
    assert train.weights is not None
    assert history.weights is not None
    items = _means(train.item_ids, train.weights.astype(np.float64) - mean, len(train.items))
    left = history.weights.astype(np.float64) - mean - items[history.item_ids]
    users = _means(history.user_ids, left, len(train.users))
    found: np.ndarray = mean + items[test.item_ids] + users[test.user_ids]
    return found


def _means(ids: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    sizes = np.bincount(ids, minlength=count)
    found: np.ndarray = np.bincount(ids, values, count) / np.maximum(sizes, 1)
    return found
