"""The epochs that all learners of windows share: word2vec, fastText and doc2vec are one kernel over different rows."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from kinfold.core.errors import BadData, BadOption
from kinfold.core.progress import Progress
from kinfold.core.report import Report
from kinfold.learn.history import Callback, History
from kinfold.learn.matrices import Matrices
from kinfold.learn.passes import cut, one_pass
from kinfold.learn.vocabulary import Vocabulary

if TYPE_CHECKING:
    from kinfold.learn.word2vec import Word2Vec


class How(NamedTuple):
    """How a fit runs, beside what is fitted.

    Args:
        seed: Of everything random.
        threads: How many work at once; None for as many as there are processors.
        progress: Told of every few thousand tokens.
        callback: Told of every epoch.
    """

    seed: int
    threads: int | None
    progress: Progress
    callback: Callback | None = None


def train(
    learner: Word2Vec,
    vocabulary: Vocabulary,
    weights: Matrices,
    how: How,
    *,
    parts: Any = None,
    tags: np.ndarray | None = None,
    reach: int | None = None,
) -> Report:
    """Goes over the sequences `epochs` times, updating the weights.

    Args:
        learner: Its rates, window and loss.
        vocabulary: The sequences and the counts of their keys.
        weights: Updated in place.
        how: Seed, threads, and who is told.
        parts: `kernels.sgns.Parts` where rows are means, else None.
        tags: (sequences,) int64; a row of the inner matrix that is a context of the whole sequence.
        reach: Words on each side, where it is not the learner's window.

    Returns:
        A Report `training`: the loss, and a table of the epochs.

    Raises:
        BadData: No sequence has two keys.
        BadOption: Training diverged.
    """
    starts, owners = cut(vocabulary.data.starts)
    if not (np.diff(starts) > (1 if tags is None else 0)).any():
        raise BadData(
            "no sequence has two keys, so no key has a neighbor to learn from; put more than one in a sequence."
        )
    run = kernel(learner, vocabulary, weights, starts, parts, None if tags is None else tags[owners], reach)
    total = len(vocabulary.data.ids)
    history = History(total, "words", "nats", how.callback)
    decay = (learner.rate - learner.final_rate) / (learner.epochs * total)
    how.progress.start("learn", learner.epochs * total, "words")
    for epoch in range(learner.epochs):
        began = time.perf_counter()
        now = functools.partial(run, learner.rate - decay * total * epoch, decay)
        stats = one_pass(starts, now, seed=(how.seed, epoch), threads=how.threads, progress=how.progress)
        loss = float(stats[0] / max(stats[1], 1))
        if not np.isfinite(loss):
            raise BadOption(f"training diverged in epoch {epoch + 1}; take a learning_rate below {learner.rate}.")
        history.add(loss, time.perf_counter() - began, lambda: weights.inner_rows[:, : weights.dim])
    return history.report()


def kernel(
    learner: Word2Vec,
    vocabulary: Vocabulary,
    weights: Matrices,
    starts: np.ndarray,
    parts: Any,
    tags: np.ndarray | None,
    reach: int | None,
) -> Callable[[float, float, int, int, int, np.ndarray], None]:
    """The window kernel with all of its arguments but those that change: rate, decay, first, last, seed, stats."""
    from kinfold.kernels._jit import plain
    from kinfold.kernels.dbow import documents
    from kinfold.kernels.noise import subsampled, targets
    from kinfold.kernels.sgns import Weights, Windows, windows

    ids = plain(vocabulary.data.ids)
    keep = subsampled(vocabulary.here, learner.subsample)
    matrices = Weights(weights.inner, weights.outer, weights.width, True)
    wide = learner.window if reach is None else reach
    against = targets(vocabulary.counts, learner.negatives, learner.noise_exponent, learner.loss == "hierarchical")

    def run(rate: float, decay: float, first: int, last: int, seed: int, stats: np.ndarray) -> None:
        some = np.zeros(0, np.int64) if tags is None else plain(tags[first:last])
        if wide == 0 and against.negatives:
            documents(ids, plain(starts[first : last + 1]), keep, matrices, some, against, rate, decay, seed, stats)
            return
        around = Windows(wide, learner.shrink_windows, learner.averages, some)
        windows(ids, plain(starts[first : last + 1]), keep, matrices, around, parts, against, rate, decay, seed, stats)

    return run
