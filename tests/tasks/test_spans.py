import numpy as np
import pytest
from oracles import chain, conlleval

from kinfold.core.errors import BadData
from kinfold.core.tags import Marked, spans_of
from kinfold.tasks.spans import allowed, decoded, judge, steps

TAGS = allowed(["A", "B"])


@pytest.mark.parametrize("seed", range(8))
def test_the_best_way_and_its_chances_are_those_of_all_ways(seed):
    rng = np.random.default_rng(seed)
    scores = [rng.normal(0, 2, (length, len(TAGS))).astype(np.float32) for length in (4, 1, 0, 5)]
    first, step = steps(TAGS)
    for each, told in zip(scores, decoded(TAGS, scores), strict=True):
        if not len(each):
            assert told.spans == []
            continue
        best = [TAGS[tag] for tag in chain.best(each, first, step)]
        assert told.spans == spans_of(best)
        assert all(not tag.startswith("I-") or best[at - 1][2:] == tag[2:] for at, tag in enumerate(best))
        for span, chance in zip(told.spans, told.chances, strict=True):
            wanted = chain.span_chance(each, first, step, TAGS, span.type, span.first, span.last)
            assert chance == pytest.approx(wanted, abs=1e-5)


def test_what_cannot_follow_is_not_told():
    scores = np.full((2, len(TAGS)), -9, np.float32)
    scores[:, TAGS.index("I-A")] = 0
    scores[0, TAGS.index("O")] = -1
    scores[0, TAGS.index("B-A")] = -2
    (told,) = decoded(TAGS, [scores])
    assert told.spans == [Marked("A", 0, 2)]  # not O, I-A
    with pytest.raises(BadData, match="no numbers"):
        decoded(TAGS, [np.full((1, len(TAGS)), np.nan, np.float32)])


# By hand, as conlleval counts: words, known tags, told tags.
CASES = [
    ("exact", "B-A I-A O B-B", "B-A I-A O B-B", (2, 2, 2)),
    ("too short", "B-A I-A O", "B-A O O", (0, 1, 1)),
    ("too long", "B-A O", "B-A I-A", (0, 1, 1)),
    ("another type", "B-A I-A", "B-B I-B", (0, 1, 1)),
    ("cut in two", "B-A I-A", "B-A B-A", (0, 2, 1)),
    ("nothing told", "B-A O", "O O", (0, 0, 1)),
    ("nothing there", "O O", "O B-A", (0, 1, 0)),
    ("type changes inside", "B-A I-A", "B-A I-B", (0, 2, 1)),
]


@pytest.mark.parametrize(("what", "known", "told", "counts"), CASES)
def test_a_hit_is_exact(what, known, told, counts):
    known, told = known.split(), told.split()
    assert conlleval.counts([known], [told]) == counts
    report = judge([known, ["B-C"]], [spans_of(told), spans_of(["B-C"])], [list("abcd")[: len(known)], ["e"]])
    hits, out, there = (each + 1 for each in counts)
    assert report["precision"].value == pytest.approx(hits / out)
    assert report["recall"].value == pytest.approx(hits / there)
    assert report["F1"].value == pytest.approx(2 * hits / (out + there))
    assert report["C/F1"].value == 1


def test_new_words_are_judged_apart_and_intervals_hold_the_value():
    rng = np.random.default_rng(0)
    words = [["x", f"w{number % 50}"] for number in range(200)]
    known = [["O", "B-A"]] * 200
    told = [spans_of(["O", "B-A"] if rng.random() < 0.8 else ["B-A", "O"]) for _ in known]
    report = judge(known, told, words, seen={"x", *(f"w{number}" for number in range(25))})
    assert report["F1"].low < report["F1"].value < report["F1"].high
    assert 0.7 < report["F1"].value < 0.9
    assert report["F1"].value == report["A/F1"].value == report["macro F1"].value
    assert report["new words/recall"].n == 100
    assert "100 of 200 spans hold a word that training never had." in report.notes
    with pytest.raises(BadData, match="do not go with"):
        judge(known, told[:3], words)
