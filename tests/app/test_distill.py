import numpy as np
import pytest
from models import WORDS, tiny

import kinfold as kf


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    path = tmp_path_factory.mktemp("texts") / "texts.txt"
    draw = np.random.default_rng(0)
    path.write_text("\n".join(" ".join(draw.choice([*WORDS, "ships"], 6)) for _ in range(200)))
    return path


def test_distill_writes_a_folder_that_encodes(kinfold, model, corpus, tmp_path):
    out = tmp_path / "static"
    asked = "--dim 12 --vocabulary 1 --lessons 100 --pull 2 --seed 5 --threads 1"
    ran = kinfold("distill", model, "-o", out, "--corpus", corpus, *asked.split(), "--json")
    assert ran.code == 0, ran.err
    assert (ran.json["tokens"], ran.json["dim"]) == (len(kf.open(out)), 12)
    assert ran.json["card"]["data"] == {"tokens": ran.json["tokens"], "words": 1, "texts": 200, "lessons": 100}
    assert ran.json["bytes"] > 4 * 12 * ran.json["tokens"]
    assert kf.open(out).card.parameters["model"] == str(model)
    assert kinfold("encode", out, "the ships", "-o", tmp_path / "texts.arrow").code == 0
    assert kf.open(tmp_path / "texts.arrow").dim == 12


def test_distill_into_a_space_and_without_texts(kinfold, model, tmp_path):
    ran = kinfold("distill", model, "-o", tmp_path / "static.arrow", "--dim", 8)
    assert ran.code == 0, ran.err
    assert "tokens × 8" in ran.out
    assert kf.open(tmp_path / "static.arrow").card.data["texts"] is None


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--dim", 100), "--dim is 100|dim is 100; rows of this model have 1 to 32"),
        (("--corpus", "nowhere.txt"), "nowhere.txt: no such file"),
        (("--vocabulary", 3), "vocabulary and column are about texts"),
    ],
)
def test_what_is_wrong_is_one_line(kinfold, model, tmp_path, words, told):
    ran = kinfold("distill", model, "-o", tmp_path / "static", *words)
    assert ran.code == 2
    assert any(each in ran.err for each in told.split("|"))
    assert ran.err.count("\n") == 1
    assert not (tmp_path / "static").exists()


def test_where_nothing_can_be_written(kinfold, model, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("x")
    for out, told in (
        (tmp_path / "full", "exists already"),
        (tmp_path / "no" / "static", "its folder does not exist"),
        (tmp_path / "static.vec", "is written as a folder, or as .arrow"),
    ):
        ran = kinfold("distill", model, "-o", out)
        assert (ran.code, told in ran.err) == (2, True), ran.err
