import numpy as np
import pytest

from kinfold.core.errors import BadData, BadOption
from kinfold.learn.calibrate import chances, loss, temperature
from kinfold.learn.probe import Probe


def blocks(count=300, labels=3, dim=8, seed=0, noise=1.0):
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, labels, count)
    rows = 3 * np.eye(labels, dim)[targets] + noise * rng.normal(size=(count, dim))
    return rows.astype(np.float32), targets


def test_it_tells_what_it_has_not_seen_and_scale_does_not_count():
    rows, targets = blocks()
    more, wanted = blocks(seed=1)
    found = Probe().fit(rows, targets, 3, threads=1)
    told = (more @ found.rows.T + found.bias).argmax(axis=1)
    assert (told == wanted).mean() > 0.9
    small = Probe().fit(rows / 1000, targets, 3, threads=1)
    assert small.strength == found.strength
    np.testing.assert_allclose(small.rows / 1000, found.rows, rtol=0.05, atol=1e-3)


def test_noise_asks_for_a_stronger_penalty():
    rng = np.random.default_rng(0)
    clear, targets = blocks(noise=0.1)
    vague = rng.normal(size=clear.shape).astype(np.float32)
    assert Probe().fit(clear, targets, 3, threads=1).strength > Probe().fit(vague, targets, 3, threads=1).strength


def test_several_labels_are_each_told_by_themselves():
    rng = np.random.default_rng(0)
    wanted = rng.random((300, 3)) < 0.4
    rows = (np.eye(3, 6)[:, :].T @ wanted.T).T * 3 + rng.normal(size=(300, 6))
    found = Probe().fit(rows.astype(np.float32), wanted, 3, threads=1)
    told = rows @ found.rows.T + found.bias > 0
    assert (told == wanted).mean() > 0.85


def test_a_label_with_one_example_is_learned_and_not_held_out():
    rows, targets = blocks(60, 2)
    targets[7] = 2
    found = Probe().fit(rows, targets, 3, threads=1)
    assert 7 not in found.held
    assert len(found.held) == 59
    assert np.isfinite(found.rows).all()
    few = Probe().fit(rows[:2], np.array([0, 1]), 2, threads=1)
    assert few.temperature == 1
    assert few.tried == []


def test_temperature_is_what_scores_were_multiplied_with():
    rng = np.random.default_rng(0)
    scores = rng.normal(0, 2, (4000, 4))
    wanted = (chances(scores).cumsum(axis=1) < rng.random((4000, 1))).sum(axis=1).clip(max=3)
    assert temperature(scores * 3, wanted) == pytest.approx(3, rel=0.1)
    assert temperature(scores / 2, wanted) == pytest.approx(0.5, rel=0.1)
    each = rng.random(scores.shape) < chances(scores, each=True)
    assert temperature(scores * 3, each) == pytest.approx(3, rel=0.1)
    assert loss(scores, wanted) < loss(scores * 3, wanted)


def test_what_cannot_be_is_said():
    with pytest.raises(BadOption, match="strengths"):
        Probe(strengths="0,1")
    with pytest.raises(BadOption, match="strengths"):
        Probe(strengths="many")
    with pytest.raises(BadOption, match="folds"):
        Probe(folds=1)
    with pytest.raises(BadData, match="not finite"):
        Probe().fit(np.full((4, 2), np.nan, np.float32), np.array([0, 1, 0, 1]), 2)
