"""Every encoder of the catalogue, by the same rules."""

import dataclasses
import tempfile

import numpy as np
import pytest
from models import tiny
from oracles import fasttext as oracle
from peers import peer
from worlds import blocks, labeled_blocks

import kinfold as kf
from kinfold import Space, io
from kinfold.core.shapes import Items
from kinfold.encode import ENCODERS
from kinfold.learn import Doc2Vec, Supervised


def fasttext_model():
    with tempfile.NamedTemporaryFile(suffix=".bin") as file:
        file.write(oracle.model("skipgram").file())
        file.flush()
        return io.open(file.name)


def tokens():
    peer("tokenizers")
    with tempfile.TemporaryDirectory() as folder:
        io.save(words(), f"{folder}/model", "model2vec")
        return io.open(f"{folder}/model")


def table():
    rows = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
    parameters = {"min_n": 2, "max_n": 3, "buckets": 20, "hashes": 2, "hash_seed": 7, "opens": "<", "closes": ">"}
    space = Space.of([str(number) for number in range(20)], rows, group="ngram")
    return dataclasses.replace(space, card=dataclasses.replace(space.card, method="floret", parameters=parameters))


def liked():
    met = {"ann": ["tea", "rye"], "bob": ["tea", "jam"], "eve": ["ham", "rye"]}
    return kf.items(met, dim=5, threads=1)


def words():
    return Space.of(["sea", "ship", "hay"], np.eye(3, 5) + 0.5, group="word")


def network():
    folder = tempfile.mkdtemp()
    return tiny(f"{folder}/model")


# A Space for each encoder, and things that it takes.
MADE = {
    "subword": (fasttext_model, ["ship", "unseenish", "日本語"]),
    "bag": (lambda: Supervised(dim=5, word_ngrams=2).fit(labeled_blocks(), threads=1), ["b0_1 b0_2", "b2_3", "b1_1"]),
    "pooled": (words, ["A ship at sea", "hay", "the sea, the sea"]),
    "static": (tokens, ["a ship at sea", "hay", "sea sea"]),
    "transformer": (network, ["a ship at sea", "hay", "sea sea"]),
    "floret": (table, ["ship", "unseenish", "日本語"]),
    "foldin": (liked, [["tea", "rye"], {"jam": 2.0}, ["ham"]]),
    "inferred": (lambda: Doc2Vec(dim=5, epochs=2).fit(blocks(), threads=1), ["b0_1 b0_2", "b2_3", "b1_1 b1_4"]),
}


def test_no_encoder_is_without_its_case():
    assert {entry.name for entry in ENCODERS} == set(MADE)


@pytest.mark.parametrize("name", MADE)
class TestEveryEncoder:
    @pytest.fixture
    def encoder(self, name):
        return kf.encoder(MADE[name][0](), name)

    def test_rows_are_finite_and_in_the_frame_of_the_space(self, encoder, name):
        things = MADE[name][1]
        made = encoder.encode(Items(things))
        assert made.frame == encoder.frame
        assert made.rows.dense().shape == (len(things), encoder.dim)
        assert made.rows.dtype == np.float32
        assert np.isfinite(made.rows.dense()).all()
        assert made.card.steps[-1]["step"] == "encode"

    def test_same_things_same_bytes_in_any_order(self, encoder, name):
        things = MADE[name][1]
        one, two = encoder.encode(Items(things)), encoder.encode(Items(things[::-1]))
        assert one.rows.dense().tobytes() == encoder.encode(Items(things)).rows.dense().tobytes()
        assert one.rows.dense().tobytes() == two.rows.dense()[::-1].tobytes()

    def test_the_space_is_untouched(self, encoder, name):
        if name == "transformer":
            pytest.skip("it is over a folder, not over a Space")
        before = encoder.space.rows.dense().tobytes()
        encoder.encode(Items(MADE[name][1]))
        assert encoder.space.rows.dense().tobytes() == before

    def test_saved_and_opened_encodes_the_same(self, encoder, name, tmp_path):
        encoder.save(tmp_path / "saved.arrow")
        again = kf.encoder(tmp_path / "saved.arrow", name)
        things = Items(MADE[name][1])
        assert again.encode(things).rows.dense().tobytes() == encoder.encode(things).rows.dense().tobytes()

    def test_nothing_in_nothing_out(self, encoder, name):
        assert len(encoder.encode(Items([]))) == 0
