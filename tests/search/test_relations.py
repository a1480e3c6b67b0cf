import numpy as np
import pytest

from kinfold import Space
from kinfold.core.errors import BadOption, UnknownKey
from kinfold.measure.analogy import solve
from kinfold.search import analogy


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
