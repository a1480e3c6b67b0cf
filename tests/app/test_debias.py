import dataclasses

import numpy as np
import pytest
from worlds import PAIRS, leaning

import kinfold as kf
from kinfold.recipes.debias import FILLED, METHODS


@pytest.fixture
def files(tmp_path):
    """Words that lean, and lists that say along what."""
    leaning().save(tmp_path / "words.arrow")
    pairs = ", ".join(f'["{she}", "{he}"]' for she, he in PAIRS)
    (tmp_path / "sides.toml").write_text(f'title = "Sides"\n[pairs]\ndefinitional = [{pairs}]\n')
    return tmp_path


def test_debias_writes_a_space_and_tells_what_is_left(kinfold, files):
    out = files / "fair.arrow"
    ran = kinfold("debias", files / "words.arrow", "--lists", files / "sides.toml", "-o", out, "--biased", 40, "--json")
    assert ran.code == 0, ran.err
    fair, before = kf.open(out), kf.open(files / "words.arrow")
    assert ran.json["frame"] == fair.frame != before.frame
    assert fair.card.reports[-1].title == ran.json["report"]["title"] == "Debiasing · Sides · hard"
    assert np.abs(fair.vectors(["w1", "w2"])[:, 0]).max() < 0.05
    text = kinfold("debias", files / "words.arrow", "--lists", files / "sides.toml", "-o", out, "--biased", 40).out
    for part in ("What is left", "bias by neighbors", "nearest 10 kept", "Moved most", "A probe told", "fair.arrow"):
        assert part in text
    assert "hard-debias" in kinfold("info", out).out


def test_an_attribute_is_erased_and_without_a_place_nothing_is_written(kinfold, files):
    ran = kinfold("debias", files / "words.arrow", "--method", "leace", "--attribute", "side", "-k", 5, "--json")
    assert ran.code == 0, ran.err
    names = [(each["group"], each["name"]) for each in ran.json["report"]["findings"]]
    assert ("after", "probe") in names
    assert ("cost", "nearest 5 kept") in names
    assert set(ran.json["step"]["kinds"][0]) == {"he", "she"}
    assert sorted(each.name for each in files.iterdir()) == ["sides.toml", "words.arrow"]


def test_every_field_of_every_method_is_an_option(kinfold):
    text = kinfold("debias", "--help").out
    for entry in METHODS.values():
        for field in dataclasses.fields(entry.load()):
            if field.name not in FILLED:
                assert f"--{field.name.replace('_', '-')}" in text


def test_methods_take_their_options(kinfold, files):
    asked = ("debias", files / "words.arrow", "--lists", files / "sides.toml", "--biased", 40, "--json")
    step = kinfold(*asked, "--method", "inlp", "--rounds", 1, "--strength", 0.5, "--most", 50).json["step"]
    assert [step[name] for name in ("rounds", "strength", "most", "rank")] == [1, 0.5, 50, 1]
    step = kinfold(*asked, "--method", "half-sibling", "--regularization", 0.3).json["step"]
    assert step["regularization"] == 0.3


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--method", "hrad"), "Did you mean 'hard'"),
        (("--attribute", "side"), "take --method leace"),
        (("--lists", "gendre"), "Did you mean 'gender'"),
        (("--lists", "{lists}", "--rounds", "3"), "no option 'rounds'"),
        (("--lists", "{lists}", "-o", "no/folder/x.arrow"), "folder"),
        (("--method", "leace", "--attribute", "sdie"), "Did you mean 'side'"),
        ((), "none of 10 pairs"),
    ],
)
def test_an_error_is_one_line_and_leaves_nothing(kinfold, files, words, says):
    ran = kinfold("debias", files / "words.arrow", *(word.format(lists=files / "sides.toml") for word in words))
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert says in ran.err
    assert sorted(each.name for each in files.iterdir()) == ["sides.toml", "words.arrow"]
