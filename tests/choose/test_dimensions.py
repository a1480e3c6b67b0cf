import dataclasses

import numpy as np
import pytest
import scipy.sparse as sparse
from oracles import health as oracle
from worlds import block_counts, blocks

import kinfold as kf
from kinfold import Space, choose
from kinfold.core.errors import BadData, BadOption, ShapeMismatch
from kinfold.core.keys import Keys
from kinfold.core.shapes import Counts, Items


def plane(dim=3, size=300, wide=24, noise=1e-4, seed=0, metric="cosine", look=0):
    """Rows of a few dimensions in many; another `look` sees the same ones with other noise, from another side."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(size, dim)) @ rng.normal(size=(dim, wide))
    rng = np.random.default_rng(100 + look)
    turn, _ = np.linalg.qr(rng.normal(size=(wide, wide)))
    rows = (rows + noise * rng.normal(size=rows.shape)) @ (turn if look else np.eye(wide))
    return Space.of([f"k{i}" for i in range(size)], rows, metric=metric)


def columns(report, name):
    table = next(each for each in report.tables if each.title == "By dimension")
    return {row[0]: row[list(table.columns).index(name)] for row in table.rows}


@pytest.mark.parametrize("metric", ["cosine", "dot", "l2"])
def test_the_dimension_of_a_plane_is_recommended_with_its_reason(metric):
    report = choose.dimension(plane(metric=metric))
    assert report["recommended dimension"].value == 3
    kept = report["neighbors kept"]
    assert kept.low <= kept.value <= kept.high
    assert kept.value > 0.95
    assert columns(report, "neighbors kept")[2] < 0.9
    assert report.notes[0].startswith("Take 3 of 24 dimensions: they keep")


@pytest.mark.parametrize("metric", ["cosine", "dot"])
def test_losses_are_those_of_all_products(metric):
    rows = np.random.default_rng(0).normal(size=(60, 8)) * np.geomspace(2, 0.2, 8) + 0.5
    report = choose.dimension(Space.of(range(60), rows, metric=metric), dims=[2, 3, 5])
    rows = rows.astype(np.float32).astype(np.float64)
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True) if metric == "cosine" else rows
    left, scale, right = np.linalg.svd(rows, full_matrices=False)
    for dim in (2, 3, 5):
        short = left[:, :dim] * scale[:dim]
        assert columns(report, "PIP loss")[dim] == pytest.approx(oracle.pip_loss(rows, short), rel=1e-4)
        near = [np.argsort(-oracle.scores(each, metric), axis=1)[:, :10] for each in (rows, short @ right[:dim])]
        share = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(*near, strict=True)])
        assert columns(report, "neighbors kept")[dim] == pytest.approx(share, abs=0.005)
    assert columns(report, "neighbors kept")[8] == 1
    assert columns(report, "variance")[8] == pytest.approx(1)


@pytest.mark.parametrize("metric", ["cosine", "dot", "l2"])
def test_beyond_the_signal_another_run_differs_more_than_it_agrees(metric):
    one, other = plane(noise=0.6, metric=metric), plane(noise=0.6, metric=metric, look=1)
    report = choose.dimension(one, beside=other, dims=[1, 2, 3, 4, 8, 16])
    loss = columns(report, "PIP loss to the other run")
    assert min(loss, key=loss.get) == 3
    assert any(note.startswith("Beyond 3 dimensions") for note in report.notes)


def test_the_loss_to_another_run_is_that_of_all_products():
    one, other = plane(noise=0.5, size=40), plane(noise=0.5, size=40, look=1)
    found = columns(choose.dimension(one, beside=other, dims=[2, 5]), "PIP loss to the other run")
    mine, yours = (each.rows.values / each.rows.norms[:, None] for each in (one, other))
    left, scale, _ = np.linalg.svd(mine, full_matrices=False)
    whole = yours @ yours.T
    for dim in (2, 5):
        short = left[:, :dim] * scale[:dim]
        true = np.linalg.norm(whole - short @ short.T) / np.linalg.norm(whole)
        assert found[dim] == pytest.approx(true, rel=1e-4)


def test_rows_that_need_all_of_their_dimensions_keep_them():
    space = Space.of(range(400), np.random.default_rng(0).normal(size=(400, 12)))
    report = choose.dimension(space)
    assert report["recommended dimension"].value == 12
    assert report.notes[0].startswith("Keep all 12 dimensions: with 8,")
    assert choose.dimension(space, keep=0.3)["recommended dimension"].value < 12


# Learned anew


def noisy_counts(rank=4, size=150, seed=0):
    """Users and items of a few kinds, who meet by kind and often by chance."""
    rng = np.random.default_rng(seed)
    kind = np.arange(size) % rank
    met = rng.random((size, size)) < np.where(kind[:, None] == kind, 0.35, 0.08)
    keys = [Keys([f"{group}{i}" for i in range(size)], group) for group in ("user", "item")]
    return Counts(*keys, sparse.csr_array(met.astype(np.float32)))


def test_counts_held_out_show_where_dimensions_learn_by_heart():
    data = noisy_counts()
    learner = kf.learn.SVD(dim=16)
    report = choose.dimension(learner.fit(data), learner=learner, data=data, dims=[1, 2, 4, 8, 32, 128])
    held, fitted = (
        {row[0]: row[1] for row in next(each for each in report.tables if each.title.endswith(name)).rows}
        for name in ("held out", "learned from")
    )
    chosen = report["recommended dimension"].value
    assert chosen in (2, 4)
    assert held[4] > held[128] + 0.03
    assert fitted[128] > fitted[4]
    assert any("learns by heart" in note for note in report.notes)
    assert report["held out/pairs told apart"].value == held[chosen]
    assert "learned anew" in report.notes[0]


def test_entries_that_were_held_out_are_not_learned_from():
    from kinfold.choose.refit import _entries

    data = block_counts()
    train, rest = _entries(data, 0.2, np.random.default_rng(0))
    assert ((train.values + rest.values) != data.values).nnz == 0
    assert train.values.multiply(rest.values).nnz == 0
    assert (rest.values != rest.values.T).nnz == 0  # both entries of a pair
    assert rest.values.nnz / data.values.nnz == pytest.approx(0.2, abs=0.03)


def test_runs_that_were_held_out_are_all_of_the_rest():
    from kinfold.choose.refit import _runs

    data = blocks(2, 5, sentences=3, length=2500)
    train, rest = _runs(data, 0.3, np.random.default_rng(0))
    assert len(train.ids) + len(rest.ids) == len(data.ids)
    assert np.diff(rest.starts).max() <= 1000
    for part in (train, rest):  # runs keep to their sequence, whose keys are of one block
        for start, stop in zip(part.starts[:-1], part.starts[1:], strict=True):
            assert len(set((part.ids[start:stop] // 5).tolist())) == 1


@pytest.mark.parametrize("learner", [kf.learn.Word2Vec(epochs=3, subsample=0), kf.learn.SVD()])
def test_learners_of_words_are_learned_anew_from_sequences(learner):
    data = blocks(4, 12, 400)
    space = kf.learn.Word2Vec(dim=8, epochs=1).fit(data, threads=1)
    report = choose.dimension(space, learner=learner, data=data, dims=[2, 8], threads=1)
    # One in four is drawn from the block itself, and cannot be told.
    assert report["held out/pairs told apart"].value > 0.75
    assert report["recommended dimension"].value in (2, 8)


def test_users_and_items_are_judged_by_what_they_met():
    rng = np.random.default_rng(0)
    met = [(f"u{u}", f"i{i}") for u in range(60) for i in rng.choice(20, 8, replace=False) * 2 + u % 2]
    interactions = kf.sources.interactions.read(met)
    data = kf.prepare.interactions.matrix(interactions)
    learner = kf.learn.ALS(dim=4)
    report = choose.dimension(learner.fit(data), learner=learner, data=data, dims=[2, 4, 16])
    found = report["held out/pairs told apart"]
    assert found.value > 0.7
    assert found.n < 60 * 8 * 0.2  # of entries, each beside several that were drawn


def test_dimensions_that_cannot_be_learned_are_told():
    data = block_counts(4, 3)
    learner = kf.learn.SVD(dim=4)
    space = learner.fit(data)
    report = choose.dimension(space, learner=learner, data=data, dims=[2, 500])
    assert report["recommended dimension"].value == 2
    assert any("dim 500" in note for note in report.notes)
    with pytest.raises(BadOption, match="no dimension could be learned"):
        choose.dimension(space, learner=learner, data=data, dims=[500])


def test_what_cannot_be_chosen_is_refused():
    space = plane()
    for options, says in (
        ({"k": 0}, "k is 0"),
        ({"keep": 0.0}, "keep 0"),
        ({"dims": [0, 4]}, "whole numbers"),
        ({"dims": []}, "at least one"),
        ({"learner": kf.learn.SVD()}, "both of learner and data"),
        ({"learner": kf.learn.EASE(), "data": block_counts()}, "no dim"),
        ({"learner": kf.learn.SVD(), "data": block_counts(), "held": 1.0}, "held is 1"),
    ):
        with pytest.raises(BadOption, match=says):
            choose.dimension(space, **options)
    with pytest.raises(ShapeMismatch, match="Sequences or Counts"):
        choose.dimension(space, learner=kf.learn.SVD(), data=Items(["a b"]))
    with pytest.raises(BadData, match="at least 3"):
        choose.dimension(Space.of(["a", "b"], [[1, 0], [0, 1]]))
    with pytest.raises(BadData, match="no coordinates"):
        choose.dimension(Space.of(["a", "b", "c"], np.zeros((3, 0))))
    with pytest.raises(BadData, match="shares fewer than 3"):
        choose.dimension(space, beside=Space.of(["x", "y", "z"], np.eye(3)))
    one = dataclasses.replace(block_counts(), values=sparse.csr_array((48, 48), dtype=np.float32))
    with pytest.raises(BadData, match="too few"):
        choose.dimension(space, learner=kf.learn.SVD(), data=one)


def test_broken_and_repeated_rows_take_no_part():
    space = plane()
    rows = np.array(space.rows.values)
    rows[5], rows[6] = np.nan, rows[7]
    from kinfold.core.rows import Rows

    broken = dataclasses.replace(space, rows=Rows(rows))
    assert choose.dimension(broken)["recommended dimension"].value == 3
