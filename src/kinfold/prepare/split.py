"""Interactions held out to judge by: what came later, the last of each user, or a part of what new users met."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from kinfold.core.errors import BadData, BadOption, did_you_mean
from kinfold.core.shapes import Interactions
from kinfold.prepare.interactions import in_order

How = Literal["random", "time", "user", "leave-last"]
HOWS = ("random", "time", "user", "leave-last")


class Split(NamedTuple):
    """Interactions in three parts over the same users and items.

    Args:
        train: What is learned from.
        history: What is known of the users who are asked about when they are asked about: `train`, or, of users who
            are not in it, a part of what they met.
        test: What they met beside that.
    """

    train: Interactions
    history: Interactions
    test: Interactions


def split(
    met: Interactions, how: How | str = "random", *, share: float = 0.2, users: float = 0.1, seed: int = 0
) -> Split:
    """Holds interactions out.

    Those of the test whose item nobody met in the training part are dropped: no learner can know it.

    Args:
        met: The interactions.
        how: random holds out a share of what each user met; time the latest share of all, from one moment on; user a
            share of the users, of whom all but a share of what they met is their history (strong generalization);
            leave-last the last of what each user with at least two met. leave-last lets others' future into the
            training part; time does not.
        share: Of interactions.
        users: Of users, for how=user.
        seed: Of what is drawn.

    Raises:
        BadData: There are no times to split by, or a part is empty.
        BadOption: `how` is none of these, or a share is not between 0 and 1.

    Source:
        Liang et al. 2018 (strong generalization); Ji et al. 2023 (leakage of leave-last).
    """
    if how not in HOWS:
        raise BadOption(f"the split '{how}' is unknown.{did_you_mean(str(how), HOWS)} There are: {', '.join(HOWS)}.")
    for name, value in (("share", share), ("users", users)):
        if not 0 < value < 1:
            raise BadOption(f"{name} is {value}; it is between 0 and 1.")
    rng = np.random.default_rng(seed)
    if how == "user":
        asked = _of_users(met, users, share, rng)
    elif how == "time":
        if met.times is None:
            raise BadData("these interactions have no times to split by; name the column with time=….")
        asked = np.zeros(len(met), np.int8)
        asked[met.times > np.quantile(met.times, 1 - share, method="lower")] = _TEST
    else:
        order = in_order(met)
        if how == "random":
            order = order[np.lexsort((rng.random(len(order)), met.user_ids[order]))]
        sizes = np.bincount(met.user_ids, minlength=len(met.users))
        held = np.where(sizes > 1, 1, 0) if how == "leave-last" else np.round(share * sizes).astype(np.int64)
        place = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        asked = np.zeros(len(met), np.int8)
        asked[order[place >= np.repeat(sizes - held, sizes)]] = _TEST
    train = met.take(asked == _TRAIN)
    known = np.zeros(len(met.items), np.bool_)
    known[train.item_ids] = True
    history = train if how != "user" else met.take((asked == _HISTORY) & known[met.item_ids])
    test = met.take((asked == _TEST) & known[met.item_ids])
    if not len(train) or not len(test):
        raise BadData(
            f"the split '{how}' leaves {len(train):,} interactions to learn from and {len(test):,} to judge by."
        )
    return Split(train, history, test)


_TRAIN, _HISTORY, _TEST = range(3)


def _of_users(met: Interactions, users: float, share: float, rng: np.random.Generator) -> np.ndarray:
    """What each interaction is for: users are drawn from those who met at least two items."""
    sizes = np.bincount(met.user_ids, minlength=len(met.users))
    several = np.flatnonzero(sizes > 1)
    if not len(several):
        raise BadData("no user met two items, so none has both a history and something to judge by.")
    chosen = np.zeros(len(met.users), np.bool_)
    chosen[rng.permutation(several)[: max(1, round(users * len(several)))]] = True
    order = np.lexsort((rng.random(len(met)), met.user_ids))
    place = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    held = np.clip(np.round(share * sizes), 1, np.maximum(sizes - 1, 1)).astype(np.int64)
    parts = np.where(place >= np.repeat(sizes - held, sizes), _TEST, _HISTORY)
    asked = np.zeros(len(met), np.int8)
    asked[order] = np.where(chosen[met.user_ids[order]], parts, _TRAIN)
    return asked
