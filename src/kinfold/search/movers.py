"""Texts as bags of words, and how far the words of one must travel to become those of another."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from kinfold.core.errors import BadData
from kinfold.core.hits import Hits
from kinfold.core.metric import Metric, units
from kinfold.core.nearest import checked_k
from kinfold.core.shapes import Items
from kinfold.core.space import Space

# Distances that are held at a time while bounds are computed.
_DISTANCES = 1 << 22
# Bounds and distances are sums of the same numbers in another order.
_SLACK = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Bags:
    """Texts as bags of words, over the rows that a Space has for them.

    Args:
        space: The words.
        texts: The texts.
        rows: Rows of the words of each text (total,) int64, each row once a text, ascending.
        counts: How often each of them occurs in the text (total,) int64.
        starts: (texts + 1,) int64; text t has `rows[starts[t]:starts[t + 1]]`.
        tokens: Words of each text (texts,) int64, with those that have no row.
        missing: Words without a row, with how often they occur.
        unit: Whether distances are between rows of length 1.
        reading: How texts were cut into words, for `Bags.of`.
    """

    space: Space
    texts: Sequence[Any]
    rows: np.ndarray
    counts: np.ndarray
    starts: np.ndarray
    tokens: np.ndarray
    missing: Counter[str]
    unit: bool
    reading: dict[str, Any]

    @classmethod
    def of(
        cls,
        space: Space,
        texts: Iterable[Any],
        *,
        tokenizer: Literal["words", "whitespace", "ascii"] | Callable[[str], list[str]] | None = None,
        lower: bool | None = None,
        without: Collection[str] = (),
        unit: bool | None = None,
        group: str | None = None,
    ) -> Bags:
        """Cuts texts into words and looks these up.

        Args:
            space: The words.
            texts: Strings, or lists of words.
            tokenizer: words, whitespace, ascii, or a function; None takes the one that the Space was learned
                with, where its card tells, else words.
            lower: Whether to lower-case; None does as the Space was learned, else where all its keys are in lower case.
            without: Words that do not count: stop words.
            unit: Whether distances are between rows of length 1; None does so unless the metric is `l2`.
            group: The words among the keys; the first group where it is None.

        Raises:
            BadData: There is no word at all, or a text is neither a string nor a list of words.
            BadOption: The Space was learned with a tokenizer of its own, which must be given.
            UnknownName: There is no such group.
        """
        from kinfold.prepare.cutting import cut_as
        from kinfold.prepare.tokens import sequences

        space = space.group(group)
        texts = list(texts)
        cut = cut_as(space, tokenizer, lower)
        data = sequences(Items(texts), min_count=1, keep_empty=True, **cut)
        if not len(data.keys):
            raise BadData("the texts hold no token at all; there is nothing to compare.")
        names = data.keys.names.to_pylist()
        left_out = {word.lower() for word in without} if cut["lower"] else set(without)
        counted = np.array([name not in left_out for name in names], bool)
        known = np.where(counted, space.keys.rows(data.keys.names), -1)
        lacking = counted & (known < 0)
        missing = Counter({names[word]: count for word, count in enumerate(data.counts.tolist()) if lacking[word]})
        owners = np.repeat(np.arange(len(data)), np.diff(data.starts))
        tokens = np.bincount(owners[counted[data.ids]], minlength=len(data))
        rows = known[data.ids]
        each, counts = np.unique(owners[rows >= 0] * len(space) + rows[rows >= 0], return_counts=True)
        starts = np.searchsorted(each, np.arange(len(data) + 1) * len(space))
        return cls(
            space,
            texts,
            each % max(1, len(space)),
            counts,
            starts,
            tokens,
            missing,
            space.metric is not Metric.L2 if unit is None else unit,
            {**cut, "without": without, "unit": unit},
        )

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def known(self) -> np.ndarray:
        """Words of each text that have a row (texts,) int64."""
        sums = np.concatenate([[0], np.cumsum(self.counts)])
        words: np.ndarray = np.diff(sums[self.starts])
        return words

    def bag(self, text: int) -> tuple[np.ndarray, np.ndarray]:
        """The rows of one text's words and how often each occurs.

        Raises:
            BadData: None of its words has a row.
        """
        some = slice(self.starts[text], self.starts[text + 1])
        if not len(self.rows[some]):
            raise BadData(
                f"none of the {self.tokens[text]:,} words of the text '{str(self.texts[text])[:60]}' has a row among "
                f"{len(self.space):,}, so that it is nowhere; learn from such texts, or leave it out."
            )
        return self.rows[some], self.counts[some]

    def moves(self, text: int, other: Bags, of: int) -> tuple[np.ndarray, np.ndarray]:
        """How the words of a text best become those of another: shares (n, m) that move, and distances (n, m).

        Raises:
            BadData: None of the words of one of them has a row.
        """
        from kinfold.kernels.transport import transport

        (rows, counts), (others, wanted) = self.bag(text), other.bag(of)
        costs = self._distances(rows, others)
        # Shares of two texts as whole numbers: each word's count, times the length of the other text.
        here, there = int(counts.sum()), int(wanted.sum())
        common = math.gcd(here, there)
        flow = transport(costs, counts * (there // common), wanted * (here // common))
        return flow / (here * there // common), costs

    def nearest(self, text: str | Sequence[str], k: int = 10) -> Hits:
        """The k texts whose words are the least way from those of a text.

        No distance is below what the words of either text would travel, were each free to go to the nearest of the
        other. So the texts are taken in the order of that bound, until it is above the k-th distance found.

        Args:
            text: A string, or a list of words.
            k: Texts wanted; those without a word that has a row are never found.

        Returns:
            The texts, with scores that are minus the distances; `rows` tells their places.

        Raises:
            BadData: None of the words of the text has a row.
            BadOption: `k` is below 1.
        """
        k = checked_k(k)
        asked = Bags.of(self.space, [text], **self.reading)
        places = np.flatnonzero(np.diff(self.starts))
        bounds = self._bounds(*asked.bag(0), places)
        best: list[tuple[float, int]] = []  # a heap of (minus distance, minus place): the worst is on top
        for at in np.argsort(bounds, kind="stable").tolist():
            if len(best) == k and bounds[at] > -best[0][0] + _SLACK:
                break
            shares, costs = asked.moves(0, self, int(places[at]))
            found = (-float((shares * costs).sum()), -int(places[at]))
            if len(best) < k:
                heapq.heappush(best, found)
            else:
                heapq.heappushpop(best, found)
        ordered = sorted(best, reverse=True)
        rows = np.array([-place for _, place in ordered], np.int64)
        names = [_name(self.texts[row]) for row in rows.tolist()]
        return Hits(names, np.array([score for score, _ in ordered], np.float32), rows, _name(text))

    def _bounds(self, rows: np.ndarray, counts: np.ndarray, places: np.ndarray) -> np.ndarray:
        """What no distance to the texts at `places`, which have words, is below."""
        if not len(places):
            return np.zeros(0)
        used, at = np.unique(self.rows, return_inverse=True)
        starts = self.starts[places]
        there, nearest = np.zeros(len(places)), np.full(len(used), np.inf)
        step = max(1, _DISTANCES // len(used))
        for start in range(0, len(rows), step):
            distances = self._distances(rows[start : start + step], used)
            np.minimum(nearest, distances.min(axis=0), out=nearest)
            for count, line in zip(counts[start : start + step].tolist(), distances, strict=True):
                there += count / counts.sum() * np.minimum.reduceat(line[at], starts)
        back = np.add.reduceat(self.counts * nearest[at], starts) / self.known[places]
        bounds: np.ndarray = np.maximum(there, back)
        return bounds

    def _distances(self, rows: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Euclidean distances (n, m) float64 between rows."""
        a, b = (self.space.rows.take(some).astype(np.float64) for some in (rows, others))
        if not (np.isfinite(a).all() and np.isfinite(b).all()):
            raise BadData("a row of these words holds a number that is NaN or infinite; learn or fetch it again.")
        if self.unit:
            a, b = units(a), units(b)
        squares = np.einsum("ij,ij->i", a, a)[:, None] + np.einsum("ij,ij->i", b, b) - 2 * (a @ b.T)
        distances: np.ndarray = np.sqrt(np.maximum(squares, 0))
        # A word is where it is, which the rounding of a product does not know.
        distances[rows[:, None] == others] = 0
        return distances


def nearest_texts(space: Space, text: str | Sequence[str], among: Iterable[Any] | Bags, k: int = 10) -> Hits:
    """The k texts nearest to a text by word-mover's distance, found exactly.

    Args:
        space: Where the words have rows.
        text: A string, or a list of words.
        among: Texts to choose from; as `Bags.of(space, texts, …)` where many questions are asked or options are needed.
        k: Texts wanted.

    Returns:
        The texts, with scores that are minus the distances; `rows` tells their places.

    Raises:
        BadData: None of the words of the text has a row, or there is no word at all to choose from.
        BadOption: `k` is below 1.

    Source:
        Kusner, Sun, Kolkin, Weinberger 2015.

    Example:
        >>> space = Space.of(["cat", "dog", "sun", "moon"], [[1, 0], [1, 0.2], [0, 1], [0.2, 1]])
        >>> nearest_texts(space, "the cat", ["sun and moon", "a dog"], k=1).keys
        ['a dog']
    """
    return (among if isinstance(among, Bags) else Bags.of(space, among)).nearest(text, k)


def _name(text: Any) -> str:
    return text if isinstance(text, str) else " ".join(text)
