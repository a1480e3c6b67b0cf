import numpy as np
import pytest
from worlds import blocks, same_block

from kinfold.core.errors import BadData, BadOption
from kinfold.core.keys import Keys
from kinfold.core.shapes import Items
from kinfold.encode.inferred import Inferred
from kinfold.learn import Doc2Vec, Word2Vec
from kinfold.learn.start import Start
from kinfold.prepare.tokens import within

MODES = [
    {"mode": "dbow"},
    {"mode": "dm"},
    {"mode": "dbow", "train_words": True},
    {"mode": "dbow", "loss": "hierarchical"},
]


def named(sentences=600, seed=0):
    """Blocks whose documents have names: `b2_d17` is of block 2."""
    data = blocks(sentences=sentences, seed=seed)
    block = data.ids[data.starts[:-1]] // 12
    names = Keys([f"b{each}_d{number}" for number, each in enumerate(block)], "document")
    return type(data)(data.keys, data.ids, data.starts, names=names)


def small(**options):
    """Neighbors tell the word as well as its document does, so a narrow window leaves something to the document."""
    return Doc2Vec(dim=16, subsample=0, epochs=20, learning_rate=0.1, window=1, **options)


def texts_of(data):
    return [" ".join(words) for words in data]


@pytest.mark.parametrize("options", MODES)
def test_documents_and_words_find_their_blocks(options):
    space = small(**options).fit(named(), threads=2)
    assert list(space.groups) == ["document", "word"]
    documents = space.group("document")
    assert same_block(documents) > 0.85
    if options["mode"] == "dm":
        return  # a document is what its neighbors leave to say, so it need not be near its words
    hits = [space.nearest(key, k=5, group="word") for key in list(documents.keys)[:50]]
    assert np.mean([key.split("_")[0] == hit.query.split("_")[0] for hit in hits for key in hit.keys]) > 0.9


@pytest.mark.parametrize("options", MODES)
def test_a_new_document_is_where_its_likes_are(options):
    space = small(**options).fit(named(), threads=2)
    more = named(sentences=40, seed=5)
    encoder = Inferred(space)
    found = encoder.encode(Items(texts_of(more), more.names))
    assert found.frame == space.frame == encoder.frame
    right = []
    for key in found.keys:
        near = space.nearest(found[key], k=5, group="document").keys
        right.append(sum(each.split("_")[0] == key.split("_")[0] for each in near) >= 3)
    assert np.mean(right) > 0.8


@pytest.mark.parametrize("options", MODES)
def test_what_is_inferred_depends_on_the_text_alone(options):
    space = Doc2Vec(dim=16, subsample=0, epochs=3, **options).fit(named(), threads=1)
    texts = texts_of(named(sentences=700, seed=5))
    many = Inferred(space).encode(Items(texts), threads=2)
    few = Inferred(space).encode(Items([texts[650], texts[3]]), threads=1)
    np.testing.assert_array_equal(few.rows.values, np.stack([many["650"], many["3"]]))


def test_a_text_without_a_known_word_is_left_out_and_counted():
    space = Doc2Vec(dim=8, epochs=1).fit(named(), threads=1)
    found = Inferred(space).encode(Items(["b0_1 b0_2", "", "nothing known"], Keys(["a", "b", "c"], "document")))
    assert list(found.keys) == ["a"]
    assert found.card.steps[-1] == {"step": "encode", "texts": 3, "skipped": 2}
    with pytest.raises(BadData, match="none of the 1 texts"):
        Inferred(space).encode(Items(["nothing known"]))


def test_an_empty_document_is_refused_by_name():
    data = within(Items(["b0_1 b0_2", ""], Keys(["full", "empty"], "document")), blocks().keys)
    with pytest.raises(BadData, match="'empty' holds no word"):
        Doc2Vec(dim=8).fit(data)


def test_other_spaces_have_nothing_to_infer_with():
    with pytest.raises(BadData, match="resumable=True"):
        Inferred(Doc2Vec(dim=8, epochs=1, resumable=False).fit(named(), threads=1))
    with pytest.raises(BadData, match="of doc2vec"):
        Inferred(Word2Vec(dim=8, epochs=1).fit(blocks(), threads=1))


@pytest.mark.parametrize("options", MODES)
def test_resume_keeps_old_documents_and_takes_new_ones_in(options):
    learner = small(**options)
    first = learner.fit(named(), threads=1)
    more = named(sentences=50, seed=5)
    more = type(more)(more.keys, more.ids, more.starts, names=Keys([f"{each}_new" for each in more.names], "document"))
    again = learner.resume(first, more, threads=1)
    assert len(again.group("document")) == 650
    key = first.keys[0]
    np.testing.assert_array_equal(again[key], first[key])
    assert same_block(again.group("document")) > 0.8


def test_words_begin_where_other_vectors_are():
    data = named()
    words = Word2Vec(dim=16, subsample=0).fit(data, threads=1)
    space = Doc2Vec(dim=16, mode="dm", epochs=2).fit(data, start=Start(words, "freeze"), threads=1)
    np.testing.assert_array_equal(space.group("word").rows.values, words.rows.values)
    with pytest.raises(BadOption, match="train_words=True"):
        Doc2Vec(dim=16).fit(data, start=Start(words, "freeze"))
