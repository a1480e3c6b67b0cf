import dataclasses

import numpy as np
import pyarrow as pa
import pytest

from kinfold import Space
from kinfold.core.errors import BadData, BadOption, UnknownName
from kinfold.core.keys import Keys
from kinfold.transform import Restrict

COUNTS = [5, 1, 9, 5, 7]


def words(counts=COUNTS, ngrams=3):
    """Words with counts, and the rows of their n-grams, which have none."""
    size = len(COUNTS)
    keys = Keys([f"w{i}" for i in range(size)] + [str(i) for i in range(ngrams)], {"word": size, "ngram": ngrams})
    table = None
    if counts is not None:
        table = pa.table(
            {"count": pa.array([*counts, *[None] * ngrams]), "even": [i % 2 == 0 for i in range(size + ngrams)]}
        )
    return Space.of(keys, np.random.default_rng(0).normal(size=(size + ngrams, 4)), table=table)


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"top": 1}, ["w2"]),
        ({"top": 3}, ["w0", "w2", "w4"]),  # of equals, the first
        ({"top": 99}, ["w0", "w1", "w2", "w3", "w4"]),
        ({"min_count": 5}, ["w0", "w2", "w3", "w4"]),
        ({"min_count": 5, "top": 2}, ["w2", "w4"]),
        ({"where": "key <> 'w2'", "top": 2}, ["w0", "w4"]),
        ({"where": "even and count < 9"}, ["w0", "w4"]),
        ({"alone": True}, ["w0", "w1", "w2", "w3", "w4"]),
    ],
)
def test_the_frequent_and_fitting_rows_are_kept_in_their_order(options, kept):
    space = words()
    small = Restrict(**options).apply(space)
    assert list(small.group("word").keys) == kept
    np.testing.assert_array_equal(small.vectors(kept), space.vectors(kept))
    assert small.group("word").attribute("count").to_pylist() == [COUNTS[int(key[1:])] for key in kept]
    assert small.frame == space.frame
    small.same_frame(space)


def test_what_unseen_words_are_made_of_is_kept_unless_it_is_not_wanted():
    small = Restrict(top=2).apply(words())
    assert small.groups == {"word": range(2), "ngram": range(2, 5)}
    np.testing.assert_array_equal(small.group("ngram").rows.values, words().group("ngram").rows.values)
    assert Restrict(top=2, alone=True).apply(words()).groups == {"word": range(2)}
    assert Restrict(top=2, group="ngram").apply(words()).groups == {"word": range(5), "ngram": range(5, 7)}


def test_without_counts_the_first_rows_are_the_top():
    small = Restrict(top=2).apply(words(None))
    assert list(small.group().keys) == ["w0", "w1"]
    assert small.card.steps[-1]["ranked"] == "first"
    with pytest.raises(BadOption, match="no numbers as attribute 'count'"):
        Restrict(min_count=2).apply(words(None))


def test_a_missing_count_is_none():
    small = Restrict(min_count=0).apply(words([5, None, 9, None, 7]))
    assert list(small.group().keys) == ["w0", "w2", "w4"]
    assert list(Restrict(top=4).apply(words([5, None, 9, None, 7])).group().keys) == ["w0", "w1", "w2", "w4"]


def test_the_card_says_what_was_kept_and_the_file_holds_it(tmp_path):
    space = words()
    small = Restrict(top=2).apply(space)
    step = small.card.steps[-1]
    assert (step["step"], step["top"], step["kept"], step["of"], step["group"]) == ("restrict", 2, 2, 5, "word")
    again = Restrict(**{field.name: step[field.name] for field in dataclasses.fields(Restrict)}).apply(space)
    assert again.keys == small.keys
    small.save(tmp_path / "small.arrow")
    opened = Space.open(tmp_path / "small.arrow")
    assert opened.keys == small.keys
    assert opened.nearest("w2", 1).keys == small.nearest("w2", 1).keys
    assert len(space) == 8


def test_bad_restrictions_are_refused():
    with pytest.raises(BadOption, match="nothing to restrict by"):
        Restrict()
    for top in (0, 2.5):
        with pytest.raises(BadOption, match="top is"):
            Restrict(top=top)
    with pytest.raises(BadData, match="none of the 5 rows of 'word'"):
        Restrict(where="count > 100").apply(words())
    with pytest.raises(BadOption, match="The columns are"):
        Restrict(where="cunt > 100").apply(words())
    with pytest.raises(UnknownName, match="Did you mean 'word'"):
        Restrict(top=1, group="wort").apply(words())
