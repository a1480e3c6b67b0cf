import numpy as np
import pytest

from kinfold.core.errors import BadData, BadOption
from kinfold.core.keys import Keys
from kinfold.core.shapes import Items
from kinfold.core.space import Space
from kinfold.encode.pooled import SIF, USIF, Mean, Pooled
from kinfold.prepare.tokens import within

WORDS = ["the", "of", "cat", "dog", "sun", "moon"]
COUNTS = [5000, 4000, 10, 12, 9, 11]


@pytest.fixture
def words():
    rows = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)
    return Space.of(WORDS, rows, group="word").with_attribute("count", COUNTS)


def texts(count=200, seed=0):
    rng = np.random.default_rng(seed)
    share = np.array(COUNTS) / sum(COUNTS) * 0.7 + 0.05
    return [" ".join(rng.choice(WORDS, rng.integers(1, 9), p=share)) for _ in range(count)]


def test_a_mean_is_the_mean_of_the_rows_of_known_words(words):
    found = Pooled(words).encode(Items(["The cat, unheard of", "nothing here", "sun sun moon"]))
    assert list(found.keys) == ["0", "2"]
    np.testing.assert_allclose(found["0"], words.vectors(["the", "cat", "of"]).mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(found["2"], words.vectors(["sun", "sun", "moon"]).mean(axis=0), atol=1e-6)
    assert found.frame == words.frame
    assert found.card.steps[-1] == {"step": "encode", "texts": 3, "skipped": 1}


def test_sif_is_the_formula_of_the_paper(words):
    some = texts()
    weighed = SIF(smoothing=1e-2).weigh(words, within(Items(some), words.keys))
    found = Pooled(weighed).encode(Items(some)).rows.values
    share = dict(zip(WORDS, np.array(COUNTS) / sum(COUNTS), strict=True))
    means = np.array(
        [np.mean([1e-2 / (1e-2 + share[word]) * words[word] for word in text.split()], axis=0) for text in some]
    )
    first = np.linalg.svd(means, full_matrices=False)[2][:1]
    np.testing.assert_allclose(found, means - means @ first.T @ first, atol=1e-5)


def test_usif_is_the_formula_of_the_paper(words):
    some = texts()
    weighed = USIF(components=3).weigh(words, within(Items(some), words.keys))
    found = Pooled(weighed).encode(Items(some)).rows.values
    share = np.array(COUNTS) / sum(COUNTS)
    length = np.mean([len(text.split()) for text in some])
    alpha = np.mean(share > 1 - (1 - 1 / 6) ** length)
    a = (1 - alpha) / (max(alpha, 1 / 6) * 3)
    weight = dict(zip(WORDS, a / (a / 2 + share), strict=True))
    means = np.array([np.mean([weight[word] * words[word] for word in text.split()], axis=0) for text in some])
    _, values, rows = np.linalg.svd(means, full_matrices=False)
    for value, row in zip(values[:3], rows[:3], strict=True):
        means = means - value**2 / (values[:3] ** 2).sum() * np.outer(means @ row, row)
    np.testing.assert_allclose(found, means, atol=1e-5)


def test_a_frame_of_its_own_unless_words_are_as_they_were(words):
    data = within(Items(texts()), words.keys)
    assert Mean().weigh(words, data).frame == words.frame
    assert len({SIF().weigh(words, data).frame, USIF().weigh(words, data).frame, words.frame}) == 3


def test_lists_of_tokens_names_and_attributes_are_kept(words):
    import pyarrow as pa

    items = Items(["cat", "", "dog"], Keys(["a", "b", "c"], "document"), table=pa.table({"year": [1, 2, 3]}))
    found = Pooled(words).encode(items)
    assert dict(zip(found.keys, found.attribute("year").to_pylist(), strict=True)) == {"a": 1, "c": 3}
    assert list(Pooled(words).encode(Items([["cat", "dog"], ["Cat"]])).keys) == ["0", "1"]


def test_nothing_known_is_an_error(words):
    for what in (
        lambda items: Pooled(words).encode(items),
        lambda items: SIF().weigh(words, within(items, words.keys)),
    ):
        with pytest.raises(BadData, match="none of the 2 texts"):
            what(Items(["nothing", "here"]))


@pytest.mark.parametrize("wrong", [lambda: SIF(smoothing=0), lambda: SIF(components=-1), lambda: USIF(components=-1)])
def test_an_option_out_of_range_is_refused(wrong):
    with pytest.raises(BadOption, match=r"smoothing|components"):
        wrong()
