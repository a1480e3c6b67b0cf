import numpy as np
import pyarrow as pa
import pytest

from kinfold import Space
from kinfold.core.errors import BadOption, UnknownKey
from kinfold.core.keys import Keys
from kinfold.measure.analogy import solve
from kinfold.search import analogy, closer, odd_one_out


def plane(extra=()):
    """Royalty one way, gender the other: king - man + woman is queen."""
    corners = {"man": [1, 0, 0.2], "woman": [0, 1, 0.2], "king": [1, 0, 1], "queen": [0, 1, 1], "apple": [-1, -1, 0]}
    return Space.of([*corners, *extra], [*corners.values(), *([0, 0, -1] for _ in extra)])


@pytest.mark.parametrize("method", ["3cosadd", "3cosmul"])
def test_the_queen_is_found_and_no_word_of_the_question(method):
    hits = analogy(plane(), "man", "king", "woman", k=10, method=method)
    assert hits.keys[0] == "queen"
    assert sorted(hits.keys) == ["apple", "queen"]


@pytest.mark.parametrize("method", ["3cosadd", "3cosmul"])
def test_one_question_is_answered_as_a_file_of_them_is(method):
    rng = np.random.default_rng(0)
    space = Space.of([f"k{number}" for number in range(300)], rng.normal(size=(300, 8)))
    units = space.rows.values / space.rows.norms[:, None]
    questions = rng.integers(0, 300, (40, 3))
    answers = solve(units, questions, method)
    for (a, b, c), answer in zip(questions.tolist(), answers.tolist(), strict=True):
        assert analogy(space, f"k{a}", f"k{b}", f"k{c}", k=1, method=method).rows[0] == answer


def test_a_missing_word_and_a_wrong_method_are_named():
    with pytest.raises(UnknownKey, match="'quen'"):
        analogy(plane(), "man", "king", "quen")
    with pytest.raises(BadOption, match="Did you mean '3cosmul'"):
        analogy(plane(), "man", "king", "woman", method="3cosmull")


def parts(words=30, ngrams=500, dim=6):
    """Words with their n-grams, as vectors by fastText are: the n-grams are the better answers."""
    rows = np.random.default_rng(0).normal(size=(words + ngrams, dim))
    keys = Keys([f"w{i}" for i in range(words)] + [str(i) for i in range(ngrams)], {"word": words, "ngram": ngrams})
    return Space.of(keys, rows, table=pa.table({"count": [*range(words, 0, -1), *[None] * ngrams]}))


@pytest.mark.parametrize("method", ["3cosadd", "3cosmul"])
def test_only_the_group_of_the_answer_is_scored(method, monkeypatch):
    from kinfold.core.rows import Rows

    space, read = parts(), []
    blocks = Rows.blocks
    monkeypatch.setattr(Rows, "blocks", lambda self: read.append(len(self)) or blocks(self))
    hits = analogy(space, "w1", "w2", "w3", k=50, method=method)
    assert read == [30]
    assert len(hits) == 27
    alone = analogy(space.group("word"), "w1", "w2", "w3", k=50, method=method)
    assert hits.keys == alone.keys
    np.testing.assert_allclose(hits.scores, alone.scores, atol=1e-6)


def test_an_answer_is_of_the_group_that_the_question_points_to():
    rows = np.random.default_rng(1).normal(size=(4, 5))
    both = np.concatenate([rows, rows + np.array([0, 0, 0, 0, 3])])
    keys = Keys(["dog", "cat", "sun", "moon", "Hund", "Katze", "Sonne", "Mond"], {"en": 4, "de": 4})
    space = Space.of(keys, both)
    assert analogy(space, "dog", "Hund", "sun", k=1).keys == ["Sonne"]
    assert analogy(space, "dog", "Hund", "sun", k=9, group="en").keys[0] in ("cat", "moon")


def test_an_answer_fulfills_the_condition_and_is_none_of_the_excluded():
    space = parts()
    every = analogy(space, "w1", "w2", "w3", k=50).keys
    assert analogy(space, "w1", "w2", "w3", k=50, exclude=every[:2]).keys == every[2:]
    frequent = [key for key in every if int(key[1:]) < 10]
    assert analogy(space, "w1", "w2", "w3", k=50, where="count > 20").keys == frequent


@pytest.mark.parametrize("metric", ["cosine", "dot", "l2"])
def test_the_odd_one_is_found_wherever_it_stands(metric):
    meals = {"breakfast": [1, 0.1], "lunch": [1, 0.2], "dinner": [0.9, 0]}
    space = Space.of(["cereal", *meals], [[-0.2, 1], *meals.values()], metric=metric)
    for keys in (["cereal", *meals], [*meals, "cereal"], ["lunch", "cereal", "dinner"]):
        hits = odd_one_out(space, keys)
        assert hits.keys[0] == "cereal"
        assert sorted(hits.keys) == sorted(keys)
        assert (np.diff(hits.scores) >= 0).all()
        others = [key for key in keys if key != "cereal"]
        assert hits.scores[0] == pytest.approx(space.similarity("cereal", others), abs=1e-6)


def test_no_key_speaks_for_itself():
    # Two that are alike and one that is long: as a part of the mean it would hide that it is the odd one.
    space = Space.of(["a", "b", "long"], [[1, 0], [1, 0.1], [0, 9]], metric="l2")
    assert odd_one_out(space, ["a", "b", "long"]).keys[0] == "long"


def test_an_odd_one_needs_three_different_keys():
    for keys, says in (
        (["man", "woman"], "3 keys or more"),
        (["man", "man", "king"], "'man' is given twice"),
        ("man", "list"),
    ):
        with pytest.raises(BadOption, match=says):
            odd_one_out(plane(), keys)
    with pytest.raises(UnknownKey, match="'quen'"):
        odd_one_out(plane(), ["man", "woman", "quen"])


def test_what_is_closer_stands_before_it_among_the_neighbors():
    rng = np.random.default_rng(0)
    space = Space.of([f"k{i}" for i in range(1500)], rng.normal(size=(1500, 6)))
    order = space.nearest("k0", 1500).keys
    for place in (0, 1, 99, 100, 700, 1498):
        assert closer(space, "k0", order[place]).keys == order[:place]
    assert len(closer(space, {"k0": 1, "k1": -1}, "k9")) < 1498
    items = parts()
    assert all(key.isdecimal() for key in closer(items, "w1", "ngram:7").keys)
    with pytest.raises(BadOption, match="no rank"):
        closer(space, "k0", "k0")
    with pytest.raises(BadOption, match="no rank"):
        closer(space, ["k0", "k5"], "k5")
