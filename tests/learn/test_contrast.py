"""Fine-tuning of text encoders on planted pairs: the text on the right is the left one in other letters."""

import dataclasses
import json

import numpy as np
import pytest
from models import real, tiny
from peers import peer

import kinfold as kf
from kinfold.core.errors import BadData, BadFile, BadOption, ShapeMismatch
from kinfold.core.shapes import Items, TextPairs
from kinfold.io.checkpoint import POOLINGS, Dense, read
from kinfold.learn.cached import through
from kinfold.learn.contrast import Contrast
from kinfold.learn.mining import hard_negatives
from kinfold.learn.numbered import Numbered
from kinfold.measure.pairs import text_pairs

torch = peer("torch")
peer("transformers")
from kinfold.learn import losses  # noqa: E402 - needs torch
from kinfold.learn.text_network import TextNetwork, short_first  # noqa: E402

LETTERS, OTHERS = "abcdefghij", "klmnopqrst"
QUICK = {"learning_rate": 5e-3, "epochs": 6, "batch": 32}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny(tmp_path_factory.mktemp("models") / "tiny", dim=32)


def planted(count=240, seed=0, negatives=False, scores=False):
    draw = np.random.default_rng(seed)
    letters = draw.integers(0, len(LETTERS), (count, 3))
    left = [" ".join(LETTERS[at] for at in row) for row in letters]
    right = [" ".join(OTHERS[at] for at in row) for row in letters]
    given = np.ones(count)
    if scores:  # half of them with what goes with another
        given = (np.arange(count) % 2).astype(float)
        right = [right[at] if given[at] else right[at - 2] for at in range(count)]
    others = [[right[at - 7]] for at in range(count)] if negatives else None
    return TextPairs.of(left, right, others, given if scores else None)


def recall(made, data):
    def rows(texts):
        network = TextNetwork(made.checkpoint, "cpu")
        network.body.load_state_dict(made.model.state_dict())
        return network.encode(texts)

    return next(iter(text_pairs(data, rows))).value


def before(model, data):
    return next(iter(text_pairs(data, TextNetwork(read(model), "cpu").encode))).value


# What the network gives and what it learns from.


@pytest.mark.parametrize("pooling", [*POOLINGS, "dense"])
def test_rows_are_those_that_the_encoder_gives(model, tmp_path, pooling):
    from kinfold.io.checkpoint_write import write

    told = dataclasses.replace(read(model), pooling=(pooling,) if pooling in POOLINGS else ("cls", "max"))
    if pooling == "dense":
        weight = np.random.default_rng(0).standard_normal((8, 64)).astype(np.float32)
        told = dataclasses.replace(told, after=[Dense(weight, np.ones(8, np.float32), "GELU"), "normalize"])
    network = TextNetwork(told, "cpu")
    write(network.body, network.learned(), tmp_path / "out")
    texts = ["a b c", "the sea is red", "ship", *planted(30).left.to_pylist()]
    np.testing.assert_allclose(network.encode(texts), kf.encoder(tmp_path / "out").vectors(texts), atol=1e-5)


def test_a_prompt_that_does_not_count_is_left_out(model, tmp_path):
    from kinfold.io.checkpoint_write import write

    told = dataclasses.replace(read(model), prompts={"q": "the sea: "}, default_prompt="q", include_prompt=False)
    network = TextNetwork(told, "cpu")
    write(network.body, told, tmp_path / "out")
    texts = ["a b c", "ship"]
    np.testing.assert_allclose(network.encode(texts), kf.encoder(tmp_path / "out").vectors(texts), atol=1e-5)


def gradients(network):
    return {name: each.grad.clone() for name, each in network.named_parameters() if each.grad is not None}


def test_cached_batches_have_the_gradients_of_whole_ones(model):
    network = TextNetwork(read(model), "cpu")
    network.train(False)
    ids = network.ids([*planted(20).left.to_pylist(), "the sea is red and green and blue"])
    found = []
    for small in (None, 4):
        network.body.zero_grad()
        value = through(network, ids, lambda rows: losses.softmax(rows @ rows.roll(1, 0).T), small)
        found.append((value, gradients(network)))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-4)
    largest = max(float(each.abs().max()) for each in found[0][1].values())
    for name, each in found[0][1].items():
        torch.testing.assert_close(each, found[1][1][name], rtol=1e-3, atol=1e-5 * largest)


def test_what_is_dropped_is_dropped_again_when_gradients_are_made(model):
    network = TextNetwork(read(model), "cpu")
    network.train()
    ids = network.ids(planted(20).left.to_pylist())
    torch.manual_seed(1)
    through(network, ids, lambda rows: (rows[:, :16] ** 2).sum(), 6)
    cached = gradients(network)
    network.body.zero_grad()
    torch.manual_seed(1)
    for some in short_first(ids, 512, 6):
        (network.rows([ids[at] for at in some])[:, :16] ** 2).sum().backward()
    largest = max(float(each.abs().max()) for each in cached.values())
    for name, each in gradients(network).items():
        torch.testing.assert_close(each, cached[name], rtol=1e-3, atol=1e-5 * largest)


def test_batches_are_of_about_one_length():
    ids = [np.zeros(length) for length in (9, 1, 2, 8, 1, 30)]
    found = list(short_first(ids, 18))
    assert sorted(np.concatenate(found).tolist()) == list(range(6))
    assert all(len(some) == 1 or max(len(ids[at]) for at in some) * len(some) <= 18 for some in found)
    assert max(len(some) for some in short_first(ids, 1000, 2)) == 2


# The losses.


def test_softmax_is_the_cross_entropy_and_passes_over_what_is_refused():
    scores = torch.tensor([[1.0, 2.0, 3.0], [0.5, 4.0, 1.0]])
    by_hand = [-row[at] + np.log(np.exp(row).sum()) for at, row in enumerate(scores.numpy())]
    assert float(losses.softmax(scores)) == pytest.approx(np.mean(by_hand), rel=1e-5)
    refused = torch.tensor([[False, True, True], [True, False, True]])
    assert float(losses.softmax(scores, refused)) == pytest.approx(0, abs=1e-6)


def test_cosent_counts_pairs_in_the_wrong_order():
    cosines, scores = np.array([0.1, 0.5, 0.3]), np.array([2.0, 1.0, 1.0])
    wrong = [(cosines[j] - cosines[i]) / 0.1 for i in range(3) for j in range(3) if scores[i] > scores[j]]
    found = losses.cosent(torch.tensor(cosines), torch.tensor(scores), 0.1)
    assert float(found) == pytest.approx(np.log1p(np.exp(wrong).sum()))


def test_pairs_known_to_belong_are_no_negatives_of_each_other():
    data = Numbered.of(TextPairs.of(["q", "q", "r"], ["x", "y", "z"], [["y"], [], ["q"]]))
    negatives, owners = data.negatives_of(np.array([0, 2]))
    assert [data.texts[at].as_py() for at in negatives] == ["y", "q"]
    assert owners.tolist() == [0, 1]
    candidates = np.concatenate([data.right[[0, 1, 2]], negatives])
    belongs = data.belongs(data.left[[0, 1, 2]], candidates)
    assert belongs.tolist() == [
        [True, True, False, True, True],
        [True, True, False, True, True],
        [False, False, True, False, False],
    ]


# What is learned.


@pytest.mark.parametrize(
    ("data", "options"),
    [
        ({}, {}),
        ({}, {"small_batch": 16}),
        ({}, {"mine": 2}),
        ({}, {"lora": 16}),
        ({"negatives": True}, {}),
        ({"negatives": True}, {"loss": "triplet"}),
        ({"scores": True}, {}),
        ({"scores": True}, {"loss": "cosine"}),
    ],
)
def test_it_finds_what_was_planted(model, data, options):
    made = Contrast(**{**QUICK, **options}).fit(planted(**data), read(model), threads=1)
    unseen = planted(100, seed=9)
    assert recall(made, unseen) > 0.3 + before(model, unseen)


def test_the_first_coordinates_serve_by_themselves_where_they_were_asked_to(model):
    data, unseen = planted(), planted(100, seed=9)
    found = []
    for dims in (None, "8,4"):
        made = Contrast(**QUICK, dims=dims, dim_weights=dims and "1,2").fit(data, read(model), threads=1)
        network = TextNetwork(made.checkpoint, "cpu")
        network.body.load_state_dict(made.model.state_dict())
        found.append(text_pairs(unseen, network.encode, dim=4)["recall@1"].value)
    assert found[1] > found[0]


def test_texts_alone_learn_from_what_is_dropped(model):
    data = TextPairs.of(planted().left.to_pylist())
    network = TextNetwork(read(model), "cpu")

    def spread(rows):
        rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return -np.log(np.exp(-2 * (2 - 2 * rows @ rows.T)).mean())

    at_first = spread(network.encode(data.left.to_pylist()))
    made = Contrast(learning_rate=5e-4, epochs=2).fit(data, read(model), threads=1)
    assert made.card.parameters["loss"] == "simcse"
    network.body.load_state_dict(made.model.state_dict())
    assert spread(network.encode(data.left.to_pylist())) > at_first


def test_the_same_seed_gives_the_same_weights_and_torch_is_left_as_it_was(model):
    torch.manual_seed(5)
    before_it = torch.get_rng_state()
    one, two, other = (
        Contrast(epochs=1).fit(planted(64), read(model), seed=seed, threads=1).model.state_dict() for seed in (3, 3, 4)
    )
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert any(not torch.equal(one[name], other[name]) for name in one)
    assert torch.equal(before_it, torch.get_rng_state())


def test_the_best_epoch_is_kept(model):
    values = iter([0.1, 0.9, 0.5, 0.2])
    seen = []

    def judge(rows):
        seen.append(rows(["a b c"]))
        return kf.Report("judged", [kf.Finding("worth", next(values))])

    made = Contrast(**{**QUICK, "epochs": 3, "keep": "best"}).fit(planted(64), read(model), judge=judge, threads=1)
    network = TextNetwork(made.checkpoint, "cpu")
    network.body.load_state_dict(made.model.state_dict())
    np.testing.assert_allclose(network.encode(["a b c"]), seen[1], atol=1e-6)
    assert made.report["after/worth"].value == 0.9
    assert [row[3] for row in made.report.tables[0].rows] == [0.1, 0.9, 0.5, 0.2]


def test_lora_becomes_part_of_the_matrices(model, tmp_path):
    start = TextNetwork(read(model), "cpu").body.state_dict()
    made = Contrast(**{**QUICK, "lora": 4, "epochs": 1}).fit(planted(64), read(model), threads=1)
    now = made.model.state_dict()
    assert set(now) == set(start)
    moved = {name for name in now if not torch.equal(now[name], start[name])}
    assert moved
    assert all(name.endswith("weight") and now[name].ndim == 2 and "embeddings" not in name for name in moved)
    change = now["encoder.layer.0.output.dense.weight"] - start["encoder.layer.0.output.dense.weight"]
    assert np.linalg.matrix_rank(change.numpy(), tol=1e-4) == 4


def test_mined_negatives_are_near_and_not_known_to_belong():
    rows = np.array([[1, 0], [1, 0.1], [1, 0.02], [1, 0.5], [0, 1], [1, 0]], np.float32)
    # 0 goes with 1 and, by another pair, with 2; 5 is nearer than its own; 3 and 4 are what is left.
    left, right = np.array([0, 0, 4, 4, 4]), np.array([1, 2, 3, 4, 5])
    found, starts = hard_negatives(left, right, lambda some: rows[some], count=2, skip=0, below=0.95)
    assert found[starts[0] : starts[1]].tolist() == [3, 4]
    assert 4 not in found[starts[2] :].tolist()
    skipped, ends = hard_negatives(left, right, lambda some: rows[some], count=2, skip=2, below=0.95)
    assert skipped[ends[0] : ends[1]].tolist() == [4]


# What is written.


def test_sentence_transformers_loads_what_is_saved(model, tmp_path):
    peer("sentence_transformers")
    from sentence_transformers import SentenceTransformer

    made = kf.tune_encoder(planted(80), model, epochs=1, learning_rate=1e-3, max_length=12, threads=1)
    made.save(tmp_path / "tuned")
    texts = ["a b c", "the sea is red", "ship and hay and barn and wave and the sea is blue and green"]
    theirs = SentenceTransformer(str(tmp_path / "tuned"), device="cpu").encode(texts)
    np.testing.assert_allclose(kf.encoder(tmp_path / "tuned").vectors(texts), theirs, atol=1e-4)
    told = json.loads((tmp_path / "tuned" / "kinfold.json").read_text())
    assert told["data"]["pairs"] == 72
    assert told["parameters"]["loss"] == "softmax"
    assert told["reports"][0]["title"] == "training"
    assert "after · recall@1" in (tmp_path / "tuned" / "README.md").read_text()
    with pytest.raises(BadFile, match="exists already"):
        made.save(tmp_path / "tuned")


def test_an_interrupted_save_leaves_nothing(model, tmp_path, monkeypatch):
    made = Contrast(epochs=1).fit(planted(32), read(model), threads=1)

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("kinfold.io.checkpoint_write.write_modules", interrupted)
    with pytest.raises(KeyboardInterrupt):
        made.save(tmp_path / "tuned")
    assert list(tmp_path.iterdir()) == []


# What is wrong is said.


@pytest.mark.parametrize(
    ("options", "data", "error", "says"),
    [
        ({"batch": 64}, planted(10), BadOption, "choose batch=10 or less"),
        ({"loss": "triplet"}, planted(10), BadOption, "a third column"),
        ({"loss": "cosent"}, planted(10), BadOption, "with a score"),
        ({"mine": 2}, planted(10, scores=True), BadOption, "leave mine out"),
        ({"dims": "64"}, planted(10), BadOption, "32 coordinates"),
        ({"max_length": 500}, planted(10), BadOption, "64 tokens at most"),
        ({}, TextPairs.of(["a", "a"], ["a", "a"]), BadData, "all texts are the same"),
        ({}, TextPairs.of(["a", "b"], ["c", "d"], scores=[1, 1]), BadData, "all 2 scores are 1"),
        ({}, TextPairs.of(["a"], ["b"]), BadData, "at least 2"),
        ({"learning_rate": 1.0, "epochs": 40, "warmup": 0.0}, "diverges", BadOption, "smaller learning_rate"),
        ({}, Items(["a"]), ShapeMismatch, "TextPairs"),
    ],
)
def test_what_cannot_be_learned_is_said(model, options, data, error, says, monkeypatch):
    if data == "diverges":
        data = planted(32)
        monkeypatch.setattr(losses, "softmax", lambda scores, refused=None: (scores * np.inf).sum())
    with pytest.raises(error, match=says):
        Contrast(**options).fit(data, read(model), threads=1)


@pytest.mark.parametrize(
    "options",
    [
        {"epochs": 0},
        {"batch": 1},
        {"temperature": 0},
        {"keep": "first"},
        {"precision": "int8"},
        {"warmup": 2},
        {"dims": "64,x"},
        {"dims": "64", "dim_weights": "1,2"},
        {"lora": -1},
        {"device": "nowhere"},
    ],
)
def test_options_outside_their_range(model, options):
    with pytest.raises(BadOption):
        Contrast(**options).fit(planted(8), read(model), threads=1)


def test_best_needs_something_to_judge_by(model):
    with pytest.raises(BadOption, match="to judge epochs by"):
        kf.tune_encoder(planted(20), model, keep="best")
    with pytest.raises(BadOption, match="texts alone"):
        kf.tune_encoder(planted(20), model, test=["a", "b"])


def test_every_field_is_documented():
    for field in dataclasses.fields(Contrast):
        assert f"    {field.name}: " in Contrast.__doc__


@pytest.mark.slow
@pytest.mark.data
def test_a_real_model_learns_to_say_what_people_say(tmp_path):
    import os
    from pathlib import Path

    from kinfold.sources import text_pairs as source

    folder = (
        Path(os.environ.get("KINFOLD_DATA", Path(__file__).parents[3] / "shared" / "data")) / "text" / "stsbenchmark"
    )
    if not folder.exists():
        pytest.skip(f"{folder} is not there; set KINFOLD_DATA")
    learned = source.read(folder / "sts-dev.csv").take(np.arange(0, 625, 4))
    made = kf.tune_encoder(learned, real(), held_out=0.2, epochs=1, batch=32, learning_rate=5e-5)
    assert made.report["after/spearman"].value > made.report["before/spearman"].value - 0.03
    assert made.report["after/spearman"].low < made.report["after/spearman"].value
