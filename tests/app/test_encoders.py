"""`kinfold learn encoder` and `kinfold learn mlm`."""

import json

import numpy as np
import pytest
from models import tiny
from peers import peer

peer("torch")
peer("transformers")

LETTERS, OTHERS = "abcdefghij", "klmnopqrst"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    path = tmp_path_factory.mktemp("pairs") / "pairs.csv"
    draw = np.random.default_rng(0)
    rows = draw.integers(0, 10, (120, 3))
    lines = [f"{' '.join(LETTERS[at] for at in row)},{' '.join(OTHERS[at] for at in row)}" for row in rows]
    path.write_text("\n".join(["query,answer", *lines]))
    return path


def test_an_encoder_is_tuned_and_told_of(kinfold, pairs, model, tmp_path):
    out = tmp_path / "tuned"
    asked = ("--model", model, "-o", out, "--epochs", 2, "--learning-rate", 5e-3, "--dims", "8,16", "--keep", "best")
    ran = kinfold("learn", "encoder", pairs, *asked, "--threads", 1, "--held-out", 0.25)
    assert ran.code == 0, ran.err
    assert "90 pairs" in ran.out
    assert "after · recall@1" in ran.out
    told = json.loads((out / "kinfold.json").read_text())
    assert told["parameters"]["dims"] == "8,16"


def test_json_has_the_report(kinfold, pairs, model, tmp_path):
    ran = kinfold("learn", "encoder", pairs, "--model", model, "-o", tmp_path / "x", "--test", pairs, "--json")
    assert ran.code == 0, ran.err
    assert ran.json["data"]["pairs"] == 120
    assert {each["name"] for each in ran.json["report"]["findings"]} >= {"loss", "recall@1", "mrr"}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--score", "stars"), "has no column 'stars'"),
        (("--batch", 500), "choose --batch 120 or less"),
        (("--loss", "cosent"), "pairs of texts with a score"),
        (("--model", "./none"), "no such folder"),
        (("--test", "none.csv"), "no such file"),
        (("--lora", -1), "lora is -1"),
    ],
)
def test_what_is_wrong_is_one_line(kinfold, pairs, model, tmp_path, options, says):
    given = () if "--model" in options else ("--model", model)
    ran = kinfold("learn", "encoder", pairs, *given, "-o", tmp_path / "x", "--held-out", 0, *options)
    assert ran.code == 2
    assert says in ran.err
    assert ran.err.count("\n") == 1
    assert not (tmp_path / "x").exists()


def test_a_folder_that_exists_is_told_of_before_the_work(kinfold, pairs, model, tmp_path):
    for command in (("encoder", pairs, "--model", "./none"), ("mlm", pairs)):
        for out, says in ((model, "exists already"), (tmp_path / "no" / "x", "no such folder")):
            ran = kinfold("learn", *command, "-o", out)
            assert ran.code == 2
            assert says in ran.err


def test_a_model_from_nothing(kinfold, corpus, tmp_path):
    out = tmp_path / "tiny"
    asked = "--dim 16 --layers 1 --heads 2 --length 16 --vocabulary 200 --steps 20 --threads 1"
    ran = kinfold("learn", "mlm", corpus, "-o", out, *asked.split())
    assert ran.code == 0, ran.err
    assert "1,600 texts" in ran.out
    assert "after · accuracy" in ran.out
    assert (out / "model.safetensors").exists()
    ran = kinfold("learn", "mlm", corpus, "-o", tmp_path / "x", "--dim", 30)
    assert ran.code == 2
    assert "choose a multiple of heads" in ran.err
