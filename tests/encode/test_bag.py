import dataclasses

import numpy as np
import pytest
from peers import fasttext, supervised_space

from kinfold import Space
from kinfold.core.errors import BadData, BadOption, UnknownName
from kinfold.core.keys import Keys
from kinfold.core.shapes import Items
from kinfold.encode import ENCODERS
from kinfold.encode.bag import Bag
from kinfold.learn import Supervised
from kinfold.prepare.tokens import labeled
from kinfold.sources.labeled import read

LINES = ["__label__a one two three", "__label__b two naïve 日本", "__label__a one", "__label__b three </s> two"] * 20
TEXTS = ["one two", "", "unseen naïve words", "日本", "two two two  one", "one unseen two", "ön"]
ODD = ["one\u00a0two\u2028three\x85 \x1ctwo\0one\vtwo\x1d", "one </s> two", "__label__b one __label__new three"]
GRAMS = [{}, {"word_ngrams": 3}, {"min_n": 2, "max_n": 4}, {"min_n": 1, "max_n": 3, "word_ngrams": 2}]


def learned(**options):
    data = labeled(read(LINES), tokenizer="whitespace")
    return Supervised(dim=8, **{"epochs": 2, "buckets": 500, **options}).fit(data, threads=1)


@pytest.mark.parametrize("options", GRAMS)
def test_rows_are_those_of_the_original_library(options, tmp_path):
    library = fasttext()
    path = tmp_path / "train.txt"
    path.write_text("\n".join(LINES) + "\n")
    names = {"min_n": "minn", "max_n": "maxn", "word_ngrams": "wordNgrams"}
    theirs = {names[name]: value for name, value in options.items()}
    buckets = 500 if options else 0
    model = library.train_supervised(str(path), dim=8, lr=0.5, thread=1, verbose=0, bucket=500, **theirs)
    space = supervised_space(model, loss="softmax", buckets=buckets, **options)
    rows = Bag(space).means(Items([*TEXTS, *ODD])).rows
    np.testing.assert_allclose(rows, [model.get_sentence_vector(text) for text in [*TEXTS, *ODD]], atol=1e-6)


@pytest.mark.parametrize("options", GRAMS)
def test_a_row_does_not_depend_on_the_other_texts(options):
    bag = Bag(learned(**options))
    rows = bag.means(Items(TEXTS), threads=2).rows
    for text, row in zip(TEXTS, rows, strict=True):
        np.testing.assert_allclose(bag.means(Items([text])).rows[0], row, atol=1e-6)


def test_buckets_without_a_row_count_unless_they_were_pruned():
    space = learned(word_ngrams=2)
    bag = Bag(space)
    end, one = space["word:</s>"], space["word:one"]
    np.testing.assert_allclose(bag.means(Items(["unseen"])).rows[0], end / 2, atol=1e-6)
    grams = bag.means(Items(["one"])).rows[0] * 3 - one - end
    assert list(space.keys).count("one") == 1
    assert np.isclose(space.group("ngram").rows.dense(), grams, atol=1e-5).all(axis=1).any()
    pruned = dataclasses.replace(space.card, parameters={**space.card.parameters, "pruned": True})
    rows = Bag(dataclasses.replace(space, card=pruned)).means(Items(["unseen"])).rows
    np.testing.assert_allclose(rows[0], end, atol=1e-6)


def test_texts_are_encoded_into_the_frame_of_their_words(tmp_path):
    space = learned()
    bag = ENCODERS["bag"](space)
    found = bag.encode(Items(TEXTS[:4]))
    assert found.frame == bag.frame == space.frame
    assert found.dim == bag.dim == 8
    assert list(found.groups) == ["document"]
    assert list(found.keys) == ["0", "1", "2", "3"]
    assert found.attribute("words").to_pylist() == [2, 0, 3, 1]
    assert found.attribute("known").to_pylist() == [2, 0, 1, 1]
    space.same_frame(found)
    named = bag.encode(Items(["one", "two"], Keys(["x", "y"], "review")))
    assert list(named.keys) == ["x", "y"]
    bag.save(tmp_path / "bag.arrow")
    again = Bag(Space.open(tmp_path / "bag.arrow")).encode(Items(TEXTS[:4]))
    np.testing.assert_array_equal(again.rows.values, found.rows.values)


def test_texts_are_cut_as_the_card_says():
    space = learned()
    said = dataclasses.replace(space.card, data={**space.card.data, "text": {"tokenizer": "words", "lower": None}})
    texts = Items(["ONE, two!"])
    assert Bag(space).means(texts).known[0] == 0
    assert Bag(dataclasses.replace(space, card=said)).means(texts).known[0] == 2
    assert Bag(space, {"tokenizer": str.split, "lower": True}).means(Items(["ONE two"])).known[0] == 2
    own = dataclasses.replace(space.card, data={**space.card.data, "text": {"tokenizer": "own", "lower": None}})
    with pytest.raises(BadOption, match="pass it again"):
        Bag(dataclasses.replace(space, card=own)).means(texts)


def test_what_is_no_bag_is_said():
    with pytest.raises(UnknownName, match="no group 'word'"):
        Bag(Space.of(["a"], [[1.0]]))
    space = learned(word_ngrams=2)
    names = [*(f"x{key}" if key in space.keys.group("ngram") else key for key in space.keys)]
    keys = Keys(names, {name: len(rows) for name, rows in space.groups.items()})
    with pytest.raises(BadData, match="numbers of buckets"):
        Bag(dataclasses.replace(space, keys=keys)).means(Items(["one two"]))
    for value in ("2", 0, None, True, 101):
        card = dataclasses.replace(space.card, parameters={**space.card.parameters, "word_ngrams": value})
        with pytest.raises(BadData, match="word_ngrams is"):
            Bag(dataclasses.replace(space, card=card)).means(Items(["one two"]))
