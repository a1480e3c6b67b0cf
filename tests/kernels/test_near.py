import numpy as np
import pytest

from kinfold.kernels import near
from kinfold.kernels.minhash import bands, candidates, jaccard, shingles


@pytest.mark.parametrize("count", [0, 1, 7, 100])
def test_pairs_and_the_nearest_are_those_of_the_whole_matrix(count, monkeypatch):
    monkeypatch.setattr(near, "_TALL", 8)
    monkeypatch.setattr(near, "_WIDE", 12)
    rows = np.random.default_rng(0).normal(size=(count, 3)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    best = np.full(count, -np.inf, np.float32)
    done = []
    found = {
        (first, second): product
        for block in near.near_pairs(rows, 0.9, best, done.append)
        for first, second, product in zip(*(each.tolist() for each in block), strict=True)
    }
    products = rows @ rows.T
    np.fill_diagonal(products, -np.inf)
    expected = {(a, b) for a, b in zip(*np.nonzero(products >= 0.9), strict=True) if a < b}
    assert set(found) == expected
    assert sum(done) == count
    if count:
        np.testing.assert_allclose(best, products.max(axis=1), atol=1e-6)
    for (a, b), product in found.items():
        assert product == pytest.approx(products[a, b], abs=1e-6)


def test_what_shares_a_pair_is_one_group_named_by_its_first():
    owners = near.joined(np.arange(7), np.array([5, 2]), np.array([3, 5]))
    assert owners.tolist() == [0, 1, 2, 2, 4, 2, 6]
    assert near.joined(owners, np.array([6]), np.array([3])).tolist() == [0, 1, 2, 2, 4, 2, 2]


def cut(texts):
    ids = np.concatenate([np.array(each, np.int32) for each in texts])
    return ids, np.concatenate([[0], np.cumsum([len(each) for each in texts])]).astype(np.int64)


def test_jaccard_is_that_of_sets_of_runs():
    rng = np.random.default_rng(0)
    texts = [rng.integers(0, 4, rng.integers(0, 12)).tolist() for _ in range(40)]
    for size in (1, 2, 3):
        hashes, starts = shingles(*cut(texts), size)
        sets = [
            {tuple(each[at : at + size]) for at in range(max(1, len(each) - size + 1))} if each else set()
            for each in texts
        ]
        assert np.diff(starts).tolist() == [len(each) for each in sets]
        pairs = np.array([(a, b) for a in range(40) for b in range(a + 1, 40)])
        expected = [len(sets[a] & sets[b]) / max(1, len(sets[a] | sets[b])) for a, b in pairs]
        np.testing.assert_allclose(jaccard(hashes, starts, pairs), expected)


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.9])
def test_pairs_above_the_threshold_are_candidates(threshold):
    rng = np.random.default_rng(1)
    count, each = bands(threshold)
    assert count * each <= 128
    texts = []
    for _ in range(300):
        text = rng.integers(0, 1 << 20, 60)
        other = text.copy()
        # Of 60 words so many are others that the sets of words are just as alike.
        changed = int(60 * (1 - threshold) / (1 + threshold)) - 1
        other[:changed] = rng.integers(1 << 20, 1 << 21, changed)
        texts += [text.tolist(), other.tolist()]
    hashes, starts = shingles(*cut(texts), 1)
    found = candidates(hashes, starts, threshold)
    planted = {(2 * at, 2 * at + 1) for at in range(300)}
    alike = jaccard(hashes, starts, np.array(sorted(planted)))
    assert (alike >= threshold).all()
    assert len(planted & {tuple(each) for each in found.tolist()}) >= 295
    # And few others: a pair of unlike texts is one by chance.
    assert len(found) < 400
    assert (found[:, 0] < found[:, 1]).all()
