import os
from pathlib import Path

import numpy as np
import pytest
from oracles.retrofit import settled

import kinfold as kf
from kinfold import Space
from kinfold.core.card import Card, born
from kinfold.core.errors import BadData, BadFile, BadOption, FrameMismatch, UnknownName
from kinfold.core.keys import Keys
from kinfold.core.rows import Rows
from kinfold.sources.pairs import read
from kinfold.transform import Retrofit

DATA = Path(os.environ.get("KINFOLD_DATA", Path(__file__).parents[3] / "shared" / "data"))
VECTORS = DATA / "vectors" / "googlenews_subset_300d.bin"
DICTIONARIES = DATA / "text" / "bilingual_dictionaries"
PAIRS = [("w0", "w1"), ("w0", "w2"), ("w2", "w3"), ("w5", "w6"), ("w7", "w5")]
ENDS = [(int(left[1:]), int(right[1:])) for left, right in PAIRS]


def words(count=30, dim=6, seed=0, metric="l2"):
    rows = np.random.default_rng(seed).normal(size=(count, dim)) * np.linspace(1, 3, count)[:, None]
    return Space.of([f"w{i}" for i in range(count)], rows, group="word", metric=metric)


@pytest.mark.parametrize(("alpha", "beta"), [(1, 1), (2, 0.5), (0.5, 2)])
def test_rows_settle_where_the_equations_say(alpha, beta):
    space = words()
    fitted = Retrofit(pairs=PAIRS, iterations=200, alpha=alpha, beta=beta).apply(space)
    expected = settled(space.rows.values, ENDS, alpha, beta)
    np.testing.assert_allclose(fitted.rows.values, expected, rtol=1e-4, atol=1e-4)


def test_ten_rounds_are_nearly_all():
    space = words()
    quick, long = (Retrofit(pairs=PAIRS, iterations=count).apply(space).rows.values for count in (10, 200))
    assert np.abs(quick - long).max() < 0.01 * np.abs(long - space.rows.values).max()


def test_directions_are_averaged_and_lengths_kept_where_the_metric_is_cosine():
    space = words(metric="cosine")
    fitted = Retrofit(pairs=PAIRS, iterations=200).apply(space)
    np.testing.assert_allclose(fitted.rows.norms, space.rows.norms, rtol=1e-5)
    expected = settled(space.rows.values / space.rows.norms[:, None], ENDS, 1, 1)
    expected *= space.rows.norms[:, None] / np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(fitted.rows.values, expected, rtol=1e-3, atol=1e-4)


def test_rows_without_a_partner_stay_as_they_are():
    space = words()
    fitted = Retrofit(pairs=PAIRS).apply(space)
    np.testing.assert_array_equal(fitted.rows.values[8:], space.rows.values[8:])
    np.testing.assert_array_equal(fitted["w4"], space["w4"])
    assert fitted.card.steps[-1]["moved"] == 7
    with pytest.raises(FrameMismatch):
        space.same_frame(fitted)
    other = Retrofit(pairs=[("w8", "w9")]).apply(space)
    assert other.frame != fitted.frame


def test_weights_share_the_pull():
    space = words()
    pairs = [("w0", "w1", 3), ("w0", "w2", 1), ("w4", "w5", 0)]
    fitted = Retrofit(pairs=pairs, weighted=True, iterations=200).apply(space)
    expected = settled(space.rows.values, [(0, 1), (0, 2)], 1, 1, [3, 1])
    np.testing.assert_allclose(fitted.rows.values[:3], expected[:3], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(fitted["w4"], space["w4"], rtol=1e-6)


def test_direction_repetition_and_self_make_no_difference():
    space = words()
    plain = Retrofit(pairs=PAIRS).apply(space)
    again = [*PAIRS, *[(right, left) for left, right in PAIRS], ("w4", "w4")]
    np.testing.assert_array_equal(Retrofit(pairs=again).apply(space).rows.values, plain.rows.values)


def test_missing_words_are_counted_and_listed(tmp_path):
    path = tmp_path / "lexicon.txt"
    path.write_text("W0 w1 nowhere\nw2 w3\nlost nowhere\n")
    fitted = Retrofit(pairs=path).apply(words(metric="cosine"))
    report = fitted.card.reports[-1]
    assert report["coverage"].n == 4
    assert report["coverage"].value == 0.5
    assert [list(row) for row in report.tables[0].rows] == [["nowhere", 2], ["lost", 1]]
    assert report["after/cosine"].value > report["before/cosine"].value
    assert report["moved rows"].value == 4
    assert fitted.card.steps[-1]["pairs"] == "lexicon.txt"


def test_only_one_group_moves_and_what_told_of_its_parts_is_left_out():
    rows = np.random.default_rng(0).normal(size=(12, 4))
    keys = Keys([*[f"w{i}" for i in range(8)], *map(str, range(4))], {"word": 8, "ngram": 4})
    space = Space.of(keys, rows).with_attribute("own", rows.tolist())
    fitted = Retrofit(pairs=PAIRS).apply(space)
    np.testing.assert_array_equal(fitted.rows.values[8:], space.rows.values[8:])
    assert fitted.table is None
    assert Retrofit(pairs=PAIRS).apply(space.with_attribute("count", [1] * 12)).table.column_names == ["count"]
    grams = Retrofit(pairs=[("0", "1")], group="ngram").apply(space)
    assert grams.card.steps[-1]["moved"] == 2


def test_what_cannot_be_retrofitted_is_refused(tmp_path):
    space = words()
    for options in ({"iterations": 0}, {"iterations": 1.5}, {"alpha": 0}, {"beta": -1}, {"beta": float("nan")}):
        with pytest.raises(BadOption):
            Retrofit(pairs=PAIRS, **options)
    with pytest.raises(BadData, match=r"0 of 1 pairs .*'x'"):
        Retrofit(pairs=[("x", "y")]).apply(space)
    with pytest.raises(BadData, match="at least 1"):
        Retrofit(pairs=[("w1", "w1")]).apply(space)
    with pytest.raises(BadFile):
        Retrofit(pairs=tmp_path / "nothing").apply(space)
    with pytest.raises(UnknownName):
        Retrofit(pairs=PAIRS, group="item").apply(space)
    values = space.rows.values.copy()
    values[20] = np.inf
    broken = Space(space.keys, Rows(values), space.metric, Card(born("x", values), "x"))
    with pytest.raises(BadData, match="row 20"):
        Retrofit(pairs=PAIRS).apply(broken)


@pytest.mark.data
@pytest.mark.skipif(not VECTORS.exists() or not DICTIONARIES.exists(), reason=f"no vectors and dictionaries in {DATA}")
def test_words_that_are_translated_alike_become_as_alike_as_people_find_them():
    # A lexicon that saw no judgment of similarity: English words that share a German, French or Italian translation.
    space = kf.open(VECTORS)
    lexicon = []
    for language in ("de", "fr", "it"):
        meanings = {}
        for english, foreign in read(DICTIONARIES / f"en-{language}" / f"yacle.train.freq.5k.en-{language}.tsv"):
            meanings.setdefault(foreign, []).append(english)
        lexicon += [(first, other) for first, *others in meanings.values() for other in others]
    fitted = Retrofit(pairs=lexicon).apply(space)
    order = np.random.default_rng(0).permutation(len(lexicon))
    shuffled = [(left, lexicon[at][1]) for (left, _), at in zip(lexicon, order, strict=True)]
    chance = Retrofit(pairs=shuffled).apply(space)
    test = DATA / "word_eval" / "EN-SIMLEX-999.txt"
    before, after, wrong = (kf.measure.similarity(each, test)["spearman"].value for each in (space, fitted, chance))
    assert after > before > wrong
