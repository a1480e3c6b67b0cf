"""Texts as weighted means of their words: mean, SIF and uSIF, over word vectors of any kind."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from kinfold.core.card import born
from kinfold.core.errors import BadOption
from kinfold.core.progress import Progress, quiet
from kinfold.core.rows import Rows
from kinfold.core.shapes import Items, Sequences
from kinfold.core.space import Space
from kinfold.encode.over import OverSpace
from kinfold.encode.terms import Terms
from kinfold.encode.texts import documents, none_known
from kinfold.prepare.cutting import cut_as
from kinfold.prepare.tokens import within

WEIGHT = "weight"


@dataclass(frozen=True, slots=True)
class Mean:
    """Every word counts alike; texts are in the coordinates of their words.

    Source:
        Mitchell, Lapata 2008 (vector-based models of semantic composition).
    """

    def weigh(self, words: Space, data: Sequences) -> Space:
        """The words as they are."""
        return words


@dataclass(frozen=True, slots=True)
class SIF:
    """Frequent words count less, and what all texts have in common is taken out.

        x = (I - C Cᵀ) 1/n sum_w a / (a + p(w)) v_w

    Args:
        smoothing: The a above; a word of this probability counts half.
        components: Largest directions C of the texts that are taken out.

    Raises:
        BadOption: A field outside its range.

    Source:
        Arora, Liang, Ma 2017 (a simple but tough-to-beat baseline for sentence embeddings).
    """

    smoothing: float = 1e-3
    components: int = 1

    def __post_init__(self) -> None:
        if not 0 < self.smoothing < np.inf:
            raise BadOption(f"smoothing is {self.smoothing}; it is above 0, and 0.001 is usual.")
        _check_components(self.components)

    def weigh(self, words: Space, data: Sequences) -> Space:
        """The words with weights, without the directions that these texts have in common.

        Raises:
            BadData: No text has a known word.
        """
        share = _shares(words, data)
        weights = (self.smoothing / (self.smoothing + share)).astype(np.float32)
        directions, _ = _common(words, data, weights, self.components)
        return _weighed(words, weights, directions, np.ones(len(directions)), "sif", dataclasses.asdict(self))


@dataclass(frozen=True, slots=True)
class USIF:
    """SIF without a parameter to choose.

    Its weights follow from the length of the texts, and directions are taken out in the measure in which texts share
    them:

        x = (I - sum_i l_i c_i c_iᵀ) 1/n sum_w a / (a/2 + p(w)) v_w ,  l_i = s_i² / sum_j s_j²

    The authors' program also divides each coordinate by its length within a text, which moves texts away from the
    coordinates of their words; that is left out here.

    Args:
        components: Largest directions c of the texts, with singular values s, that are taken out in part.

    Raises:
        BadOption: `components` is below 0.

    Source:
        Ethayarajh 2018 (unsupervised random walk sentence embeddings).
    """

    components: int = 5

    def __post_init__(self) -> None:
        _check_components(self.components)

    def weigh(self, words: Space, data: Sequences) -> Space:
        """The words with weights, without what these texts have in common.

        Raises:
            BadData: No text has a known word.
        """
        share = _shares(words, data)
        lengths = np.diff(data.starts)
        length = float(lengths[lengths > 0].mean()) if (lengths > 0).any() else 1.0
        vocabulary = max(int(np.count_nonzero(share)), 1)
        # A word is common where a walk of a text's length over a uniform vocabulary would rather meet it than not.
        common = np.count_nonzero(share > 1 - (1 - 1 / vocabulary) ** length) / vocabulary
        a = (1 - common) / (max(common, 1 / vocabulary) * vocabulary / 2)
        weights = (a / (a / 2 + share)).astype(np.float32)
        directions, values = _common(words, data, weights, self.components)
        strength = values**2 / max(float((values**2).sum()), 1e-30)
        return _weighed(words, weights, directions, strength, "usif", dataclasses.asdict(self))


@dataclass(frozen=True, eq=False)
class Pooled(OverSpace):
    """Texts as means of the rows of their words, each times its attribute `weight` where there is one.

    Args:
        space: Has the words: its only group, or the one called `word`.
        text: How texts are cut into words: `tokenizer` and `lower` of `prepare.tokens`; by default as on the card.

    Example:
        >>> space = Space.of(["cat", "sat"], [[1, 0], [0, 1]], group="word")
        >>> Pooled(space).encode(Items(["a cat sat"]))["0"].tolist()
        [0.5, 0.5]
    """

    methods: ClassVar[tuple[str, ...]] = ("mean", "sif", "usif")

    text: Mapping[str, Any] | None = None

    @property
    def words(self) -> Space:
        """The words that texts are made of."""
        return self.space if len(self.space.groups) == 1 else self.space.group("word")

    def encode(
        self, items: Items[Any] | Iterable[Any], *, threads: int | None = None, progress: Progress = quiet
    ) -> Space:
        """Rows of some texts, in the frame of the words; those without a known word are left out and counted.

        Args:
            items: Texts, or lists of tokens; their names, or numbers from 0, become the keys.
            threads: How many work at once; as many as there are processors by default.
            progress: Told of how far the work is.

        Returns:
            A Space of the group `document`, with the attributes of the items.

        Raises:
            BadData: No text has a known word.
        """
        items = Items.of(items)
        text = cut_as(self.words, **(self.text or {}))
        return self.gather(items, within(items, self.words.keys, **text, threads=threads, progress=progress), threads)

    def terms(self, thing: str) -> Terms:
        """What a text's row is the sum of: the rows of its words."""
        words = self.words
        ids = within(Items([thing]), words.keys, **cut_as(words, **(self.text or {})), threads=1).ids
        rows = words.rows.take(ids.astype(np.int64)) / np.float64(max(len(ids), 1))
        if words.table is not None and WEIGHT in words.table.column_names:
            rows *= np.asarray(words.attribute(WEIGHT).take(pa.array(ids)), np.float64)[:, None]
        return Terms([words.keys[each] for each in ids.tolist()], rows)

    def gather(self, items: Items[Any], data: Sequences, threads: int | None = None) -> Space:
        """`encode` for texts that are cut already: ids (of `data`) are rows of the words.

        Raises:
            BadData: No text has a known word.
        """
        words = self.words
        weights = None
        if words.table is not None and WEIGHT in words.table.column_names:
            weights = np.asarray(words.attribute(WEIGHT), np.float32)
        return documents(self.space, items, data, lambda some: pool(words, some, weights, threads))


def pool(words: Space, data: Sequences, weights: np.ndarray | None = None, threads: int | None = None) -> np.ndarray:
    """Means (sequences, dim) float32 of the rows of each sequence; a zero row for an empty one.

    Args:
        words: The rows.
        data: Ids that are rows of the words.
        weights: (words,) float32; what each row is multiplied with.
        threads: How many work at once; as many as there are processors by default.
    """
    from kinfold.kernels.sparse import product

    lengths = np.diff(data.starts)
    values = np.repeat((1 / np.maximum(lengths, 1)).astype(np.float32), lengths)
    if weights is not None:
        values *= weights[data.ids]
    rows: np.ndarray = product(data.starts, data.ids, values, words.rows.dense(), threads or os.cpu_count() or 1)
    return rows


def _check_components(components: int) -> None:
    if not 0 <= components <= 1000:
        raise BadOption(f"components is {components}; it is a whole number from 0 to 1,000.")


def _shares(words: Space, data: Sequences) -> np.ndarray:
    """How probable each word is (n,): by its attribute `count`, or by the texts where it has none."""
    counts = data.counts.astype(np.float64)
    if words.table is not None and "count" in words.table.column_names:
        counts = np.asarray(words.attribute("count").fill_null(0), np.float64)
    shares: np.ndarray = counts / max(counts.sum(), 1.0)
    return shares


def _common(words: Space, data: Sequences, weights: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The directions (c, dim) that the means of the texts share most, and their singular values (c,)."""
    full = np.flatnonzero(np.diff(data.starts) > 0)
    if not len(full):
        raise none_known(len(data))
    rows = pool(words, data.take(full), weights).astype(np.float64)
    values, directions = np.linalg.eigh(rows.T @ rows)
    most = min(count, len(values))
    largest = directions[:, ::-1][:, :most].T
    return largest, np.sqrt(np.maximum(values[::-1][:most], 0))


def _weighed(
    words: Space,
    weights: np.ndarray,
    directions: np.ndarray,
    strength: np.ndarray,
    method: str,
    parameters: Mapping[str, Any],
) -> Space:
    """The words less their part along some directions; taken out of every word, it is taken out of every mean."""
    rows = words.rows.dense().astype(np.float64)
    rows = (rows - (rows @ directions.T * strength) @ directions).astype(np.float32)
    card = words.card.then(method, frame=born(method, rows), **parameters)
    return dataclasses.replace(words, rows=Rows(rows), card=card).with_attribute(WEIGHT, pa.array(weights))
