import dataclasses

import numpy as np
import pyarrow as pa
import pytest
from worlds import labeled_blocks

from kinfold.core import spill
from kinfold.core.columns import matrix_of
from kinfold.core.errors import BadData, BadOption
from kinfold.core.keys import Keys
from kinfold.core.shapes import Items, Labeled, Sequences
from kinfold.kernels.supervised import label_tree, leaf_chances
from kinfold.learn import Supervised, features, subwords
from kinfold.prepare.tokens import labeled
from kinfold.sources.labeled import read

LOSSES = ["softmax", "one-vs-all", "negative", "hierarchical"]


def told(space, data):
    """Share of texts of which the label with the largest product is their own, by the words' rows alone."""
    rows = space.vectors([f"word:{key}" for key in data.texts.keys])
    texts = np.add.reduceat(rows[data.texts.ids], data.texts.starts[:-1], axis=0)
    best = (texts @ space.group("label").rows.dense().T).argmax(axis=1)
    names = np.array(list(space.keys.group("label")))
    return np.mean(names[best] == np.array(list(data.labels.keys))[data.labels.ids])


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_finds_the_blocks(loss):
    data = labeled_blocks(groups=5)
    space = Supervised(dim=12, loss=loss, learning_rate=0.3).fit(data, threads=1)
    assert told(space, data) > 0.98
    assert space.group("label").attribute("count").to_pylist() == data.labels.counts.tolist()


@pytest.mark.parametrize("loss", LOSSES)
def test_two_threads_learn_as_one_does(loss):
    data = labeled_blocks(groups=5)
    learner = Supervised(dim=12, loss=loss, learning_rate=0.3)
    one, two = (learner.fit(data, threads=threads) for threads in (1, 2))
    losses = [space.card.reports[0]["loss"].value for space in (one, two)]
    assert losses[0] == pytest.approx(losses[1], abs=0.05)
    assert told(two, data) > 0.98


def test_word_ngrams_tell_what_words_cannot():
    rng = np.random.default_rng(0)
    pairs = [["yes" if first else "no", "yes" if second else "no"] for first, second in rng.integers(0, 2, (600, 2))]
    labels = ["same" if first == second else "other" for first, second in pairs]
    data = labeled(Items(pairs, labels=pa.array(labels)))
    losses = [
        Supervised(dim=8, learning_rate=0.5, epochs=20, word_ngrams=longest)
        .fit(data, threads=1)
        .card.reports[0]["loss"]
        for longest in (1, 2)
    ]
    assert losses[0].value > 0.6
    assert losses[1].value < 0.2


def test_only_buckets_that_are_met_have_rows():
    data = labeled(read(["__label__a one two", "__label__b two"]))
    space = Supervised(dim=4, word_ngrams=2, min_n=3, max_n=3, buckets=2**24, epochs=1).fit(data, threads=1)
    # <on one ne> <tw two wo>, and "one two", "two </s>".
    assert {name: len(rows) for name, rows in space.groups.items()} == {"word": 3, "ngram": 8, "label": 2}
    buckets = [int(key) for key in space.keys.group("ngram")]
    assert buckets == sorted(buckets)
    assert space.group("word").attribute("count").to_pylist() == [2, 2, 1]
    assert list(space.keys.group("word")) == ["two", "</s>", "one"]


@pytest.mark.parametrize("dim", [6, 16])
def test_words_with_ngrams_are_means_and_keep_their_own_row(dim):
    data = labeled(read(["__label__a one two", "__label__b two"] * 50))
    space = Supervised(dim=dim, min_n=3, max_n=3, buckets=1000).fit(data, threads=1)
    own = matrix_of(space.attribute("own"), dim)
    grams = space.group("ngram").rows.dense()
    made = features.Features.of(data.texts, Supervised(min_n=3, max_n=3, buckets=1000))
    for number, name in enumerate(space.keys.group("word")):
        at = made.texts.part_starts[made.numbers[number] : made.numbers[number] + 2]
        parts = made.texts.parts[at[0] : at[1]]
        assert parts[0] == number
        expected = np.mean([own[number], *grams[parts[1:] - 3]], axis=0)
        np.testing.assert_allclose(space[f"word:{name}"], expected, atol=1e-6)
    end = list(space.keys.group("word")).index("</s>")
    np.testing.assert_array_equal(space["word:</s>"], own[end])


def test_rare_words_have_ngrams_and_no_row():
    data = labeled(read(["__label__a often rare", "__label__b often"]))
    space = Supervised(dim=4, min_count=2, word_ngrams=2, epochs=1).fit(data, threads=1)
    assert list(space.keys.group("word")) == ["often", "</s>"]
    assert len(space.group("ngram")) == 3  # often rare, rare </s>, often </s>
    assert "own" not in space.table.column_names
    alone = Supervised(dim=4, min_count=3, word_ngrams=2, epochs=1).fit(data, threads=1)
    assert list(alone.groups) == ["ngram", "label"]


def test_output_rows_are_the_labels_rows_but_in_a_tree():
    data = labeled_blocks(groups=5)
    space = Supervised(dim=8, epochs=1).fit(data, threads=1)
    context = space.group("label").attribute("context")
    np.testing.assert_array_equal(matrix_of(context, 8), space.group("label").rows.dense())
    assert space.group("word").attribute("context").null_count == len(space.group("word"))
    tree = Supervised(dim=8, epochs=1, loss="hierarchical").fit(data, threads=1)
    nodes = matrix_of(tree.group("label").attribute("context"), 8)
    assert not nodes[4].any()  # one node less than labels
    # A label's row is the slope of the logarithm of its probability, where all are told alike.
    paths = label_tree(data.labels.counts)
    step = np.random.default_rng(0).normal(size=8).astype(np.float32) * 1e-2
    logs = [np.log(leaf_chances((sign * step @ nodes[:4].T)[None], *paths)[0]) for sign in (1, -1)]
    rows = tree.group("label").rows.dense()
    np.testing.assert_allclose((logs[0] - logs[1]) / 2, rows @ step, atol=1e-4)


def test_a_text_may_have_several_labels_or_none():
    texts = ["sun sea", "snow ice", "sun ice", "nothing"] * 100
    labels = [["summer"], ["winter"], ["summer", "winter"], []] * 100
    for loss in LOSSES:
        data = labeled(read(texts, labels))
        space = Supervised(dim=6, loss=loss, learning_rate=0.5).fit(data, threads=1)
        assert space.card.data["labeled"] == 300
        assert space.card.reports[0]["loss"].n == 300
        rows = space.group("label").rows.dense()
        score = dict(zip(space.keys.group("label"), rows @ space["word:sun"], strict=True))
        assert score["summer"] > score["winter"]
    assert "word:nothing" in space  # known, though nothing was learned of it


def test_the_loss_falls_and_progress_counts_every_word():
    class Heard:
        total = done = 0.0

        def start(self, stage, total=None, unit=""):
            self.total = total

        def advance(self, amount, **numbers):
            self.done += amount

    heard = Heard()
    space = Supervised(dim=8, epochs=4).fit(labeled_blocks(), threads=2, progress=heard)
    table = space.card.reports[0].tables[0]
    losses = [row[1] for row in table.rows]
    assert losses[0] < np.log(4)
    assert losses == sorted(losses, reverse=True)
    assert heard.done == heard.total == 4 * 1500 * 9


def test_texts_sorted_by_label_are_learned_as_well_as_mixed_ones():
    data = labeled_blocks()
    order = np.argsort(data.labels.ids, kind="stable")
    ids = np.concatenate([data.texts.ids[8 * at : 8 * at + 8] for at in order])
    ordered = Labeled(
        dataclasses.replace(data.texts, ids=ids), dataclasses.replace(data.labels, ids=data.labels.ids[order])
    )
    mixed, sorted_ = (Supervised(dim=12, epochs=1).fit(each, threads=1) for each in (data, ordered))
    assert told(sorted_, data) > 0.95
    assert sorted_.card.reports[0]["loss"].value == pytest.approx(mixed.card.reports[0]["loss"].value, rel=0.2)


def test_large_ngrams_lie_in_a_file_and_change_nothing(monkeypatch):
    data = labeled_blocks()
    learner = Supervised(dim=8, word_ngrams=3, epochs=1)
    held = learner.fit(data, threads=1)
    monkeypatch.setattr(spill.empty, "__defaults__", (1000,))
    monkeypatch.setattr(subwords, "_CHUNK", 777)
    np.testing.assert_array_equal(learner.fit(data, threads=1).rows.values, held.rows.values)


@pytest.mark.parametrize(
    "option",
    [
        {"dim": 0},
        {"epochs": 0},
        {"learning_rate": 0.0},
        {"learning_rate": float("nan")},
        {"min_count": 0},
        {"word_ngrams": 0},
        {"min_n": 0, "max_n": 3},
        {"min_n": 4, "max_n": 3},
        {"buckets": 0, "word_ngrams": 2},
        {"buckets": 2**31},
        {"loss": "softmaxx"},
        {"negatives": 0},
        {"dim": 2.5},
    ],
)
def test_an_option_out_of_range_is_named(option):
    with pytest.raises(BadOption, match=next(iter(option))):
        Supervised(**option)


def one(texts, labels, names=("a", "b")):
    starts = np.arange(len(texts) + 1, dtype=np.int64)
    return Labeled(
        Sequences(Keys(["x", "y"], "word"), np.array(texts, np.int32), starts),
        Sequences(Keys(list(names), "label"), np.array(labels, np.int32), starts),
    )


def test_what_cannot_be_learned_from_is_said():
    learner = Supervised(dim=4)
    with pytest.raises(BadData, match="all 2 labeled texts have the label 'b'"):
        learner.fit(one([0, 1], [1, 1]))
    none = one([0, 1], [0, 1])
    empty = dataclasses.replace(none.labels, ids=np.zeros(0, np.int32), starts=np.zeros(3, np.int64))
    with pytest.raises(BadData, match="none of the 2 texts has a label"):
        learner.fit(Labeled(none.texts, empty))
    with pytest.raises(BadData, match="none of the 3 different words occurs 9 times; lower min_count"):
        Supervised(dim=4, min_count=9).fit(none)
    with pytest.raises(BadData, match="outside the 2 keys"):
        learner.fit(one([0, 7], [0, 1]))
    with pytest.raises(BadData, match="outside the 2 keys"):
        learner.fit(one([0, 1], [0, 2]))
    with pytest.raises(BadOption, match="threads is 0"):
        learner.fit(none, threads=0)


def test_labels_that_never_occur_are_no_trouble():
    data = one([0, 1] * 50, [0, 2] * 50, ("a", "b", "c"))
    for loss in LOSSES:
        space = Supervised(dim=4, loss=loss, learning_rate=1.0).fit(data, threads=1)
        assert np.isfinite(space.rows.values).all()


def test_a_rate_that_diverges_is_an_error_not_nan():
    with pytest.raises((BadOption, BadData), match=r"diverged|NaN"):
        Supervised(dim=4, learning_rate=9.9, loss="one-vs-all", epochs=3000).fit(
            one([0, 1, 0, 1] * 20, [0, 1, 1, 0] * 20), threads=1
        )
