import numpy as np
import pytest

import kinfold as kf
from kinfold.core.errors import BadData, BadOption, UnknownName
from kinfold.recipes.tuning import grid_of
from kinfold.sources.interactions import read

CHEAP = {"dim": (2, 4), "regularization": 0.1, "threads": 1}


def noisy(users=300, items=80, kinds=4, each=12, seed=0):
    """Users of four kinds, who meet half of their items by their kind and half at random."""
    rng = np.random.default_rng(seed)
    of = rng.integers(0, kinds, users)
    met = {}
    for user in range(users):
        weights = np.where(np.arange(items) % kinds == of[user], 6.0, 1.0)
        met[f"u{user}"] = [f"i{item}" for item in rng.choice(items, each, replace=False, p=weights / weights.sum())]
    return read(met)


def rated(users=120, items=40, seed=0):
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(users):
        for item in rng.choice(items, 12, replace=False).tolist():
            stars = 4.0 if user % 2 == item % 2 else 2.0 + float(rng.random() < 0.3)
            rows += [(f"u{user}", f"i{item}", stars)]
    return read(rows)


def test_the_dimension_that_was_planted_is_chosen_and_more_is_seen_to_learn_by_heart():
    tuned = kf.tune(noisy(), dim=(2, 4, 16, 48), regularization=(0.001, 0.01, 0.1), metric="ndcg@10", threads=1)
    assert tuned.best["dim"] == 4
    held, fitted, tried = tuned.report.tables
    assert [row[0] for row in held.rows] == [row[0] for row in fitted.rows] == [2, 4, 16, 48]
    for line in range(1, len(held.columns)):
        quality = [row[line] for row in held.rows]
        assert max(quality) == quality[1]
        assert quality[3] < quality[2] < quality[1]
        memory = [row[line] for row in fitted.rows]
        assert memory == sorted(memory)
    assert any("a larger dim learns by heart" in note for note in tuned.report.notes)
    assert len(tried.rows) == len(tuned.trials) > 12
    finding = tuned.report["held out/ndcg@10"]
    assert finding.low < finding.value < finding.high
    assert finding.value == max(each.quality.value for each in tuned.trials if each.budget == 16)


def test_the_best_is_what_learning_and_judging_it_gives():
    from kinfold.measure import retrieval
    from kinfold.prepare.split import split

    met = noisy()
    tuned = kf.tune(met, **CHEAP, metric="recall@5", seed=3)
    parts = split(met, "random", seed=3)
    space = kf.items(parts.train, method=tuned.method, seed=3, threads=1, **tuned.best)
    found = retrieval(space, parts, ks=(5,), seed=3)["recall@5"]
    told = tuned.report["held out/recall@5"]
    assert (told.value, told.low, told.high, told.n) == (found.value, found.low, found.high, found.n)


@pytest.mark.parametrize("method", ["bpr", "ease", "svd", "item2vec"])
def test_every_method_is_tuned(method):
    options = {"ease": {}, "bpr": {"dim": (4, 8), "epochs": 6}, "item2vec": {"dim": (4, 8)}, "svd": {"dim": (4, 8)}}
    tuned = kf.tune(noisy(), method=method, threads=1, metric="map@10", **options[method])
    assert {"ease": "regularization"}.get(method, "dim") in tuned.best
    if method in ("ease", "svd"):
        assert {each.rung for each in tuned.trials} == {1}


def test_ratings_are_tuned_by_their_errors():
    tuned = kf.tune(rated(), method="funksvd", dim=(3, 6), regularization=(0.02, 0.2), epochs=20, threads=1)
    full = [each.quality.value for each in tuned.trials if each.budget == 20]
    assert tuned.report["held out/rmse"].value == min(full)


@pytest.mark.parametrize("split", ["user", "leave-last"])
def test_other_splits(split):
    assert kf.tune(noisy(), **CHEAP, split=split).best["dim"] in (2, 4)


def test_the_same_seed_tries_and_finds_the_same():
    first, second = (kf.tune(noisy(), **CHEAP, seed=5) for _ in range(2))
    assert first.trials == second.trials


def test_what_cannot_be_learned_is_passed_over_and_told():
    tuned = kf.tune(noisy(), method="svd", dim=(4, 500))
    assert tuned.best == {"dim": 4}
    assert any(note.startswith("dim 500: ") for note in tuned.report.notes)
    with pytest.raises(BadData, match=r"no setting could be learned.*dim 600"):
        kf.tune(noisy(), method="svd", dim=(500, 600))


def test_grids_by_default():
    assert grid_of("als", {}) == {"dim": [32, 64, 128, 256], "regularization": [0.003, 0.01, 0.03]}
    assert grid_of("ease", {}) == {"regularization": [90.0, 300.0, 900.0]}
    assert grid_of("als", {"dim": np.array([8, 8, 16]), "weighting": "one"}) == {
        "dim": [8, 16],
        "regularization": [0.003, 0.01, 0.03],
        "weighting": ["one"],
    }


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"dim": (2, 4), "dimm": 3}, BadOption, "no option 'dimm'. Did you mean 'dim'"),
        ({"dim": (2, 0)}, BadOption, "dim is 0"),
        ({"dim": ()}, BadOption, "dim has no value to try"),
        ({"dim": 8, "regularization": 0.1}, BadOption, "one setting"),
        ({"metric": "ndgc@20"}, BadOption, "Did you mean 'ndcg'"),
        ({"metric": "ndcg"}, BadOption, "ndcg@20"),
        ({"metric": "ndcg@0"}, BadOption, "at least 1"),
        ({"method": "funksvd", "metric": "ndcg@20"}, BadOption, "rmse, mae"),
        ({"method": "asl"}, UnknownName, "Did you mean 'als'"),
        ({"split": "halves"}, BadOption, "split 'halves' is unknown"),
        ({"eta": 1}, BadOption, "eta is 1"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_learned(options, error, says):
    with pytest.raises(error, match=says):
        kf.tune(noisy(users=12), **options)
