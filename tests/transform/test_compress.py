import dataclasses

import numpy as np
import pytest
from peers import fasttext
from worlds import blocks, crowds, labeled_blocks

import kinfold as kf
from kinfold.core.codes import Codes
from kinfold.core.errors import BadData, BadOption
from kinfold.core.shapes import Items
from kinfold.encode.bag import Bag
from kinfold.learn import FastText, Supervised
from kinfold.tasks.classify import TextClassifier
from kinfold.transform import Compress

TEXTS = ["b0_1 b0_2 b0_5", "b2_3 b2_4", "b1_1 b1_7", "b3_3 unseen b3_9"]


def classifier(**options):
    return Supervised(dim=9, epochs=10, **options).fit(labeled_blocks(), threads=1)


def test_fewer_bytes_say_nearly_the_same():
    space = crowds(size=3000, dim=16)
    small = Compress(width=2).apply(space)
    assert isinstance(small.rows.values, Codes)
    assert small.rows.nbytes < space.rows.nbytes / 4
    report = small.card.reports[-1]
    assert report["cosine to the row before"].value > 0.95
    assert report["nearest 10 kept"].value > 0.2
    assert small.frame == space.frame
    assert small.card.steps[-1]["step"] == "compress"


def test_wider_codes_are_smaller_and_coarser():
    space = crowds(size=3000, dim=16)
    fine, coarse = (Compress(width=width).apply(space) for width in (1, 8))
    assert coarse.rows.nbytes < fine.rows.nbytes
    near = [each.card.reports[-1]["cosine to the row before"].value for each in (fine, coarse)]
    assert near[0] > near[1] > 0.9


def test_lengths_are_kept_apart_from_directions():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(1000, 8)) * np.exp(rng.normal(size=1000) * 2)[:, None]
    space = kf.Space.of([str(number) for number in range(1000)], rows)
    apart, together = (
        1 - Compress(lengths=lengths).apply(space).card.reports[-1]["cosine to the row before"].value
        for lengths in (True, False)
    )
    assert apart < together / 2


def test_few_rows_and_rows_of_zeros_are_exact():
    space = kf.Space.of(["a", "b", "c"], [[1.0, 2, 3], [0, 0, 0], [-1, 5, 2]])
    np.testing.assert_allclose(Compress(width=2).apply(space).rows.dense(), space.rows.values, atol=1e-6)


def test_a_budget_is_kept_by_coarser_codes(tmp_path):
    space = crowds(size=6000, dim=32)
    Compress(width=1).apply(space).save(tmp_path / "fine.arrow")
    budget = (tmp_path / "fine.arrow").stat().st_size - 100_000
    small = Compress(width=1, bytes=budget).apply(space)
    small.save(tmp_path / "small.arrow")
    assert (tmp_path / "small.arrow").stat().st_size <= budget
    assert small.rows.values.codebooks.shape[2] == 4
    with pytest.raises(BadOption, match="the smallest file has"):
        Compress(bytes=1000).apply(space)


def test_what_learning_would_go_on_with_is_let_go():
    space = FastText(dim=8, epochs=1).fit(blocks(), threads=1)
    small = Compress().apply(space)
    assert small.table.column_names == ["count"]
    assert small.groups == space.groups


@pytest.mark.parametrize("options", [{}, {"word_ngrams": 2}, {"min_n": 2, "max_n": 3}])
def test_a_classifier_says_the_same(options):
    space = classifier(**options)
    small = Compress().apply(space)
    # Buckets without a row no longer count: that is asked of the original too.
    pruned = dataclasses.replace(
        space, card=dataclasses.replace(space.card, parameters={**space.card.parameters, "pruned": True})
    )
    one, two = (Bag(each).encode(Items(TEXTS)).rows.dense() for each in (pruned, small))
    np.testing.assert_allclose(one, two, atol=0.05 * np.abs(one).max())
    np.testing.assert_array_equal(small.group("label").rows.dense(), space.group("label").rows.dense())
    told = [[hits[0][0] for hits in TextClassifier(each).predict(TEXTS)] for each in (space, small)]
    assert told[0] == told[1]


@pytest.mark.parametrize("format", ["arrow", "fasttext"])
def test_a_classifier_loses_its_weakest_features_for_a_budget(tmp_path, format):
    space = classifier(word_ngrams=2)
    whole = Compress(format=format).apply(space)
    path = tmp_path / ("small.ftz" if format == "fasttext" else "small.arrow")
    kf.io.save(whole, path, format)
    budget = path.stat().st_size * 3 // 5 + 8000
    small = Compress(bytes=budget, format=format).apply(space)
    kf.io.save(small, path, format)
    assert budget * 0.85 < path.stat().st_size <= budget
    kept = small.card.reports[-1]["rows kept"]
    assert 256 <= kept.value < kept.n
    assert "</s>" in small.group("word")
    weights = np.linalg.norm(space.rows.values, axis=1)
    left_out = np.setdiff1d(np.arange(len(space)), space.keys.rows(small.keys.names))
    assert np.median(weights[left_out]) < np.median(weights)


def test_what_is_compressed_loads_in_fasttext(tmp_path):
    library = fasttext()
    space = classifier(word_ngrams=2)
    small = Compress(format="fasttext").apply(space)
    kf.io.save(small, tmp_path / "small.ftz")
    model = library.load_model(str(tmp_path / "small.ftz"))
    assert model.is_quantized()
    ours = Bag(small, {"tokenizer": "whitespace", "lower": False}).encode(Items(TEXTS)).rows.dense()
    for text, row in zip(TEXTS, ours, strict=True):
        np.testing.assert_allclose(model.get_sentence_vector(text), row, atol=1e-5)


@pytest.mark.parametrize("wrong", [{"width": 0}, {"bytes": 0}, {"iterations": 0}])
def test_an_option_out_of_range_is_named(wrong):
    with pytest.raises(BadOption, match=next(iter(wrong))):
        Compress(**wrong)


def test_what_cannot_be_compressed_is_said():
    space = crowds(size=300)
    with pytest.raises(BadData, match="codes already"):
        Compress().apply(Compress().apply(space))
    with pytest.raises(BadData, match="nothing to compress"):
        Compress().apply(kf.Space.of([], np.zeros((0, 3))))
