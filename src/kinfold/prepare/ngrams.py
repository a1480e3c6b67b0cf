"""What texts are made of beside their words: character n-grams and word n-grams, sorted into buckets by a hash."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from kinfold.core.errors import BadOption
from kinfold.core.keys import utf8
from kinfold.core.shapes import Sequences
from kinfold.core.spill import empty

END = "</s>"  # the word that ends every text, as in fastText


@dataclass(frozen=True, slots=True, eq=False)
class NGrams:
    """The buckets of the n-grams of some texts, each of which ends with the word `</s>`.

    Args:
        words: The keys of the texts, and `</s>` behind them where it is not one of them (n,).
        end: The number of `</s>` among the words.
        word_starts: (n + 1,) int64; word w has the character n-grams `of_words[word_starts[w]:word_starts[w + 1]]`.
        of_words: int32 buckets.
        text_starts: (texts + 1,) int64; text t has the word n-grams `of_texts[text_starts[t]:text_starts[t + 1]]`.
        of_texts: int32 buckets; memory-mapped when large.
    """

    words: pa.LargeStringArray
    end: int
    word_starts: np.ndarray
    of_words: np.ndarray
    text_starts: np.ndarray
    of_texts: np.ndarray


def ngrams(texts: Sequences, *, longest: int, min_n: int, max_n: int, buckets: int) -> NGrams:
    """Sorts the n-grams of texts into buckets, as fastText does.

    Args:
        texts: Sequences of words.
        longest: Words of the longest word n-gram, at least 1.
        min_n: Characters of the shortest character n-gram, at least 1.
        max_n: Characters of the longest one; 0 for none.
        buckets: At least 1; may be 0 where there are no n-grams.

    Raises:
        BadOption: There are n-grams and no buckets.
        BadFile: The folder for temporary files is full or cannot be written.

    Source:
        Joulin et al. 2017 (arXiv 1607.01759); Bojanowski et al. 2017 (arXiv 1607.04606).
    """
    from kinfold.kernels import subwords
    from kinfold.kernels._jit import plain
    from kinfold.kernels.supervised import gram_starts, word_ngrams

    if not buckets and (max_n or longest > 1):
        raise BadOption("n-grams need buckets; take at least 1, or no n-grams: word_ngrams=1 and max_n=0.")
    words = texts.keys.names
    end = int(texts.keys.rows([END])[0])
    if end < 0:
        end = len(words)
        words = pa.concat_arrays([words, pa.array([END], pa.large_string())])
    data, offsets = utf8(words)
    if max_n:
        word_starts, of_words = subwords.ngrams(data, offsets, min_n, max_n, buckets)
    else:
        word_starts, of_words = np.zeros(len(words) + 1, np.int64), np.zeros(0, np.int32)
    text_starts = gram_starts(texts.starts, longest)
    of_texts = empty(int(text_starts[-1]), np.int32)
    if len(of_texts):
        hashes = subwords.token_hashes(data, offsets)
        word_ngrams(plain(texts.ids), plain(texts.starts), end, longest, hashes, buckets, of_texts)
    return NGrams(words, end, word_starts, of_words, text_starts, of_texts)
