import dataclasses

import numpy as np
import pytest
from worlds import blocks, same_block

from kinfold.core.errors import BadData, BadOption
from kinfold.core.keys import Keys
from kinfold.core.shapes import Sequences
from kinfold.learn import Word2Vec


@pytest.mark.parametrize("loss", ["negative", "hierarchical"])
@pytest.mark.parametrize("mode", ["skipgram", "cbow"])
def test_all_four_modes_find_the_blocks(mode, loss):
    space = Word2Vec(dim=20, mode=mode, loss=loss, subsample=0, learning_rate=0.05).fit(blocks(), threads=1)
    assert same_block(space) > 0.95


@pytest.mark.parametrize("negatives", [1, 5, 6, 15])
def test_any_number_of_negatives_finds_the_blocks(negatives):
    assert same_block(Word2Vec(dim=16, negatives=negatives).fit(blocks(), threads=2)) > 0.95


def test_the_loss_falls_and_is_told_after_each_epoch():
    told = []
    space = Word2Vec(dim=16, epochs=6, subsample=0).fit(blocks(), threads=2, callback=told.append)
    assert [epoch.number for epoch in told] == [1, 2, 3, 4, 5, 6]
    assert told[0].loss < np.log(2)
    assert told[-1].loss < told[0].loss
    assert told[-1].rows.shape == (48, 16)
    table = space.card.reports[0].tables[0]
    assert [row[1] for row in table.rows] == [epoch.loss for epoch in told]


def test_the_loss_does_not_depend_on_the_number_of_threads():
    one, two = (Word2Vec(dim=16, epochs=2).fit(blocks(), threads=threads) for threads in (1, 2))
    assert one.card.reports[0]["loss"].value == pytest.approx(two.card.reports[0]["loss"].value, abs=0.02)


def test_the_first_loss_is_what_guessing_costs():
    told = []
    Word2Vec(dim=8, epochs=1, learning_rate=1e-6, final_rate=0).fit(blocks(), threads=1, callback=told.append)
    assert told[0].loss == pytest.approx(np.log(2), abs=1e-4)


def test_progress_counts_every_token():
    class Heard:
        total = done = 0.0

        def start(self, stage, total=None, unit=""):
            self.total = total

        def advance(self, amount, **numbers):
            self.done += amount

    heard = Heard()
    Word2Vec(dim=8, epochs=3).fit(blocks(), threads=2, progress=heard)
    assert heard.done == heard.total == 3 * 1500 * 8


def test_one_long_sequence_is_shared_by_threads_and_learned():
    data = blocks()
    long = dataclasses.replace(data, starts=np.array([0, len(data.ids)], np.int64))
    assert same_block(Word2Vec(dim=16, window=2, epochs=10).fit(long, threads=2)) > 0.8


def test_resume_goes_on_where_training_stopped():
    data = blocks()
    learner = Word2Vec(dim=16, epochs=3, subsample=0)
    first = learner.fit(data, threads=1)
    told = []
    again = learner.resume(first, data, threads=1, callback=told.append)
    assert told[0].loss < first.card.reports[0].tables[0].rows[0][1]
    assert again.frame != first.frame
    assert again.card.steps[-1]["from"] == first.frame
    assert again.attribute("count").to_pylist() == first.attribute("count").to_pylist()


def test_resume_takes_new_words_in():
    data = blocks(groups=2, seed=1)
    first = Word2Vec(dim=16).fit(data, threads=1)
    names = [*(f"b0_{number}" for number in range(12)), *(f"new_{number}" for number in range(12))]
    more = blocks(groups=2, seed=2)
    again = Word2Vec(dim=16).resume(first, dataclasses.replace(more, keys=Keys(names, "word")), threads=1)
    assert list(again.keys)[: len(first)] == list(first.keys)
    assert list(again.keys)[len(first) :] == names[12:]
    hits = again.nearest("new_3", k=5)
    assert all(key.startswith("new_") for key in hits.keys)
    counts = dict(zip(again.keys, again.attribute("count").to_pylist(), strict=True))
    before = dict(zip(first.keys, first.attribute("count").to_pylist(), strict=True))
    assert counts["b1_0"] == before["b1_0"]
    assert counts["b0_0"] == before["b0_0"] + int((more.ids == 0).sum())


def test_resume_of_what_cannot_be_resumed_says_so():
    data = blocks()
    frozen = Word2Vec(dim=8, epochs=1, resumable=False).fit(data, threads=1)
    assert frozen.table.column_names == ["count"]
    with pytest.raises(BadData, match="resumable=True"):
        Word2Vec(dim=8).resume(frozen, data)
    with pytest.raises(BadOption, match="dim=8"):
        Word2Vec(dim=9).resume(frozen, data)


@pytest.mark.parametrize(
    "option",
    [
        {"dim": 0},
        {"epochs": 0},
        {"window": 0},
        {"negatives": 0},
        {"mode": "skip"},
        {"loss": "softmax"},
        {"learning_rate": -1.0},
        {"learning_rate": 0.01, "final_rate": 0.1},
        {"subsample": -1.0},
        {"dim": 2.5},
    ],
)
def test_an_option_out_of_range_is_named(option):
    with pytest.raises(BadOption, match=next(iter(option)).replace("_", ".")):
        Word2Vec(**option)


def test_one_key_or_lonely_keys_are_refused():
    lonely = Sequences(Keys(["a", "b"]), np.array([0, 1], np.int32), np.array([0, 1, 2], np.int64))
    with pytest.raises(BadData, match="no sequence has two"):
        Word2Vec(dim=4).fit(lonely)
    single = Sequences(Keys(["a"]), np.zeros(4, np.int32), np.array([0, 4], np.int64))
    with pytest.raises(BadData, match="at least two"):
        Word2Vec(dim=4).fit(single)


def test_ids_outside_the_keys_are_refused():
    wrong = Sequences(Keys(["a", "b"]), np.array([0, 1, 7], np.int32), np.array([0, 3], np.int64))
    with pytest.raises(BadData, match="outside the 2 keys"):
        Word2Vec(dim=4).fit(wrong)


def test_a_rate_that_diverges_is_an_error_not_nan():
    with pytest.raises((BadOption, BadData), match=r"diverged|NaN"):
        Word2Vec(dim=8, learning_rate=9.9, epochs=50, subsample=0).fit(blocks(), threads=1)
