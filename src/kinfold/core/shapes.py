"""What data is brought to before anything is learned from it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeVar, runtime_checkable

import numpy as np
import pyarrow as pa

from kinfold.core.columns import to_arrow
from kinfold.core.errors import BadData
from kinfold.core.keys import Keys

if TYPE_CHECKING:
    import scipy.sparse as sparse

Raw = TypeVar("Raw")


class Block(NamedTuple):
    """Some texts, one after another.

    Args:
        data: Valid UTF-8 (bytes,) uint8.
        ends: Where each text ends (texts,) int64, ascending; the last one is `len(data)`.
    """

    data: np.ndarray
    ends: np.ndarray


@runtime_checkable
class Blocks(Protocol):
    """Texts that can be read again and again, a bounded block at a time."""

    def blocks(self) -> Iterator[Block]:
        """The texts from the beginning, some megabytes a block."""

    def __iter__(self) -> Iterator[str]:
        """The texts from the beginning, one at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class Items(Generic[Raw]):
    """Raw things with names.

    Args:
        raw: The things; can be iterated more than once.
        keys: Their names, None where they are only numbered.
        labels: One a thing, None where there are none.
        table: Other attributes, a line a thing, None where there are none.
    """

    raw: Iterable[Raw]
    keys: Keys | None = None
    labels: pa.Array | None = None
    table: pa.Table | None = None

    @classmethod
    def of(cls, things: Items[Raw] | Iterable[Raw]) -> Items[Raw]:
        """The things as Items, which they may be already.

        Raises:
            BadData: They are one string.
        """
        items = things if isinstance(things, Items) else cls(things)
        if isinstance(items.raw, str):
            raise BadData(f"things are a list of strings, not the one string '{items.raw[:40]}'; put it in a list.")
        return items


@dataclass(frozen=True, slots=True, eq=False)
class Sequences:
    """Sequences over a vocabulary: sentences, sessions, walks.

    Args:
        keys: The vocabulary; `ids` are its rows.
        ids: (total,) int32, all sequences one after another; may be memory-mapped.
        starts: (sequences + 1,) int64; sequence s is `ids[starts[s]:starts[s + 1]]`.
        total: Tokens that were read, with those that the vocabulary leaves out.
        texts: Texts that were read, with those that gave no sequence.
        names: Of the sequences (documents, users), None where they have none.

    Raises:
        BadData: The parts do not fit together.
    """

    keys: Keys
    ids: np.ndarray
    starts: np.ndarray
    total: int = 0
    texts: int = 0
    names: Keys | None = None

    def __post_init__(self) -> None:
        if self.names is not None and len(self.names) != len(self):
            raise BadData(f"{len(self.names):,} names do not go with {len(self):,} sequences.")
        if len(self.starts) < 1 or self.starts[0] != 0 or self.starts[-1] != len(self.ids):
            raise BadData("the starts of sequences run from 0 to the number of ids.")
        if self.ids.dtype != np.int32 or self.starts.dtype != np.int64:
            raise BadData(f"ids are int32 and starts int64, not {self.ids.dtype} and {self.starts.dtype}.")

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __iter__(self) -> Iterator[list[str]]:
        names = self.keys.names
        for start, stop in zip(self.starts[:-1].tolist(), self.starts[1:].tolist(), strict=True):
            yield names.take(to_arrow(self.ids[start:stop])).to_pylist()

    def named(self, group: str) -> Sequences:
        """The same with names of the sequences: numbers from 0 where they have none."""
        if self.names is not None:
            return self
        return dataclasses.replace(self, names=Keys([str(number) for number in range(len(self))], group))

    def take(self, rows: np.ndarray) -> Sequences:
        """Some sequences (m,) int64, in this order."""
        lengths = np.diff(self.starts)[rows]
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        places = np.repeat(self.starts[rows] - starts[:-1], lengths) + np.arange(starts[-1])
        names = None if self.names is None else self.names.take(rows)
        return dataclasses.replace(self, ids=self.ids[places], starts=starts, names=names)

    @property
    def counts(self) -> np.ndarray:
        """How often each key occurs (n,) int64.

        Raises:
            BadData: An id is the row of no key.
        """
        counts = np.zeros(len(self.keys), np.int64)
        # bincount makes 64-bit numbers of all that it is given: a little at a time.
        for start in range(0, len(self.ids), 1 << 20):
            part = self.ids[start : start + (1 << 20)]
            if part.min() < 0 or part.max() >= len(counts):
                raise BadData(f"an id is outside the {len(counts):,} keys.")
            counts += np.bincount(part, minlength=len(counts))
        return counts


@dataclass(frozen=True, slots=True, eq=False)
class Labeled:
    """Sequences with labels: label sequence i belongs to text i, and is empty where that has no label.

    Args:
        texts: Sequences over words, those without any word too.
        labels: Sequences over labels; one label a text, none, or several.

    Raises:
        BadData: There is not one sequence of labels a text.
    """

    texts: Sequences
    labels: Sequences

    def __post_init__(self) -> None:
        if len(self.texts) != len(self.labels):
            raise BadData(f"{len(self.texts):,} texts do not go with labels of {len(self.labels):,}; give one each.")

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True, slots=True, eq=False)
class Interactions:
    """Who met what, in the order of the source; the same two may meet again.

    Args:
        users: Names of who, each once.
        items: Names of what, each once.
        user_ids: (m,) int32 rows of the users.
        item_ids: (m,) int32 rows of the items.
        weights: (m,) float32, how strongly; None where all count alike.
        times: (m,) float64, when; None where that is not known.
        skipped: Rows of the source that were no interaction.

    Raises:
        BadData: The parts do not fit together, or a weight is negative or not finite.

    Example:
        >>> ids = np.array([0, 1], np.int32)
        >>> list(Interactions(Keys(["ann", "bob"], "user"), Keys(["tea", "rye"], "item"), ids, ids))
        [('ann', 'tea'), ('bob', 'rye')]
    """

    users: Keys
    items: Keys
    user_ids: np.ndarray
    item_ids: np.ndarray
    weights: np.ndarray | None = None
    times: np.ndarray | None = None
    skipped: int = 0

    def __post_init__(self) -> None:
        for name, keys, ids in (("user", self.users, self.user_ids), ("item", self.items, self.item_ids)):
            if ids.dtype != np.int32 or ids.ndim != 1:
                raise BadData(f"ids of {name}s are int32 (m,), not {ids.dtype} {ids.shape}.")
            if len(ids) and not 0 <= ids.min() <= ids.max() < len(keys):
                raise BadData(f"the id of a {name} is outside the {len(keys):,} {name}s.")
        columns = {"item": self.item_ids, "weight": self.weights, "time": self.times}
        for name, values in columns.items():
            if values is not None and values.shape != self.user_ids.shape:
                raise BadData(f"{len(self.user_ids):,} users do not go with {name}s of the shape {values.shape}.")
        if self.weights is not None and not (np.isfinite(self.weights) & (self.weights >= 0)).all():
            raise BadData("a weight is negative, NaN or infinite; weights are finite and at least 0.")

    def __len__(self) -> int:
        return len(self.user_ids)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        users, items = (
            keys.names.take(to_arrow(ids)).to_pylist()
            for keys, ids in ((self.users, self.user_ids), (self.items, self.item_ids))
        )
        return zip(users, items, strict=True)

    def take(self, which: np.ndarray) -> Interactions:
        """Some of them, by number or by a mask (m,); users and items stay those that there are."""
        weights, times = (None if each is None else each[which] for each in (self.weights, self.times))
        ids = {"user_ids": self.user_ids[which], "item_ids": self.item_ids[which]}
        return dataclasses.replace(self, **ids, weights=weights, times=times)


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """How often, or how strongly, rows and columns go together.

    Args:
        row_keys: Names of the rows.
        column_keys: Names of the columns.
        values: (rows, columns) CSR float32.

    Raises:
        BadData: The shape does not fit the keys.
    """

    row_keys: Keys
    column_keys: Keys
    values: sparse.csr_array

    def __post_init__(self) -> None:
        if self.values.shape != (len(self.row_keys), len(self.column_keys)):
            raise BadData(
                f"a matrix of shape {self.values.shape} does not go with {len(self.row_keys):,} row keys "
                f"and {len(self.column_keys):,} column keys."
            )


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """What goes with what: words and their translations, words and their synonyms.

    Args:
        left: Names on the left, each once.
        right: Names on the right, each once.
        links: (m, 2) int32, a row of the left and a row of the right that go together, in the order of the source.
        weights: (m,) float32, how strongly; None where all count alike.
        skipped: Lines or things of the source that were no pair.

    Raises:
        BadData: The parts do not fit together, or a weight is negative or not finite.

    Example:
        >>> pairs = Pairs(Keys(["dog", "house"]), Keys(["Hund", "Haus"]), np.array([[0, 0], [1, 1]], np.int32))
        >>> list(pairs)
        [('dog', 'Hund'), ('house', 'Haus')]
    """

    left: Keys
    right: Keys
    links: np.ndarray
    weights: np.ndarray | None = None
    skipped: int = 0

    def __post_init__(self) -> None:
        if self.links.dtype != np.int32 or self.links.ndim != 2 or self.links.shape[1] != 2:
            raise BadData(f"links are int32 (m, 2), not {self.links.dtype} {self.links.shape}.")
        sizes = len(self.left), len(self.right)
        if len(self.links) and (self.links.min() < 0 or (self.links.max(axis=0) >= sizes).any()):
            raise BadData(f"a link leads outside the {sizes[0]:,} names on the left and {sizes[1]:,} on the right.")
        weights = self.weights
        if weights is not None and (weights.shape != (len(self.links),) or not np.isfinite(weights).all()):
            raise BadData(f"weights are one finite number a link, not {weights.shape} for {len(self.links):,} links.")
        if weights is not None and (weights < 0).any():
            raise BadData("a weight of these pairs is negative; weights are at least 0.")

    def __len__(self) -> int:
        return len(self.links)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        left, right = (
            keys.names.take(to_arrow(column)).to_pylist()
            for keys, column in zip((self.left, self.right), self.links.T, strict=True)
        )
        return zip(left, right, strict=True)


@dataclass(frozen=True, slots=True, eq=False)
class TextPairs:
    """Texts and what they are to be near to: questions and answers, paraphrases, sentences that people scored.

    Args:
        left: The texts, strings (n,).
        right: What goes with each, strings (n,); None where there are only texts.
        negatives: What does not go with each, lists of strings (n,), which may be empty; None where there is none.
        scores: How alike left and right are (n,) float64; None where all go together.
        skipped: Rows of the source that were none.

    Raises:
        BadData: The parts do not fit together, or a score is not finite.

    Example:
        >>> pairs = TextPairs.of(["a cat", "a car"], ["a kitten", "an automobile"])
        >>> pairs.kind, len(pairs)
        ('pairs', 2)
    """

    left: pa.LargeStringArray
    right: pa.LargeStringArray | None = None
    negatives: pa.LargeListArray | None = None
    scores: np.ndarray | None = None
    skipped: int = 0

    def __post_init__(self) -> None:
        for name, column in (("right", self.right), ("negatives", self.negatives), ("scores", self.scores)):
            if column is not None and len(column) != len(self.left):
                raise BadData(f"{len(self.left):,} texts do not go with {len(column):,} {name}.")
        if self.right is None and (self.negatives is not None or self.scores is not None):
            raise BadData("texts by themselves have neither negatives nor scores; give what goes with them.")
        if self.scores is not None and not np.isfinite(self.scores).all():
            raise BadData("a score is NaN or infinite; scores are finite numbers.")

    def __len__(self) -> int:
        return len(self.left)

    @classmethod
    def of(
        cls,
        left: Iterable[str],
        right: Iterable[str] | None = None,
        negatives: Iterable[Sequence[str]] | None = None,
        scores: Iterable[float] | None = None,
        skipped: int = 0,
    ) -> TextPairs:
        """The same of lists."""
        return cls(
            pa.array(left, pa.large_string()),
            None if right is None else pa.array(right, pa.large_string()),
            None if negatives is None else pa.array(negatives, pa.large_list(pa.large_string())),
            None if scores is None else np.asarray(scores, np.float64),
            skipped,
        )

    @property
    def kind(self) -> str:
        """What there is: `texts`, `pairs`, `scored` or `triplets`."""
        if self.right is None:
            return "texts"
        if self.scores is not None:
            return "scored"
        return "pairs" if self.negatives is None else "triplets"

    def take(self, which: np.ndarray) -> TextPairs:
        """Some of them (m,) int64, in this order."""
        some = to_arrow(np.asarray(which, np.int64))
        right, negatives = (None if each is None else each.take(some) for each in (self.right, self.negatives))
        scores = None if self.scores is None else self.scores[which]
        return TextPairs(self.left.take(some), right, negatives, scores, self.skipped)


def describe(data: Any) -> dict[str, Any]:
    """The card's fingerprint of some data: its shape, its sizes and a hash of a part of it."""
    import hashlib

    digest = hashlib.blake2b(digest_size=8)
    if isinstance(data, Sequences):
        step = max(1, len(data.ids) // (1 << 20))
        digest.update(np.ascontiguousarray(data.ids[::step]).tobytes())
        sizes = {
            "texts": data.texts or len(data),
            "sequences": len(data),
            "tokens": len(data.ids),
            "read": data.total or len(data.ids),
            "keys": len(data.keys),
        }
        return {"shape": "Sequences", **sizes, "hash": digest.hexdigest()}
    if isinstance(data, Labeled):
        texts, labels = describe(data.texts), describe(data.labels)
        labeled = int(np.count_nonzero(np.diff(data.labels.starts)))
        sizes = {name: texts[name] for name in ("texts", "tokens", "read", "keys")}
        sizes |= {"labels": labels["keys"], "labeled": labeled}
        return {"shape": "Labeled", **sizes, "hash": texts["hash"] + labels["hash"]}
    if isinstance(data, Interactions):
        for ids in (data.user_ids, data.item_ids):
            digest.update(np.ascontiguousarray(ids[:: max(1, len(ids) // (1 << 20))]).tobytes())
        sizes = {"users": len(data.users), "items": len(data.items), "interactions": len(data)}
        return {"shape": "Interactions", **sizes, "skipped": data.skipped, "hash": digest.hexdigest()}
    if isinstance(data, TextPairs):
        for column in (data.left, data.right, data.negatives):
            for text in [] if column is None else column.take(_some(len(data))).to_pylist():
                digest.update(str(text).encode("utf-8", "replace"))
        sizes = {"texts" if data.right is None else "pairs": len(data), "skipped": data.skipped}
        return {"shape": "TextPairs", "kind": data.kind, **sizes, "hash": digest.hexdigest()}
    if isinstance(data, Counts):
        digest.update(np.ascontiguousarray(data.values.data[:: max(1, data.values.nnz // (1 << 20))]).tobytes())
        rows, columns = data.values.shape
        return {
            "shape": "Counts",
            "rows": rows,
            "columns": columns,
            "entries": data.values.nnz,
            "hash": digest.hexdigest(),
        }
    return {"shape": type(data).__name__}


def _some(count: int) -> pa.Array:
    """Numbers of at most some 65,536 rows, spread evenly."""
    return pa.array(np.arange(0, count, max(1, count >> 16)))
