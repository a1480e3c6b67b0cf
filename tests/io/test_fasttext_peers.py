"""Models of fastText itself, and Kinfold's in fastText and gensim."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kinfold as kf
from kinfold import Space, io
from kinfold.core.keys import Keys

fasttext = pytest.importorskip("fasttext", reason="fastText is not here to compare with")

SEA = ["ship", "sailor", "sea", "whale", "naïve", "日本", "harbor"]
LAND = ["horse", "farmer", "field", "hay", "plough", "barn", "wheat"]
UNSEEN = ["unseenish", "naïvely", "日本語", "q", "ships", "<", "</s>", "wheatfields"]
SUPERVISED = {
    "softmax": {"loss": "softmax", "wordNgrams": 2, "minn": 2, "maxn": 4, "bucket": 500},
    "hierarchical": {"loss": "hs", "bucket": 300, "wordNgrams": 3},
    "one-vs-all": {"loss": "ova", "minn": 3, "maxn": 3, "bucket": 90},
    "negative": {"loss": "ns"},
}
UNSUPERVISED = {
    "skipgram": {"model": "skipgram", "bucket": 300},
    "cbow": {"model": "cbow", "loss": "hs", "minn": 1, "maxn": 3, "bucket": 100},
    "words": {"model": "skipgram", "loss": "softmax", "maxn": 0},
}
QUANTIZED = {
    "quantized": {"qnorm": True},
    "without norms": {"qnorm": False, "dsub": 3},
    "with output": {"qout": True, "dsub": 2},
    "pruned": {"cutoff": 300, "qnorm": True},
}
NAMES = [*SUPERVISED, *UNSUPERVISED, *QUANTIZED]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model of each name."""
    folder = tmp_path_factory.mktemp("models")
    rng = np.random.default_rng(0)
    texts = [list(rng.choice([SEA, LAND][line % 2], 7)) for line in range(500)]
    # Three hundred labels, so that their rows can be quantized too.
    labels = [f"__label__{['sea', 'land'][line % 2]} __label__n{line % 300}" for line in range(500)]
    (folder / "text").write_text("\n".join(" ".join(text) for text in texts))
    (folder / "labeled").write_text(
        "\n".join(" ".join([label, *text]) for label, text in zip(labels, texts, strict=True))
    )
    same = {"dim": 7, "epoch": 2, "minCount": 1, "thread": 1, "verbose": 0}
    for name, options in SUPERVISED.items():
        fasttext.train_supervised(str(folder / "labeled"), **same, **options).save_model(str(folder / name))
    for name, options in UNSUPERVISED.items():
        fasttext.train_unsupervised(str(folder / "text"), **same, **options).save_model(str(folder / name))
    for name, options in QUANTIZED.items():
        learned = fasttext.train_supervised(str(folder / "labeled"), **same, **SUPERVISED["softmax"])
        learned.quantize(**options)
        learned.save_model(str(folder / name))
    return folder


def load(path: Path) -> Any:
    return fasttext.load_model(str(path))


def vectors(model: Any, words: list[str]) -> np.ndarray:
    return np.array([model.get_word_vector(word) for word in words])


@pytest.mark.parametrize("name", NAMES)
def test_every_word_has_the_vector_that_fasttext_gives(models: Path, name: str) -> None:
    space, model = io.open(models / name), load(models / name)
    words = list(space.group("word").keys)
    assert words == model.get_words()
    np.testing.assert_allclose(space.group("word").rows.dense(), vectors(model, words), atol=1e-5)
    if "label" in space.groups:
        assert ["__label__" + label for label in space.group("label").keys] == model.get_labels()
    new = kf.encoder(space).encode(UNSEEN + words)
    np.testing.assert_allclose(new.rows.dense(), vectors(model, list(new.keys)), atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_fasttext_finds_its_own_model_again(models: Path, name: str, tmp_path: Path) -> None:
    space, model = io.open(models / name), load(models / name)
    space.save(tmp_path / "space.arrow")
    target = tmp_path / ("a.ftz" if name in QUANTIZED else "a.bin")
    io.save(kf.open(tmp_path / "space.arrow"), target, "fasttext")
    again = load(target)
    words = model.get_words()
    np.testing.assert_array_equal(vectors(again, words + UNSEEN), vectors(model, words + UNSEEN))
    assert again.get_words() == words
    if name not in QUANTIZED:
        assert target.read_bytes() == (models / name).read_bytes()
        np.testing.assert_array_equal(again.get_output_matrix(), model.get_output_matrix())
    for text in ("the whale and the ship", "wheat hay horses", "", "日本 unseenish"):
        np.testing.assert_allclose(again.get_sentence_vector(text), model.get_sentence_vector(text), atol=1e-6)
        if "label" in space.groups:
            assert again.f.predict(text + "\n", 5, 0.0, "strict") == model.f.predict(text + "\n", 5, 0.0, "strict")


@pytest.mark.parametrize("name", ["quantized", "without norms", "with output"])
def test_a_quantized_model_is_written_dense(models: Path, name: str, tmp_path: Path) -> None:
    model = load(models / name)
    io.save(io.open(models / name), tmp_path / "dense.bin", "fasttext")
    dense = load(tmp_path / "dense.bin")
    words = model.get_words() + UNSEEN
    np.testing.assert_allclose(vectors(dense, words), vectors(model, words), atol=1e-5)
    text = "the whale and the ship\n"
    mine, theirs = dense.f.predict(text, 5, 0.0, "strict"), model.f.predict(text, 5, 0.0, "strict")
    np.testing.assert_allclose([each for each, _ in mine], [each for each, _ in theirs], atol=1e-5)


def test_words_in_another_code_page_have_the_vectors_of_their_bytes(models: Path, tmp_path: Path) -> None:
    data = (models / "skipgram").read_bytes().replace("naïve".encode(), b"na\xefve\xe8")
    (tmp_path / "latin.bin").write_bytes(data)
    space, model = io.open(tmp_path / "latin.bin"), load(tmp_path / "latin.bin")
    expected = fasttext.FastText.fasttext.Vector(7)
    model.f.getWordVector(expected, b"na\xefve\xe8")
    np.testing.assert_allclose(space["na\ufffdve\ufffd"], np.array(expected), atol=1e-5)
    np.testing.assert_allclose(kf.encoder(space).encode(UNSEEN).rows.dense(), vectors(model, UNSEEN), atol=1e-5)


def test_a_space_without_ngrams_is_loaded(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(3, 6)).astype(np.float32)
    io.save(Space.of(["one", "two", "日本"], rows, group="word"), tmp_path / "a.bin", "fasttext")
    model = load(tmp_path / "a.bin")
    np.testing.assert_array_equal(vectors(model, ["one", "two", "日本", "three"]), [*rows, np.zeros(6)])


def test_ngrams_and_labels_made_elsewhere_are_loaded(tmp_path: Path) -> None:
    """A Space of the layout that no fastText has seen: some buckets, no own rows, labels without a prefix."""
    rng = np.random.default_rng(1)
    names = ["sea", "naïve", "</s>", "17", "3", "999", "good", "bad"]
    keys = Keys(names, {"word": 3, "ngram": 3, "label": 2})
    parameters = {"loss": "softmax", "min_n": 2, "max_n": 4, "buckets": 1000, "word_ngrams": 2}
    space = Space.of(keys, rng.normal(size=(8, 6)), metric="dot", method="supervised")
    space = kf.core.space.dataclasses.replace(
        space, card=kf.core.space.dataclasses.replace(space.card, parameters=parameters)
    )
    io.save(space, tmp_path / "a.bin", "fasttext")
    model = load(tmp_path / "a.bin")
    np.testing.assert_allclose(vectors(model, names[:3]), space.group("word").rows.dense(), atol=1e-5)
    assert model.get_labels() == ["__label__good", "__label__bad"]
    np.testing.assert_array_equal(model.get_output_matrix(), space.group("label").rows.dense())
    np.testing.assert_allclose(kf.encoder(space).encode(UNSEEN).rows.dense()[:3], vectors(model, UNSEEN[:3]), atol=1e-5)
    for one, two in itertools.pairwise(["sea naïve", "unseenish", ""]):
        assert model.f.predict(f"{one} {two}\n", 2, 0.0, "strict")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["skipgram", "words", "old"])
def test_gensim_loads_what_is_written(models: Path, name: str, tmp_path: Path) -> None:
    gensim = pytest.importorskip("gensim.models.fasttext", reason="gensim is not here to compare with")
    from oracles import fasttext as oracle

    if name == "old":
        (tmp_path / "old").write_bytes(oracle.model("old").file())
    space = io.open(tmp_path / "old" if name == "old" else models / name)
    io.save(space, tmp_path / "a.bin", "fasttext")
    model = gensim.load_facebook_model(str(tmp_path / "a.bin"))
    words = list(space.group("word").keys)
    assert model.wv.index_to_key == words
    # For gensim, the end of a text is a word with n-grams like any other.
    plain = [word for word in words if word != "</s>"]
    new = ["unseenish", "naïvely"] if name != "words" else []
    mine = kf.encoder(space).encode(plain + new).rows.dense()
    np.testing.assert_allclose(np.array([model.wv[word] for word in plain + new]), mine, atol=1e-5)


@pytest.mark.filterwarnings("ignore")
def test_what_gensim_writes_is_read(tmp_path: Path) -> None:
    gensim = pytest.importorskip("gensim.models.fasttext", reason="gensim is not here to compare with")
    texts = [SEA, LAND] * 50
    for options in ({"sg": 1, "bucket": 200}, {"hs": 1, "negative": 0, "min_n": 2, "max_n": 3, "bucket": 50}):
        model = gensim.FastText(texts, vector_size=6, min_count=1, epochs=2, workers=1, **options)
        gensim.save_facebook_model(model, str(tmp_path / "a.bin"))
        space = io.open(tmp_path / "a.bin")
        assert list(space.group("word").keys) == model.wv.index_to_key
        words = [*SEA, "unseenish", "naïvely"]
        rows = kf.encoder(space).encode(words).rows.dense()
        np.testing.assert_allclose(rows, np.array([model.wv[word] for word in words]), atol=1e-5)
