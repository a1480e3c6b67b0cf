"""FastText: word2vec over words that are the mean of their parts, so that words never seen have vectors too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pyarrow as pa

from kinfold.core.columns import lists_of, to_arrow, to_numpy
from kinfold.core.errors import BadOption
from kinfold.core.keys import Keys, utf8
from kinfold.core.shapes import Sequences
from kinfold.core.space import Space
from kinfold.learn.matrices import Matrices
from kinfold.learn.passes import generator
from kinfold.learn.start import Start, held
from kinfold.learn.subwords import joined, means, renumber
from kinfold.learn.training import How, train
from kinfold.learn.vocabulary import Vocabulary
from kinfold.learn.word2vec import Word2Vec


class Subwords(NamedTuple):
    """The parts of each word: first its own row, then those of its n-grams' buckets.

    Args:
        starts: (n + 1,) int64 into `rows`.
        rows: int32; below n the words' own rows, from n on those of `buckets`.
        buckets: The buckets that have a row (m,) int64, ascending.
    """

    starts: np.ndarray
    rows: np.ndarray
    buckets: np.ndarray

    @property
    def sizes(self) -> np.ndarray:
        """How many parts each word has (n,) int64."""
        return np.diff(self.starts)

    def means(self, matrix: np.ndarray, words: int) -> np.ndarray:
        """The means (words, width) float32 of the parts of the first words, rows of a matrix (m, width) float32."""
        starts = self.starts[: words + 1]
        return means(starts, self.rows[: starts[-1]], matrix)


@dataclass(frozen=True, slots=True)
class FastText(Word2Vec):
    """Word vectors that are the mean of a row of the word's own and the rows of its character n-grams.

    Skip-gram or CBOW as in Word2Vec, over these means; a word's mean is made once when it comes into reach of the
    window, and its change is given back once. N-grams share rows by fastText's hash; only buckets that hold an n-gram
    of the vocabulary take memory, and the others count as rows of zeros.

    With one thread the same seed gives the same bytes; with more, threads write to the same rows without locks
    (Hogwild) and results differ slightly from run to run.

    Args:
        dim: Coordinates of a row.
        epochs: Passes over the sequences.
        window: Neighbors on each side that count as context.
        negatives: Noise keys for each window, shared by its contexts.
        mode: skipgram predicts each neighbor from the key; cbow the key from the mean of its neighbors' parts.
        loss: negative (sampling) or hierarchical (softmax over a Huffman tree).
        subsample: Frequency above which occurrences of a key are thinned out; 0 keeps all.
        shrink_windows: Whether each window's reach is drawn from 1 to window, so that near neighbors count more.
        noise_exponent: Power of the counts that noise keys are drawn by.
        learning_rate: At the start; by default 0.05.
        final_rate: At the end; the rate falls linearly.
        resumable: Whether the output rows are kept, as attribute `context`, so that training can go on.
        min_n: Characters of the shortest n-gram.
        max_n: Characters of the longest one; 0 for no n-grams, which leaves word2vec.
        buckets: Rows that n-grams are hashed to, at most.

    Raises:
        BadOption: A field outside its range.
        BadData: Fewer than two keys, or no sequence of two.
        ShapeMismatch: The data are not Sequences.

    Source:
        Bojanowski et al. 2017 (arXiv 1607.04606); fastText 0.9.2.

    Example:
        >>> from kinfold.prepare.tokens import sequences
        >>> from kinfold.core.shapes import Items
        >>> data = sequences(Items(["walk walked walking talk talked talking"] * 20), min_count=1)
        >>> list(FastText(dim=4, epochs=1).fit(data, threads=1).groups)
        ['word', 'ngram']
    """

    takes: ClassVar[type] = Sequences

    subsample: float = 1e-4
    noise_exponent: float = 0.5
    min_n: int = 3
    max_n: int = 6
    buckets: int = 2_000_000

    def __post_init__(self) -> None:
        Word2Vec.__post_init__(self)
        if not 0 <= self.min_n <= 100 or not 0 <= self.max_n <= 100 or (self.max_n and self.min_n > self.max_n):
            raise BadOption(f"n-grams have min_n to max_n characters, 0 to 100, not {self.min_n} to {self.max_n}.")
        if not 1 <= self.buckets < 2**31:
            raise BadOption(f"buckets is {self.buckets}; it is at least 1 and below 2^31.")

    @property
    def rate(self) -> float:
        """The learning rate at the start."""
        return self.learning_rate if self.learning_rate is not None else 0.05

    def _fit(self, vocabulary: Vocabulary, how: How) -> Space:
        from kinfold.kernels.sgns import Parts

        words = len(vocabulary.keys)
        before = self._ngrams_before(vocabulary.start)
        subwords = subwords_of(vocabulary.keys, self.min_n, self.max_n, self.buckets, before[0])
        inner = words + len(subwords.buckets)
        weights = Matrices(inner, words, self.dim, generator(how.seed, 0), spread=1.0)
        none = np.zeros(0, np.float32)
        parts = Parts(subwords.starts, subwords.rows, none, none, none)
        if vocabulary.start is not None:
            old = self._begin_inner(vocabulary, subwords, weights, *before)
            if vocabulary.start.known != "learn":
                parts = held(vocabulary.start, weights, old, (subwords.starts, subwords.rows))
        self._begin_outer(vocabulary, weights)
        training = train(self, vocabulary, weights, how, parts=parts)
        return self._composed(vocabulary, subwords, weights, how, training)

    def _ngrams_before(self, start: Start | None) -> tuple[np.ndarray, np.ndarray | None]:
        """Buckets (m,) int64 of the start and their rows, where its n-grams are hashed as these are."""
        if start is None or "ngram" not in start.space.groups:
            return np.zeros(0, np.int64), None
        given = start.space.card.parameters
        if any(given.get(name) != getattr(self, name) for name in ("min_n", "max_n", "buckets")):
            return np.zeros(0, np.int64), None
        ngrams = start.space.group("ngram")
        return to_numpy(ngrams.keys.names.cast(pa.int64())), ngrams.rows.dense()

    def _begin_inner(
        self,
        vocabulary: Vocabulary,
        subwords: Subwords,
        weights: Matrices,
        buckets: np.ndarray,
        ngram_rows: np.ndarray | None,
    ) -> np.ndarray:
        """Puts the rows of the start where they belong; returns those places (m,) int64.

        A word's own row becomes what makes the mean with its n-grams the row that the start has for the word.
        """
        assert vocabulary.words is not None
        words, known = len(vocabulary.keys), vocabulary.known
        how = vocabulary.start.known if vocabulary.start is not None else "learn"
        if ngram_rows is None and self.max_n and how in ("slow", "anchor"):
            raise BadOption(
                f"known='{how}' holds words and their n-grams, but the start has no n-grams of this length and number "
                "of buckets; take known='freeze' or 'learn', or max_n=0."
            )
        places = words + np.searchsorted(subwords.buckets, buckets)
        if ngram_rows is not None:
            weights.inner_rows[places, : self.dim] = ngram_rows
        self._settle(vocabulary, subwords, weights)
        return np.concatenate([np.arange(known), places])

    def _settle(self, vocabulary: Vocabulary, subwords: Subwords, weights: Matrices) -> None:
        """Gives the words of the start own rows such that their means are the rows of the start."""
        assert vocabulary.words is not None
        known = vocabulary.known
        weights.inner_rows[:known] = 0
        ngrams = subwords.means(weights.inner_rows, known)[:, : self.dim]
        own = (vocabulary.words.rows.dense() - ngrams) * subwords.sizes[:known, None].astype(np.float32)
        weights.inner_rows[:known, : self.dim] = own

    def _composed(
        self, vocabulary: Vocabulary, subwords: Subwords, weights: Matrices, how: How, training: Any
    ) -> Space:
        words, ngrams = len(vocabulary.keys), len(subwords.buckets)
        if vocabulary.start is not None and vocabulary.start.known == "freeze":
            # N-grams may have moved under the frozen words: their own rows make up for it.
            self._settle(vocabulary, subwords, weights)
        composed = subwords.means(weights.inner_rows, words)[:, : self.dim]
        rows = weights.close_up(weights.inner, words + ngrams)
        columns: dict[str, Any] = {"count": pa.array(vocabulary.counts).cast(pa.int64())}
        keys = vocabulary.keys
        if ngrams:
            own = rows[:words].copy()
            rows[:words] = composed
            columns["count"] = pa.concat_arrays([to_arrow(vocabulary.counts), pa.nulls(ngrams, pa.int64())])
            columns["own"] = lists_of(own, 0, words + ngrams)
            names = to_arrow(subwords.buckets).cast(pa.large_string())
            keys = Keys.trusted(
                pa.concat_arrays([keys.names, names]), {next(iter(keys.groups)): words, "ngram": ngrams}
            )
        if self.resumable:
            columns["context"] = lists_of(weights.close_up(weights.outer, words), 0, words + ngrams)
        return self._space(vocabulary, keys, rows, columns, how.seed, training)


def subwords_of(keys: Keys, min_n: int, max_n: int, buckets: int, more: np.ndarray) -> Subwords:
    """The parts of some words.

    Args:
        keys: The words (n,).
        min_n: Characters of the shortest n-gram.
        max_n: Of the longest one.
        buckets: Number of buckets.
        more: Buckets (m,) int64 that get a row too.
    """
    from kinfold.kernels.subwords import ngrams

    words = len(keys)
    ends, ids = ngrams(*utf8(keys.names), max(min_n, 1), max_n, buckets)
    filled = renumber([ids], buckets, words, more)
    return Subwords(*joined(ends, ids, np.arange(words)), filled)
