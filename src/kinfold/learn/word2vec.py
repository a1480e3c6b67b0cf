"""Word2Vec: skip-gram and CBOW over any sequences."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa

from kinfold.core.card import Card, born
from kinfold.core.columns import lists_of, to_arrow
from kinfold.core.errors import BadOption, did_you_mean
from kinfold.core.keys import Keys
from kinfold.core.metric import Metric
from kinfold.core.options import falling, whole
from kinfold.core.progress import Progress, quiet
from kinfold.core.protocols import takes
from kinfold.core.report import Report
from kinfold.core.rows import Rows
from kinfold.core.shapes import Sequences, describe
from kinfold.core.space import Space
from kinfold.learn.history import Callback
from kinfold.learn.matrices import Matrices
from kinfold.learn.passes import generator
from kinfold.learn.start import Start, held
from kinfold.learn.training import How, train
from kinfold.learn.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Word2Vec:
    """Keys that occur in the same places get near rows: skip-gram or CBOW, trained by stochastic gradient descent.

    With one thread the same seed gives the same bytes; with more, threads write to the same rows without locks
    (Hogwild) and results differ slightly from run to run.

    Args:
        dim: Coordinates of a row.
        epochs: Passes over the sequences.
        window: Neighbors on each side that count as context.
        negatives: Noise keys for each window, shared by its contexts.
        mode: skipgram predicts each neighbor from the key; cbow the key from the mean of its neighbors.
        loss: negative (sampling) or hierarchical (softmax over a Huffman tree).
        subsample: Frequency above which occurrences of a key are thinned out; 0 keeps all.
        shrink_windows: Whether each window's reach is drawn from 1 to window, so that near neighbors count more.
        noise_exponent: Power of the counts that noise keys are drawn by.
        learning_rate: At the start; by default 0.025 for skipgram and 0.05 for cbow.
        final_rate: At the end; the rate falls linearly.
        resumable: Whether the output rows are kept, as attribute `context`, so that training can go on.

    Raises:
        BadOption: A field outside its range.
        BadData: Fewer than two keys, or no sequence of two.
        ShapeMismatch: The data are not Sequences.

    Source:
        Mikolov et al. 2013 (arXiv 1301.3781 and 1310.4546); shared negatives: Ji et al. 2016 (arXiv 1604.04661).

    Example:
        >>> from kinfold.prepare.tokens import sequences
        >>> from kinfold.core.shapes import Items
        >>> data = sequences(Items(["one two three two one"] * 20), min_count=1)
        >>> Word2Vec(dim=4, epochs=1).fit(data, threads=1).dim
        4
    """

    takes: ClassVar[type] = Sequences
    modes: ClassVar[tuple[str, ...]] = ("skipgram", "cbow")

    dim: int = 100
    epochs: int = 5
    window: int = 5
    negatives: int = 5
    mode: Literal["skipgram", "cbow"] = "skipgram"
    loss: Literal["negative", "hierarchical"] = "negative"
    subsample: float = 1e-3
    shrink_windows: bool = True
    noise_exponent: float = 0.75
    learning_rate: float | None = None
    final_rate: float = 1e-4
    resumable: bool = True

    def __post_init__(self) -> None:
        whole(self, dim=(1, 65_536), epochs=(1, 100_000), window=(1, 1000), negatives=(1, 1000))
        for name, allowed in (("mode", self.modes), ("loss", ("negative", "hierarchical"))):
            value = getattr(self, name)
            if value not in allowed:
                raise BadOption(
                    f"{name} is '{value}'.{did_you_mean(str(value), allowed)} It is one of: {', '.join(allowed)}."
                )
        falling(self.rate, self.final_rate)
        if not 0 <= self.subsample < np.inf or not abs(self.noise_exponent) < 10:
            raise BadOption("subsample is at least 0, and noise_exponent between -10 and 10.")

    @property
    def rate(self) -> float:
        """The learning rate at the start."""
        return self.learning_rate if self.learning_rate is not None else 0.05 if self.averages else 0.025

    @property
    def averages(self) -> bool:
        """Whether a word is predicted from the mean of its contexts, instead of each context from the word."""
        return self.mode == "cbow"

    def fit(
        self,
        data: Sequences,
        *,
        start: Start | None = None,
        seed: int = 0,
        threads: int | None = None,
        progress: Progress = quiet,
        callback: Callback | None = None,
    ) -> Space:
        """Learns rows for the keys of some sequences.

        Args:
            data: The sequences.
            start: Vectors to begin with; random ones by default.
            seed: Of the first rows, the windows and the noise.
            threads: How many work at once; as many as there are processors by default.
            progress: Told of every few thousand tokens.
            callback: Called after each epoch, in the calling thread.

        Returns:
            A Space with the attributes `count` and, if `resumable`, `context`.
        """
        takes(self, data)
        return self._fit(Vocabulary.of(data, start, self.dim), How(seed, threads, progress, callback))

    def resume(
        self,
        space: Space,
        data: Sequences,
        *,
        seed: int = 0,
        threads: int | None = None,
        progress: Progress = quiet,
        callback: Callback | None = None,
    ) -> Space:
        """Goes on from a Space that this method learned, with the same sequences or with new ones.

        New keys join behind the old ones, and counts of new sequences are added to the old. The result is in a frame of
        its own: its rows have moved. With the hierarchical loss and new counts the tree is another one, so that the
        output rows start anew.

        Raises:
            BadOption: The Space has another dimension.
            BadData: It keeps no output rows.
        """
        Start(space).check_dim(self.dim)
        start = Start.resuming(space)
        return self.fit(data, start=start, seed=seed, threads=threads, progress=progress, callback=callback)

    def _fit(self, vocabulary: Vocabulary, how: How) -> Space:
        keys = len(vocabulary.keys)
        weights = Matrices(keys, keys, self.dim, generator(how.seed, 0))
        parts = None
        if vocabulary.start is not None and vocabulary.words is not None:
            weights.inner_rows[: vocabulary.known, : self.dim] = vocabulary.words.rows.dense()
            if vocabulary.start.known != "learn":
                parts = held(vocabulary.start, weights, np.arange(vocabulary.known))
        self._begin_outer(vocabulary, weights)
        training = train(self, vocabulary, weights, how, parts=parts)
        rows = weights.close_up(weights.inner, keys)
        columns: dict[str, Any] = {"count": to_arrow(vocabulary.counts)}
        if self.resumable:
            columns["context"] = lists_of(weights.close_up(weights.outer, keys))
        return self._space(vocabulary, vocabulary.keys, rows, columns, how.seed, training)

    def _begin_outer(self, vocabulary: Vocabulary, weights: Matrices) -> None:
        """Copies the output rows of the start, where they mean the same: a tree of other counts has other nodes."""
        if vocabulary.start is None or vocabulary.words is None:
            return
        context = vocabulary.start.context(vocabulary.words)
        same_tree = (
            len(vocabulary.keys) == vocabulary.known
            and vocabulary.start.counts(vocabulary.words, vocabulary.data) is None
        )
        if context is not None and (self.loss == "negative" or same_tree):
            weights.outer_rows[: vocabulary.known, : self.dim] = context

    def _space(
        self,
        vocabulary: Vocabulary,
        keys: Keys,
        values: np.ndarray,
        columns: dict[str, Any],
        seed: int,
        training: Report,
    ) -> Space:
        rows = Rows(values)
        rows.refuse_non_finite("what was learned")
        parameters = {**dataclasses.asdict(self), "learning_rate": self.rate}
        name = type(self).__name__.lower()
        data = describe(vocabulary.data)
        card = Card(born(name, rows.values), name, parameters, seed, data, vocabulary.steps, (training,))
        return Space(keys, rows, Metric.COSINE, card, pa.table(columns))
