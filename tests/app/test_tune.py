import shlex

import numpy as np
import pytest

import kinfold as kf


@pytest.fixture
def ratings(tmp_path):
    rng = np.random.default_rng(0)
    lines = ["who,what,stars"]
    for user in range(60):
        items = rng.choice(20, 6, replace=False).tolist()
        lines += [f"u{user},{'ab'[user % 2]}{item},{1 + item % 5}" for item in items]
    path = tmp_path / "my ratings.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


COLUMNS = ("--user", "who", "--item", "what", "--weight", "stars")


def test_tune_prints_what_was_tried_and_a_command_that_runs(kinfold, ratings, tmp_path):
    page = tmp_path / "tune.html"
    options = ("--dim", "2,4, 8", "--regularization", "0.01,0.1", "--epochs", "4", "--threads", 1, "--metric", "ndcg@5")
    ran = kinfold("tune", "items", ratings, *COLUMNS, *options, "-o", page)
    assert ran.code == 0, ran.err
    for expected in ("ndcg@5 by dim, held out", "Tried", "Best: dim", "Next: kinfold learn items"):
        assert expected in ran.out
    assert "<svg" in page.read_text("utf-8")
    values = kinfold("tune", "items", ratings, *COLUMNS, *options, "--json").json
    assert values["path"] is None
    assert values["best"]["dim"] in (2, 4, 8)
    words = shlex.split(values["command"])
    assert str(ratings) in words
    assert words[-2:] == ["-o", "space.arrow"]
    ran = kinfold(*words[1:-1], tmp_path / "space.arrow")
    assert ran.code == 0, ran.err
    card = kf.open(tmp_path / "space.arrow").card
    assert card.method == "als"
    assert values["best"].items() <= dict(card.parameters).items()


def test_words_and_switches_take_several_values_too(kinfold, ratings):
    ran = kinfold(
        *("tune", "items", ratings, *COLUMNS, "--method", "bpr", "--dim", 4, "--regularization", 0.01),
        *("--bias", "true,false", "--epochs", 3, "--json"),
    )
    assert ran.code == 0, ran.err
    assert ran.json["best"]["bias"] in (True, False)
    assert ("--bias" if ran.json["best"]["bias"] else "--no-bias") in shlex.split(ran.json["command"])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--dim", "2,many"), "--dim 2,many: 'many' is not a whole number"),
        (("--dim", ","), "dim has no value to try"),
        (("--dim", "4", "--regularization", "0.1"), "one setting"),
        (("--dim", "4", "--regularization", "0.1,-1"), "regularization is -1.0"),
        (("--metric", "ndgc@20"), "Did you mean 'ndcg'"),
        (("--metric", "ndcg"), "--metric ndcg@20"),
        (("--method", "ease", "--dim", "4,8"), "ease has no option 'dim'"),
        (("--method", "bpr", "--bias", "maybe"), "is not true or false"),
        (("--nonsense", "4"), "No such option"),
        (("-o", "no/such/folder/x.html"), "folder does not exist"),
    ],
)
def test_what_is_wrong_is_one_line_and_code_2(kinfold, ratings, words, says):
    ran = kinfold("tune", "items", ratings, *COLUMNS, *words)
    assert ran.code == 2
    assert says in ran.err
    assert len(ran.err.strip().splitlines()) == 1


def test_every_field_of_every_method_is_an_option(kinfold):
    import dataclasses

    from kinfold.recipes.items import METHODS

    text = kinfold("tune", "items", "--help").out
    for entry in METHODS.values():
        for field in dataclasses.fields(entry.load()):
            assert "--" + field.name.replace("_", "-")[:18] in text
    assert "32,64,128,256" in text
