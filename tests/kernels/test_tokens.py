from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import tokens as oracle

from kinfold.core.shapes import Block
from kinfold.kernels.tokens import renumber
from kinfold.prepare.characters import characters
from kinfold.prepare.vocabulary import Vocabulary

# All of Unicode, and more often what matters: joiners, marks, cases that change length, spaces.
TEXT = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"]),
        st.sampled_from(
            "abzAZ019 \t\n.'’_-\u200c\u200d\u0301\u093f\u094dकम漢字éÉİıßẞΣςσȺKÅ𝔸𐐀😀\x00\x01\x1f\x85\xa0\u2028"
        ),
    ),
    max_size=60,
)


def block(texts: list[str]) -> Block:
    data = [each.encode() for each in texts]
    ends = np.cumsum([len(each) for each in data], dtype=np.int64)
    return Block(np.frombuffer(b"".join(data), np.uint8), ends)


def tokens(texts: list[str], tokenizer: str, lower: bool) -> list[list[str]]:
    vocabulary = Vocabulary()
    ids, ends = vocabulary.scan(block(texts), characters(tokenizer, lower), 0)
    names = vocabulary.names(np.arange(len(vocabulary))).to_pylist()
    return [[names[each] for each in part] for part in np.split(ids, ends[:-1])] if texts else []


@settings(deadline=None, max_examples=300)
@given(st.lists(TEXT, max_size=4), st.booleans())
def test_words_are_those_of_the_oracle_over_all_of_unicode(texts, lower):
    expected = [oracle.words(text) for text in texts]
    if lower:
        expected = [[oracle.lower(each) for each in part] for part in expected]
    assert tokens(texts, "words", lower) == expected


@settings(deadline=None, max_examples=200)
@given(st.lists(TEXT, max_size=4), st.booleans())
def test_whitespace_splits_as_str_split_does(texts, lower):
    expected = [[oracle.lower(each) if lower else each for each in text.split()] for text in texts]
    assert tokens(texts, "whitespace", lower) == expected


@settings(deadline=None, max_examples=200)
@given(st.lists(TEXT, max_size=4))
def test_ascii_splits_as_fasttext_does(texts):
    expected = [[each for each in re.split("[ \t\n\v\f\r\0]+", text) if each] for text in texts]
    assert tokens(texts, "ascii", False) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("don't O’Neill 'quoted' rock'n'roll '' dogs'", ["don't", "o’neill", "quoted", "rock'n'roll", "dogs"]),
        ("_emphasis_ min_count __init__ a__b", ["emphasis", "min_count", "init", "a", "b"]),
        ("e\u0301te\u0301 हिन्दी می\u200cخواهم", ["e\u0301te\u0301", "हिन्दी", "می\u200cخواهم"]),
        ("İSTANBUL ΟΔΟΣ Straße Ⱥb", ["istanbul", "οδοσ", "straße", "ⱥb"]),
        ("well-known,2nd;3.5 x²", ["well", "known", "2nd", "3", "5", "x²"]),
        ("a" * 8 + " " + "a" * 9 + " " + "a" * 16 + " " + "a" * 17, ["a" * 8, "a" * 9, "a" * 16, "a" * 17]),
    ],
)
def test_what_a_word_is(text, expected):
    assert tokens([text], "words", True) == [expected]


def test_words_end_where_their_text_does():
    assert tokens(["ab", "cd", "", "e'", "f"], "words", True) == [["ab"], ["cd"], [], ["e"], ["f"]]


@settings(deadline=None, max_examples=100)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=30))
def test_tokens_that_are_cut_already_may_be_any_string(strings):
    vocabulary = Vocabulary()
    given_block = block(strings)
    starts = np.append(np.zeros(1, np.int64), given_block.ends)
    ids = vocabulary.enter(given_block.data, starts, 0)
    assert vocabulary.names(ids.astype(np.int64)).to_pylist() == strings
    lowered = Vocabulary()
    ids = lowered.enter(given_block.data, starts, 0, characters("whitespace", True))
    assert lowered.names(ids.astype(np.int64)).to_pylist() == [oracle.lower(each) for each in strings]


def test_a_vocabulary_grows_and_loses_nothing():
    texts = [" ".join(f"w{number}" for number in range(start, start + 70_000)) for start in (0, 35_000)]
    vocabulary = Vocabulary()
    for order, text in enumerate(texts):
        vocabulary.scan(block([text]), characters("whitespace", False), order << 40)
    assert len(vocabulary) == 105_000
    assert vocabulary.names(np.array([0, 104_999])).to_pylist() == ["w0", "w104999"]
    assert vocabulary.counts.sum() == 140_000
    np.testing.assert_array_equal(vocabulary.counts[35_000:70_000], 2)


def test_absorbing_adds_counts_and_keeps_the_earlier_place():
    table = characters("words", True)
    one, two = Vocabulary(), Vocabulary()
    one.scan(block(["b a a"]), table, 100)
    two.scan(block(["c a b b"]), table, 0)
    ids = one.absorb(two)
    assert one.names(ids.astype(np.int64)).to_pylist() == ["c", "a", "b"]
    assert dict(zip(one.names(np.arange(3)).to_pylist(), one.counts.tolist(), strict=True)) == {"b": 3, "a": 3, "c": 1}
    assert one.firsts.tolist() == [2, 1, 0]
    assert one.names(one.cut(1, None)).to_pylist() == ["a", "b", "c"]


def test_renumbering_closes_up_in_place():
    ids = np.array([0, 1, 2, 1, 1, 0], np.int32)
    starts = np.array([0, 3, 5, 6], np.int64)
    numbers = np.array([5, -1, 7], np.int32)
    first = renumber(ids, starts, 0, 2, 0, numbers, False, 0, 0)
    end, kept, texts = renumber(ids, starts, 2, 3, first[0], numbers, False, first[1], first[2])
    assert (end, kept, texts) == (6, 3, 2)
    assert ids[:kept].tolist() == [5, 7, 5]
    assert starts[: texts + 1].tolist() == [0, 2, 3]
