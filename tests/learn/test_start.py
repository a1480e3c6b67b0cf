import dataclasses

import numpy as np
import pytest
from worlds import blocks, same_block

from kinfold.core.errors import BadOption
from kinfold.core.keys import Keys
from kinfold.core.space import Space
from kinfold.learn import FastText, GloVe, Word2Vec
from kinfold.learn.start import Start

LEARNERS = [Word2Vec(dim=12, epochs=3, subsample=0), FastText(dim=12, epochs=3, subsample=0)]


def elsewhere(keys, seed=1):
    """Vectors of another origin for some of the keys, and for keys that no text has."""
    names = [*list(keys)[:30], "faraway", "unheard"]
    return Space.of(names, np.random.default_rng(seed).normal(size=(len(names), 12)).astype(np.float32) * 0.3)


def moved(space, start):
    words = start.group("word")
    return np.linalg.norm(space.vectors(list(words.keys)) - words.rows.values, axis=1)


@pytest.mark.parametrize("learner", LEARNERS, ids=lambda each: type(each).__name__)
class TestStart:
    def test_known_keys_come_first_and_new_ones_join(self, learner):
        data = blocks()
        given = elsewhere(data.keys)
        space = learner.fit(data, start=Start(given), threads=1)
        words = space.group("word") if "word" in space.groups else space
        assert list(words.keys)[:32] == list(given.keys)
        assert set(data.keys) < set(space.keys)
        step = space.card.steps[-1]
        assert (step["step"], step["shared"], step["new_keys"]) == ("start", 30, 18)
        assert space.frame != given.frame

    def test_frozen_rows_stand_still_and_the_others_learn_from_them(self, learner):
        data = blocks()
        given = learner.fit(data, threads=1)
        given = given.group("word") if "word" in given.groups else given
        half = given.take(np.arange(0, 48, 2))
        space = learner.fit(data, start=Start(half, "freeze"), threads=1)
        np.testing.assert_allclose(space.vectors(list(half.keys)), half.rows.values, atol=1e-5)
        words = space.group("word") if "word" in space.groups else space
        assert same_block(words) > 0.9

    def test_slow_rows_move_less_and_anchored_ones_stay_near(self, learner):
        data = blocks()
        names = np.random.default_rng(0).permutation(list(data.keys))
        given = learner.fit(dataclasses.replace(data, keys=Keys(names, "word")), threads=1)
        by = {
            known: learner.fit(data, start=Start(given, known, pull=20.0), threads=1)
            for known in ("learn", "slow", "anchor", "freeze")
        }
        distances = {known: moved(space, given).mean() for known, space in by.items()}
        assert distances["freeze"] < 1e-4 < distances["slow"] < 0.8 * distances["learn"]
        assert distances["anchor"] < 0.8 * distances["learn"]

    def test_another_dimension_is_refused(self, learner):
        with pytest.raises(BadOption, match="use dim=5"):
            learner.fit(blocks(), start=Start(Space.of(["a"], np.ones((1, 5)))))


def test_an_unknown_way_is_refused():
    space = Space.of(["a"], np.ones((1, 5)))
    with pytest.raises(BadOption, match="Did you mean 'freeze'"):
        Start(space, "freze")
    with pytest.raises(BadOption, match="share"):
        Start(space, "slow", share=2.0)


def test_counts_of_the_start_are_added_to_those_of_new_text():
    data = blocks()
    first = Word2Vec(dim=8, epochs=1).fit(data, threads=1)
    other = dataclasses.replace(blocks(seed=3), keys=Keys(list(data.keys), "word"))
    second = Word2Vec(dim=8, epochs=1).fit(other, start=Start(first), threads=1)
    expected = data.counts + other.counts
    assert second.attribute("count").to_pylist() == expected.tolist()


def test_words_whose_ngrams_are_new_can_be_frozen_but_not_slowed():
    data = blocks()
    with pytest.raises(BadOption, match="known='freeze'"):
        FastText(dim=12, subsample=0).fit(data, start=Start(elsewhere(data.keys), "slow"))


def test_glove_begins_with_vectors_and_holds_them():
    from kinfold.prepare.cooccurrence import count

    data = blocks()
    given = elsewhere(data.keys)
    counts = count(data, window=5, weighting="harmonic")
    by = {
        known: GloVe(dim=12, epochs=10).fit(counts, start=Start(given, known, share=0.1, pull=10.0), threads=1)
        for known in ("learn", "slow", "anchor", "freeze")
    }
    assert list(by["learn"].keys)[:32] == list(given.keys)
    assert len(by["learn"]) == 50
    assert by["learn"].card.steps[-1]["shared"] == 30
    distances = {
        known: np.linalg.norm(space.rows.values[:30] - given.rows.values[:30], axis=1).mean()
        for known, space in by.items()
    }
    assert distances["freeze"] < 1e-6 < distances["slow"] < distances["learn"]
    assert distances["anchor"] < distances["learn"]
    with pytest.raises(BadOption, match="use dim=5"):
        GloVe(dim=12).fit(counts, start=Start(Space.of(["a"], np.ones((1, 5)))))


def test_words_by_glove_begin_with_vectors_and_know_their_counts():
    import kinfold as kf

    texts = ["one two three four", "two three one five"] * 50
    first = kf.words(texts, method="glove", dim=4, min_count=1, epochs=5)
    again = kf.words(["one two six six"] * 40, start=first, min_count=1, epochs=2)
    assert again.card.method == "glove"
    assert list(again.keys)[: len(first)] == list(first.keys)
    counts = dict(zip(again.keys, again.attribute("count").to_pylist(), strict=True))
    assert (counts["one"], counts["six"], counts["five"]) == (140, 80, 50)
    with pytest.raises(BadOption, match="begins with nothing"):
        kf.words(texts, method="svd", start=first, dim=4, min_count=1)
