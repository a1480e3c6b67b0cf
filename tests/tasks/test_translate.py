import math
import os
from pathlib import Path

import numpy as np
import pytest
from worlds import accents

import kinfold as kf
from kinfold import Space
from kinfold.core.errors import BadData, BadOption, FrameMismatch, UnknownKey
from kinfold.core.keys import Keys
from kinfold.tasks.translate import evaluate, translate

DATA = Path(os.environ.get("KINFOLD_DATA", Path(__file__).parents[3] / "shared" / "data")) / "text"
RAW = DATA / "multi30k" / "data" / "task1" / "raw"
WORDS = DATA / "bilingual_dictionaries" / "en-de"

SEEDS = [(f"a{i}", f"b{i}") for i in range(0, 240, 3)]
TEST = [(f"a{i}", f"b{i}") for i in range(1, 240, 3)]


@pytest.mark.parametrize("by", ["csls", "nearest"])
def test_words_are_translated_with_a_dictionary_or_an_aligned_space(by):
    here, there = accents()
    aligned = kf.align(here, to=there, dictionary=SEEDS)
    for found in (
        translate(here, there, ["a7", "a100"], dictionary=SEEDS, by=by),
        translate(aligned, there, ["A7", "a100"], by=by),
    ):
        assert [hits.query for hits in found] == ["a7", "a100"]
        assert [hits.keys[0] for hits in found] == ["b7", "b100"]
        assert all(len(hits) == 5 for hits in found)
        for hits in found:
            assert [there.keys[row] for row in hits.rows.tolist()] == hits.keys
            assert (np.diff(hits.scores) <= 0).all()


def test_words_of_a_later_group_are_found_by_name():
    here, there = accents()
    both = Space.of(
        Keys([*map(str, range(9)), *there.keys], {"ngram": 9, "word": 240}),
        np.concatenate([there.rows.values[:9], there.rows.values]),
    )
    words = Space.of(Keys(list(here.keys), "word"), here.rows.values)
    (hits,) = translate(words, both, ["a7"], dictionary=SEEDS, group="word")
    assert hits.keys[0] == "b7"
    assert hits.rows[0] == 9 + 7


def test_rare_words_are_no_answers_where_the_vocabulary_is_restricted():
    here, there = accents()
    for by in ("csls", "nearest"):
        (hits,) = translate(here, there, ["a200"], dictionary=SEEDS, k=300, restrict=30, by=by)
        assert sorted(hits.keys) == sorted(f"b{i}" for i in range(30))


def test_precision_stands_beside_what_it_is_without_and_by_chance():
    here, there = accents(dim=16, noise=0.5)
    report = evaluate(here, there, TEST, dictionary=SEEDS)
    found = report["precision@1"]
    assert found.n == 80
    assert found.low <= found.value <= found.high
    assert found.value > report["by cosine/precision@1"].value - 0.05
    assert found.low > report["no alignment/precision@1"].high
    assert found.low > report["random rotation/precision@1"].high
    assert report["random answers/precision@1"].value == pytest.approx(1 / 240)
    assert report["random answers/precision@5"].value == pytest.approx(5 / 240)
    assert report["precision@5"].value >= found.value
    assert report["coverage"].value == 1
    word, right, answers = report.tables[0].rows[0]
    assert (word, right) == ("a1", "b1")
    assert len(answers.split(", ")) == 5


def test_precision_is_that_of_the_answers():
    here, there = accents(noise=0.6)
    aligned = kf.align(here, to=there, dictionary=SEEDS)
    answers = {hits.query: hits.keys for hits in translate(aligned, there, [left for left, _ in TEST], k=3)}
    report = evaluate(aligned, there, TEST, k=(3, 1))
    for depth in (1, 3):
        right = [pair[1] in answers[pair[0]][:depth] for pair in TEST]
        assert report[f"precision@{depth}"].value == pytest.approx(np.mean(right))
    assert "no alignment" not in {each.group for each in report}


def test_any_of_several_translations_is_right():
    here, there = accents()
    aligned = kf.align(here, to=there, dictionary=SEEDS)
    test = [*TEST, *[(left, "b0") for left, _ in TEST]]
    report = evaluate(aligned, there, test, k=[1])
    assert report["precision@1"].n == 80
    assert report["precision@1"].value > 0.9
    assert report["random answers/precision@1"].value == pytest.approx(2 / 240)
    blind = evaluate(aligned, there, test, k=[4])["random answers/precision@4"]
    assert blind.value == pytest.approx(1 - math.comb(238, 4) / math.comb(240, 4))


def test_uncovered_and_known_words_are_counted_and_left_out(tmp_path):
    here, there = accents()
    path = tmp_path / "test.tsv"
    lost = [("a2", "nowhere"), ("lost", "b2"), ("lost", "b5"), ("gone", "nowhere")]
    path.write_text("".join(f"{left}\t{right}\n" for left, right in [*TEST, *lost, *SEEDS[:10]]))
    report = evaluate(here, there, path, dictionary=SEEDS)
    assert report["precision@1"].n == 80
    assert report["coverage"].n == 80 + 3 + 10
    assert report["coverage"].value == pytest.approx(90 / 93)
    assert any("10 words of the test are in the dictionary" in note for note in report.notes)
    missing = {table.title: [list(row) for row in table.rows] for table in report.tables[1:]}
    assert missing == {
        "Missing words of the source (2)": [["lost", 2], ["gone", 1]],
        "Missing words of the target (1)": [["nowhere", 2]],
    }


def test_what_cannot_be_translated_is_refused():
    here, there = accents()
    with pytest.raises(FrameMismatch, match="Give a dictionary"):
        translate(here, there, ["a1"])
    with pytest.raises(UnknownKey, match="'aa1'"):
        translate(here, there, ["aa1"], dictionary=SEEDS)
    with pytest.raises(BadOption, match="in a list"):
        translate(here, there, "a1", dictionary=SEEDS)
    for options in ({"by": "cslss"}, {"k": 0}, {"restrict": 0}, {"speed": 1}):
        with pytest.raises(BadOption):
            translate(here, there, ["a1"], dictionary=SEEDS, **options)
    with pytest.raises(BadOption, match="depths"):
        evaluate(here, there, TEST, dictionary=SEEDS, k=())
    with pytest.raises(BadData, match="0 of 1 pairs"):
        evaluate(here, there, [("x", "y")], dictionary=SEEDS)
    with pytest.raises(BadData, match="every word of this test"):
        evaluate(here, there, SEEDS, dictionary=SEEDS)


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.skipif(not RAW.exists() or not WORDS.exists(), reason=f"no captions or dictionaries in {DATA}")
def test_captions_learned_apart_translate_words_that_no_seed_told():
    options = {"dim": 100, "epochs": 10, "window": 8, "min_count": 5, "threads": 2}
    english, german = (kf.words(RAW / f"train.{language}.gz", **options) for language in ("en", "de"))
    seeds, test = (WORDS / f"yacle.{part}.en-de.tsv" for part in ("train.freq.5k", "test.freq.2k"))
    report = evaluate(english, german, test, dictionary=seeds)
    assert report["precision@1"].n > 80
    assert report["precision@1"].low > report["no alignment/precision@1"].high
    assert report["precision@5"].low > report["random rotation/precision@5"].high
    assert report["precision@5"].value > 20 * report["random answers/precision@5"].value
