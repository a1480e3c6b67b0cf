"""Folders of static models: ours load in model2vec and sentence-transformers, theirs load here, with equal vectors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from peers import peer

from kinfold import io
from kinfold.core.errors import BadData, BadFile
from kinfold.core.space import Space
from kinfold.io.tensors import write_tensors
from kinfold.io.tokenizer import made_for, parsed, tokens_of, with_tokens, without_tokens

TEXTS = [
    "The quick brown fox jumps over the lazy dog, doesn't it?",
    "naïve café in New York...",
    "unbelievable [PAD] tokens zzz",
    "",
    "!!!",
    "a fox " * 40,
]
KINDS = ["WordLevel", "WordPiece", "BPE", "Unigram"]


def folder(
    tmp_path: Path, tokenizer: object = None, tensors: dict[str, np.ndarray] | None = None, **files: Any
) -> Path:
    """A model of three tokens, written without any library; what is given replaces its parts."""
    place = tmp_path / "model"
    place.mkdir(exist_ok=True)
    vocabulary = {"the": 1, "cat": 0, "[UNK]": 2}
    default = {"model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "[UNK]"}}
    text = (
        tokenizer if isinstance(tokenizer, bytes) else json.dumps(default if tokenizer is None else tokenizer).encode()
    )
    (place / "tokenizer.json").write_bytes(text)
    tensors = {"embeddings": np.arange(6, dtype=np.float32).reshape(3, 2)} if tensors is None else tensors
    with open(place / "model.safetensors", "wb") as stream:
        write_tensors(stream, {name: (each.dtype, each.shape, [each]) for name, each in tensors.items()})
    for name, content in {"config": {"normalize": True}, **files}.items():
        if content is not None:
            (place / f"{name}.json").write_text(content if isinstance(content, str) else json.dumps(content))
    return place


def test_a_folder_becomes_a_space_of_tokens_in_the_order_of_their_ids(tmp_path: Path) -> None:
    space = io.open(folder(tmp_path))
    assert space.groups == {"token": range(3)}
    assert list(space.keys) == ["cat", "the", "[UNK]"]
    assert space["the"].tolist() == [2, 3]
    assert not space.rows.values.flags.writeable
    told = space.card.parameters
    assert (space.card.method, told["normalize"], told["max_length"]) == ("static", True, 512)
    assert "cat" not in told["tokenizer"]


def test_shared_and_weighted_rows_are_those_that_the_library_uses(tmp_path: Path) -> None:
    tensors = {
        "embeddings": np.array([[1, 2], [3, 4]], np.float16),
        "mapping": np.array([1, 0, 1]),
        "weights": np.array([2, 1, 0.5]),
    }
    space = io.open(folder(tmp_path, tensors=tensors))
    assert space.rows.dense().tolist() == [[6, 8], [1, 2], [1.5, 2]]
    assert space.attribute("weight").to_pylist() == [2, 1, 0.5]


def test_rows_without_a_token_are_left_out_and_told(tmp_path: Path) -> None:
    space = io.open(folder(tmp_path, {"model": {"vocab": {"a": 0, "c": 2}}}))
    assert list(space.keys) == ["a", "c"]
    assert space["c"].tolist() == [4, 5]
    assert space.card.data["rows without a token"] == 1


@pytest.mark.parametrize("layout", ["0_StaticEmbedding", ""])
def test_layouts_of_sentence_transformers(tmp_path: Path, layout: str) -> None:
    modules = [{"path": layout, "type": "x.StaticEmbedding"}, {"path": "1_Normalize", "type": "x.Normalize"}]
    config = {"similarity_fn_name": "dot"}
    rows = {"embedding.weight": np.eye(3, dtype=np.float32)}
    place = folder(tmp_path, tensors=rows, config=None, modules=modules, config_sentence_transformers=config)
    if layout:
        (place / layout).mkdir()
        for name in ("tokenizer.json", "model.safetensors"):
            (place / name).rename(place / layout / name)
    space = io.open(place)
    assert space.card.parameters["format"] == "sentence-transformers"
    assert (space.metric, space.card.parameters["normalize"], space.dim) == ("dot", True, 3)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"tokenizer": b"{"}, "tokenizer.json: no tokenizer, or a damaged one"),
        ({"tokenizer": b"[" * 100_000}, "no tokenizer"),
        ({"tokenizer": {"model": {}}}, "no tokenizer"),
        ({"tokenizer": {"model": {"vocab": "abc"}}}, "has no vocabulary"),
        ({"tokenizer": {"model": {"vocab": {"a": "x"}}}}, "vocabulary is damaged"),
        ({"tokenizer": {"model": {"vocab": {"a": 0, "b": 0}}}}, "no two tokens have the same"),
        ({"tokenizer": {"model": {"vocab": {"a": 3}}}}, "the token 'a' has the id 3, but there are 3 rows"),
        ({"tokenizer": {"model": {"vocab": [["a", "x"]]}}}, "vocabulary is damaged"),
        ({"tokenizer": {"model": {"vocab": [["a"]]}}}, "vocabulary is damaged"),
        ({"tokenizer": {"model": {"vocab": [[[], 1]]}}}, "vocabulary is damaged"),
        ({"tokenizer": {"model": {"vocab": {}}, "added_tokens": [{"id": -1, "content": "a"}]}}, "no vocabulary"),
        ({"tokenizer": b'{"model": {"vocab": {"\\ud800": 0}}}'}, "not Unicode"),
        ({"tensors": {"head": np.eye(3)}}, "no static model.*'head' \\(3, 3\\)"),
        ({"tensors": {"embeddings": np.ones(3)}}, "no static model"),
        ({"tensors": {"embeddings": np.eye(3), "mapping": np.array([0, 1, 3])}}, "'mapping' points outside the 3 rows"),
        ({"tensors": {"embeddings": np.eye(3), "mapping": np.array([-1, 1, 2])}}, "points outside"),
        ({"tensors": {"embeddings": np.eye(3), "weights": np.ones(2)}}, "2 weights do not go with 3 tokens"),
        ({"tensors": {"embeddings": np.eye(3), "weights": np.ones((3, 1))}}, "has not one number a token"),
        ({"config": "{"}, "config.json: no JSON"),
        ({"modules": "[]"}, "no list of modules"),
        ({"modules": [{"path": "", "type": "x.Transformer"}]}, "first module is x.Transformer"),
    ],
)
def test_parts_that_are_damaged_or_do_not_fit(tmp_path: Path, changes: dict[str, Any], what: str) -> None:
    with pytest.raises(BadData, match=what):
        io.open(folder(tmp_path, **changes), "model2vec")


def test_parts_that_are_not_there(tmp_path: Path) -> None:
    place = folder(tmp_path)
    (place / "tokenizer.json").rename(place / "vocab.json")
    with pytest.raises(BadFile, match=r"tokenizer\.json: no such file"):
        io.open(place, "model2vec")
    (place / "model.safetensors").rename(place / "pytorch_model.bin")
    with pytest.raises(BadFile, match="a Python pickle, which is not read"):
        io.open(place, "model2vec")
    with pytest.raises(BadData, match="a folder, but of no known format"):
        io.open(place)
    with pytest.raises(BadFile, match="is no folder"):
        io.open(place / "config.json", "sentence-transformers")


def test_a_folder_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    space = Space.of(["a", "b"], [[1, 2], [3, 4]], group="word")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("x")
    with pytest.raises(BadFile, match="exists already"):
        io.save(space, tmp_path / "full", "model2vec")
    assert [each.name for each in (tmp_path / "full").iterdir()] == ["mine"]


def test_a_tokenizer_without_its_tokens_is_put_together_again() -> None:
    text = json.dumps(
        {
            "added_tokens": [{"id": 3, "content": "<x>", "special": True}, {"id": 0, "content": "a", "special": False}],
            "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b", ["a", "b"]]},
        }
    ).encode()
    tokenizer = parsed(text, "x")
    assert tokens_of(tokenizer, "x").ids == {"a": 0, "b": 1, "ab": 2, "<x>": 3}
    rest = without_tokens(tokenizer)
    again = with_tokens(rest, ["a", "b", "ab", "<x>"], None)
    assert again == tokenizer
    # Of a part of the tokens, what is left still goes together.
    some = with_tokens(rest, ["b", "a"], None)
    assert some["model"]["vocab"] == {"b": 0, "a": 1}
    assert some["model"]["merges"] == []
    assert [(each["content"], each["id"]) for each in some["added_tokens"]] == [("a", 1)]


def trained(kind: str) -> Any:
    """A tokenizer of any kind over these texts, with a token added to those of its model."""
    library = peer("tokenizers")
    models, trainers = library.models, library.trainers
    special = ["<unk>" if kind == "Unigram" else "[UNK]", "[PAD]"]
    if kind == "Unigram":
        tokenizer = library.Tokenizer(models.Unigram())
        trainer = trainers.UnigramTrainer(vocab_size=80, special_tokens=special, unk_token="<unk>", show_progress=False)
    else:
        tokenizer = library.Tokenizer(getattr(models, kind)(unk_token="[UNK]"))
        size = {} if kind == "WordLevel" else {"vocab_size": 120}
        name = f"{kind.title() if kind == 'BPE' else kind}Trainer"
        trainer = getattr(trainers, name)(special_tokens=special, show_progress=False, **size)
        tokenizer.normalizer = library.normalizers.BertNormalizer()
    cut = library.pre_tokenizers
    tokenizer.pre_tokenizer = cut.Metaspace() if kind == "Unigram" else cut.Whitespace()
    tokenizer.train_from_iterator(TEXTS * 10, trainer)
    tokenizer.add_tokens(["zzz"])
    return tokenizer


def pieces(tokenizer: Any) -> list[list[str]]:
    tokenizer.no_truncation()
    return [each.tokens for each in tokenizer.encode_batch(TEXTS, add_special_tokens=False)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("normalize", [True, False])
def test_model2vec_reads_ours_and_we_read_theirs(tmp_path: Path, kind: str, normalize: bool) -> None:
    library = peer("model2vec")
    tokenizer = trained(kind)
    rows = np.random.default_rng(0).normal(size=(tokenizer.get_vocab_size(), 7)).astype(np.float32)
    model = library.StaticModel(rows, tokenizer, normalize=normalize, max_length=20)
    model.save_pretrained(tmp_path / "theirs")
    space = io.open(tmp_path / "theirs")
    assert list(space.keys) == list(model.tokens)
    np.testing.assert_array_equal(space.rows.values, rows)
    space.save(tmp_path / "a.arrow")
    for name in ("model2vec", "sentence-transformers"):
        io.save(io.open(tmp_path / "a.arrow"), tmp_path / name, name)
        again = library.StaticModel.from_pretrained(tmp_path / name)
        np.testing.assert_array_equal(again.embedding, rows)
        if name == "model2vec":
            np.testing.assert_array_equal(again.encode(TEXTS), model.encode(TEXTS))
        assert pieces(again.tokenizer) == pieces(model.tokenizer)


def test_quantized_vocabularies(tmp_path: Path) -> None:
    library = peer("model2vec")
    tokenizer = trained("WordPiece")
    rows = np.random.default_rng(0).normal(size=(tokenizer.get_vocab_size(), 7)).astype(np.float32)
    model = library.model.quantize_model(library.StaticModel(rows, tokenizer), vocabulary_quantization=10)
    model.save_pretrained(tmp_path / "theirs")
    space = io.open(tmp_path / "theirs")
    for token in ("fox", "the"):
        np.testing.assert_allclose(space[token], model.encode([token])[0], rtol=1e-6)
    io.save(space, tmp_path / "ours", "model2vec")
    again = library.StaticModel.from_pretrained(tmp_path / "ours")
    np.testing.assert_allclose(again.encode(TEXTS), model.encode(TEXTS), atol=1e-6)


@pytest.mark.parametrize("normalize", [True, False])
def test_sentence_transformers_reads_ours_and_we_read_theirs(tmp_path: Path, normalize: bool) -> None:
    library = peer("sentence_transformers")
    from sentence_transformers.sentence_transformer.modules import Normalize, StaticEmbedding

    tokenizer = trained("WordPiece")
    rows = np.random.default_rng(0).normal(size=(tokenizer.get_vocab_size(), 7)).astype(np.float32)
    modules = [StaticEmbedding(tokenizer, embedding_weights=rows), *([Normalize()] if normalize else [])]
    model = library.SentenceTransformer(modules=modules, device="cpu")
    model.save(str(tmp_path / "theirs"))
    space = io.open(tmp_path / "theirs")
    np.testing.assert_array_equal(space.rows.values, rows)
    for name in ("model2vec", "sentence-transformers"):
        io.save(space, tmp_path / name, name)
        again = library.SentenceTransformer(str(tmp_path / name), device="cpu")
        np.testing.assert_allclose(again.encode(TEXTS), model.encode(TEXTS), atol=1e-6)


WORDS = [
    "fox",
    "the",
    "dog",
    "lazy",
    "new york",
    "...",
    "don't",
    "u.s.",
    "state-of-the-art",
    "new_york",
    ",",
    "é",
    "'s",
    "ß",
]


@pytest.mark.parametrize("format", ["model2vec", "sentence-transformers"])
@pytest.mark.parametrize("lower", [True, False])
def test_words_of_any_space_are_found_in_texts(tmp_path: Path, format: str, lower: bool) -> None:
    static, transformers = peer("model2vec"), peer("sentence_transformers")
    words = WORDS if lower else ["Fox", *WORDS]
    rows = np.random.default_rng(0).normal(size=(len(words), 5)).astype(np.float32)
    space = Space.of(words, rows, group="word")
    io.save(space, tmp_path / "model", format)
    models = [
        static.StaticModel.from_pretrained(tmp_path / "model"),
        transformers.SentenceTransformer(str(tmp_path / "model"), device="cpu"),
    ]
    for model in models:
        np.testing.assert_allclose(model.encode(words), rows, atol=1e-6)
        first, second, third = model.encode(["lazy fox, the dog", "A New York fox's...", "FOX"])
        known = ["lazy", "fox", ",", "the", "dog"]
        np.testing.assert_allclose(first, space.vectors(known).mean(axis=0), atol=1e-6)
        if model is models[0]:
            # What is not found is left out there, and counted as zeros by the other.
            expected = ["new york", "..."] if lower else ["..."]
            np.testing.assert_allclose(second, space.vectors(expected).mean(axis=0), atol=1e-6)
            np.testing.assert_allclose(third, rows[0] if lower else 0, atol=1e-6)
    back = io.open(tmp_path / "model")
    assert list(back.keys) == [*words, "[UNK]"]
    assert not back["[UNK]"].any()
    np.testing.assert_array_equal(back.rows.values[:-1], rows)


def test_a_key_that_is_the_unknown_token_keeps_its_row() -> None:
    import pyarrow as pa

    tokenizer = made_for(pa.array(["a", "[UNK]", "b"], pa.large_string()))
    assert tokenizer["model"]["vocab"] == {"a": 0, "[UNK]": 1, "b": 2}
