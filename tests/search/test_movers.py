"""Word-mover's distance: exact, by the words of the learner, and pruned without a loss."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.transport import least_cost

import kinfold as kf
from kinfold import Space
from kinfold.core.errors import BadData, BadOption, UnknownName
from kinfold.core.keys import Keys
from kinfold.search import Bags, nearest_texts

WORDS = [f"w{i}" for i in range(40)]


def space(metric="cosine", dim=5):
    return Space.of(WORDS, np.random.default_rng(0).normal(size=(40, dim)), metric=metric, group="word")


def expected(given, a, b, unit=True):
    """The distance from its definition, as a linear program."""
    rows = given.rows.values.astype(np.float64)
    if unit:
        rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    bags = []
    for text in (a, b):
        words, counts = np.unique([word for word in text.split() if word in given], return_counts=True)
        bags.append((rows[given.keys.rows(words)], counts / counts.sum()))
    (x, heaps), (y, pits) = bags
    return least_cost(np.linalg.norm(x[:, None] - y[None], axis=2), heaps, pits)


texts = st.lists(st.sampled_from([*WORDS[:12], "unheard"]), min_size=1, max_size=9).map(" ".join)


@settings(deadline=None, max_examples=60)
@given(a=texts, b=texts)
@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_no_other_way_to_move_the_words_is_shorter(metric, a, b):
    given = space(metric)
    if not all(any(word in given for word in text.split()) for text in (a, b)):
        with pytest.raises(BadData, match="none of the"):
            kf.measure.movers_distance(given, a, b)
        return
    report = kf.measure.movers_distance(given, a, b)
    assert report["distance"].value == pytest.approx(expected(given, a, b, metric == "cosine"), abs=1e-6)
    moves = report.tables[0].rows
    assert sum(share for _, _, share, _ in moves) == pytest.approx(1)
    assert sum(share * distance for _, _, share, distance in moves) == pytest.approx(report["distance"].value)


def test_a_text_is_nowhere_else_than_itself_and_the_order_of_its_words_is_nothing():
    assert kf.measure.movers_distance(space(), "w1 w2 w3", "w3 w1 w2")["distance"].value == 0
    assert kf.measure.movers_distance(space(), "w1 w2", "w1 w2 w1 w2")["distance"].value == 0
    there, back = (
        kf.measure.movers_distance(space(), *pair)["distance"].value for pair in (("w1 w2", "w3"), ("w3", "w1 w2"))
    )
    assert there == pytest.approx(back)
    assert there > 0


def test_rows_are_taken_at_length_one_unless_the_metric_is_l2_or_it_is_said():
    for metric, unit, told in (("cosine", True, None), ("dot", True, None), ("l2", False, None), ("l2", True, True)):
        found = kf.measure.movers_distance(space(metric), "w1 w2", "w3 w4 w4", unit=told)["distance"].value
        assert found == pytest.approx(expected(space(), "w1 w2", "w3 w4 w4", unit), abs=1e-6)


def test_words_without_a_row_are_listed_and_not_moved():
    report = kf.measure.movers_distance(space(), "w1 nothing Nothing", "w2 never")
    assert report["distance"].value == pytest.approx(expected(space(), "w1", "w2"), abs=1e-6)
    assert report["distance"].n == 2
    assert (report["first/coverage"].value, report["first/coverage"].n) == (pytest.approx(1 / 3), 3)
    assert report["second/coverage"].value == pytest.approx(1 / 2)
    assert [list(row) for row in report.tables[1].rows] == [["nothing", 2], ["never", 1]]


def test_stop_words_do_not_count():
    report = kf.measure.movers_distance(space(), "the w1 of w2", "w2 the", without=["the", "w1"])
    assert report["distance"].value == 0
    assert report["first/coverage"].n == 2
    assert [list(row) for row in report.tables[1].rows] == [["of", 1]]


def test_stop_words_follow_the_case_of_the_texts():
    assert Bags.of(space(), ["The w1"], without=["THE"]).tokens.tolist() == [1]
    assert Bags.of(space(), ["The w1"], without=["the"], lower=False).tokens.tolist() == [2]


def test_rows_that_are_not_finite_give_no_distance():
    given = space()
    given.rows.values[2, 1] = np.inf
    with pytest.raises(BadData, match="NaN or infinite"):
        kf.measure.movers_distance(given, "w1 w2", "w3")


def test_texts_are_cut_as_those_that_were_learned_from():
    corpus = ["New-York is big", "new-york IS big"] * 30
    words = kf.words(corpus, dim=4, min_count=1, epochs=1, threads=1)
    spaced = kf.words(corpus, dim=4, min_count=1, epochs=1, threads=1, tokenizer="whitespace")
    assert Bags.of(words, ["New-York"]).tokens.tolist() == [2]
    assert Bags.of(spaced, ["New-York"]).tokens.tolist() == [1]
    assert not Bags.of(spaced, ["New-York IS"]).missing
    assert list(Bags.of(spaced, ["NEW-YORK is"], lower=True).missing) == []
    assert Bags.of(spaced, ["NEW-YORK is"]).missing == {"NEW-YORK": 1}
    own = kf.words(corpus, dim=4, min_count=1, epochs=1, threads=1, tokenizer=lambda text: text.split("-"))
    with pytest.raises(BadOption, match="pass it again: tokenizer="):
        Bags.of(own, ["New-York"])
    assert Bags.of(own, ["New-York is big"], tokenizer=lambda text: text.split("-")).known.tolist() == [2]


def test_case_follows_the_keys_where_the_card_tells_nothing():
    given = Space.of(["Obama", "speaks"], np.eye(2))
    assert Bags.of(given, ["Obama speaks"]).known.tolist() == [2]
    assert Bags.of(space(), ["W1 W2"]).known.tolist() == [2]


def test_only_words_are_moved_not_the_parts_beside_them():
    rows = np.random.default_rng(0).normal(size=(6, 3))
    given = Space.of(Keys(["a", "b", "7", "8", "9", "b"], {"word": 2, "ngram": 4}), rows)
    bags = Bags.of(given, ["a 7 b"])
    assert bags.known.tolist() == [2]
    assert bags.missing == {"7": 1}
    assert Bags.of(given, ["a 7 b"], group="ngram").missing == {"a": 1}
    with pytest.raises(UnknownName, match="Did you mean 'word'"):
        Bags.of(given, ["a"], group="words")


@pytest.mark.parametrize("metric", ["cosine", "dot", "l2"])
def test_the_nearest_texts_are_those_of_all_distances(metric, monkeypatch):
    given, rng = space(metric), np.random.default_rng(1)
    lines = [" ".join(rng.choice([*WORDS, "unheard"], rng.integers(1, 12))) for _ in range(150)]
    solved = []
    moves = Bags.moves
    monkeypatch.setattr(Bags, "moves", lambda self, *each: solved.append(each) or moves(self, *each))
    for query in ("w1 w2 w3", "w4 w4 unheard w5 w39"):
        every = [
            expected(given, query, line, metric != "l2") if set(line.split()) != {"unheard"} else np.inf
            for line in lines
        ]
        for k in (1, 7):
            solved.clear()
            hits = nearest_texts(given, query, lines, k)
            assert hits.scores == pytest.approx(-np.sort(every)[:k], abs=1e-5)
            assert [lines[row] for row in hits.rows] == hits.keys
            assert hits.query == query
            assert len(solved) < 75


def test_bounds_are_below_distances():
    given, rng = space(), np.random.default_rng(2)
    lines = [" ".join(rng.choice(WORDS, rng.integers(1, 6))) for _ in range(60)]
    bags, asked = Bags.of(given, lines), Bags.of(given, ["w1 w2 w2 w9"])
    bounds = bags._bounds(*asked.bag(0), np.arange(60))
    distances = [(shares * costs).sum() for shares, costs in (asked.moves(0, bags, text) for text in range(60))]
    assert (bounds <= np.array(distances) + 1e-9).all()
    # A single word has one way only.
    single = np.array([len(set(line.split())) == 1 for line in lines])
    np.testing.assert_allclose(bounds[single], np.array(distances)[single], atol=1e-9)


def test_equal_texts_stand_in_their_order_and_those_without_words_are_never_found():
    lines = ["w1", "", "unheard", "w2", "w1", "w1 unheard"]
    hits = nearest_texts(space(), "w1", lines, 9)
    assert hits.rows.tolist() == [0, 4, 5, 3]
    assert hits.scores[:3].tolist() == [0, 0, 0]
    assert len(nearest_texts(space(), "w1", ["unheard", "w1"][:1], 3)) == 0


def test_lists_of_words_are_texts_too():
    hits = nearest_texts(space(), ["w1", "w2"], [["w3"], ["w2", "w1"]], 1)
    assert hits.keys == ["w2 w1"]
    bags = Bags.of(space(), [["w3"], ["w2", "w1"]])
    assert bags.nearest("w3 w3", 1).rows.tolist() == [0]
    assert len(bags) == 2


def test_a_text_that_is_nowhere_is_an_error_that_says_so():
    for text in ("", "unheard of", "  "):
        with pytest.raises(BadData, match="none of the"):
            kf.measure.movers_distance(space(), "w1", text)
        with pytest.raises(BadData, match=r"none of the|no token"):
            nearest_texts(space(), text, ["w1"])
    with pytest.raises(BadData, match="no token"):
        nearest_texts(space(), "w1", [])
    with pytest.raises(BadOption, match="k is 0"):
        nearest_texts(space(), "w1", ["w2"], 0)


def test_memory_is_bounded_by_blocks(monkeypatch):
    from kinfold.search import movers

    lines = [" ".join(WORDS[i : i + 3]) for i in range(30)]
    whole = nearest_texts(space(), "w1 w7 w9 w30", lines, 5)
    monkeypatch.setattr(movers, "_DISTANCES", 1)
    parts = nearest_texts(space(), "w1 w7 w9 w30", lines, 5)
    assert parts.keys == whole.keys
    np.testing.assert_array_equal(parts.scores, whole.scores)
