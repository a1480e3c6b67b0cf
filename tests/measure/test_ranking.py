import numpy as np
import pytest
import scipy.sparse as sparse
from oracles.retrieval import metrics

import kinfold as kf
from kinfold.core.errors import BadData, BadOption
from kinfold.measure import retrieval
from kinfold.measure.ranking import METRICS, drawn, exposure
from kinfold.prepare.split import split
from kinfold.sources.interactions import read
from kinfold.tasks.recommend import recommend


def tastes(users=120, items=60, kinds=4, seed=0):
    """Users who meet items of their own kind, nearly always."""
    rng = np.random.default_rng(seed)
    met = []
    for user in range(users):
        own = np.arange(items) % kinds == user % kinds
        draws = rng.choice(items, 9, replace=False, p=np.where(own, 20, 0.2) / np.where(own, 20, 0.2).sum())
        met += [(f"u{user}", f"i{item}", 1, int(time)) for item, time in zip(draws, rng.permutation(9), strict=True)]
    return read(met)


@pytest.mark.parametrize("how", ["random", "time", "user", "leave-last"])
@pytest.mark.parametrize("method", ["als", "bpr", "ease", "svd", "item2vec"])
def test_what_was_planted_is_found_above_popular_and_random(how, method):
    parts = split(tastes(), how, seed=1)
    options = {"ease": {"regularization": 10.0}, "item2vec": {"dim": 6, "epochs": 40, "subsample": 0.0}}
    report = retrieval(kf.items(parts.train, method=method, **options.get(method, {"dim": 6})), parts, ks=(3, 10))
    assert report["recall@10"].value > 0.5
    assert report["recall@10 above popular"].low > 0.1
    assert [row[:2] for row in report.tables[0].rows] == [
        [name, k] for name in (method, "popular", "random") for k in (3, 10)
    ]


@pytest.mark.parametrize("how", ["time", "user", "leave-last"])
def test_order_is_kept_where_it_counts(how):
    pytest.importorskip("torch", reason="not installed; pip install 'kinfold[deep]'")
    rng = np.random.default_rng(0)
    starts = rng.integers(0, 12, 200)
    # Items stand in the source in another order than that of their times.
    met = [
        (f"u{user}", f"i{(start + step) % 12}", 1, 100 * user + step if how != "time" else step)
        for user, start in enumerate(starts.tolist())
        for step in rng.permutation(5).tolist()
    ]
    parts = split(read(met), how, share=0.2, seed=1)
    options = {"dim": 16, "epochs": 30, "learning_rate": 0.01, "batch": 32}
    report = retrieval(kf.items(parts.train, method="sasrec", threads=1, **options), parts, ks=(1,))
    # Of who is asked about the last item of five, it is the next one; of others, any of five.
    assert report["recall@1"].value > (0.9 if how != "user" else 0.2)


def test_numbers_are_those_of_the_oracle():
    parts = split(tastes(), "random", seed=1)
    space = kf.items(parts.train, dim=3, epochs=2)
    report = retrieval(space, parts, ks=(2, 5))
    truth = {}
    for user, item in parts.test:
        truth.setdefault(user, set()).add(item)
    hits = {each.query: each.keys for each in recommend(space, list(truth), k=5)}
    for k in (2, 5):
        expected = [metrics(hits[user], items, k) for user, items in truth.items()]
        for metric in METRICS:
            finding = report[f"{metric}@{k}"]
            assert finding.value == pytest.approx(np.mean([each[metric] for each in expected]))
            assert finding.low <= finding.value <= finding.high
            assert finding.n == len(truth)


def test_a_folded_user_is_ranked_like_one_of_training():
    met = tastes()
    parts = split(met, "random", seed=2)
    space = kf.items(parts.train, dim=4)
    known = retrieval(space, parts)
    folded = retrieval(space, parts._replace(history=parts.train.take(np.arange(len(parts.train)))))
    assert folded["ndcg@10"].value == pytest.approx(known["ndcg@10"].value, abs=1e-3)


def test_later_interactions_are_judged_by_what_the_space_remembers():
    parts = split(tastes(), "time", seed=2)
    space = kf.items(parts.train, dim=4)
    assert retrieval(space, parts.test).findings == retrieval(space, parts).findings


def test_quality_by_group_of_users():
    met = tastes()
    parts = split(met, "random", seed=1)
    groups = np.array([f"kind {int(name[1:]) % 4}" for name in met.users])
    report = retrieval(kf.items(parts.train, dim=4), parts, ks=(10,), groups=groups)
    table = report.tables[1]
    assert [row[0] for row in table.rows] == [f"kind {kind}" for kind in range(4)]
    weighted = sum(row[1] * row[3] for row in table.rows) / sum(row[1] for row in table.rows)
    assert weighted == pytest.approx(report["recall@10"].value)


def test_exposure_by_hand():
    found = exposure(np.array([4, 0, 0, 0, 0]), np.array([8, 4, 2, 1, 1]), users=4)
    assert found == {"coverage": 0.2, "novelty": 1.0, "popular share": 1.0, "gini": pytest.approx(0.8)}
    even = exposure(np.full(5, 2), np.array([8, 4, 2, 1, 1]), users=2)
    assert even["gini"] == pytest.approx(0)
    assert even["popular share"] == pytest.approx(0.2)
    assert even["novelty"] == pytest.approx((1 + 2 + 3 + 4 + 4) / 5)


def test_what_cannot_be_judged_is_said():
    parts = split(tastes(), "random")
    space = kf.items(parts.train, dim=2, epochs=1)
    with pytest.raises(BadOption, match="at least 1"):
        retrieval(space, parts, ks=(0,))
    with pytest.raises(BadData, match="no user"):
        retrieval(space, read({"nobody": ["i1", "i2"]}))


@pytest.mark.parametrize("items", [12, 500])
def test_random_items_are_new_and_different_and_all_alike(items):
    rng = np.random.default_rng(0)
    dense = rng.random((400, items)) < np.linspace(0, 1, 400)[:, None]
    found = drawn(sparse.csr_array(dense.astype(np.float32)), 10, rng)
    for user in range(400):
        some = found[user][found[user] >= 0]
        assert len(set(some.tolist())) == len(some) == min(10, items - dense[user].sum())
        assert not dense[user, some].any()
    none = sparse.csr_array((4000, items), dtype=np.float32)
    times = np.bincount(drawn(none, 10, rng).ravel(), minlength=items)
    assert times.std() < 3 * np.sqrt(times.mean())
