import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.margins import mine as oracle

from kinfold import Space
from kinfold.core.errors import BadData, BadFile, BadOption, FrameMismatch
from kinfold.core.keys import Keys
from kinfold.core.rows import Rows
from kinfold.sources.pairs import read
from kinfold.tasks.mine import evaluate, mine


def sides(shared=60, alone=30, noise=0.5, dim=20, seed=0):
    """Two sides of one frame: rows s0.. have a partner of the same name on the other, x0.. and y0.. have none.

    The rows without one stand in a crowd, where cosines are large between all of them.
    """
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(shared, dim))
    spaces = []
    for name in "xy":
        crowd = 1.5 + rng.normal(size=(alone, dim))
        rows = np.concatenate([common + noise * rng.normal(size=common.shape), crowd])
        order = rng.permutation(len(rows))
        names = np.array([f"s{i}" for i in range(shared)] + [f"{name}{i}" for i in range(alone)])
        spaces.append(Space.of(list(names[order]), rows[order]))
    return spaces[0], dataclasses.replace(spaces[1], card=spaces[0].card)


def plane(rows, keys=None):
    return Space.of(keys or [f"k{i}" for i in range(len(rows))], rows)


def beside(a, rows, keys=None):
    return dataclasses.replace(plane(rows, keys), card=a.card)


@settings(deadline=None, max_examples=60)
@given(data=st.data(), margin=st.sampled_from(["ratio", "distance", "absolute"]))
def test_pairs_are_those_of_the_oracle(data, margin):
    n, m, k = (data.draw(st.integers(1, most)) for most in (12, 12, 6))
    select = data.draw(st.sampled_from(["max", "forward", "backward", "intersect"]))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    a = plane(rng.normal(size=(n, 4)) + 0.5)
    b = beside(a, rng.normal(size=(m, 4)) + 0.5)
    expected = dict(oracle(a.rows.values, b.rows.values, k, margin, select))
    mined = mine(a, b, k=k, margin=margin, select=select)
    found = {tuple(pair): score for pair, score in zip(mined.rows.tolist(), mined.scores.tolist(), strict=True)}
    assert found.keys() == expected.keys()
    for pair, score in expected.items():  # a large ratio has a small divisor, which rounding moves
        assert found[pair] == pytest.approx(score, rel=1e-4 * max(1, abs(score) / 10), abs=1e-5)
    assert (np.diff(mined.scores) <= 0).all()
    assert mined.left == [a.keys[row] for row in mined.rows[:, 0].tolist()]
    assert mined.right == [b.keys[row] for row in mined.rows[:, 1].tolist()]


def test_partners_are_mined_and_rows_without_one_are_not():
    a, b = sides(noise=0.3)
    every = mine(a, b)
    mined = mine(a, b, threshold=1.2)
    assert len(every) > len(mined) > 50
    assert np.mean([left == right for left, right, _ in mined]) > 0.95
    assert list(mined) == list(every)[: len(mined)]
    assert len(set(every.left)) == len(set(every.right)) == len(every)


def test_the_margin_finds_what_the_cosine_does_not():
    report = evaluate(*sides(noise=0.9, shared=200, alone=100))
    assert report["best F1"].value > report["by cosine/best F1"].value + 0.05
    assert report["random pairs/F1"].value < 0.02


def test_precision_recall_and_f1_are_those_of_the_pairs():
    a, b = sides()
    threshold = 1.15
    report = evaluate(a, b, threshold=threshold)
    mined = mine(a, b, threshold=threshold)
    right = sum(left == other for left, other, _ in mined)
    assert report["precision"].value == pytest.approx(right / len(mined))
    assert report["recall"].value == pytest.approx(right / 60)
    assert report["F1"].value == pytest.approx(2 * right / (len(mined) + 60))
    assert report["F1"].low < report["F1"].value < report["F1"].high
    best = evaluate(a, b, threshold=report["best threshold"].value)
    assert best["F1"].value == pytest.approx(report["best F1"].value)
    assert report["best F1"].value >= report["F1"].value
    assert report.tables[0].rows[0][0] == mined.left[0]


def test_the_truth_can_be_pairs_of_other_names(tmp_path):
    a, b = sides()
    renamed = dataclasses.replace(b, keys=Keys([f"other {key}" for key in b.keys]))
    (tmp_path / "truth.tsv").write_text("".join(f"s{i}\tother s{i}\n" for i in range(60)) + "s1\tnothing\n")
    found = evaluate(a, renamed, tmp_path / "truth.tsv")
    assert found["precision"].value == evaluate(a, b)["precision"].value
    assert found["coverage"].n == 61
    assert "nothing" in str(found.tables[1].rows)
    with pytest.raises(BadData, match="0 of 0 pairs"):
        evaluate(a, renamed)


def test_nothing_is_mined_from_nothing():
    a = plane([[1, 0], [0, 0], [0, 1.0]])
    b = beside(a, [[0, 0], [1, 0.1]])
    assert {(left, right) for left, right, _ in mine(a, b, k=1, margin="absolute", select="forward")} <= {
        ("k0", "k1"),
        ("k2", "k1"),
    }
    empty = beside(a, np.zeros((0, 2)), [])
    for select in ("max", "forward", "backward", "intersect"):
        assert len(mine(a, empty, select=select)) == len(mine(empty, a, select=select)) == 0
    report = evaluate(a, beside(a, [[1, 0.1]], ["k0"]), threshold=99)
    assert report["recall"].value == 0
    assert np.isnan(report["precision"].value)
    # Where all rows look away from each other, no ratio says who is nearer.
    assert len(mine(a, beside(a, [[-1, -1.0]]), k=1)) == 0


def test_only_one_group_is_mined():
    a, b = sides()
    keys = Keys([*map(str, range(5)), *b.keys], {"ngram": 5, "row": len(b)})
    parts = dataclasses.replace(b, keys=keys, rows=Rows(np.concatenate([a.rows.values[:5], b.rows.values])))
    mined, plain = mine(a, parts, group="row"), mine(a, b)
    assert list(mined) == list(plain)
    np.testing.assert_array_equal(mined.rows, plain.rows + np.array([0, 5]))


def test_pairs_are_saved_as_a_file_of_pairs(tmp_path):
    mined = mine(*sides())
    mined.save(tmp_path / "pairs.tsv")
    again = read(tmp_path / "pairs.tsv", weighted=True)
    assert list(again) == [(left, right) for left, right, _ in mined]
    np.testing.assert_allclose(again.weights, mined.scores, rtol=1e-5)
    assert mined.to_dict()[0] == {"left": mined.left[0], "right": mined.right[0], "score": float(mined.scores[0])}
    a = plane([[1, 0.0]], ["a\tb"])
    with pytest.raises(BadData, match="tab"):
        mine(a, a, k=1).save(tmp_path / "tab.tsv")
    with pytest.raises(BadFile):
        mined.save(tmp_path / "no" / "folder.tsv")
    assert [each.name for each in tmp_path.iterdir()] == ["pairs.tsv"]


def test_bad_questions_are_refused():
    a, b = sides()
    for options in ({"k": 0}, {"margin": "ration"}, {"select": "both"}):
        for ask in (mine, evaluate):
            with pytest.raises(BadOption):
                ask(a, b, **options)
    with pytest.raises(BadOption, match="Did you mean 'ratio'"):
        mine(a, b, margin="ration")
    for ask in (mine, evaluate):
        with pytest.raises(FrameMismatch):
            ask(a, plane(b.rows.values, list(b.keys)))
