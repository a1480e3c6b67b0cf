import math
from collections import Counter

import numpy as np
import pytest

from kinfold import Space, search
from kinfold.core.errors import BadData, BadOption, FrameMismatch, UnknownName
from kinfold.core.keys import Keys
from kinfold.search import BM25

TEXTS = [
    "The cat sat on the mat.",
    "A dog barked at the cat, and the cat ran.",
    "Don't feed the dog!",
    "",
    "Wind and rain over a long, long, long road to the sea",
]


def texts(lines=TEXTS, group="document"):
    rows = np.random.default_rng(0).normal(size=(len(lines), 3))
    return Space.of([f"t{place}" for place in range(len(lines))], rows, group=group).with_attribute("text", lines)


def by_hand(documents, query, k1=1.2, b=0.75):
    """The formula, word by word."""
    lengths = [len(each) for each in documents]
    mean = np.mean([length for length in lengths if length])
    scores = np.zeros(len(documents))
    for word in query:
        having = sum(word in each for each in documents)
        rarity = math.log(1 + (len(documents) - having + 0.5) / (having + 0.5))
        for place, each in enumerate(documents):
            often = Counter(each)[word]
            if often:
                scores[place] += rarity * often / (often + k1 * (1 - b + b * lengths[place] / mean))
    return scores


@pytest.mark.parametrize(("k1", "b"), [(1.2, 0.75), (0, 0), (2, 1)])
def test_scores_are_those_of_the_formula(k1, b):
    rng = np.random.default_rng(0)
    words = [f"w{number}" for number in range(30)]
    documents = [[words[at] for at in rng.zipf(1.5, rng.integers(1, 40)) % 30] for _ in range(200)]
    index = BM25.build(texts([" ".join(each) for each in documents]), k1=k1, b=b)
    for _ in range(20):
        query = [words[at] for at in rng.integers(0, 30, 5)]
        scores, rows = index.search([" ".join(query)], 200)
        expected = by_hand(documents, query, k1, b)
        order = [row for row in np.argsort(-expected.astype(np.float32), kind="stable") if expected[row] > 0]
        assert len(order) == np.count_nonzero(rows >= 0)
        np.testing.assert_allclose(scores[0, : len(order)], expected[rows[0, : len(order)]], rtol=1e-5)
        np.testing.assert_allclose(scores[0, : len(order)], expected[order], rtol=1e-5)


def test_words_are_cut_alike_and_what_shares_none_is_not_found():
    index = BM25.build(texts())
    scores, rows = index.search(["CAT", "don't", "unheard of", "?"], 3)
    assert rows.tolist() == [[1, 0, -1], [2, -1, -1], [-1, -1, -1], [-1, -1, -1]]
    assert np.isneginf(scores[2]).all()


def test_only_the_texts_of_a_group_and_those_allowed_are_found():
    keys = Keys(["cat", "dog", "a", "b"], {"word": 2, "document": 2})
    space = Space.of(keys, np.eye(4)).with_attribute("text", [None, None, "a cat", "the cat and the dog"])
    index = BM25.build(space, group="document")
    assert index.search(["cat"], 5)[1].tolist() == [[2, 3, -1, -1, -1]]
    assert index.search(["cat"], 1, among=np.array([3]))[1].tolist() == [[3]]


def test_an_index_is_kept_beside_its_space_and_knows_its_texts(tmp_path):
    space = texts()
    index = BM25.build(space)
    index.save(tmp_path / "t.bm25")
    again = BM25.open(tmp_path / "t.bm25", space)
    assert list(again.keys) == list(index.keys)
    for mine, other in zip(index.search(["the dog"], 4), again.search(["the dog"], 4), strict=True):
        np.testing.assert_array_equal(mine, other)
    with pytest.raises(BadData, match="other texts"):
        BM25.open(tmp_path / "t.bm25", space.with_attribute("text", [*TEXTS[:-1], "another road"]))
    with pytest.raises(FrameMismatch):
        BM25.open(tmp_path / "t.bm25", texts([*TEXTS, "more"]))
    search.build(space, "hnsw").save(tmp_path / "t.hnsw")
    with pytest.raises(BadData, match="hnsw, not bm25"):
        BM25.open(tmp_path / "t.hnsw", space)
    data = bytearray((tmp_path / "t.bm25").read_bytes())
    data[-3] ^= 255
    (tmp_path / "t.bm25").write_bytes(data)
    with pytest.raises(BadData, match="damaged"):
        BM25.open(tmp_path / "t.bm25", space)


def test_what_is_no_text_is_refused():
    space = texts()
    with pytest.raises(UnknownName, match="no attribute 'words'"):
        BM25.build(space, "words")
    with pytest.raises(BadData, match="no texts"):
        BM25.build(space.with_attribute("count", range(5)), "count")
    for options in ({"k1": -1}, {"b": 2}):
        with pytest.raises(BadOption, match="k1 is"):
            BM25.build(space, **options)
