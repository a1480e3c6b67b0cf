"""Encoders from nothing, on a language of two topics."""

import dataclasses
import json

import numpy as np
import pytest
from peers import peer

import kinfold as kf
from kinfold.core.errors import BadData, BadOption, ShapeMismatch
from kinfold.core.shapes import Items, Sequences
from kinfold.learn.mlm import Corpus, MaskedLM, _masking

torch = peer("torch")
transformers = peer("transformers")
peer("tokenizers")

SEA = ["ship", "sailor", "sea", "whale", "wave", "sail"]
LAND = ["horse", "farmer", "field", "hay", "barn", "plough"]
SIZES = {"dim": 32, "layers": 2, "heads": 2, "length": 32, "vocabulary": 300}
SMALL = {**SIZES, "epochs": 3, "learning_rate": 3e-3, "held_out": 0.1}


@pytest.fixture(scope="module")
def texts():
    draw = np.random.default_rng(0)
    return [" ".join(["The", *draw.choice([SEA, LAND][n % 2], 8), "and"]) for n in range(1500)]


@pytest.fixture(scope="module")
def folder(texts, tmp_path_factory):
    path = tmp_path_factory.mktemp("mlm") / "tiny"
    kf.pretrain(texts, **SMALL, threads=1).save(path)
    return path


@pytest.mark.parametrize(
    "options", [{}, {"family": "modernbert"}, {"tokenizer": "bpe", "vocabulary": 400}, {"whole_words": True}]
)
def test_it_learns_which_words_there_are(texts, options):
    report = kf.pretrain(texts, **{**SMALL, **options}, threads=1).report
    assert report["after/loss"].value < report["before/loss"].value - 1
    assert report["after/accuracy"].low > report["before/accuracy"].value
    assert [row[0] for row in report.tables[0].rows] == [0, 1, 2, 3]


def test_kinfold_transformers_and_sentence_transformers_load_it(folder):
    peer("sentence_transformers")
    from sentence_transformers import SentenceTransformer

    asked = ["the ship and the sea", "a whale", "Hay, farmer!", "something else " * 30]
    ours = kf.encoder(folder).vectors(asked)
    theirs = SentenceTransformer(str(folder), device="cpu").encode(asked)
    np.testing.assert_allclose(ours, theirs, atol=1e-4)
    model = transformers.AutoModelForMaskedLM.from_pretrained(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    given = tokenizer("the ship sea whale [MASK] sea wave sail", return_tensors="pt")
    place = int((given["input_ids"][0] == tokenizer.mask_token_id).nonzero()[0])
    with torch.inference_mode():
        scores = model(**given).logits[0, place]
    found = {word: float(scores[tokenizer.convert_tokens_to_ids(word)]) for word in SEA + LAND}
    assert np.mean([found[word] for word in SEA]) > np.mean([found[word] for word in LAND])


def test_the_folder_says_how_it_was_made(folder):
    told = json.loads((folder / "kinfold.json").read_text())
    assert told["method"] == "mlm"
    assert told["data"]["texts"] == 1500
    assert told["parameters"]["dim"] == 32
    assert "accuracy" in (folder / "README.md").read_text()


def test_a_model_from_nothing_can_be_tuned(folder):
    pairs = [(f"the {one} {two}", f"{one} {two} and") for one in SEA for two in LAND]
    made = kf.tune_encoder(pairs, folder, epochs=1, held_out=0, threads=1)
    assert np.isfinite(made.report["loss"].value)


def test_the_same_seed_gives_the_same_weights(texts):
    one, two, other = (
        kf.pretrain(texts[:200], **{**SMALL, "epochs": 1}, seed=seed, threads=1).model.state_dict()
        for seed in (1, 1, 2)
    )
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert any(not torch.equal(one[name], other[name]) for name in one)


def test_steps_instead_of_epochs(texts):
    assert len(kf.pretrain(texts, **{**SMALL, "held_out": 0}, steps=5, batch=8, threads=1).report.tables[0].rows) == 1


def masked(blocks, share, whole_words, seed=0, begins=None):
    begins = np.ones(50, bool) if begins is None else begins
    return _masking(blocks, Corpus(blocks, begins, {}), share, whole_words, np.random.default_rng(seed))


def test_a_share_is_masked_and_eight_of_ten_of_it_become_the_mask():
    blocks = np.random.default_rng(1).integers(5, 50, (400, 62)).astype(np.int32)
    ids, labels = masked(blocks, 0.15, False)
    chosen = labels != -1
    whole = np.pad(blocks, ((0, 0), (1, 1)), constant_values=-9)
    assert np.array_equal(labels[chosen], whole[chosen])
    assert chosen[:, 1:-1].mean() == pytest.approx(0.15, abs=0.01)
    assert not chosen[:, [0, -1]].any()
    assert (ids[chosen] == 4).mean() == pytest.approx(0.8, abs=0.03)
    assert (ids[chosen] == labels[chosen]).mean() == pytest.approx(0.1, abs=0.03)
    assert np.array_equal(ids[~chosen][whole[~chosen] > 0], whole[~chosen][whole[~chosen] > 0])


def test_words_are_masked_as_a_whole_and_what_stands_between_texts_never():
    begins = np.arange(50) < 25
    blocks = np.random.default_rng(1).integers(5, 50, (50, 30)).astype(np.int32)
    blocks[:, 7] = 3
    _, labels = masked(blocks, 0.3, True, begins=begins)
    chosen = (labels != -1)[:, 1:-1]
    assert not chosen[:, 7].any()
    goes_on = (blocks[:, 1:] >= 25) & (blocks[:, :-1] != 3)
    assert (chosen[:, 1:] == chosen[:, :-1])[goes_on].all()
    assert chosen.any()


def test_something_is_always_asked_for():
    blocks = np.full((1, 6), 9, np.int32)
    assert all((masked(blocks, 0.01, False, seed)[1] != -1).any() for seed in range(20))


def test_large_corpora_are_in_a_file(texts, monkeypatch):
    from kinfold.core import spill

    monkeypatch.setattr(spill.Spill.__init__, "__defaults__", (1000,))
    made = kf.pretrain(texts[:300], **{**SMALL, "epochs": 1}, threads=1)
    monkeypatch.undo()
    plain = kf.pretrain(texts[:300], **{**SMALL, "epochs": 1}, threads=1)
    assert made.card.frame == plain.card.frame


@pytest.mark.parametrize(
    "options",
    [{"dim": 30, "heads": 4}, {"family": "gpt"}, {"tokenizer": "words"}, {"masked": 0}, {"steps": 0}, {"length": 2}],
)
def test_options_outside_their_range(options):
    with pytest.raises(BadOption):
        MaskedLM(**options)


def test_what_is_too_little_or_no_text():
    with pytest.raises(BadData, match="a smaller length"):
        kf.pretrain(["a few words"], **SMALL)
    with pytest.raises(BadData, match="text 1 is int"):
        MaskedLM(**SMALL).fit(Items(["a", 3]))
    with pytest.raises(ShapeMismatch, match="Items"):
        MaskedLM().fit(Sequences(kf.core.keys.Keys(["a"]), np.zeros(1, np.int32), np.array([0, 1])))


def test_every_field_is_documented():
    for field in dataclasses.fields(MaskedLM):
        assert f"    {field.name}: " in MaskedLM.__doc__
