import itertools

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import supervised as oracle

from kinfold.core.keys import Keys
from kinfold.core.shapes import Sequences
from kinfold.kernels._jit import aligned
from kinfold.kernels._simd import LANES
from kinfold.kernels.random import alias_table
from kinfold.kernels.sgns import Targets, Weights
from kinfold.kernels.supervised import (
    KINDS,
    Labels,
    Own,
    Texts,
    gram_starts,
    label_tree,
    leaf_chances,
    texts_pass,
)
from kinfold.prepare.ngrams import END, ngrams


def ragged(lists, kind=np.int32):
    starts = np.cumsum([0, *map(len, lists)]).astype(np.int64)
    return np.array([each for part in lists for each in part], kind), starts


def tree_of(counts):
    starts, nodes, turns = label_tree(counts)
    return [list(zip(nodes[a:b], turns[a:b], strict=True)) for a, b in itertools.pairwise(starts)]


@pytest.mark.parametrize("labels", [2, 5, 23])
@pytest.mark.parametrize("dim", [1, 33])
@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("copies", [0, 6])
def test_a_pass_is_what_the_formula_says(copies, kind, dim, labels):
    rng = np.random.default_rng(labels * 100 + dim)
    words, buckets, texts = 40, 15, 60
    ids = [rng.integers(0, words, size).tolist() for size in rng.integers(0, 9, texts)]
    parts = [
        [number] * (number % 7 > 0) + rng.integers(words, words + buckets, number % 3).tolist()
        for number in range(words)
    ]
    parts.append([3])  # the end
    grams = [rng.integers(words, words + buckets, max(0, len(each) - 2)).tolist() for each in ids]
    known = [rng.integers(0, labels, 1 + (number % 5 == 0)).tolist() for number in range(texts)]
    known[7] = []
    counts = np.bincount(np.concatenate([np.array(each, np.int64) for each in known]), minlength=labels) + 1
    width = (dim + LANES - 1) // LANES * LANES
    rows = words + buckets
    inner, outer = aligned(rows + copies, width), aligned(labels + 1, width)
    inner.reshape(-1, width)[:rows, :dim] = rng.normal(size=(rows, dim))
    outer.reshape(-1, width)[:labels, :dim] = rng.normal(size=(labels, dim)) / np.sqrt(dim)
    slow_inner = inner.reshape(-1, width)[:rows, :dim].astype(np.float64)
    slow_outer = outer.reshape(-1, width)[:labels, :dim].astype(np.float64)
    order = rng.permutation(texts)
    done = np.append(0, np.cumsum([len(ids[text]) + 1 for text in order]))
    noise = (4, *alias_table(np.sqrt(counts)))
    none = np.zeros(0, np.int32)
    against = Targets(*noise, np.zeros(0, np.int64), none, none)
    if kind == "hierarchical":
        against = Targets(0, np.zeros(0, np.uint32), none, *label_tree(counts))
    (flat, starts), (flat_parts, part_starts), (flat_grams, places) = ragged(ids), ragged(parts), ragged(grams)
    made = Texts(flat, starts, words, part_starts, flat_parts, places, flat_grams)
    stats = np.zeros(2)
    both = Weights(inner, outer, width, True)
    own = Own(rows, copies)
    texts_pass(made, Labels(*ragged(known)), order, done, both, own, KINDS[kind], against, 0.3, 1e-4, 11, stats)
    parts_of = [[part for word in [*ids[text], words] for part in parts[word]] + grams[text] for text in range(texts)]
    loss, count = oracle.texts_pass(
        parts_of, known, order, done, slow_inner, slow_outer, kind, noise, tree_of(counts), 0.3, 1e-4, 11
    )
    assert stats[1] == count == texts - 1
    assert stats[0] == pytest.approx(loss, rel=1e-4)
    np.testing.assert_allclose(inner.reshape(-1, width)[:rows, :dim], slow_inner, atol=2e-4)
    np.testing.assert_allclose(outer.reshape(-1, width)[:labels, :dim], slow_outer, atol=2e-4)
    assert not inner.reshape(-1, width)[:, dim:].any()
    assert not outer.reshape(-1, width)[labels:].any()


def test_huge_scores_give_finite_losses():
    inner, outer = aligned(2, LANES), aligned(3, LANES)
    inner[:], outer[: 2 * LANES] = 1e3, 1e3
    outer[LANES : 2 * LANES] = -1e3
    none = np.zeros(0, np.int32)
    against = Targets(0, np.zeros(0, np.uint32), none, np.zeros(0, np.int64), none, none)
    made = Texts(
        np.zeros(1, np.int32),
        np.array([0, 1]),
        1,
        np.array([0, 1, 2]),
        np.array([0, 1], np.int32),
        np.zeros(2, np.int64),
        none,
    )
    for kind in ("softmax", "one-vs-all"):
        stats = np.zeros(2)
        labels = Labels(np.ones(1, np.int32), np.array([0, 1]))
        both = Weights(inner.copy(), outer.copy(), LANES, True)
        order, done = np.zeros(1, np.int64), np.array([0, 2])
        texts_pass(made, labels, order, done, both, Own(2, 0), KINDS[kind], against, 1e-3, 0.0, 1, stats)
        assert np.isfinite(stats).all()
        assert np.isfinite(both.outer).all()


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(["a", "naïve", "日本", "the", END, ""]), max_size=6), max_size=5),
    st.integers(1, 5),
    st.sampled_from([1, 7, 2_000_000, 2**31 - 1]),
)
def test_word_ngrams_are_those_of_the_oracle(lists, longest, buckets):
    names = sorted({word for words in lists for word in words})
    ids, starts = ragged([[names.index(word) for word in words] for words in lists])
    texts = Sequences(Keys(pa.array(names, pa.large_string()), "word"), ids, starts)
    made = ngrams(texts, longest=longest, min_n=0, max_n=0, buckets=buckets)
    assert made.words.to_pylist() == (names if END in names else [*names, END])
    assert made.words[made.end].as_py() == END
    assert gram_starts(starts, longest).tolist() == made.text_starts.tolist()
    found = [made.of_texts[a:b].tolist() for a, b in itertools.pairwise(made.text_starts)]
    assert found == [oracle.word_ngrams([*words, END], longest, buckets) for words in lists]
    assert not len(made.of_words)


def test_leaves_of_a_tree_are_a_distribution():
    counts = np.array([50, 20, 20, 5, 4, 1])
    scores = np.random.default_rng(0).normal(size=(7, 5)).astype(np.float32) * 3
    chances = leaf_chances(scores, *label_tree(counts))
    np.testing.assert_allclose(chances.sum(axis=1), 1, atol=1e-6)
    path = tree_of(counts)[3]
    expected = np.prod([1 / (1 + np.exp(-scores[2, node] if turn else scores[2, node])) for node, turn in path])
    assert chances[2, 3] == pytest.approx(expected, rel=1e-5)
