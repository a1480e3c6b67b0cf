import dataclasses

import numpy as np
import pytest
import scipy.sparse as sparse
from worlds import block_counts, same_block

from kinfold.core.errors import BadData, BadOption
from kinfold.core.keys import Keys
from kinfold.core.shapes import Counts
from kinfold.learn import GloVe, tiles


@pytest.fixture
def many_tiles(monkeypatch):
    """Small data cut as finely as large data are."""
    monkeypatch.setattr(tiles, "_ENTRIES", 16)
    monkeypatch.setattr(tiles, "_CACHE", 1000)


def factored(rows=60, columns=60, dim=3, seed=0):
    """Counts whose logarithms are products of rows, biases and all."""
    rng = np.random.default_rng(seed)
    logs = rng.normal(size=(rows, dim)) @ rng.normal(size=(dim, columns)) / 2 + 3
    logs += rng.normal(size=(rows, 1)) / 2 + rng.normal(size=(1, columns)) / 2
    return np.exp(logs).astype(np.float32)


def test_products_become_logarithms_of_counts():
    keys = Keys([f"k{number}" for number in range(60)])
    told = []
    counts = Counts(keys, keys, sparse.csr_array(factored()))
    GloVe(dim=3, epochs=200, learning_rate=0.1).fit(counts, threads=2, callback=told.append)
    assert told[-1].loss < 1e-3 * told[0].loss
    assert [epoch.number for epoch in told] == list(range(1, 201))
    assert told[-1].rows.shape == (60, 3)


@pytest.mark.usefixtures("many_tiles")
def test_threads_do_not_change_a_byte():
    runs = [GloVe(dim=12).fit(block_counts(), threads=threads) for threads in (1, 2, 5)]
    assert len({run.frame for run in runs}) == 1
    assert all(run.rows.values.tobytes() == runs[0].rows.values.tobytes() for run in runs)
    assert len({run.card.reports[0]["loss"].value for run in runs}) == 1
    assert same_block(runs[0]) > 0.95


@pytest.mark.usefixtures("many_tiles")
def test_every_entry_is_learned_once_an_epoch():
    class Heard:
        total = done = 0.0

        def start(self, stage, total=None, unit=""):
            self.total = total

        def advance(self, amount, **numbers):
            self.done += amount

    heard, data = Heard(), block_counts()
    GloVe(dim=8, epochs=3).fit(data, threads=2, progress=heard)
    assert heard.done == heard.total == 3 * data.values.nnz


@pytest.mark.usefixtures("many_tiles")
@pytest.mark.parametrize("threads", [1, 3])
def test_what_goes_wrong_in_a_thread_ends_all_of_them(threads):
    class Broken:
        def start(self, stage, total=None, unit=""):
            pass

        def advance(self, amount, **numbers):
            raise KeyError("progress")

    with pytest.raises(KeyError, match="progress"):
        GloVe(dim=8).fit(block_counts(), threads=threads, progress=Broken())


def test_the_training_is_on_the_card():
    space = GloVe(dim=8, epochs=4).fit(block_counts())
    table = space.card.reports[0].tables[0]
    assert table.columns == ("epoch", "loss", "entries per second")
    assert [row[0] for row in table.rows] == [1, 2, 3, 4]
    assert space.card.reports[0]["loss"].value == table.rows[-1][1] < table.rows[0][1]


def test_two_sides_share_one_space():
    dense = np.kron(np.eye(3) * 30 + 1, np.ones((10, 4)))
    rows, columns = Keys([f"u{i}" for i in range(30)], "user"), Keys([f"i{i}" for i in range(12)], "item")
    space = GloVe(dim=8, epochs=100).fit(Counts(rows, columns, sparse.csr_array(dense.astype("f4"))))
    assert {name: len(each) for name, each in space.groups.items()} == {"user": 30, "item": 12}
    assert set(space.nearest("u0", 4, group="item").keys) == {"i0", "i1", "i2", "i3"}


def test_an_entry_that_stands_twice_is_their_sum():
    data = block_counts()
    keys, matrix = data.row_keys, data.values
    starts = 2 * matrix.indptr
    twice = sparse.csr_array((np.repeat(matrix.data / 2, 2), np.repeat(matrix.indices, 2), starts), shape=matrix.shape)
    one, two = (GloVe(dim=8, epochs=3).fit(Counts(keys, keys, each)) for each in (matrix, twice))
    np.testing.assert_array_equal(one.rows.values, two.rows.values)
    assert twice.nnz == 2 * matrix.nnz


@pytest.mark.parametrize("value", [0, -1, np.nan, np.inf])
def test_an_entry_without_a_logarithm_is_refused(value):
    data = block_counts()
    data.values.data[3] = value
    with pytest.raises(BadData, match=r"1 of .* entries .*logarithm"):
        GloVe(dim=8).fit(data)


def test_what_cannot_be_learned_is_refused():
    keys = Keys(["a", "b"])
    with pytest.raises(BadData, match="no entry"):
        GloVe().fit(Counts(keys, keys, sparse.csr_array((2, 2), dtype=np.float32)))
    with pytest.raises(BadData, match="group 'row'"):
        GloVe().fit(Counts(keys, Keys(["c", "d"]), sparse.csr_array(np.ones((2, 2), np.float32))))
    with pytest.raises(BadOption, match="threads"):
        GloVe().fit(block_counts(), threads=0)


@pytest.mark.parametrize("rate", [0.05, 9.9])
def test_rows_stay_finite_where_counts_are_extreme(rate):
    data = block_counts()
    values = np.logspace(-37, 37, data.values.nnz).astype(np.float32)
    wild = dataclasses.replace(data, values=sparse.csr_array((values, data.values.indices, data.values.indptr)))
    assert np.isfinite(GloVe(dim=8, epochs=20, learning_rate=rate).fit(wild).rows.values).all()


@pytest.mark.parametrize(
    "option",
    [{"dim": 0}, {"dim": True}, {"epochs": 0}, {"learning_rate": 0}, {"x_max": 0}, {"x_max": np.inf}, {"alpha": -1}],
)
def test_an_option_out_of_range_is_named(option):
    with pytest.raises(BadOption, match=next(iter(option))):
        GloVe(**option)
