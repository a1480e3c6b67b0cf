"""Supervised: rows of words and of labels, from texts whose labels are known, that tell the labels of other texts."""

from __future__ import annotations

import collections
import dataclasses
import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple, get_args

import numpy as np
import pyarrow as pa

from kinfold.core.card import Card, born
from kinfold.core.columns import lists_of, to_arrow
from kinfold.core.errors import BadData, BadOption, did_you_mean
from kinfold.core.keys import Keys
from kinfold.core.metric import Metric
from kinfold.core.progress import Progress, quiet
from kinfold.core.protocols import takes
from kinfold.core.report import Report
from kinfold.core.rows import Rows
from kinfold.core.shapes import Labeled, describe
from kinfold.core.space import Space
from kinfold.core.threads import many
from kinfold.learn.features import Features
from kinfold.learn.history import History
from kinfold.learn.matrices import Matrices
from kinfold.learn.passes import generator, one_pass
from kinfold.learn.start import Start, joined

Loss = Literal["softmax", "one-vs-all", "negative", "hierarchical"]

_NOISE_EXPONENT = 0.5
_PIECE = 10_000  # words
_COPIES = 16  # frequent words of whose rows each thread has copies


class _Fit(NamedTuple):
    """What a fit works on: data, rows, how often each label occurs; threads, and rows that each of them copies."""

    data: Labeled
    features: Features
    counts: np.ndarray
    weights: Matrices
    seed: int
    workers: int
    copies: int


@dataclass(frozen=True, slots=True)
class Supervised:
    """A text is the mean of the rows of its words and n-grams, and is told which label's row it belongs to.

    With one thread the same seed gives the same bytes; with more, threads write to the same rows without locks
    (Hogwild) and results differ slightly from run to run.

    Args:
        dim: Coordinates of a row.
        epochs: Passes over the texts, in a new order each time.
        learning_rate: At the start; it falls linearly to 0.
        min_count: Rarer words have no row of their own; their n-grams do.
        word_ngrams: Words of the longest word n-gram; 1 for none, so that the order of words does not matter.
        min_n: Characters of the shortest character n-gram, with < and > around a word.
        max_n: Characters of the longest one; 0 for none.
        buckets: What n-grams are sorted into by their hash; only those that are met take memory.
        loss: softmax (one label of all), one-vs-all (each label by itself, for texts with several), negative
            (sampling) or hierarchical (softmax over a Huffman tree), for many labels.
        negatives: Noise labels a text, for negative sampling.

    Raises:
        BadOption: A field outside its range.
        BadData: Fewer than two labels, or no word and no n-gram is left.
        ShapeMismatch: The data are not Labeled.

    Source:
        Joulin, Grave, Bojanowski, Mikolov 2017 (arXiv 1607.01759).

    Example:
        >>> from kinfold.core.shapes import Items
        >>> from kinfold.prepare.tokens import sequences
        >>> texts = sequences(Items(["sun and sea", "snow and ice"] * 20), min_count=1, keep_empty=True)
        >>> labels = sequences(Items([["summer"], ["winter"]] * 20), min_count=1, keep_empty=True, group="label")
        >>> Supervised(dim=4).fit(Labeled(texts, labels), threads=1).groups
        {'word': range(0, 6), 'label': range(6, 8)}
    """

    takes: ClassVar[type] = Labeled

    dim: int = 100
    epochs: int = 5
    learning_rate: float = 0.1
    min_count: int = 1
    word_ngrams: int = 1
    min_n: int = 0
    max_n: int = 0
    buckets: int = 2_000_000
    loss: Loss = "softmax"
    negatives: int = 5

    def __post_init__(self) -> None:
        for name, low, high in (
            ("dim", 1, 65_536),
            ("epochs", 1, 100_000),
            ("min_count", 1, 2**62),
            ("word_ngrams", 1, 100),
            ("min_n", 0, 100),
            ("max_n", 0, 100),
            ("buckets", 0, 2**31 - 1),
            ("negatives", 1, 1000),
        ):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or not low <= value <= high:
                raise BadOption(f"{name} is {value!r}; it is a whole number from {low} to {high:,}.")
        if self.loss not in get_args(Loss):
            near = did_you_mean(str(self.loss), get_args(Loss))
            raise BadOption(f"loss is '{self.loss}'.{near} It is one of: {', '.join(get_args(Loss))}.")
        if not 0 < self.learning_rate < 10:
            raise BadOption(f"learning_rate is {self.learning_rate!r}; it is a number above 0 and below 10.")
        if self.max_n and not 1 <= self.min_n <= self.max_n:
            raise BadOption(
                f"character n-grams have min_n to max_n characters, 1 at least, not {self.min_n} to {self.max_n}."
            )
        if not self.buckets and (self.max_n or self.word_ngrams > 1):
            raise BadOption("n-grams need buckets; take some, or word_ngrams=1 and max_n=0.")

    def fit(
        self,
        data: Labeled,
        *,
        start: Start | None = None,
        seed: int = 0,
        threads: int | None = None,
        progress: Progress = quiet,
    ) -> Space:
        """Learns rows for the words, the n-grams and the labels of some texts; those without a label are passed over.

        Args:
            data: Texts and their labels. Every text gets the word `</s>` as its last one, which stands for all texts.
            start: Word vectors to begin with, which learn as all others; words that only they have get rows too.
            seed: Of the first rows, the order of the texts and the noise.
            threads: How many work at once; as many as there are processors by default.
            progress: Told of every few thousand words.

        Returns:
            A Space of the groups `word`, `ngram` (where there are n-grams) and `label`, with the attributes `count`,
            `context` (output rows; of the hierarchical loss, those of the nodes of the tree) and, where there are
            character n-grams, `own`. Its metric is the dot product, by which a text is compared to labels.

        Raises:
            BadOption: The start has another dimension, or its rows are not to learn.
            BadData: The start has none of the texts' words.
        """
        takes(self, data)
        known = None if start is None else self._known(start)
        if threads is not None and threads < 1:
            raise BadOption(f"threads is {threads}; it is at least 1.")
        counts = _label_counts(data)
        texts = data.texts
        shared = 0
        if known is not None:
            shared = int((known.keys.rows(data.texts.keys.names) >= 0).sum())
            if not shared:
                some = ", ".join(repr(each) for each in known.keys.names[:3].to_pylist())
                raise BadData(
                    f"the vectors to begin with have none of the {len(data.texts.keys):,} words of the texts (theirs "
                    f"are {some} …). Are they of words, in the same language and case?"
                )
            texts = dataclasses.replace(texts, keys=joined(texts.keys, known.keys)[0])
        features = Features.of(texts, self, None if known is None else known.keys)
        workers = many(threads)
        copies = min(_COPIES, len(features.words)) if workers > 1 else 0
        rows = len(features) + len(counts) + workers * copies
        weights = Matrices(rows, len(counts), self.dim, generator(seed, 0), 1, len(features.words))
        fit = _Fit(data, features, counts, weights, seed, workers, copies)
        if known is not None:
            places = known.keys.rows(features.words)
            begun = np.flatnonzero(places >= 0)
            weights.inner_rows[begun, : self.dim] = known.rows.take(places[begun])
        space = self._space(fit, self._train(fit, progress))
        if start is None:
            return space
        told = start.told(shared, len(data.texts.keys) - shared)
        return dataclasses.replace(space, card=space.card.then(**told))

    def _known(self, start: Start) -> Space:
        """The words to begin with."""
        start.check_dim(self.dim)
        if start.known != "learn":
            raise BadOption(f"known is '{start.known}'; rows that a classifier begins with learn as all others.")
        return start.words

    def _train(self, fit: _Fit, progress: Progress) -> Report:
        train = self._kernel(fit)
        labeled = np.flatnonzero(np.diff(fit.data.labels.starts))
        words = np.diff(fit.data.texts.starts) + 1
        total = int(words[labeled].sum())
        decay = self.learning_rate / (self.epochs * total)
        history = History(total, "words", "nats", n=len(labeled))
        progress.start("learn", self.epochs * total, "words")
        for epoch in range(self.epochs):
            began = time.perf_counter()
            order = generator(fit.seed, epoch, 1).permutation(labeled)
            done = np.append(0, np.cumsum(words[order]))
            kernel = functools.partial(train, order, done, self.learning_rate - decay * total * epoch, decay)
            stats = one_pass(done, kernel, seed=(fit.seed, epoch), threads=fit.workers, progress=progress, least=_PIECE)
            loss = float(stats[0] / stats[1])
            if not np.isfinite(loss):
                raise BadOption(
                    f"training diverged in epoch {epoch + 1}; take a learning_rate below {self.learning_rate}."
                )
            history.add(loss, time.perf_counter() - began, lambda: fit.weights.inner_rows[:, : self.dim])
        return history.report()

    def _kernel(self, fit: _Fit) -> Callable[..., None]:
        """The pass over texts, without the arguments that change from pass to pass and from piece to piece."""
        from kinfold.kernels._jit import plain
        from kinfold.kernels.random import alias_table
        from kinfold.kernels.sgns import Targets, Weights
        from kinfold.kernels.supervised import KINDS, Labels, Own, label_tree, texts_pass

        none = np.zeros(0, np.int32)
        if self.loss == "hierarchical":
            against = Targets(0, np.zeros(0, np.uint32), none, *label_tree(fit.counts))
        else:
            noise = alias_table(fit.counts.astype(np.float64) ** _NOISE_EXPONENT)
            against = Targets(self.negatives, *noise, np.zeros(0, np.int64), none, none)
        texts, kind = fit.features.texts, KINDS[self.loss]
        labels = Labels(plain(fit.data.labels.ids), plain(fit.data.labels.starts))
        both = Weights(fit.weights.inner, fit.weights.outer, fit.weights.width, True)
        first = len(fit.features) + len(fit.counts)
        free = collections.deque(first + fit.copies * worker for worker in range(fit.workers))

        def train(
            order: np.ndarray,
            done: np.ndarray,
            rate: float,
            decay: float,
            first: int,
            last: int,
            seed: int,
            stats: np.ndarray,
        ) -> None:
            some, before = order[first:last], done[first : last + 1]
            own = Own(free.popleft(), fit.copies)
            texts_pass(texts, labels, some, before, both, own, kind, against, rate, decay, seed, stats)
            free.append(own.start)

        return train

    def _space(self, fit: _Fit, training: Report) -> Space:
        features, counts, weights = fit.features, fit.counts, fit.weights
        words, size = len(features.words), len(features) + len(counts)
        none = pa.nulls(len(features.buckets), pa.int64())
        columns: dict[str, Any] = {"count": pa.concat_arrays([to_arrow(features.counts), none, to_arrow(counts)])}
        if self.max_n:
            columns["own"] = lists_of(weights.inner_rows[:words, : self.dim].copy(), 0, size)
            weights.inner_rows[:words] = features.means(weights.inner_rows)
        outer = weights.outer_rows[: len(counts)]
        columns["context"] = lists_of(outer[:, : self.dim], len(features), size)
        weights.inner_rows[len(features) : size] = self._label_rows(outer, counts)
        rows = Rows(weights.close_up(weights.inner, size))
        rows.refuse_non_finite("what was learned")
        groups = {"word": words, "ngram": len(features.buckets), "label": len(counts)}
        buckets = to_arrow(features.buckets).cast(pa.large_string())
        names = pa.concat_arrays([features.words, buckets, fit.data.labels.keys.names])
        keys = Keys.trusted(names, {name: count for name, count in groups.items() if count})
        frame, made_of = born("supervised", rows.values), describe(fit.data)
        card = Card(frame, "supervised", dataclasses.asdict(self), fit.seed, made_of, reports=(training,))
        return Space(keys, rows, Metric.DOT, card, pa.table(columns))

    def _label_rows(self, outer: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """What a text is compared to: output rows; of a tree, half the sum of a path's, each with the sign of its turn.

        log sigmoid(s) is s / 2 and something that does not depend on the turn: the row is the linear part of the
        logarithm of the label's probability.
        """
        if self.loss != "hierarchical":
            return outer
        from kinfold.kernels.sparse import product
        from kinfold.kernels.supervised import label_tree

        starts, nodes, turns = label_tree(counts)
        return product(starts, nodes, turns.astype(np.float32) - np.float32(0.5), outer)


def _label_counts(data: Labeled) -> np.ndarray:
    """How often each label occurs (labels,) int64.

    Raises:
        BadData: Fewer than two do.
    """
    counts = data.labels.counts
    met = np.flatnonzero(counts)
    if not len(met):
        raise BadData(f"none of the {len(data):,} texts has a label; say where the labels are.")
    if len(met) == 1:
        raise BadData(
            f"all {counts[met[0]]:,} labeled texts have the label '{data.labels.keys[met[0]]}'; "
            "at least two labels are needed, to tell one from the other."
        )
    return counts
