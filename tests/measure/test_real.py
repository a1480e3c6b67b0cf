"""Real vectors and real tests, against the same vectors under shuffled names."""

import os
from pathlib import Path

import numpy as np
import pytest
from oracles import health as oracle

from kinfold import Space, measure
from kinfold import open as open_vectors
from kinfold.measure.judgment import spearman

DATA = Path(os.environ.get("KINFOLD_DATA", Path(__file__).parents[3] / "shared" / "data"))
VECTORS = DATA / "vectors" / "googlenews_subset_300d.bin"
TESTS = DATA / "word_eval"

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not VECTORS.exists() or not TESTS.exists(), reason=f"no real vectors and tests in {DATA}"),
]


@pytest.fixture(scope="module")
def spaces():
    space = open_vectors(VECTORS)
    order = np.random.default_rng(0).permutation(len(space))
    return space, Space.of(space.keys, space.rows.values[order])


@pytest.mark.parametrize("method", ["3cosadd", "3cosmul"])
def test_analogies_are_solved_by_meaning(spaces, method):
    real, shuffled = (measure.analogies(space, TESTS / "questions-words.txt", method=method) for space in spaces)
    assert real["accuracy"].n == shuffled["accuracy"].n > 5000
    assert real["accuracy"].low > 0.5 > 0.01 > shuffled["accuracy"].high
    assert real["semantic/accuracy"].n + real["syntactic/accuracy"].n == real["accuracy"].n
    assert len(real.tables[0].rows) == 14


@pytest.mark.parametrize("test", ["EN-WS-353-ALL.txt", "EN-SIMLEX-999.txt"])
def test_similarity_agrees_with_people(spaces, test):
    real, shuffled = (measure.similarity(space, TESTS / test)["spearman"] for space in spaces)
    assert real.low > shuffled.high
    assert shuffled.low < 0 < shuffled.high
    assert real.n > 250


SHARES = DATA / "bias" / "winogender" / "data" / "occupations-stats.tsv"


@pytest.mark.skipif(not SHARES.exists(), reason=f"no shares of occupations in {DATA}")
def test_places_on_the_axis_of_gender_follow_who_works_in_an_occupation(spaces):
    lines = [line.split("\t") for line in SHARES.read_text().splitlines()[1:]]
    shares = {line[0]: float(line[2]) for line in lines}
    poles = "he,man,boy,father,son,brother:she,woman,girl,mother,daughter,sister"
    related = []
    for space in spaces:
        report = measure.axes(space, poles, list(shares), neighbors=0)
        places = {each.name: each.value for each in report.findings[2:]}
        related.append(spearman(np.array(list(places.values())), np.array([shares[key] for key in places])))
        assert len(places) > 20
    assert related[0] > 0.5 > abs(related[1])
    assert report["held out"].value < measure.axes(spaces[0], poles, ["nurse"])["held out"].value == 1


def test_real_vectors_are_healthy_and_what_was_spoilt_is_found(spaces):
    space, _ = spaces
    report = measure.health(space, sample=2000)
    assert report["isoscore"].value == pytest.approx(oracle.isoscore(space.rows.values), abs=1e-4)
    assert [row[1] for row in report.tables[0].rows] == ["fine"] * len(report.tables[0].rows)
    rows = np.array(space.rows.values)
    rows[::10] = rows[1]
    rows[:, 7] += 1
    spoilt = measure.health(Space.of(space.keys, rows), beside=space, sample=2000)
    verdicts = {row[0]: row[1] for row in spoilt.tables[0].rows}
    assert spoilt["rows like another"].value == len(rows[::10])
    assert verdicts["same rows"] == "look"
    assert verdicts["isotropy"] == "act"
    assert spoilt["share of the common direction in one coordinate"].value > 0.9
    assert spoilt["mean cosine of two rows"].value > 0.4 > report["mean cosine of two rows"].value
