"""Every index of the catalogue, by the same rules."""

import functools

import numpy as np
import pyarrow as pa
import pytest

from kinfold import Space, search
from kinfold.core.errors import BadData, BadOption, FrameMismatch
from kinfold.core.keys import Keys

NAMES = [entry.name for entry in search.INDEXES]
METRICS = ["cosine", "dot", "l2"]


def crowds(metric="cosine", size=1200, dim=12, seed=0):
    """Thirty crowds of rows around far-apart centers, in two groups, with an attribute that numbers the rows."""
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(30, dim))
    rows = centers[np.arange(size) % 30] + 0.1 * rng.normal(size=(size, dim))
    keys = Keys([f"k{i}" for i in range(size)], {"first": size // 3, "second": size - size // 3})
    return Space.of(keys, rows, metric=metric, table=pa.table({"number": np.arange(size)}))


@functools.cache
def built(name, metric="cosine"):
    """An index over `crowds(metric)`, built once for the tests that only ask it."""
    return search.build(crowds(metric), name)


@pytest.mark.parametrize("name", NAMES)
class TestEveryIndex:
    @pytest.mark.parametrize("metric", METRICS)
    def test_it_finds_the_planted_neighbors(self, name, metric):
        index = built(name, metric)
        space = index.space
        scores, rows = index.search(space.rows.take(np.arange(100)), 5)
        true_scores, true_rows = space.topk(space.rows.take(np.arange(100)), 5)
        assert rows.dtype == np.int64
        assert scores.dtype == np.float32
        shared = [len(set(one) & set(other)) for one, other in zip(rows.tolist(), true_rows.tolist(), strict=True)]
        assert np.mean(shared) > 4.75
        np.testing.assert_allclose(scores[rows == true_rows], true_scores[rows == true_rows], atol=2e-3)
        assert (np.diff(scores, axis=1) <= 0).all()

    @pytest.mark.parametrize("metric", METRICS)
    @pytest.mark.parametrize(
        ("where", "matching"),
        [("number % 2 = 0", 600), ("number < 9", 9), ("number = 5", 1), ("number < 0", 0), ("number >= 0", 1200)],
    )
    def test_a_filter_gives_exactly_what_there_is(self, name, metric, where, matching):
        index = built(name, metric)
        space = index.space
        allowed = space.where(where)
        assert len(allowed) == matching
        for k in (3, 50):
            _, rows = index.search(space.rows.take(np.arange(20)), k, where=where)
            assert ((rows >= 0).sum(axis=1) == min(k, matching)).all()
            assert np.isin(rows[rows >= 0], allowed).all()

    def test_more_rows_than_there_are_come_back_once_each(self, name):
        space = crowds(size=40)
        _, rows = search.build(space, name).search(space.rows.take([0, 1]), 60)
        for line in rows:
            assert sorted(line[:40].tolist()) == list(range(40))
            assert (line[40:] == -1).all()

    def test_nearest_is_that_of_the_space(self, name):
        index = built(name)
        space = index.space
        for options in ({}, {"group": "second"}, {"where": "number > 30"}, {"exclude": ["k30", "k60"]}):
            mine, true = index.nearest("k0", 4, **options), space.nearest("k0", 4, **options)
            assert mine.keys == true.keys
            assert mine.query == "k0"
        assert index.nearest(space["k7"], 1).keys == ["k7"]

    @pytest.mark.parametrize("metric", METRICS)
    def test_saved_and_opened_it_answers_the_same(self, name, metric, tmp_path):
        index = built(name, metric)
        space = index.space
        index.save(tmp_path / "index")
        space.save(tmp_path / "space.arrow")
        again = search.open(tmp_path / "index", Space.open(tmp_path / "space.arrow"))
        queries = np.random.default_rng(1).normal(size=(50, space.dim)).astype("f4")
        for mine, theirs in zip(index.search(queries, 7), again.search(queries, 7), strict=True):
            np.testing.assert_array_equal(mine, theirs)
        assert dict(again.parameters) == dict(index.parameters)

    def test_another_space_is_refused(self, name, tmp_path):
        space = built(name).space
        built(name).save(tmp_path / "index")
        with pytest.raises(FrameMismatch, match="frame"):
            search.open(tmp_path / "index", crowds(seed=1))
        with pytest.raises(BadData, match="rows is 1200, but here it is 400"):
            search.open(tmp_path / "index", space.group("first"))
        with pytest.raises(BadData, match="other rows"):
            search.open(tmp_path / "index", space.take(np.concatenate([np.arange(400)[::-1], np.arange(400, 1200)])))

    def test_same_seed_and_one_thread_give_the_same_file(self, name, tmp_path):
        options = {} if name == "exact" else {"threads": 1, "seed": 3}
        for file in ("one", "two"):
            search.build(crowds(), name, **options).save(tmp_path / file)
        assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()

    def test_bad_questions_are_refused(self, name):
        index = built(name)
        with pytest.raises(BadOption, match="k is 0"):
            index.search(np.zeros((1, 12), np.float32), 0)
        with pytest.raises(BadOption, match="shape"):
            index.search(np.zeros((1, 3), np.float32), 1)
        with pytest.raises(BadOption, match="NaN"):
            index.search(np.full((1, 12), np.nan, np.float32), 1)
        with pytest.raises(BadOption, match="has no option 'effrt'"):
            search.build(crowds(), name, effrt=3)

    @pytest.mark.parametrize("metric", METRICS)
    @pytest.mark.parametrize("size", [0, 1, 3])
    def test_tiny_spaces_work(self, name, metric, size):
        space = Space.of([f"k{i}" for i in range(size)], np.eye(3, dtype=np.float32)[:size], metric=metric)
        _, rows = search.build(space, name).search(np.eye(3, dtype=np.float32), 4)
        assert ((rows >= 0).sum(axis=1) == size).all()

    def test_rows_that_are_not_finite_are_refused(self, name):
        space = crowds(size=60)
        space.rows.values[7, 1] = np.nan
        with pytest.raises(BadData, match="row 7"):
            search.build(space, name)

    def test_half_precision_and_zero_rows_are_indexed(self, name):
        rows = crowds().rows.values.astype(np.float16)
        rows[3] = 0
        space = Space.of([f"k{i}" for i in range(len(rows))], rows)
        assert search.build(space, name).nearest("k0", 5).keys == space.nearest("k0", 5).keys
