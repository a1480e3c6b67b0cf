"""Users and items: interactions become a matrix, or sequences, and these become vectors of both in one space."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from kinfold.core.catalogue import Entry
from kinfold.core.errors import BadOption
from kinfold.core.histories import Sides, with_histories
from kinfold.core.progress import Progress, quiet
from kinfold.core.report import Report
from kinfold.core.rows import Rows
from kinfold.core.shapes import Counts, Interactions, Sequences, describe
from kinfold.core.space import Space
from kinfold.learn import LEARNERS
from kinfold.prepare.split import How
from kinfold.recipes.words import configured

METHODS = {
    **{entry.name: entry for entry in LEARNERS if entry.name in ("als", "bpr", "ease", "funksvd", "sasrec", "svd")},
    "item2vec": Entry("item2vec", "kinfold.learn.word2vec:Word2Vec", "word2vec over what users met, in order"),
}


def items(
    interactions: Any,
    *,
    user: str | None = None,
    item: str | None = None,
    weight: str | None = None,
    time: str | None = None,
    method: str = "als",
    repeated: Literal["sum", "last"] = "sum",
    item_table: Any = None,
    item_key: str | None = None,
    user_table: Any = None,
    user_key: str | None = None,
    on_bad: Literal["raise", "skip"] = "raise",
    seed: int = 0,
    threads: int | None = None,
    progress: Progress = quiet,
    callback: Callable[[Any], None] | None = None,
    **options: Any,
) -> Space:
    """Learns vectors of users and of items from who met what.

    Args:
        interactions: Tables (.csv, .tsv, .parquet, .jsonl; packed too) or a frame with columns of users and items;
            other files of lines, with numbered columns where they have no header, or `user item item …`; a mapping from
            users to lists of items; tuples (user, item, weight, time); or Interactions.
        user: Column of the users; `user` by default.
        item: Column of the items; `item` by default.
        weight: Column of how strongly they met; each counts as 1 where it is left out.
        time: Column of when: numbers or dates.
        method: als, bpr, ease (where items are few), svd, item2vec (over what each user met, in order), sasrec (what
            comes next), or funksvd (for ratings).
        repeated: Weights of two who meet again are summed, or the last one counts.
        item_table: What is known of items, as attributes: a table with a line an item.
        item_key: Its column of the items; the first by default.
        user_table: The same of users.
        user_key: Its column of the users; the first by default.
        on_bad: What is done at a row without user or item, or with a bad weight or time: raise, or skip and count it.
        seed: Of everything random.
        threads: How many work at once; as many as there are processors by default.
        progress: Told of how far the work is.
        callback: Called after each epoch, by learners that have epochs.
        **options: Fields of the learner: `dim`, `epochs`, `regularization` …

    Returns:
        A Space of the groups `user` and `item`, with the attributes `count` and, of users, what they met; by sasrec
        also of the group `layer`, its network.

    Raises:
        BadFile: A file is missing or cannot be read.
        BadData: A row is bad, with its number; or there is nothing to learn from.
        BadOption: The learner has no such option, or it is out of range.

    Example:
        >>> met = {"ann": ["tea", "rye"], "bob": ["tea", "rye"], "eve": ["ham", "cod"], "joe": ["ham", "cod"]}
        >>> items(met, dim=2).nearest("tea", k=1).keys
        ['rye']
    """
    from kinfold.sources import attributes
    from kinfold.sources.interactions import read

    learner = configured(METHODS, method, options)
    met = interactions
    if not isinstance(met, Interactions):
        met = read(interactions, user=user, item=item, weight=weight, time=time, on_bad=on_bad)
    how: dict[str, Any] = {"seed": seed, "threads": threads, "progress": progress}
    if callback is not None:
        how["callback"] = callback
    space = learned(method, learner, met, repeated, **how)
    data = {**space.card.data, **describe(met), "repeated": repeated}
    space = dataclasses.replace(space, card=dataclasses.replace(space.card, data=data))
    for group, table, key in (("item", item_table, item_key), ("user", user_table, user_key)):
        if table is not None:
            space = attributes.beside(space, group, *attributes.read(table, key))
    return space


def learned(
    method: str, learner: Any, met: Interactions, repeated: Literal["sum", "last"] = "sum", **how: Any
) -> Space:
    """Fits a learner of counts or of sequences; the Space remembers what users met."""
    from kinfold.encode.foldin import FoldIn
    from kinfold.encode.folding import ordered
    from kinfold.prepare.interactions import matrix, placed, sessions

    if ordered(method):
        met = placed(met)
    counts = matrix(met, repeated=repeated)
    if type(learner).takes is Sequences:
        space: Space = learner.fit(sessions(met), **how)
        space = dataclasses.replace(space, card=dataclasses.replace(space.card, method=method))
        users = dataclasses.replace(space, keys=met.users, rows=Rows(FoldIn(space).rows(counts.values)), table=None)
        space = users.beside(space)
    else:
        space = learner.fit(counts, **how)
    if space.table is None or "count" not in space.table.column_names:
        space = space.with_attribute("count", _counts(counts))
    return with_histories(space, counts.values) if Sides.of(space).users is not None else space


def _counts(counts: Counts) -> np.ndarray:
    """Entries of each user and of each item (users + items,) int64."""
    values = counts.values
    return np.concatenate([np.diff(values.indptr), np.bincount(values.indices, minlength=values.shape[1])]).astype(
        np.int64
    )


def judged(
    space: Space,
    interactions: Interactions,
    *,
    split: How | str | None = None,
    ks: Sequence[int] = (10, 20),
    groups: np.ndarray | None = None,
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

    if split is None:
        return retrieval(space, interactions, ks=ks, groups=groups, seed=seed)
    method = space.card.method
    if method not in METHODS:
        raise BadOption(f"vectors by '{method}' are not learned here anew; there are: {', '.join(METHODS)}.")
    fields = {field.name for field in dataclasses.fields(METHODS[method].load())}
    learner = configured(
        METHODS, method, {name: value for name, value in space.card.parameters.items() if name in fields}
    )
    parts = parted(interactions, split, seed=seed)
    repeated = space.card.data.get("repeated", "sum")
    how: dict[str, Any] = {"seed": seed, "threads": threads, "progress": progress}
    anew = learned(method, learner, parts.train, repeated, **how)
    if method == "funksvd":
        found = ratings(anew, parts, seed=seed)
    else:
        found = retrieval(anew, parts, ks=ks, groups=groups, seed=seed)
    told = f"learned anew by {method} from {len(parts.train):,} of {len(interactions):,} interactions, split: {split}."
    return dataclasses.replace(found, notes=(*found.notes, told))
