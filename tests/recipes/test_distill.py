"""A transformer becomes a static encoder: what other libraries make of its folder, and that its rows are worth it."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models import WORDS, tiny
from peers import peer

import kinfold as kf
from kinfold.core.errors import BadData, BadFile, BadOption
from kinfold.core.metric import units
from kinfold.core.rows import Rows
from kinfold.core.space import Space
from kinfold.learn.distill import Distill

SEEN = ["the ship is red", "A barn, and hay!", "[SEP] wave", "zebra 42", "sea ships seas", "日本"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny(tmp_path_factory.mktemp("model"))


def texts(count: int = 400, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    words = [*WORDS, "ships", "ships", "farmland"]
    return [" ".join(rng.choice(words, rng.integers(2, 9))) for _ in range(count)]


def rows(space: Space, given: list[str]) -> np.ndarray:
    found: np.ndarray = kf.encoder(space).encode(given).rows.dense()
    return found


def cosines(given: np.ndarray) -> np.ndarray:
    made = units(given)
    found: np.ndarray = (made @ made.T)[np.triu_indices(len(made), 1)]
    return found


@pytest.mark.parametrize("corpus", [False, True])
def test_other_libraries_give_the_same_vectors(model: Path, tmp_path: Path, corpus: bool) -> None:
    space = kf.distill(model, texts() if corpus else None, dim=16, vocabulary=2 if corpus else 0, lessons=200)
    kf.io.save(space, tmp_path / "static", "model2vec")
    ours = rows(space, SEEN)
    again = kf.encoder(tmp_path / "static").encode(SEEN)
    np.testing.assert_array_equal(again.rows.values, ours)
    np.testing.assert_allclose(np.linalg.norm(ours, axis=1), 1, atol=1e-5)
    kept = [int(key) for key in again.keys]
    loaded = peer("model2vec").StaticModel.from_pretrained(tmp_path / "static")
    np.testing.assert_allclose(loaded.encode(SEEN)[kept], ours, atol=1e-5)
    loaded = peer("sentence_transformers").SentenceTransformer(str(tmp_path / "static"), device="cpu")
    np.testing.assert_allclose(loaded.encode(SEEN)[kept], ours, atol=1e-5)
    # And a text that has one more token than before.
    assert ("ships" in space.keys) == corpus


def test_tokens_have_the_rows_of_texts_of_their_own(model: Path) -> None:
    space = kf.distill(model, dim=0, smoothing=0)
    words = ["sea", "barn", "!", "q"]
    np.testing.assert_allclose(space.vectors(words), kf.encoder(model).vectors(words), atol=1e-5)  # type: ignore[attr-defined]
    assert not {"[CLS]", "[SEP]"} & set(space.keys)
    assert not space["[UNK]"].any()
    told = space.card.parameters
    assert (told["model"], told["family"]) == (str(model), "bert")
    assert space.card.data["texts"] is None


def test_pca_and_the_weights_of_ranks(model: Path) -> None:
    plain = kf.distill(model, dim=0, smoothing=0)
    space = kf.distill(model, dim=16)
    known = plain.rows.dense().any(axis=1)
    x = plain.rows.dense()[known].astype(np.float64)
    x -= x.mean(axis=0)
    ranks = 1 / np.arange(2, len(x) + 2)
    expected = x * (1e-4 / (1e-4 + ranks / ranks.sum()))[:, None]
    _, directions = np.linalg.eigh(x.T @ x)
    expected = expected @ directions[:, ::-1][:, :16]
    found = space.rows.dense()[known]
    np.testing.assert_allclose(found @ found.T, expected @ expected.T, atol=1e-6)


def test_lessons_bring_it_nearer_to_the_transformer(model: Path) -> None:
    asked = texts(150, seed=1)
    wanted = cosines(kf.encoder(model).vectors(asked))  # type: ignore[attr-defined]
    spaces = {
        "lessons": kf.distill(model, texts(), dim=16),
        "counts": kf.distill(model, texts(), dim=16, lessons=0),
        "ranks": kf.distill(model, dim=16),
    }
    near = {name: np.corrcoef(cosines(rows(space, asked)), wanted)[0, 1] for name, space in spaces.items()}
    drawn = Rows(np.random.default_rng(0).normal(size=(len(spaces["ranks"]), 16)).astype(np.float32))
    near["chance"] = np.corrcoef(cosines(rows(replace(spaces["ranks"], rows=drawn), asked)), wanted)[0, 1]
    assert near["lessons"] > near["counts"] + 0.1
    assert near["lessons"] > near["ranks"] + 0.1
    assert min(near["counts"], near["lessons"]) > near["chance"]


def test_same_seed_same_rows(model: Path) -> None:
    how: dict[str, Any] = {"dim": 8, "lessons": 50, "threads": 1}
    one, two = (kf.distill(model, texts(), seed=3, **how) for _ in range(2))
    np.testing.assert_array_equal(one.rows.values, two.rows.values)
    assert one.card.seed == 3
    assert one.card.data == {"tokens": len(one), "words": 0, "texts": 400, "lessons": 50}
    other = kf.distill(model, texts(), seed=4, **how)
    assert np.abs(other.rows.values - one.rows.values).max() > 1e-3


@pytest.mark.parametrize("kind", ["Unigram", "BPE"])
def test_tokenizers_of_other_kinds(tmp_path: Path, kind: str) -> None:
    library = peer("tokenizers")
    folder = tiny(tmp_path / "model")
    special = ["<unk>", "<s>", "</s>"]
    if kind == "Unigram":
        made = library.Tokenizer(library.models.Unigram())
        trainer = library.trainers.UnigramTrainer(
            vocab_size=60, special_tokens=special, unk_token="<unk>", show_progress=False
        )
        made.pre_tokenizer = library.pre_tokenizers.Metaspace()
    else:
        made = library.Tokenizer(library.models.BPE(unk_token="<unk>"))
        trainer = library.trainers.BpeTrainer(vocab_size=60, special_tokens=special, show_progress=False)
        made.pre_tokenizer = library.pre_tokenizers.Whitespace()
    made.train_from_iterator(texts(), trainer)
    made.post_processor = library.processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)]
    )
    made.save(str(folder / "tokenizer.json"))
    space = kf.distill(folder, texts(), dim=8)
    assert not {"<s>", "</s>"} & set(space.keys)
    kf.io.save(space, tmp_path / "static", "model2vec")
    given = texts(20, seed=2)
    loaded = peer("model2vec").StaticModel.from_pretrained(tmp_path / "static")
    np.testing.assert_allclose(loaded.encode(given), rows(space, given), atol=1e-5)
    with pytest.raises(BadOption, match=f"the kind {kind} takes no more words"):
        kf.distill(folder, texts(), dim=8, vocabulary=10)


def test_unused_tokens_are_left_out(tmp_path: Path) -> None:
    folder = tiny(tmp_path / "model")
    told = json.loads((folder / "tokenizer.json").read_text())
    told["model"]["vocab"]["[unused0]"] = told["model"]["vocab"].pop("q")
    (folder / "tokenizer.json").write_text(json.dumps(told))
    keys = set(kf.distill(folder, dim=8).keys)
    assert "##q" in keys
    assert "[unused0]" not in keys


def test_it_encodes_without_torch(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kf.io.save(kf.distill(model, dim=8), tmp_path / "static", "model2vec")
    for name in ("torch", "transformers", "sentence_transformers"):
        monkeypatch.setitem(sys.modules, name, None)
    assert len(kf.encoder(tmp_path / "static").encode(["the sea"])) == 1


def test_what_cannot_be_distilled(model: Path, tmp_path: Path) -> None:
    with pytest.raises(BadOption, match="dim is 33; rows of this model have 1 to 32"):
        kf.distill(model, dim=33)
    with pytest.raises(BadOption, match="dim is -1"):
        kf.distill(model, dim=-1)
    with pytest.raises(BadOption, match="vocabulary and column are about texts"):
        kf.distill(model, vocabulary=5)
    with pytest.raises(BadOption, match="lessons is -1"):
        kf.distill(model, ["a"], lessons=-1)
    with pytest.raises(BadOption, match="smoothing is -1"):
        kf.distill(model, smoothing=-1)
    for empty in ([], ["", "  "], ["日本"]):
        with pytest.raises(BadData, match="there is no text to learn from"):
            kf.distill(model, empty, dim=8)
    with pytest.raises(BadData, match="read already"):
        kf.distill(model, (each for each in texts()), dim=8, vocabulary=2)
    with pytest.raises(BadFile, match=r"nowhere"):
        kf.distill(tmp_path / "nowhere")
    folder = tiny(tmp_path / "model")
    (folder / "tokenizer.json").unlink()
    with pytest.raises(BadFile, match=r"tokenizer\.json: no such file"):
        kf.distill(folder)
    few = Space.of(["a", "b"], np.eye(2, 4))
    with pytest.raises(BadOption, match="dim is 3, but 2 tokens of 4 coordinates have no more than 2"):
        Distill(3).fit(few)
