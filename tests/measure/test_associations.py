import json
import os
from pathlib import Path

import numpy as np
import pytest
from golden.wefe_scores import SIZES, drawn
from oracles import bias as oracle

from kinfold import Space, audit
from kinfold import open as open_vectors
from kinfold.measure import associations as formulas
from kinfold.measure.bias import of_words
from kinfold.measure.effect import effect_size, permuted
from kinfold.measure.word_lists import read_lists

DATA = Path(os.environ.get("KINFOLD_DATA", Path(__file__).parents[3] / "shared" / "data"))
VECTORS = DATA / "vectors" / "googlenews_subset_300d.bin"
GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "wefe_scores.json").read_text())


def rows(seed=0, sizes=(5, 5, 4, 6), dim=7):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(size, dim)) * rng.uniform(0.5, 2, (size, 1)) for size in sizes]


def measured(report, question):
    """The measures of a question by their names."""
    table = next(each for each in report.tables if each.title == "Measures")
    return {row[1]: row[2] for row in table.rows if row[0] == question}


def check(expected, report, question):
    found = measured(report, question) | {"effect size": report[f"{question}/effect size"].value}
    attribute = next(name for name in found if name.startswith("RND"))
    pairs = {"weat": "WEAT", "effect size": "effect size", "rnsb": "RNSB", "mac": "MAC", "rnd": attribute}
    pairs["ect"] = attribute.replace("RND", "ECT")
    for theirs, ours in pairs.items():
        assert found[ours] == pytest.approx(expected[theirs], abs=1e-6), theirs


def test_numbers_are_those_of_wefe():
    held = drawn()
    space = Space.of(list(held), np.stack(list(held.values())), group="word")
    sets = {
        f"{side}{at}": [f"{side[0]}{at}_{n}" for n in range(size)]
        for side in SIZES
        for at, size in enumerate(SIZES[side])
    }
    check(GOLDEN["drawn"], audit(space, of_words("drawn", sets)), "drawn")
    paired = [np.stack([held[f"t{at}_{n}"] for n in range(6)]).astype(float) for at in (0, 1)]
    words = np.stack([held[f"a0_{n}"] for n in range(7)]).astype(float)
    assert formulas.relational(words, *paired).mean() == pytest.approx(GOLDEN["drawn"]["ripa"], abs=1e-6)


@pytest.mark.data
@pytest.mark.skipif(not VECTORS.exists(), reason=f"no real vectors in {DATA}")
def test_numbers_on_real_vectors_are_those_of_wefe_and_the_same_questions_are_refused():
    report = audit(open_vectors(VECTORS), "weat")
    told = {row[0]: row for row in report.tables[0].rows}
    for question, expected in GOLDEN["google"].items():
        if expected["weat"] is None:
            assert told[question][-1].startswith("refused: ")
            assert not measured(report, question)
        else:
            check(expected, report, question)
    space = open_vectors(VECTORS)
    lists = read_lists("weat")
    query = next(each for each in lists.queries if each.name == "WEAT 5")
    first, second, words = (space.vectors(each.words).astype(float) for each in (*query.targets, query.attributes[0]))
    assert formulas.relational(words, first, second).mean() == pytest.approx(
        GOLDEN["google"]["WEAT 5"]["ripa"], abs=1e-6
    )


@pytest.mark.parametrize("seed", range(3))
def test_formulas_are_those_of_the_oracle(seed):
    x, y, a, b = rows(seed)
    statistic, size, either, upper = oracle.weat(x, y, a, b)
    sides = [formulas.associations(each, a, b) for each in (x, y)]
    assert sides[0].sum() - sides[1].sum() == pytest.approx(statistic)
    assert effect_size(*sides) == pytest.approx(size)
    chance = permuted(*sides)
    assert (chance.two_sided, chance.one_sided, chance.partitions) == (pytest.approx(either), pytest.approx(upper), 252)
    assert formulas.relative_norm_distances(x, y, a).mean() == pytest.approx(oracle.rnd(x, y, a))
    assert formulas.mean_distances(np.concatenate([x, y]), [a, b]).mean() == pytest.approx(oracle.mac([x, y], [a, b]))
    assert formulas.relational(a, x, y).mean() == pytest.approx(oracle.ripa(x, y, a))
    leaning = formulas.same(np.concatenate([x, y]), [a, b])
    assert (np.abs(leaning).mean(), leaning.mean()) == pytest.approx(oracle.same([*x, *y], a, b))
    axis, share = oracle.direction(x, y)
    found = formulas.direction_of(x, y)
    assert abs(found.vector @ axis) == pytest.approx(1)
    assert found.share == pytest.approx(share)
    assert formulas.indirect_bias(a[:3], b[:3], axis) == pytest.approx(
        [oracle.beta(w, v, axis) for w, v in zip(a[:3], b[:3], strict=True)]
    )


def test_lean_of_several_attributes_does_not_depend_on_their_order():
    x, *attributes = rows(sizes=(6, 3, 4, 5))
    one, other = (formulas.same(x, each) for each in (attributes, attributes[::-1]))
    assert one == pytest.approx(other)
    # In the space that three means span, two dimensions count: what leaves it does not.
    assert (one < 1).all()
    assert formulas.same(x, attributes[:2]) == pytest.approx(-formulas.same(x, attributes[1::-1]))


def test_even_sentiment_is_fair_and_coherent_attributes_tell_no_targets():
    assert formulas.divergence_from_even(np.full(9, 0.3)) == pytest.approx(0)
    assert formulas.divergence_from_even(np.array([1.0, 0, 0, 0])) == pytest.approx(np.log(4))
    x, _, a, _ = rows()
    assert formulas.coherence(x, x, a) == pytest.approx(1)
    assert np.isnan(formulas.coherence(x, x, a[:1]))
