"""Judged: what a Space of users and items is worth to its users, as it is or learned anew from a part."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from kinfold.core.errors import BadOption
from kinfold.core.histories import known
from kinfold.core.progress import Progress, quiet
from kinfold.core.report import Report
from kinfold.core.shapes import Counts, Interactions
from kinfold.core.space import Space
from kinfold.prepare.split import How
from kinfold.recipes.items import METHODS, features_of, learned, sides
from kinfold.recipes.words import configured


def judged(
    space: Space,
    interactions: Interactions,
    *,
    split: How | str | None = None,
    ks: Sequence[int] = (10, 20),
    groups: np.ndarray | None = None,
    where: str | None = None,
    item_groups: str | None = None,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress = quiet,
) -> Report:
    """What a Space of users and items is worth to its users: `measure.retrieval`, or `measure.ratings` by funksvd.

    Args:
        space: Users and items.
        interactions: What users met after it was learned; or, with `split`, all of what there is.
        split: Learns anew, with the method and the parameters of the Space, from a part of the interactions, and
            judges by the rest: random, time, user or leave-last.
        ks: Lengths of the lists of recommendations.
        groups: A label of each user of the interactions, by which quality is told too.
        where: An SQL condition on key and attributes of the items that are ranked, and looked for, alone.
        item_groups: An attribute of items whose values' shares of what is shown are told.
        seed: Of the split, of what is learned and of the intervals.
        threads: How many work at once.
        progress: Told of how far the work is.

    Raises:
        BadData: The interactions cannot be split so, or hold no known user with something new.
        BadOption: There is no such split, or the method of the Space is none of these.
    """
    from kinfold.measure.ranking import retrieval
    from kinfold.measure.rating import ratings
    from kinfold.prepare.split import split as parted

    asked: dict[str, Any] = {"ks": ks, "groups": groups, "where": where, "item_groups": item_groups, "seed": seed}
    if split is None:
        return retrieval(space, interactions, **asked)
    method = space.card.method
    if method not in METHODS:
        raise BadOption(f"vectors by '{method}' are not learned here anew; there are: {', '.join(METHODS)}.")
    fields = {field.name for field in dataclasses.fields(METHODS[method].load())}
    learner = configured(
        METHODS, method, {name: value for name, value in space.card.parameters.items() if name in fields}
    )
    parts = parted(interactions, split, seed=seed)
    repeated = space.card.data.get("repeated")
    how: dict[str, Any] = {"seed": seed, "threads": threads, "progress": progress}
    anew = learned(method, learner, parts.train, repeated, features=_features(space, parts.train), **how)
    if method == "funksvd":
        if where is not None or item_groups is not None or groups is not None:
            raise BadOption("ratings are judged as a whole; leave where, exposure and groups of users out.")
        found = ratings(anew, parts, seed=seed)
    else:
        found = retrieval(_with_attributes(anew, space), parts, **asked)
    told = f"learned anew by {method} from {len(parts.train):,} of {len(interactions):,} interactions, split: {split}."
    return dataclasses.replace(found, notes=(*found.notes, told))


def _features(space: Space, met: Interactions) -> dict[str, Counts]:
    """The features that a Space was learned with, of the users and items of other interactions."""
    from kinfold.sources import attributes

    wanted, scale = (space.card.data.get(name, {}) for name in ("features", "scales"))
    told = {group: attributes.of(sides(met)[group], space.keys.group(group), known(space, group)) for group in wanted}
    return features_of(met, told, wanted, scale)


def _with_attributes(space: Space, other: Space) -> Space:
    """A Space with what another one knows of its users and items."""
    from kinfold.sources import attributes

    for group in list(space.groups)[:2]:
        if (told := known(other, group)).num_columns:
            space = attributes.beside(space, group, other.keys.group(group), told)
    return space
