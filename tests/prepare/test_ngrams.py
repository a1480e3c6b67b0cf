import pytest

from kinfold.core.errors import BadOption
from kinfold.core.shapes import Items
from kinfold.prepare.ngrams import ngrams
from kinfold.prepare.tokens import sequences

TEXTS = sequences(Items(["a b a", "", "b"]), min_count=1, keep_empty=True)


def test_every_text_ends_with_a_word_of_its_own():
    made = ngrams(TEXTS, longest=2, min_n=0, max_n=0, buckets=1000)
    assert made.words.to_pylist() == ["a", "b", "</s>"]
    assert made.end == 2
    assert made.text_starts.tolist() == [0, 3, 3, 4]
    # The last word and the end make a pair, the same one wherever they stand.
    assert made.of_texts[1] != made.of_texts[2] != made.of_texts[3]
    assert len(ngrams(TEXTS, longest=3, min_n=0, max_n=0, buckets=1000).of_texts) == 6


def test_words_have_character_ngrams_and_the_end_has_none():
    made = ngrams(TEXTS, longest=1, min_n=2, max_n=3, buckets=50)
    assert made.word_starts.tolist() == [0, 3, 6, 6]  # <a a> <a>, <b b> <b>
    assert not len(made.of_texts)


def test_ngrams_need_buckets():
    assert not len(ngrams(TEXTS, longest=1, min_n=0, max_n=0, buckets=0).of_texts)
    for options in ({"longest": 2, "max_n": 0}, {"longest": 1, "max_n": 3}):
        with pytest.raises(BadOption, match="n-grams need buckets"):
            ngrams(TEXTS, min_n=1, buckets=0, **options)
