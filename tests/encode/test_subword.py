"""Words that a model has never seen, against a model that goes n-gram by n-gram."""

import dataclasses

import numpy as np
import pytest
from oracles import fasttext as oracle

import kinfold as kf
from kinfold import Space, io
from kinfold.core.errors import BadData, UnknownName
from kinfold.core.keys import Keys
from kinfold.core.shapes import Items
from kinfold.encode.subword import Subword

UNSEEN = ["unseenish", "naïvely", "日本語", "x", "", "<", "ships", "</s", "the ship"]


@pytest.fixture
def opened(tmp_path):
    def of(kind):
        model = oracle.model(kind)
        (tmp_path / "model").write_bytes(model.file())
        return model, io.open(tmp_path / "model")

    return of


@pytest.mark.parametrize("kind", oracle.KINDS)
def test_words_have_the_vectors_of_the_model(opened, kind):
    model, space = opened(kind)
    words = [*UNSEEN, *(word.decode() for word in model.words)]
    made = kf.encoder(space).encode(words)
    assert list(made.keys) == words
    for word in words:
        np.testing.assert_allclose(made[word], model.vector(word.encode()), atol=1e-6)
    assert made.attribute("seen").to_pylist() == [word.encode() in model.words for word in words]
    assert (made.frame, made.metric) == (space.frame, space.metric)
    assert list(made.groups) == ["word"]
    empty = sum(not model.vector(word.encode()).any() for word in words)
    step = dict(made.card.steps[-1])
    assert step == {"step": "encode", "words": len(words), "seen": 8, "unseen": len(UNSEEN), "empty": empty}


def test_a_word_that_is_there_twice_has_one_row(opened):
    _, space = opened("skipgram")
    made = Subword(space).encode(["b", "ship", "b", "ship", "a b"])
    assert list(made.keys) == ["b", "ship", "a b"]
    named = Subword(space).encode(Items(["b", "ship", "b"], Keys(["1", "2", "3"], "word")))
    assert list(named.keys) == ["1", "2", "3"]
    np.testing.assert_array_equal(named["1"], made["b"])
    np.testing.assert_array_equal(named["3"], made["b"])


def test_any_iterable_of_words_is_taken(opened, tmp_path):
    _, space = opened("skipgram")
    (tmp_path / "words.txt").write_text("ship\nunseenish\n")
    wanted = Subword(space).encode(["ship", "unseenish"])
    for things in (
        (word for word in ("ship", "unseenish")),
        np.array(["ship", "unseenish"]).tolist(),
        Items(["ship", "unseenish"]),
        kf.sources.text.read(tmp_path / "words.txt"),
    ):
        np.testing.assert_array_equal(Subword(space).encode(things).rows.dense(), wanted.rows.dense())
    assert len(Subword(space).encode([])) == 0


def test_any_number_of_threads_gives_the_same_bytes(opened):
    _, space = opened("skipgram")
    words = [f"word{number}" for number in range(5000)]
    one, two = (Subword(space).encode(words, threads=threads) for threads in (1, 2))
    assert one.rows.dense().tobytes() == two.rows.dense().tobytes()


def test_the_neighbors_of_an_unseen_word_are_found(opened):
    _, space = opened("skipgram")
    made = kf.encoder(space).encode(["ship", "ships"])
    made.same_frame(space)
    assert space.nearest(made["ship"], 1, group="word").keys == ["ship"]
    assert len(space.nearest(made["ships"], 3, group="word")) == 3


def test_what_is_no_word_is_refused(opened):
    encoder = Subword(opened("skipgram")[1])
    for things, message in [
        ("ship", "not the one string 'ship'"),
        ([["a", "b"]], "thing 0 is list"),
        (["a", 3], "thing 1 is int"),
        (["a", "\ud800"], "UTF-8"),
        (Items(["a"], Keys(["x", "y"])), "2 names do not go with 1 words"),
    ]:
        with pytest.raises(BadData, match=message):
            encoder.encode(things)


def test_a_space_that_is_not_of_such_words_is_refused(opened):
    _, space = opened("skipgram")
    with pytest.raises(BadData, match="no group 'ngram'"):
        kf.encoder(space.group("word"))
    with pytest.raises(UnknownName, match="word"):
        kf.encoder(space.group("ngram"))
    huge = np.full((len(space), 5), 3e38, np.float32)
    with pytest.raises(BadData, match="NaN or infinite"):
        kf.encoder(dataclasses.replace(space, rows=kf.core.rows.Rows(huge))).encode(["unseenish"])


class TestTheRightEncoder:
    def test_is_found_by_the_method(self, opened, tmp_path):
        for kind in ("skipgram", "softmax classifier"):
            _, space = opened(kind)
            assert isinstance(kf.encoder(space), Subword)
            assert isinstance(kf.encoder(tmp_path / "model"), Subword)
            assert isinstance(kf.encoder(space, "subword"), Subword)

    def test_is_told_where_there_is_none(self):
        space = Space.of(["a"], [[1.0]], group="word", method="svd")
        with pytest.raises(UnknownName, match=r"vectors by 'svd' .* subword for fasttext, supervised"):
            kf.encoder(space)
        assert kf.encoder(space, "subword").encode(["a", "b"]).attribute("seen").to_pylist() == [True, False]
        with pytest.raises(UnknownName, match="Did you mean 'subword'"):
            kf.encoder(space, "subwords")

    @pytest.mark.parametrize("kind", ["skipgram", "quantized", "pruned", "classifier of words"])
    def test_saved_and_opened_gives_the_same(self, opened, kind, tmp_path):
        _, space = opened(kind)
        encoder = kf.encoder(space)
        encoder.save(tmp_path / "encoder.arrow")
        again = kf.encoder(tmp_path / "encoder.arrow")
        assert (again.frame, again.dim) == (encoder.frame, encoder.dim)
        one, two = (each.encode([*UNSEEN, "ship"]).rows.dense() for each in (encoder, again))
        assert one.tobytes() == two.tobytes()
