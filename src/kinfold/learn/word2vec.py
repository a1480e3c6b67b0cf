"""Word2Vec: skip-gram and CBOW over any sequences."""

from __future__ import annotations

import dataclasses
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
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

_LONGEST = 10_000  # tokens of a sequence; a longer one is cut, so that threads can share it
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
        weights = _Weights(len(data.keys), self.dim, _rng(seed, 0))
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
        weights = _Weights(len(keys), self.dim, _rng(seed, 0))
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
        weights: _Weights,
        seed: int,
        threads: int | None,
        progress: Progress,
        callback: Callable[[Epoch], None] | None,
        steps: tuple[Mapping[str, Any], ...],
    ) -> Space:
        if len(keys) < 2:
            raise BadData(
                f"the sequences have {len(keys)} key(s); at least two are needed, so that one can be told from the other."
            )
        starts = _cut(data.starts)
        if not (np.diff(starts) > 1).any():
            raise BadData(
                "no sequence has two keys, so no key has a neighbor to learn from; put more than one in a sequence."
            )
        arguments = self._arguments(counts, here, weights)
        workers = (
            threads or len(os.sched_getaffinity(0))
            if hasattr(os, "sched_getaffinity")
            else threads or os.cpu_count() or 1
        )
        history: list[Epoch] = []
        total = len(data.ids)
        decay = (self._rate - self.final_rate) / (self.epochs * total)
        progress.start("learn", self.epochs * total, "words")
        for epoch in range(self.epochs):
            began = time.perf_counter()
            rate = self._rate - decay * total * epoch
            stats = _pass(data.ids, starts, arguments, rate, decay, (seed, epoch), workers, progress)
            loss = float(stats[0] / max(stats[1], 1))
            if not np.isfinite(loss):
                raise BadOption(f"training diverged in epoch {epoch + 1}; take a learning_rate below {self._rate}.")
            speed = total / (time.perf_counter() - began)
            history.append(Epoch(epoch + 1, loss, speed, weights.inner_rows[:, : self.dim]))
            if callback is not None:
                callback(history[-1])
        return self._space(data, keys, counts, weights, seed, history, steps)

    def _arguments(self, counts: np.ndarray, here: np.ndarray, weights: _Weights) -> dict[str, Any]:
        from kinfold.kernels.random import alias_table
        from kinfold.kernels.tree import huffman

        keep = np.full(len(counts), _ALL)
        if self.subsample > 0:
            frequency = np.maximum(here, 1) / here.sum()
            keep *= np.minimum(1, np.sqrt(self.subsample / frequency) + self.subsample / frequency)
        if self.loss == "negative":
            tables = alias_table(np.maximum(counts, 1).astype(np.float64) ** self.noise_exponent)
            paths = (np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int32))
        else:
            tables = (np.zeros(0, np.uint32), np.zeros(0, np.int32))
            paths = huffman(counts)
        return {
            "keep": keep.astype(np.uint32),
            "inner": weights.inner,
            "outer": weights.outer,
            "width": weights.width,
            "window": self.window,
            "shrink": self.shrink_windows,
            "cbow": self.mode == "cbow",
            "negatives": self.negatives if self.loss == "negative" else 0,
            "tables": tables,
            "paths": paths,
        }

    def _space(
        self,
        data: Sequences,
        keys: Keys,
        counts: np.ndarray,
        weights: _Weights,
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


class _Weights:
    """Both matrices, rows padded to whole vectors; the outer one has a last row that only fills up tiles."""

    def __init__(self, keys: int, dim: int, rng: np.random.Generator) -> None:
        from kinfold.kernels._jit import aligned
        from kinfold.kernels._simd import LANES

        self.dim = dim
        self.width = (dim + LANES - 1) // LANES * LANES
        self.inner = aligned(keys, self.width)
        self.outer = aligned(keys + 1, self.width)
        for start in range(0, keys, 65_536):
            block = self.inner_rows[start : start + 65_536, :dim]
            block[:] = (rng.random(block.shape, dtype=np.float32) - np.float32(0.5)) / np.float32(dim)

    def close_up(self, flat: np.ndarray, keys: int) -> np.ndarray:
        """The first rows (keys, dim) of a padded matrix, moved together in its own memory, which they take over."""
        if self.dim != self.width:
            padded = flat.reshape(-1, self.width)
            for start in range(0, keys, 4096):
                block = padded[start : min(start + 4096, keys), : self.dim].copy()
                flat[start * self.dim : start * self.dim + block.size] = block.reshape(-1)
        closed: np.ndarray = flat[: keys * self.dim].reshape(keys, self.dim)
        return closed

    @property
    def inner_rows(self) -> np.ndarray:
        """(n, width) float32."""
        return self.inner.reshape(-1, self.width)

    @property
    def outer_rows(self) -> np.ndarray:
        """(n + 1, width) float32."""
        return self.outer.reshape(-1, self.width)


def _pass(
    ids: np.ndarray,
    starts: np.ndarray,
    arguments: dict[str, Any],
    rate: float,
    decay: float,
    seed: tuple[int, int],
    workers: int,
    progress: Progress,
) -> np.ndarray:
    """One epoch: threads take pieces in order. The rate and the seed belong to a piece, not to a thread."""
    from kinfold.kernels._jit import plain
    from kinfold.kernels.sgns import windows

    ids, starts = plain(ids), plain(starts)
    pieces = enumerate(_pieces(starts))
    taking = threading.Lock()
    stopped = threading.Event()
    fixed = [arguments[name] for name in ("keep", "inner", "outer", "width", "window", "shrink", "cbow", "negatives")]

    def work() -> np.ndarray:
        stats = np.zeros(2)
        while not stopped.is_set():
            with taking:
                number, (first, last) = next(pieces, (0, (0, 0)))
            if first == last:
                break
            before = stats.copy()
            piece = int(_rng(*seed, number).integers(0, 2**63 - 1))
            windows(
                ids,
                starts[first : last + 1],
                *fixed,
                *arguments["tables"],
                *arguments["paths"],
                rate,
                decay,
                piece,
                stats,
            )
            loss, scores = stats - before
            progress.advance(int(starts[last] - starts[first]), loss=loss / max(scores, 1))
        return stats

    if workers == 1:
        return work()
    with ThreadPoolExecutor(workers) as pool:
        running = [pool.submit(work) for _ in range(workers)]
        try:
            wait(running, return_when=FIRST_EXCEPTION)
        finally:
            stopped.set()
        total: np.ndarray = np.sum([each.result() for each in running], axis=0)
    return total


def _pieces(starts: np.ndarray) -> Iterator[tuple[int, int]]:
    """Ranges of sequences of 1,000 to 50,000 tokens, at least some 64 of them where that leaves enough in each."""
    size = min(max(int(starts[-1]) // 64, 1_000), 50_000)
    first = 0
    while first < len(starts) - 1:
        last = max(first + 1, int(np.searchsorted(starts, starts[first] + size, side="right")) - 1)
        yield first, last
        first = last


def _cut(starts: np.ndarray) -> np.ndarray:
    """The starts (n + 1,) int64 with every sequence above the longest cut into pieces of at most that."""
    lengths = np.diff(starts)
    if not len(lengths) or lengths.max() <= _LONGEST:
        return starts
    pieces = np.maximum(1, -(-lengths // _LONGEST))
    first = np.repeat(starts[:-1], pieces)
    number = np.arange(len(first)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    return np.append(first + number * _LONGEST, starts[-1]).astype(np.int64)


def _joined(old: Keys, new: Keys) -> tuple[Keys, np.ndarray]:
    """The old keys with the new ones that they lack behind them, and where each new key (m,) int64 stands."""
    group = next(iter(old.groups))
    places = old.rows(new.names)
    lacking = np.flatnonzero(places < 0)
    places[lacking] = len(old) + np.arange(len(lacking))
    names = pa.concat_arrays([old.names, new.names.take(pa.array(lacking))])
    return Keys.trusted(names, group), places


def _rng(*seed: int) -> np.random.Generator:
    return np.random.default_rng([each & (2**64 - 1) for each in seed])
