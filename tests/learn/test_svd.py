import numpy as np
import pytest
import scipy.sparse as sparse
from worlds import block_counts, blocks, same_block

from kinfold.core.errors import BadData, BadOption
from kinfold.core.keys import Keys
from kinfold.core.shapes import Counts
from kinfold.learn.svd import SVD, singular
from kinfold.prepare.cooccurrence import count
from kinfold.prepare.weighting import ppmi


def decaying(rows, columns, seed=0):
    """A matrix whose singular values are 1/1, 1/2, 1/3 …"""
    rng = np.random.default_rng(seed)
    size = min(rows, columns)
    left = np.linalg.qr(rng.normal(size=(rows, size)))[0]
    right = np.linalg.qr(rng.normal(size=(columns, size)))[0]
    return (left / np.arange(1, size + 1)) @ right.T


def test_directions_are_those_of_the_full_svd():
    dense = decaying(80, 50)
    left, scale, right = singular(sparse.csr_array(dense.astype("f4")), 8, iterations=8)
    np.testing.assert_allclose(scale, 1 / np.arange(1, 9), rtol=1e-4)
    best = np.linalg.svd(dense)
    np.testing.assert_allclose((left * scale) @ right.T, (best[0][:, :8] * best[1][:8]) @ best[2][:8], atol=1e-4)
    assert (left[np.abs(left).argmax(axis=0), np.arange(8)] > 0).all()


def test_threads_do_not_change_the_rows():
    one, two = (SVD(dim=8).fit(block_counts(), threads=threads) for threads in (1, 3))
    np.testing.assert_array_equal(one.rows.values, two.rows.values)


def test_neighbors_in_text_become_neighbors_in_space():
    space = SVD(dim=6).fit(ppmi(count(blocks(sentences=500))))
    assert same_block(space) > 0.95
    assert list(space.groups) == ["word"]


def test_two_sides_share_one_space():
    dense = np.kron(np.eye(3), np.ones((10, 4))).astype("f4")
    rows, columns = Keys([f"u{i}" for i in range(30)], "user"), Keys([f"i{i}" for i in range(12)], "item")
    space = SVD(dim=3).fit(Counts(rows, columns, sparse.csr_array(dense)))
    assert {name: len(each) for name, each in space.groups.items()} == {"user": 30, "item": 12}
    assert set(space.nearest("u0", 4, group="item").keys) == {"i0", "i1", "i2", "i3"}
    # With exponent 1/2 on both sides, products of rows are the matrix.
    whole = space.group("user").rows.values @ space.group("item").rows.values.T
    np.testing.assert_allclose(whole, dense, atol=1e-4)


def test_a_direction_that_is_not_there_is_zero_not_noise():
    keys = Keys([f"k{i}" for i in range(10)])
    space = SVD(dim=5, exponent=0.0).fit(Counts(keys, keys, sparse.csr_array(np.ones((10, 10), np.float32))))
    assert np.count_nonzero(np.abs(space.rows.values).sum(axis=0)) == 1


def test_what_cannot_be_learned_is_refused():
    keys = Keys(["a", "b"])
    with pytest.raises(BadOption, match="no more than 2"):
        SVD(dim=3).fit(Counts(keys, keys, sparse.csr_array(np.eye(2, dtype=np.float32))))
    with pytest.raises(BadData, match="no entry"):
        SVD(dim=1).fit(Counts(keys, keys, sparse.csr_array((2, 2), dtype=np.float32)))
    with pytest.raises(BadData, match="NaN"):
        SVD(dim=1).fit(Counts(keys, keys, sparse.csr_array(np.full((2, 2), np.nan, np.float32))))
    with pytest.raises(BadData, match="group 'row'"):
        SVD(dim=1).fit(Counts(keys, Keys(["c", "d"]), sparse.csr_array(np.eye(2, dtype=np.float32))))
    for options in ({"dim": 0}, {"dim": True}, {"exponent": -1}, {"iterations": -1}, {"oversample": 1.5}):
        with pytest.raises(BadOption):
            SVD(**options)
