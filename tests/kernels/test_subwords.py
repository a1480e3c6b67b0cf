import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import subwords as oracle

from kinfold.kernels.subwords import ngrams, token_hashes


def packed(words):
    parts = [word.encode() for word in words]
    offsets = np.cumsum([0, *map(len, parts)]).astype(np.int64)
    return np.frombuffer(b"".join(parts), np.uint8), offsets


def buckets_of(words, shortest, longest, buckets):
    starts, ids = ngrams(*packed(words), shortest, longest, buckets)
    return [ids[start:stop].tolist() for start, stop in itertools.pairwise(starts)]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=9), min_size=1, max_size=5),
    st.integers(1, 4),
    st.integers(0, 7),
    st.sampled_from([1, 7, 2_000_000]),
)
def test_every_ngram_goes_to_its_bucket(words, shortest, longest, buckets):
    expected = [
        [oracle.fnv(part.encode()) % buckets for part in oracle.ngrams(word, shortest, longest)] for word in words
    ]
    assert buckets_of(words, shortest, longest, buckets) == expected


@pytest.mark.parametrize("word", ["", "a", "naïve", "日本", "<a>", ">", "x" * 60, "</s>"])
def test_words_at_the_edges(word):
    expected = [oracle.fnv(part.encode()) % 1000 for part in oracle.ngrams(word, 1, 6)]
    assert buckets_of([word], 1, 6, 1000) == [expected]


def test_the_hash_widens_bytes_with_their_sign():
    words = ["the", "naïve", "", "日本"]
    assert token_hashes(*packed(words)).tolist() == [oracle.fnv(word.encode()) for word in words]
    # From fastText's own test of its hash: plain FNV-1a would agree on ASCII only.
    assert token_hashes(*packed(["a"]))[0] == 0xE40C292C


def test_nothing_in_nothing_out():
    starts, ids = ngrams(np.zeros(0, np.uint8), np.zeros(1, np.int64), 3, 6, 100)
    assert starts.tolist() == [0]
    assert not len(ids)
