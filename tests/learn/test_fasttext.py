import dataclasses

import numpy as np
import pytest
from worlds import blocks, same_block

from kinfold.core.columns import matrix_of
from kinfold.core.errors import BadOption
from kinfold.core.keys import Keys
from kinfold.core.shapes import Items
from kinfold.learn import FastText
from kinfold.learn.fasttext import subwords_of
from kinfold.learn.start import Start
from kinfold.prepare.tokens import sequences


def verbs(sentences=1500, seed=0):
    """Stems of two topics in three forms: a form that was never met is known by its letters."""
    rng = np.random.default_rng(seed)
    topics = [
        ["sailing", "sailed", "sails", "rowing", "rowed", "rows"],
        ["cooking", "cooked", "cooks", "baking", "baked"],
    ]
    texts = [" ".join(rng.choice(topics[each % 2], 8)) for each in range(sentences)]
    return sequences(Items(texts), min_count=1)


@pytest.mark.parametrize("loss", ["negative", "hierarchical"])
@pytest.mark.parametrize("mode", ["skipgram", "cbow"])
def test_all_four_modes_find_the_blocks(mode, loss):
    space = FastText(dim=20, mode=mode, loss=loss, subsample=0, epochs=10).fit(blocks(), threads=1)
    assert same_block(space.group("word")) > 0.9


def test_a_word_is_the_mean_of_its_own_row_and_its_ngrams():
    space = FastText(dim=12, epochs=2).fit(verbs(), threads=1)
    words = space.group("word")
    own = matrix_of(space.attribute("own"), 12)
    buckets = dict(zip(space.group("ngram").keys, space.group("ngram").rows.values, strict=True))
    parts = subwords_of(words.keys, 3, 6, 2_000_000, np.zeros(0, np.int64))
    for word, name in enumerate(words.keys):
        rows = parts.rows[parts.starts[word] + 1 : parts.starts[word + 1]] - len(words)
        expected = np.mean([own[word], *(buckets[str(parts.buckets[row])] for row in rows)], axis=0)
        np.testing.assert_allclose(space[name], expected, atol=1e-6)


def test_attributes_are_those_of_words_only():
    space = FastText(dim=8, epochs=1).fit(verbs(), threads=1)
    words = len(space.group("word"))
    for name in ("count", "own", "context"):
        assert space.attribute(name).null_count == len(space) - words
        assert space.group("word").attribute(name).null_count == 0


def test_without_ngrams_it_is_word2vec_with_other_defaults():
    space = FastText(dim=12, max_n=0, subsample=0).fit(blocks(), threads=1)
    assert list(space.groups) == ["word"]
    assert same_block(space) > 0.95


def test_resume_goes_on_where_training_stopped():
    data = blocks()
    learner = FastText(dim=16, epochs=3, subsample=0, learning_rate=0.01)
    first = learner.fit(data, threads=1)
    told = []
    again = learner.resume(first, data, threads=1, callback=told.append)
    assert told[0].loss < first.card.reports[0].tables[0].rows[0][1]
    assert again.group("ngram").keys == first.group("ngram").keys


def test_resume_takes_new_words_and_their_ngrams_in():
    first = FastText(dim=16, epochs=3).fit(verbs(), threads=1)
    more = verbs(seed=1)
    renamed = dataclasses.replace(more, keys=Keys([f"re{name}" for name in more.keys], "word"))
    again = FastText(dim=16, epochs=3).resume(first, renamed, threads=1)
    assert len(again.group("word")) == 2 * len(first.group("word"))
    assert set(first.group("ngram").keys) < set(again.group("ngram").keys)


def test_it_starts_where_other_vectors_are():
    data = verbs()
    given = FastText(dim=8, epochs=1, max_n=0).fit(data, threads=1)
    frozen = FastText(dim=8, epochs=2).fit(data, start=Start(given, "freeze"), threads=1)
    np.testing.assert_allclose(frozen.group("word").rows.values, given.rows.values, atol=1e-5)
    assert frozen.group("ngram").rows.values.std() > 0


def test_known_ngrams_are_frozen_with_their_words():
    data = verbs()
    first = FastText(dim=8, epochs=1).fit(data, threads=1)
    frozen = FastText(dim=8, epochs=2).fit(data, start=Start(first, "freeze"), threads=1)
    np.testing.assert_allclose(frozen.rows.values, first.rows.values, atol=1e-5)


@pytest.mark.parametrize("option", [{"min_n": 7}, {"max_n": -1}, {"buckets": 0}, {"buckets": 2**31}])
def test_an_option_out_of_range_is_named(option):
    with pytest.raises(BadOption, match=next(iter(option))):
        FastText(**option)
