"""Doc2Vec: a row for every sequence, learned as one more context of each of its words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa

from kinfold.core.columns import lists_of, to_arrow
from kinfold.core.errors import BadData, BadOption
from kinfold.core.keys import Keys
from kinfold.core.shapes import Sequences
from kinfold.core.space import Space
from kinfold.learn.matrices import Matrices
from kinfold.learn.passes import generator
from kinfold.learn.start import held, joined
from kinfold.learn.training import How, train
from kinfold.learn.vocabulary import Vocabulary
from kinfold.learn.word2vec import Word2Vec


@dataclass(frozen=True, slots=True)
class Doc2Vec(Word2Vec):
    """Documents and their words in one space: PV-DBOW and PV-DM, trained by stochastic gradient descent.

    The Space has the groups `document` and `word`. With `dbow` alone words have no rows of their own but output rows,
    which are what a document is compared with, so these stand for them; and up to six words of a document share their
    noise, weighted so that each has as much as it asks for.

    With one thread the same seed gives the same bytes; with more, threads write to the same rows without locks
    (Hogwild) and results differ slightly from run to run.

    Args:
        dim: Coordinates of a row.
        epochs: Passes over the documents; more than for words, since a row learns from its document alone.
        window: Neighbors on each side that count as context beside the document.
        negatives: Noise keys for each window, shared by its contexts.
        mode: dbow predicts each word from its document; dm from the mean of its document and its neighbors.
        loss: negative (sampling) or hierarchical (softmax over a Huffman tree).
        subsample: Frequency above which occurrences of a word are thinned out; 0 keeps all.
        shrink_windows: Whether each window's reach is drawn from 1 to window, so that near neighbors count more.
        noise_exponent: Power of the counts that noise keys are drawn by.
        learning_rate: At the start; by default 0.025 for dbow and 0.05 for dm.
        final_rate: At the end; the rate falls linearly.
        resumable: Whether the output rows are kept, as attribute `context`; without them no new document has a place.
        train_words: With dbow, whether words get rows by skip-gram at the same time.

    Raises:
        BadOption: A field outside its range.
        BadData: Fewer than two words, or a document without any.
        ShapeMismatch: The data are not Sequences.

    Source:
        Le, Mikolov 2014 (arXiv 1405.4053); Dai, Olah, Le 2015 (arXiv 1507.07998).

    Example:
        >>> from kinfold.prepare.tokens import sequences
        >>> from kinfold.core.shapes import Items
        >>> data = sequences(Items(["one two one", "six nine six"] * 20), min_count=1)
        >>> space = Doc2Vec(dim=4).fit(data, threads=1)
        >>> space.groups
        {'document': range(0, 40), 'word': range(40, 44)}
    """

    takes: ClassVar[type] = Sequences
    modes: ClassVar[tuple[str, ...]] = ("dbow", "dm")

    mode: Literal["dbow", "dm"] = "dbow"  # type: ignore[assignment]
    epochs: int = 40
    train_words: bool = False

    @property
    def averages(self) -> bool:
        """Whether a word is predicted from the mean of its contexts, instead of each context from the word."""
        return self.mode == "dm"

    def _fit(self, vocabulary: Vocabulary, how: How) -> Space:
        data = vocabulary.data
        names = data.named("document").names
        assert names is not None
        empty = np.flatnonzero(np.diff(data.starts) == 0)
        if len(empty):
            raise BadData(f"the document '{names[int(empty[0])]}' holds no word of the vocabulary; leave it out.")
        start = vocabulary.start
        old = start.space.group("document") if start is not None and "document" in start.space.groups else None
        documents, places = (names, np.arange(len(names))) if old is None else joined(old.keys, names)
        # Words are contexts too, or they are only predicted and have no inner rows.
        words = len(vocabulary.keys)
        inner = words if self.train_words or self.averages else 0
        weights = Matrices(inner + len(documents), words, self.dim, generator(how.seed, 0))
        parts = None
        if start is not None and vocabulary.words is not None:
            if inner:
                weights.inner_rows[: vocabulary.known, : self.dim] = vocabulary.words.rows.dense()
            if old is not None:
                weights.inner_rows[inner : inner + len(old), : self.dim] = old.rows.dense()
            if start.known != "learn":
                if not inner:
                    raise BadOption(
                        f"known='{start.known}' holds rows of words, and with dbow alone they have none; "
                        "take train_words=True or mode='dm'."
                    )
                parts = held(start, weights, np.arange(vocabulary.known))
        self._begin_outer(vocabulary, weights)
        training = train(self, vocabulary, weights, how, parts=parts, tags=inner + places, reach=None if inner else 0)
        rows = weights.close_up(weights.inner, inner + len(documents))
        outer = weights.close_up(weights.outer, words)
        total = len(documents) + words
        counts = pa.concat_arrays([pa.nulls(len(documents), pa.int64()), to_arrow(vocabulary.counts)])
        columns: dict[str, Any] = {"count": counts}
        if self.resumable:
            columns["context"] = lists_of(outer, len(documents), total)
        of_words = rows[:words] if inner else self._leaves(vocabulary.counts, outer)
        names = pa.concat_arrays([documents.names, vocabulary.keys.names])
        groups = {"document": len(documents), "word": words}
        values = np.concatenate([rows[inner:], of_words])
        return self._space(vocabulary, Keys.trusted(names, groups), values, columns, how.seed, training)

    def _leaves(self, counts: np.ndarray, outer: np.ndarray) -> np.ndarray:
        """What a document is compared with for each word (n, dim): its output row, or the gradient of its probability.

        In a tree log p = sum_j log sigmoid(l_j x . o_j) over the path, l_j = ±1, whose gradient at x = 0 is
        sum_j l_j o_j / 2.
        """
        if self.loss == "negative":
            return outer
        from kinfold.kernels.sparse import product
        from kinfold.kernels.tree import huffman

        starts, nodes, labels = huffman(counts)
        return product(starts, nodes, labels.astype(np.float32) - np.float32(0.5), outer)
