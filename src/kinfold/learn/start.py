"""Learning that begins with vectors that exist: ours, or any that another program made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pyarrow as pa

from kinfold.core.columns import matrix_of
from kinfold.core.errors import BadData, BadOption, did_you_mean
from kinfold.core.keys import Keys
from kinfold.core.shapes import describe
from kinfold.core.space import Space
from kinfold.learn.matrices import Matrices

Known = Literal["learn", "freeze", "slow", "anchor"]


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """Vectors to begin with, and what becomes of them while others are learned.

    Rows are copied for the keys that the Space shares with the data; its other keys stay in the vocabulary, and new
    keys join behind them. Output rows, where the Space keeps them (attribute `context`), are copied too.

    Args:
        space: What to begin with; of several groups, the one called `word` or else the first.
        known: What its rows do: learn as all others, freeze, slow (learn at a share of the rate), or anchor (learn, and
            be pulled back toward where they began).
        share: Of the learning rate, for `slow`.
        pull: For `anchor`: each time that a key is met, its row goes back by this share of the learning rate times its
            distance from where it began.
        step: What the card calls it.

    Raises:
        BadOption: `known` is none of the four, or a number is out of its range.

    Source:
        Dingwall, Potts 2018 (Mittens: the pull back); Faruqui et al. 2015.
    """

    space: Space
    known: Known = "learn"
    share: float = 0.1
    pull: float = 1.0
    step: str = "start"

    def __post_init__(self) -> None:
        ways = get_args(Known)
        if self.known not in ways:
            near = did_you_mean(str(self.known), ways)
            raise BadOption(f"known is '{self.known}'.{near} It is one of: {', '.join(ways)}.")
        if not 0 <= self.share <= 1 or not 0 <= self.pull < np.inf:
            raise BadOption(f"share is from 0 to 1 and pull at least 0, not {self.share} and {self.pull}.")

    @classmethod
    def resuming(cls, space: Space) -> Start:
        """A start from exactly where training stopped.

        Raises:
            BadData: The Space keeps no output rows.
        """
        start = cls(space, step="resume")
        names = () if space.table is None else space.table.column_names
        if "count" not in names or start.context(start.words) is None:
            raise BadData(
                "this Space keeps no output rows to go on from (attributes count and context); "
                "learn it with resumable=True."
            )
        return start

    @property
    def words(self) -> Space:
        """The group whose rows are begun with."""
        groups = self.space.groups
        if len(groups) == 1:
            return self.space
        return self.space.group("word" if "word" in groups else next(iter(groups)))

    @property
    def pace(self) -> float:
        """How much of a change the known rows take."""
        return {"freeze": 0.0, "slow": self.share}.get(self.known, 1.0)

    def check_dim(self, dim: int) -> None:
        """Does nothing where rows of `dim` coordinates can begin with this Space's.

        Raises:
            BadOption: It has another dimension.
        """
        if self.space.dim != dim:
            raise BadOption(
                f"the Space has {self.space.dim} dimensions and the learner {dim}; use dim={self.space.dim}."
            )

    def counts(self, words: Space, data: Any) -> np.ndarray | None:
        """How often each of its words was met in other data (n,) int64; None where these are the same data."""
        if dict(words.card.data).get("hash") == describe(data).get("hash"):
            return None
        if words.table is None or "count" not in words.table.column_names:
            return np.zeros(len(words), np.int64)
        return np.asarray(words.attribute("count").fill_null(0), np.int64)

    def context(self, words: Space) -> np.ndarray | None:
        """Output rows (n, dim) float32, where every word has one."""
        if words.table is None or "context" not in words.table.column_names:
            return None
        column = words.attribute("context")
        return matrix_of(column, words.dim) if column.null_count == 0 else None

    def told(self, shared: int, new: int) -> Mapping[str, Any]:
        """The step that the card remembers."""
        how = {"slow": {"share": self.share}, "anchor": {"pull": self.pull}}.get(self.known, {})
        return {
            "step": self.step,
            "from": self.space.frame,
            "known": self.known,
            **how,
            "shared": shared,
            "new_keys": new,
        }


def joined(old: Keys, new: Keys) -> tuple[Keys, np.ndarray]:
    """The old keys with the new ones that they lack behind them, and where each new key (m,) int64 stands."""
    group = next(iter(new.groups))
    places = old.rows(new.names)
    lacking = np.flatnonzero(places < 0)
    places[lacking] = len(old) + np.arange(len(lacking))
    names = pa.concat_arrays([old.names, new.names.take(pa.array(lacking))])
    return Keys.trusted(names, group), places


def held(start: Start, weights: Matrices, known: np.ndarray, parts: tuple[np.ndarray, np.ndarray] | None = None) -> Any:
    """`kernels.sgns.Parts` that hold the known rows of the inner matrix (m,) int64 as the start says.

    `parts` are starts and rows of words that are means; by default every word is its own row.
    """
    from kinfold.kernels.sgns import Parts

    rows = len(weights.inner_rows)
    starts, members = parts or (np.arange(rows + 1), np.arange(rows, dtype=np.int32))
    pace = np.ones(rows, np.float32)
    pace[known] = start.pace
    none = np.zeros(0, np.float32)
    if start.known != "anchor" or not start.pull:
        return Parts(starts, members, pace, none, none)
    pull = np.zeros(rows, np.float32)
    pull[known] = start.pull
    return Parts(starts, members, pace, weights.inner.copy(), pull)
