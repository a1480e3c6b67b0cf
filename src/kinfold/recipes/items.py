"""Users and items: interactions become a matrix, or sequences, and these become vectors of both in one space."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from kinfold.core.catalogue import Entry
from kinfold.core.columns import one_array
from kinfold.core.errors import BadData, BadOption
from kinfold.core.histories import COUNT, Sides, with_histories
from kinfold.core.keys import Keys
from kinfold.core.progress import Progress, quiet
from kinfold.core.rows import Rows
from kinfold.core.shapes import Counts, Interactions, Sequences, describe
from kinfold.core.space import Space
from kinfold.learn import LEARNERS
from kinfold.recipes.words import configured, opened

if TYPE_CHECKING:
    import pyarrow as pa

    from kinfold.prepare.features import Scales

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
    method: str | None = None,
    resume: Space | str | os.PathLike[str] | None = None,
    repeated: Literal["sum", "last"] | None = None,
    item_table: Any = None,
    item_key: str | None = None,
    item_features: Sequence[str] | str | None = None,
    user_table: Any = None,
    user_key: str | None = None,
    user_features: Sequence[str] | str | None = None,
    encoding: str = "utf-8",
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
        user: Column of the users; `user` by default, and with `resume` those of before.
        item: Column of the items; `item` by default.
        weight: Column of how strongly they met; each counts as 1 where it is left out.
        time: Column of when: numbers or dates.
        method: als, bpr, ease (where items are few), svd, item2vec (over what each user met, in order), sasrec (what
            comes next), or funksvd (for ratings); als by default.
        resume: A Space learned here (or its file) that these interactions came after: users and items that took part
            get new rows, new ones a first, and all others stay as they are.
        repeated: sum the weights of two who meet again, or let the last one count; sum by default, and last for
            funksvd.
        item_table: What is known of items, as attributes: a table with a line an item.
        item_key: Its column of the items; the first by default, and a number where it has no header.
        item_features: Columns of it that are learned too (als), so that items nobody met yet have rows: between commas,
            each with how its texts are cut where they are, as in `genres:|,title:words,year`.
        user_table: The same of users.
        user_key: Its column of the users; the first by default.
        user_features: Columns of it that are learned too, like those of items.
        encoding: Of files of text.
        on_bad: What is done at a row without user or item, or with a bad weight or time: raise, or skip and count it.
        seed: Of everything random.
        threads: How many work at once; as many as there are processors by default.
        progress: Told of how far the work is.
        callback: Called after each epoch, by learners that have epochs.
        **options: Fields of the learner: `dim`, `epochs`, `regularization` …

    Returns:
        A Space of the groups `user` and `item`, with the attributes `count` and, of users, what they met. Features are
        the groups `user_feature` and `item_feature`; the network of sasrec is the group `layer`.

    Raises:
        BadFile: A file is missing or cannot be read.
        BadData: A row is bad, with its number; or there is nothing to learn from.
        BadOption: The learner has no such option, or it is out of range.

    Example:
        >>> met = {"ann": ["tea", "rye"], "bob": ["tea", "rye"], "eve": ["ham", "cod"], "joe": ["ham", "cod"]}
        >>> items(met, dim=2).nearest("tea", k=1).keys
        ['rye']
    """
    from kinfold.prepare.features import scales
    from kinfold.prepare.interactions import with_items
    from kinfold.sources import attributes
    from kinfold.sources.interactions import columns_as, read

    if threads is not None and threads < 1:
        raise BadOption(f"threads is {threads}; it is at least 1.")
    going = opened(resume)
    if going is not None and (method or options or callback or item_features or user_features):
        raise BadOption("resume goes on with the method, the options and the features of the Space; leave them out.")
    method = method or "als"
    repeated = repeated or usual(method)
    learner = configured(METHODS, method, options)
    met, columns = interactions, dict[str, str | None]()
    if not isinstance(met, Interactions):
        columns = {"user": user, "item": item, "weight": weight, "time": time}
        if going is not None:
            columns = columns_as(going, interactions, **columns)
        met = read(interactions, on_bad=on_bad, encoding=encoding, **columns)
    given = {"item": (item_table, item_key), "user": (user_table, user_key)}
    tables = {
        group: attributes.read(table, key, encoding=encoding)
        for group, (table, key) in given.items()
        if table is not None
    }
    wanted = {
        group: columns.split(",") if isinstance(columns, str) else list(columns)
        for group, columns in (("item", item_features), ("user", user_features))
        if columns is not None
    }
    for group in wanted:
        if group not in tables:
            raise BadOption(f"{group}_features are columns of a table; name it with {group}_table=….")
    if going is not None:
        return _resumed(going, met, tables)
    if "item" in wanted:
        met = with_items(met, tables["item"][0])
    how: dict[str, Any] = {"seed": seed, "threads": threads, "progress": progress}
    if callback is not None:
        how["callback"] = callback
    if "user" in tables and method == "ease":
        raise BadOption(
            "ease has no rows of users, so nothing that is known of them has a place; leave user_table out."
        )
    known = {group: attributes.of(sides(met)[group], *tables[group]) for group in wanted}
    scale = {group: scales(known[group], columns) for group, columns in wanted.items()}
    space = learned(method, learner, met, repeated, features=features_of(met, known, wanted, scale), **how)
    data = {**space.card.data, **describe(met), "repeated": repeated}
    if told := {name: column for name, column in columns.items() if column is not None}:
        data["fields"] = told
    if wanted:
        data |= {"features": wanted, "scales": scale}
    space = dataclasses.replace(space, card=dataclasses.replace(space.card, data=data))
    for group, table in tables.items():
        space = attributes.beside(space, group, *table)
    return space


def _resumed(space: Space, met: Interactions, tables: Mapping[str, tuple[Keys, pa.Table]]) -> Space:
    """The Space after more interactions, and with what more is known of its users and items."""
    from kinfold.encode.updated import updated, with_keys
    from kinfold.prepare.interactions import with_items
    from kinfold.sources import attributes

    if "item" in tables and "item" in space.card.data.get("features", {}):
        met = with_items(met, tables["item"][0])
    space = with_keys(space, met)
    for group, table in tables.items():
        space = attributes.beside(space, group, *table, over=True)
    return updated(space, met, repeated=space.card.data.get("repeated", "sum"))


def usual(method: str) -> Literal["sum", "last"]:
    """What becomes of two who meet again: more of it, but of ratings the last one."""
    return "last" if method == "funksvd" else "sum"


def sides(met: Interactions) -> dict[str, Keys]:
    """The keys of either side, by the group that they become."""
    return {"user": met.users, "item": met.items}


def features_of(
    met: Interactions,
    known: Mapping[str, pa.Table],
    columns: Mapping[str, Sequence[str]],
    scale: Mapping[str, Scales],
) -> dict[str, Counts]:
    """Features by the group whose they are, from what is known of its keys."""
    from kinfold.prepare.features import features

    return {
        group: features(sides(met)[group], known[group], columns[group], f"{group}_feature", scale[group])
        for group in columns
    }


def learned(
    method: str,
    learner: Any,
    met: Interactions,
    repeated: Literal["sum", "last"] | None = None,
    features: Mapping[str, Counts] = MappingProxyType({}),
    **how: Any,
) -> Space:
    """Fits a learner of counts or of sequences; the Space remembers what users met.

    Raises:
        BadOption: The method learns no features.
    """
    import pyarrow as pa

    from kinfold.encode.foldin import FoldIn
    from kinfold.encode.folding import ordered
    from kinfold.prepare.interactions import matrix, placed, sessions

    if features and method != "als":
        raise BadOption(f"features of items and users are learned by als, not by {method}.")
    if method == "funksvd" and met.weights is None:
        raise BadData("funksvd learns ratings, and these interactions have none; name their column with weight=….")
    if ordered(method):
        met = placed(met)
    counts = matrix(met, repeated=repeated or usual(method), zeros=method == "funksvd")
    if type(learner).takes is Sequences:
        space: Space = learner.fit(sessions(met), **how)
        space = dataclasses.replace(space, card=dataclasses.replace(space.card, method=method))
        users = dataclasses.replace(space, keys=met.users, rows=Rows(FoldIn(space).rows(counts.values)), table=None)
        space = users.beside(space)
    else:
        if features:
            how |= {"row_features": features.get("user"), "column_features": features.get("item")}
        space = learner.fit(counts, **how)
    if Sides.of(space).users is not None:
        of_both = _counts(counts)
        more = pa.nulls(len(space) - len(of_both), pa.int64())
        if COUNT in space.table.column_names if space.table is not None else ():
            more = one_array(space.attribute(COUNT))[len(of_both) :]
        space = space.with_attribute(COUNT, pa.concat_arrays([pa.array(of_both), more]))
    return with_histories(space, counts.values) if Sides.of(space).users is not None else space


def _counts(counts: Counts) -> np.ndarray:
    """Entries of each user and of each item (users + items,) int64."""
    values = counts.values
    return np.concatenate([np.diff(values.indptr), np.bincount(values.indices, minlength=values.shape[1])]).astype(
        np.int64
    )
