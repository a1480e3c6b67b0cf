"""Texts as means of their tokens: the vectors that model2vec and sentence-transformers give."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from peers import peer

from kinfold import Space, io
from kinfold.core.errors import BadData, MissingExtra
from kinfold.core.keys import Keys
from kinfold.core.shapes import Items
from kinfold.encode import ENCODERS

TEXTS = ["the cat sat on the mat", "THE dog?", "", "zebra", "cat " * 30, "cat zebra", "catsat"]


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    library = peer("tokenizers")
    words = ["[PAD]", "[UNK]", "the", "cat", "sat", "on", "mat", "dog", "##sat"]
    made = library.Tokenizer(library.models.WordPiece({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    made.normalizer = library.normalizers.Lowercase()
    made.pre_tokenizer = library.pre_tokenizers.Whitespace()
    made.enable_padding()
    return made


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(9, 6)).astype(np.float32)


def encoded(folder: Path, texts: list[str]) -> tuple[Space, np.ndarray]:
    """The rows of the texts that have one, and which those are."""
    space = io.open(folder)
    made = ENCODERS["static"](space).encode(texts)
    assert made.frame == space.frame
    return made, np.array([int(key) for key in made.keys])


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("max_length", [None, 4, 512])
def test_equal_to_model2vec(
    tmp_path: Path, tokenizer: Any, rows: np.ndarray, normalize: bool, max_length: int | None
) -> None:
    model = peer("model2vec").StaticModel(rows, tokenizer, normalize=normalize, max_length=max_length)
    model.save_pretrained(tmp_path / "model")
    made, which = encoded(tmp_path / "model", TEXTS)
    expected = model.encode(TEXTS)
    assert which.tolist() == [0, 1, 4, 5, 6]
    np.testing.assert_allclose(made.rows.values, expected[which], atol=1e-5)
    for text, row in zip(np.array(TEXTS)[which].tolist(), made.rows.values, strict=True):
        terms = ENCODERS["static"](io.open(tmp_path / "model")).terms(text)
        np.testing.assert_allclose(terms.rows.sum(axis=0), row, atol=1e-5)
        assert "[UNK]" not in terms.names
    assert not np.delete(expected, which, axis=0).any()
    assert (made.card.steps[-1]["texts"], made.card.steps[-1]["skipped"]) == (7, 2)


def test_equal_to_model2vec_with_shared_rows(tmp_path: Path, tokenizer: Any, rows: np.ndarray) -> None:
    mapping, weights = np.array([0, 1, 1, 2, 3, 3, 2, 0, 1]), np.linspace(0.5, 2, 9)
    model = peer("model2vec").StaticModel(rows[:4], tokenizer, token_mapping=mapping, weights=weights)
    model.save_pretrained(tmp_path / "model")
    made, which = encoded(tmp_path / "model", TEXTS)
    np.testing.assert_allclose(made.rows.values, model.encode(TEXTS)[which], atol=1e-5)


def test_equal_to_model2vec_in_half_precision(tmp_path: Path, tokenizer: Any, rows: np.ndarray) -> None:
    model = peer("model2vec").StaticModel(rows.astype(np.float16), tokenizer)
    model.save_pretrained(tmp_path / "model")
    made, which = encoded(tmp_path / "model", TEXTS)
    # The library rounds its means to half precision.
    np.testing.assert_array_equal(made.rows.values.astype(np.float16), model.encode(TEXTS)[which])


@pytest.mark.parametrize("normalize", [True, False])
def test_equal_to_sentence_transformers(tmp_path: Path, tokenizer: Any, rows: np.ndarray, normalize: bool) -> None:
    library = peer("sentence_transformers")
    from sentence_transformers.sentence_transformer.modules import Normalize, StaticEmbedding

    modules = [StaticEmbedding(tokenizer, embedding_weights=rows), *([Normalize()] if normalize else [])]
    model = library.SentenceTransformer(modules=modules, device="cpu")
    model.save(str(tmp_path / "model"))
    made, which = encoded(tmp_path / "model", TEXTS)
    # Unknown tokens have a row there.
    assert which.tolist() == [0, 1, 3, 4, 5, 6]
    np.testing.assert_allclose(made.rows.values, model.encode(TEXTS)[which], atol=1e-5)


def test_names_saving_and_what_cannot_be_encoded(tmp_path: Path, tokenizer: Any, rows: np.ndarray) -> None:
    peer("model2vec").StaticModel(rows, tokenizer).save_pretrained(tmp_path / "model")
    space = io.open(tmp_path / "model")
    encoder = ENCODERS["static"](space)
    made = encoder.encode(Items(["the", "zebra", "mat"], Keys(["x", "y", "z"])))
    assert (list(made.keys), made.groups) == (["x", "z"], {"document": range(2)})
    np.testing.assert_allclose(made["z"], space["mat"], atol=1e-6)
    encoder.save(tmp_path / "a.arrow")
    again = ENCODERS["static"](io.open(tmp_path / "a.arrow")).encode(["the mat"])
    np.testing.assert_array_equal(again.rows.values, encoder.encode(["the mat"]).rows.values)
    with pytest.raises(BadData, match="2 names do not go with 1 texts"):
        encoder.encode(Items(["the"], Keys(["x", "y"])))
    with pytest.raises(BadData, match="none of the 2 texts"):
        encoder.encode(["zebra", ""])
    with pytest.raises(BadData, match="text 1 is int"):
        encoder.encode(["the", 3])
    with pytest.raises(BadData, match="put it in a list"):
        encoder.encode("the")
    with pytest.raises(BadData, match="no tokenizer on its card"):
        ENCODERS["static"](Space.of(["a"], [[1]]))


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(MissingExtra, match=r"kinfold\[deep\]"):
        ENCODERS["static"](Space.of(["a"], [[1]]))


def test_a_part_of_the_tokens_still_encodes(tmp_path: Path, tokenizer: Any, rows: np.ndarray) -> None:
    peer("model2vec").StaticModel(rows, tokenizer).save_pretrained(tmp_path / "model")
    space = io.open(tmp_path / "model").take(np.array([1, 3, 7]))
    made = ENCODERS["static"](space).encode(["the cat sat"])
    np.testing.assert_allclose(made.rows.values[0], rows[3], atol=1e-6)
