from itertools import pairwise

import numpy as np
import pytest
from oracles import sgns as oracle

from kinfold.kernels._jit import aligned
from kinfold.kernels._simd import LANES
from kinfold.kernels.dbow import documents
from kinfold.kernels.random import alias_table
from kinfold.kernels.sgns import Parts, Targets, Weights, Windows, padded, windows
from kinfold.kernels.tree import huffman


def against(negatives, counts):
    """The targets of a vocabulary with these counts."""
    noise = alias_table(counts**0.75)
    paths = huffman(counts) if negatives == 0 else (np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int32))
    return Targets(negatives, *noise, *paths), noise, paths


def run(dim, window, negatives, cbow, shrink, words=60, sentences=30, tagged=False, composed=False, both=True):
    rng = np.random.default_rng(dim * 1000 + window * 10 + negatives)
    lengths = rng.integers(0, 14, sentences)
    # Distinct words in a sentence: how a row that stands twice in one window is updated is not part of the contract.
    ids = np.concatenate([rng.permutation(words)[:length] for length in lengths]).astype(np.int32)
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    counts = np.bincount(ids, minlength=words) + 1
    keep = np.full(words, 2**32 - 1, np.uint32)
    keep[:5] = 2**31
    width = (dim + LANES - 1) // LANES * LANES
    rows = words + 40 + sentences
    inner, outer = aligned(rows, width), aligned(words + 1, width)
    inner.reshape(rows, width)[:, :dim] = rng.normal(size=(rows, dim)) / np.sqrt(dim)
    outer.reshape(words + 1, width)[:words, :dim] = rng.normal(size=(words, dim)) / np.sqrt(dim)
    slow_inner = inner.reshape(rows, width)[:, :dim].astype(np.float64)
    slow_outer = outer.reshape(words + 1, width)[:, :dim].astype(np.float64)
    tags = np.arange(words + 40, rows) if tagged else np.zeros(0, np.int64)
    parts = slow_parts = None
    if composed:
        some = [[word, *rng.integers(words, words + 40, rng.integers(0, 4))] for word in range(words)]
        pace, pull = rng.choice([0, 0.1, 1], rows).astype(np.float32), rng.choice([0, 3], rows).astype(np.float32)
        anchors = inner.copy()
        places = np.concatenate([[0], np.cumsum([len(each) for each in some])]).astype(np.int64)
        parts = Parts(places, np.concatenate(some).astype(np.int32), pace, anchors, pull)
        slow_parts = {"rows": some, "pace": pace, "pull": pull, "anchors": slow_inner.copy()}
    targets, noise, paths = against(negatives, counts)
    weights, around = Weights(inner, outer, width, both), Windows(window, shrink, cbow, tags)
    stats = np.zeros(2)
    windows(ids, starts, keep, weights, around, parts, targets, 0.05, 1e-5, 7, stats)
    loss, scores = oracle.windows(
        ids, starts, keep, slow_inner, slow_outer, window, shrink, cbow, negatives, noise, paths, 0.05, 1e-5, 7,
        tags if tagged else None, slow_parts, both,
    )  # fmt: skip
    fast_inner = inner.reshape(rows, width)
    fast_outer = outer.reshape(words + 1, width)
    assert scores == stats[1]
    assert loss == pytest.approx(stats[0], rel=2e-4)
    np.testing.assert_allclose(fast_inner[:, :dim], slow_inner, atol=2e-4)
    np.testing.assert_allclose(fast_outer[:words, :dim], slow_outer[:words], atol=2e-4)
    assert not fast_inner[:, dim:].any()
    assert not fast_outer[:, dim:].any()


@pytest.mark.parametrize("cbow", [False, True])
@pytest.mark.parametrize("negatives", [0, 5])
@pytest.mark.parametrize("dim", [5, 33])
def test_rows_that_are_means_of_parts(dim, negatives, cbow):
    run(dim, window=3, negatives=negatives, cbow=cbow, shrink=True, words=4000, composed=True)
    run(dim, window=2, negatives=negatives, cbow=cbow, shrink=False, words=4000, composed=True, tagged=True)


@pytest.mark.parametrize("cbow", [False, True])
@pytest.mark.parametrize("both", [False, True])
def test_the_row_of_a_sequence_is_a_context_of_all_its_words(both, cbow):
    run(20, window=0, negatives=5, cbow=cbow, shrink=False, words=4000, tagged=True, both=both)
    run(20, window=3, negatives=5, cbow=cbow, shrink=True, words=4000, tagged=True, both=both)


@pytest.mark.parametrize("cbow", [False, True])
@pytest.mark.parametrize("dim", [1, 16, 33, 100])
def test_a_window_is_updated_as_the_formula_says(dim, cbow):
    run(dim, window=3, negatives=0, cbow=cbow, shrink=True)
    run(dim, window=3, negatives=1, cbow=cbow, shrink=False, words=4000)


@pytest.mark.parametrize("negatives", [5, 7, 12])
def test_any_number_of_negatives(negatives):
    run(20, window=2, negatives=negatives, cbow=False, shrink=True, words=4000)


def test_a_wide_window_of_many_negatives_keeps_its_loss_finite():
    run(8, window=40, negatives=40, cbow=False, shrink=False, words=100_000, sentences=3)


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("dim", [5, 33])
def test_words_of_a_document_share_their_noise(dim, both):
    rng = np.random.default_rng(dim)
    words, sequences = 3000, 25
    lengths = rng.integers(0, 20, sequences)
    ids = np.concatenate([rng.permutation(words)[:length] for length in lengths]).astype(np.int32)
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    keep = np.full(words, 2**32 - 1, np.uint32)
    keep[: words // 4] = 2**31
    inner = padded(rng.normal(size=(sequences + 3, dim)) / np.sqrt(dim))
    outer = padded(rng.normal(size=(words, dim)) / np.sqrt(dim), more=1)
    width = len(inner) // (sequences + 3)
    slow_inner = inner.reshape(-1, width)[:, :dim].astype(np.float64)
    slow_outer = outer.reshape(-1, width)[:, :dim].astype(np.float64)
    targets, noise, _ = against(7, rng.integers(1, 50, words))
    tags, stats = rng.permutation(sequences + 3)[:sequences], np.zeros(2)
    documents(ids, starts, keep, Weights(inner, outer, width, both), tags, targets, 0.05, 1e-5, 7, stats)
    expected = oracle.documents(ids, starts, keep, slow_inner, slow_outer, 7, noise, 0.05, 1e-5, 7, tags, both)
    assert stats[1] == expected[1]
    assert stats[0] == pytest.approx(expected[0], rel=2e-4)
    np.testing.assert_allclose(inner.reshape(-1, width)[:, :dim], slow_inner, atol=2e-4)
    np.testing.assert_allclose(outer.reshape(-1, width)[:, :dim], slow_outer, atol=2e-4)


def test_empty_and_one_word_sentences_change_nothing():
    inner, outer = aligned(3, LANES), aligned(4, LANES)
    inner[:] = 1
    stats = np.zeros(2)
    starts = np.array([0, 0, 1, 1], np.int64)
    keep = np.full(3, 2**32 - 1, np.uint32)
    weights, around = Weights(inner, outer, LANES, True), Windows(5, True, False, np.zeros(0, np.int64))
    windows(np.zeros(1, np.int32), starts, keep, weights, around, None, against(5, np.ones(3))[0], 0.1, 0.0, 1, stats)
    assert (inner == 1).all()
    assert not outer.any()
    assert not stats.any()


def test_the_alias_table_draws_by_weight():
    weights = np.array([1.0, 0.0, 3.0, 6.0])
    keep, other = alias_table(weights)
    share = np.zeros(4)
    for cell in range(4):
        stay = keep[cell] / (2**32 - 1)
        share[cell] += stay / 4
        share[other[cell]] += (1 - stay) / 4
    np.testing.assert_allclose(share, weights / weights.sum(), atol=1e-6)


def test_huffman_paths_are_a_prefix_code_of_least_length():
    counts = np.array([5, 9, 12, 13, 16, 45])  # the example of Cormen et al.: 224 bits
    starts, nodes, labels = huffman(counts)
    lengths = np.diff(starts)
    assert (lengths * counts).sum() == 224
    codes = [tuple(labels[a:b]) for a, b in pairwise(starts)]
    assert len(set(codes)) == 6
    assert not any(a != b and b[: len(a)] == a for a in codes for b in codes)
    assert nodes.max() == 4
    root = nodes[starts[:-1]]
    assert (root == root[0]).all()
