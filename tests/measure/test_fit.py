import numpy as np
import pytest
from oracles.retrieval import metrics

import kinfold as kf
from kinfold.core.errors import BadData, BadOption
from kinfold.measure.fit import fitted
from kinfold.measure.ranking import METRICS
from kinfold.sources.interactions import read


def some(users=60, items=40, seed=0):
    rng = np.random.default_rng(seed)
    return read({f"u{user}": [f"i{item}" for item in rng.choice(items, 6, replace=False)] for user in range(users)})


@pytest.mark.parametrize("method", ["als", "ease"])
def test_numbers_are_those_of_the_oracle(method):
    met = some()
    space = kf.items(met, method=method, **({"dim": 3} if method == "als" else {"regularization": 5.0}))
    truth = {}
    for user, item in met:
        truth.setdefault(user, set()).add(item)
    items = space.group("item")
    rows = kf.encoder(space).encode([sorted(each) for each in truth.values()]).rows.take(np.arange(len(truth)))
    report = fitted(space, met, ks=(2, 8))
    ranked = [[items.keys[at] for at in row] for row in items.topk(rows, 8)[1].tolist()]
    for k in (2, 8):
        expected = [metrics(list_, wanted, k) for list_, wanted in zip(ranked, truth.values(), strict=True)]
        for metric in METRICS:
            finding = report[f"{metric}@{k}"]
            assert finding.value == pytest.approx(np.mean([each[metric] for each in expected]), abs=0.01)
            assert finding.low <= finding.value <= finding.high
            assert finding.n == len(truth)


def test_what_is_learned_by_heart_is_found_again():
    met = some()
    values = [fitted(kf.items(met, dim=dim, regularization=1e-4), met, ks=(6,))["recall@6"].value for dim in (2, 8, 40)]
    assert values == sorted(values)
    assert values[-1] > 0.99


def test_what_cannot_be_judged_is_said():
    space = kf.items(some(), dim=2, epochs=1)
    with pytest.raises(BadOption, match="at least 1"):
        fitted(space, some(), ks=(0,))
    with pytest.raises(BadData, match="no user"):
        fitted(space, read({"nobody": ["i1"]}))
