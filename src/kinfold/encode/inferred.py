"""New documents in the space of Doc2Vec: their rows are learned while all others stand still."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kinfold.core.columns import matrix_of
from kinfold.core.errors import BadData
from kinfold.core.progress import Progress, quiet
from kinfold.core.shapes import Items, Sequences
from kinfold.core.space import Space
from kinfold.encode.over import OverSpace
from kinfold.encode.texts import documents
from kinfold.prepare.cutting import cut_as
from kinfold.prepare.tokens import within

# Documents of one call of the kernel, each of which sets up some scratch memory.
_BLOCK = 256


@dataclass(frozen=True, eq=False)
class Inferred(OverSpace):
    """Documents as Doc2Vec would have learned them.

    A document's row depends on its words alone: the same text gives the same row, whatever it is encoded with and by
    however many threads.

    Args:
        space: By Doc2Vec, with its output rows.
        epochs: Passes over each document; as many as the Space was learned with by default.
        seed: Of the first row, the windows and the noise.
        text: How texts are cut into words: `tokenizer` and `lower` of `prepare.tokens`; by default as on the card.

    Raises:
        BadData: The Space is not by Doc2Vec, or keeps no output rows.

    Source:
        Le, Mikolov 2014 (arXiv 1405.4053), the inference stage.
    """

    methods: ClassVar[tuple[str, ...]] = ("doc2vec",)

    epochs: int | None = None
    seed: int = 0
    text: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        names = () if self.space.table is None else self.space.table.column_names
        if self.space.card.method != "doc2vec" or "word" not in self.space.groups or "context" not in names:
            raise BadData(
                "new documents are inferred in a Space of doc2vec that keeps its output rows (attribute context); "
                "learn it with resumable=True."
            )

    def encode(
        self, items: Items[Any] | Iterable[Any], *, threads: int | None = None, progress: Progress = quiet
    ) -> Space:
        """Rows of some texts; those without a known word are left out and counted.

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
        text = cut_as(self.space.group("word"), **(self.text or {}))
        data = within(items, self.space.group("word").keys, **text, threads=threads, progress=progress)
        return documents(self.space, items, data, lambda some: self._rows(some, threads, progress))

    def _rows(self, data: Sequences, threads: int | None, progress: Progress) -> np.ndarray:
        from kinfold.kernels._jit import plain
        from kinfold.kernels.dbow import documents as dbow
        from kinfold.kernels.noise import subsampled, targets
        from kinfold.kernels.sgns import Parts, Weights, Windows, padded, windows

        given = self.space.card.parameters
        words = self.space.group("word")
        counts = np.asarray(words.attribute("count"), np.int64)
        outer = padded(matrix_of(words.attribute("context"), self.dim), more=1)
        keep = subsampled(counts, given["subsample"])
        against = targets(counts, given["negatives"], given["noise_exponent"], given["loss"] == "hierarchical")
        averages = given["mode"] == "dm"
        still = words.rows.dense() if averages or given["train_words"] else np.zeros((0, self.dim), np.float32)
        reach = given["window"] if len(still) else 0
        epochs = self.epochs or given["epochs"]
        rates = np.linspace(given["learning_rate"], given["final_rate"], epochs, endpoint=False)
        rng = np.random.default_rng(self.seed)
        first = (rng.random(self.dim, dtype=np.float32) - np.float32(0.5)) / np.float32(self.dim)
        inner = padded(np.concatenate([still, np.broadcast_to(first, (len(data), self.dim))]))
        width = len(outer) // (len(words) + 1)
        parts = None
        if len(still):
            # Every word is its own row, which takes no change.
            pace = np.concatenate([np.zeros(len(still), np.float32), np.ones(len(data), np.float32)])
            none = np.zeros(0, np.float32)
            parts = Parts(np.arange(len(still) + 1), np.arange(len(pace), dtype=np.int32), pace, none, none)
        ids, weights = plain(data.ids), Weights(inner, outer, width, False)
        progress.start("infer", len(data), "documents")

        def work(start: int) -> None:
            starts, stats = plain(data.starts[start : start + _BLOCK + 1]), np.zeros(2)
            tags = len(still) + np.arange(start, start + len(starts) - 1)
            around = Windows(reach, given["shrink_windows"], averages, tags)
            for epoch, rate in enumerate(rates.tolist()):
                how = against, rate, 0.0, self.seed + epoch, stats
                if reach == 0 and against.negatives:
                    dbow(ids, starts, keep, weights, tags, *how)
                else:
                    windows(ids, starts, keep, weights, around, parts, *how)
            progress.advance(len(tags))

        with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
            list(pool.map(work, range(0, len(data), _BLOCK)))
        return inner.reshape(-1, width)[len(still) :, : self.dim].copy()
