"""Word2Vec: skip-gram and CBOW over any sequences."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
import pyarrow as pa

from kinfold.core.card import Card, born
from kinfold.core.errors import BadData, BadOption, did_you_mean
from kinfold.core.keys import Keys
from kinfold.core.metric import Metric
from kinfold.core.progress import Progress, quiet
from kinfold.core.protocols import takes
from kinfold.core.report import Finding, Report, Table
from kinfold.core.rows import Rows
from kinfold.core.shapes import Sequences, describe
from kinfold.core.space import Space
from kinfold.learn.matrices import Matrices
from kinfold.learn.passes import cut, generator, one_pass

_ALL = float(2**32 - 1)


class Epoch(NamedTuple):
    """What a callback is told after each epoch.

    Args:
        number: From 1.
        loss: Mean over the scores of the epoch, in nats; 0.693 is what guessing costs.
        tokens_per_second: Tokens of the data, before subsampling.
        rows: The vectors as they are now (n, dim) float32, not copied.
    """

    number: int
    loss: float
    tokens_per_second: float
    rows: np.ndarray


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
        for name, low, high in (
            ("dim", 1, 65_536),
            ("epochs", 1, 100_000),
            ("window", 1, 1000),
            ("negatives", 1, 1000),
        ):
            value = getattr(self, name)
            if not isinstance(value, int | np.integer) or not low <= value <= high:
                raise BadOption(f"{name} is {value!r}; it is a whole number from {low} to {high:,}.")
        for name, allowed in (("mode", ("skipgram", "cbow")), ("loss", ("negative", "hierarchical"))):
            value = getattr(self, name)
            if value not in allowed:
                raise BadOption(
                    f"{name} is '{value}'.{did_you_mean(str(value), allowed)} It is one of: {', '.join(allowed)}."
                )
        if not 0 < self._rate < 10 or not 0 <= self.final_rate <= self._rate:
            raise BadOption(
                f"the rate falls from learning_rate {self._rate} to final_rate {self.final_rate}; "
                "choose 0 <= final_rate <= learning_rate, and learning_rate above 0 and below 10."
            )
        if not 0 <= self.subsample < np.inf or not abs(self.noise_exponent) < 10:
            raise BadOption("subsample is at least 0, and noise_exponent between -10 and 10.")

    @property
    def _rate(self) -> float:
        return self.learning_rate if self.learning_rate is not None else 0.025 if self.mode == "skipgram" else 0.05

    def fit(
        self,
        data: Sequences,
        *,
        seed: int = 0,
        threads: int | None = None,
        progress: Progress = quiet,
        callback: Callable[[Epoch], None] | None = None,
    ) -> Space:
        """Learns rows for the keys of some sequences.

        Args:
            data: The sequences.
            seed: Of the first rows, the windows and the noise.
            threads: How many work at once; as many as there are processors by default.
            progress: Told of every few thousand tokens.
            callback: Called after each epoch, in the calling thread.

        Returns:
            A Space with the attributes `count` and, if `resumable`, `context`.
        """
        takes(self, data)
        counts = data.counts
        weights = Matrices(len(data.keys), len(data.keys), self.dim, generator(seed, 0))
        return self._train(data, data.keys, counts, counts, weights, seed, threads, progress, callback, ())

    def resume(
        self,
        space: Space,
        data: Sequences,
        *,
        seed: int = 0,
        threads: int | None = None,
        progress: Progress = quiet,
        callback: Callable[[Epoch], None] | None = None,
    ) -> Space:
        """Goes on from a Space that this method learned, with the same sequences or with new ones.

        New keys join behind the old ones, and counts of new sequences are added to the old. The result is in a frame of
        its own: its rows have moved. With the hierarchical loss and new counts the tree is another one, so that the
        output rows start anew.

        Raises:
            BadOption: The Space has another dimension.
            BadData: It keeps no output rows.
        """
        takes(self, data)
        if space.dim != self.dim:
            raise BadOption(f"the Space has {space.dim} dimensions and the learner {self.dim}; use dim={space.dim}.")
        names = () if space.table is None else space.table.column_names
        if "context" not in names or "count" not in names:
            raise BadData(
                "this Space keeps no output rows to go on from (attributes count and context); "
                "learn it with resumable=True."
            )
        same = dict(space.card.data).get("hash") == describe(data)["hash"]
        keys, places = _joined(space.keys, data.keys)
        counts = np.zeros(len(keys), np.int64)
        counts[: len(space)] = np.asarray(space.attribute("count"), np.int64)
        here = np.zeros(len(keys), np.int64)
        here[places] = data.counts
        if not same:
            counts += here
        weights = Matrices(len(keys), len(keys), self.dim, generator(seed, 0))
        weights.inner_rows[: len(space), : self.dim] = space.rows.dense()
        if self.loss == "negative" or (same and len(keys) == len(space)):
            context = space.attribute("context").combine_chunks().flatten().to_numpy(zero_copy_only=False)
            weights.outer_rows[: len(space), : self.dim] = context.reshape(len(space), -1)
        moved = dataclasses.replace(data, keys=keys, ids=places.astype(np.int32)[data.ids])
        steps = (*space.card.steps, {"step": "resume", "from": space.frame, "new_keys": len(keys) - len(space)})
        return self._train(moved, keys, counts, here, weights, seed, threads, progress, callback, steps)

    def _train(
        self,
        data: Sequences,
        keys: Keys,
        counts: np.ndarray,
        here: np.ndarray,
        weights: Matrices,
        seed: int,
        threads: int | None,
        progress: Progress,
        callback: Callable[[Epoch], None] | None,
        steps: tuple[Mapping[str, Any], ...],
    ) -> Space:
        if len(keys) < 2:
            raise BadData(
                f"the sequences have {len(keys)} key(s); at least two are needed, to tell one from the other."
            )
        starts = cut(data.starts)
        if not (np.diff(starts) > 1).any():
            raise BadData(
                "no sequence has two keys, so no key has a neighbor to learn from; put more than one in a sequence."
            )
        train = self._kernel(data.ids, starts, counts, here, weights)
        history: list[Epoch] = []
        total = len(data.ids)
        decay = (self._rate - self.final_rate) / (self.epochs * total)
        progress.start("learn", self.epochs * total, "words")
        for epoch in range(self.epochs):
            began = time.perf_counter()
            rate = self._rate - decay * total * epoch
            kernel = functools.partial(train, rate, decay)
            stats = one_pass(starts, kernel, seed=(seed, epoch), threads=threads, progress=progress)
            loss = float(stats[0] / max(stats[1], 1))
            if not np.isfinite(loss):
                raise BadOption(f"training diverged in epoch {epoch + 1}; take a learning_rate below {self._rate}.")
            speed = total / (time.perf_counter() - began)
            history.append(Epoch(epoch + 1, loss, speed, weights.inner_rows[:, : self.dim]))
            if callback is not None:
                callback(history[-1])
        return self._space(data, keys, counts, weights, seed, history, steps)

    def _kernel(
        self, ids: np.ndarray, starts: np.ndarray, counts: np.ndarray, here: np.ndarray, weights: Matrices
    ) -> Callable[[float, float, int, int, int, np.ndarray], None]:
        """The window kernel with all of its arguments but those that change: rate, decay, first, last, seed, stats."""
        from kinfold.kernels._jit import plain
        from kinfold.kernels.random import alias_table
        from kinfold.kernels.sgns import Targets, Weights, Windows, windows
        from kinfold.kernels.tree import huffman

        share = np.full(len(counts), _ALL)
        if self.subsample > 0:
            frequency = np.maximum(here, 1) / here.sum()
            share *= np.minimum(1, np.sqrt(self.subsample / frequency) + self.subsample / frequency)
        keep = share.astype(np.uint32)
        if self.loss == "negative":
            negatives = self.negatives
            noise = alias_table(np.maximum(counts, 1).astype(np.float64) ** self.noise_exponent)
            paths = (np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int32))
        else:
            negatives = 0
            noise = (np.zeros(0, np.uint32), np.zeros(0, np.int32))
            paths = huffman(counts)
        ids = plain(ids)
        both = Weights(weights.inner, weights.outer, weights.width, True)
        around = Windows(self.window, self.shrink_windows, self.mode == "cbow", np.zeros(0, np.int64))
        parts = None
        against = Targets(negatives, *noise, *paths)

        def train(rate: float, decay: float, first: int, last: int, seed: int, stats: np.ndarray) -> None:
            some = plain(starts[first : last + 1])
            windows(ids, some, keep, both, around, parts, against, rate, decay, seed, stats)

        return train

    def _space(
        self,
        data: Sequences,
        keys: Keys,
        counts: np.ndarray,
        weights: Matrices,
        seed: int,
        history: list[Epoch],
        steps: tuple[Mapping[str, Any], ...],
    ) -> Space:
        rows = Rows(weights.close_up(weights.inner, len(keys)))
        rows.refuse_non_finite("what was learned")
        columns: dict[str, Any] = {"count": pa.array(counts)}
        if self.resumable:
            context = weights.close_up(weights.outer, len(keys)).reshape(-1)
            columns["context"] = pa.FixedSizeListArray.from_arrays(pa.array(context), self.dim)
        training = Report(
            "training",
            (Finding("loss", history[-1].loss, n=len(data.ids), unit="nats"),),
            (
                Table(
                    "epochs",
                    ("epoch", "loss", "words per second"),
                    [[each.number, each.loss, each.tokens_per_second] for each in history],
                ),
            ),
        )
        parameters = {**dataclasses.asdict(self), "learning_rate": self._rate}
        card = Card(born("word2vec", rows.values), "word2vec", parameters, seed, describe(data), steps, (training,))
        return Space(keys, rows, Metric.COSINE, card, pa.table(columns))


def _joined(old: Keys, new: Keys) -> tuple[Keys, np.ndarray]:
    """The old keys with the new ones that they lack behind them, and where each new key (m,) int64 stands."""
    group = next(iter(old.groups))
    places = old.rows(new.names)
    lacking = np.flatnonzero(places < 0)
    places[lacking] = len(old) + np.arange(len(lacking))
    names = pa.concat_arrays([old.names, new.names.take(pa.array(lacking))])
    return Keys.trusted(names, group), places
