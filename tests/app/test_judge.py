import sys
from pathlib import Path

import numpy as np
import pytest

import kinfold as kf
from kinfold import Space

sys.path.append(str(Path(__file__).parent.parent / "show"))


def test_health_tells_in_words_and_as_json(kinfold, learned, tmp_path):
    text = kinfold("health", learned).out
    assert "dimensions carry 90 % of the variance" in text
    assert "skewness of 10-occurrence" in text
    out = tmp_path / "looked.arrow"
    ran = kinfold("health", learned, "--beside", learned, "-k", 3, "-o", out, "--json")
    assert ran.code == 0, ran.err
    values = {each["name"]: each["value"] for each in ran.json["findings"]}
    assert values["rows"] == 16
    assert values["nearest 3 shared with words.arrow"] == 1
    assert kf.open(out).card.reports[-1].title == ran.json["title"] == "Health"


def test_runs_whose_files_have_one_name_are_told_apart(kinfold, learned, tmp_path):
    for run in ("one", "two"):
        (tmp_path / run).mkdir()
        (tmp_path / run / "words.arrow").write_bytes(learned.read_bytes())
    runs = [tmp_path / run / "words.arrow" for run in ("one", "two")]
    ran = kinfold("health", learned, "--beside", runs[0], "--beside", runs[1], "--json")
    names = [each["name"] for each in ran.json["findings"]]
    assert [f"nearest 10 shared with {each}" in names for each in runs] == [True, True]


def test_health_of_vectors_in_another_format(kinfold, tmp_path):
    path = tmp_path / "vectors.txt"
    path.write_text("3 2\na 1 0\nb 0 1\nc 0 0\n")
    ran = kinfold("health", path, "--json")
    assert ran.code == 0, ran.err
    assert {each["name"]: each["value"] for each in ran.json["findings"]}["rows of zeros"] == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["health", "nothing.arrow"], "nothing.arrow"),
        (["health", "{}", "--group", "items"], "no group"),
        (["health", "{}", "--near", "2"], "near is 2"),
        (["health", "{}", "--beside", "nothing.arrow"], "nothing.arrow"),
        (["dimension", "{}", "--dims", "4,x"], "--dims 4,x"),
        (["dimension", "{}", "-o", "page.txt"], "name it .html"),
        (["dimension", "{}", "--data", "nothing.txt"], "nothing.txt"),
    ],
)
def test_what_cannot_be_done_is_one_line(kinfold, learned, words, says):
    ran = kinfold(*(each.format(learned) for each in words))
    assert ran.code == 2
    assert says in ran.err
    assert ran.err.count("\n") == 1


def test_dimension_writes_a_page_with_one_chart(kinfold, tmp_path):
    rng = np.random.default_rng(0)
    path, page = tmp_path / "plane.arrow", tmp_path / "page.html"
    Space.of(range(200), rng.normal(size=(200, 3)) @ rng.normal(size=(3, 40))).save(path)
    ran = kinfold("dimension", path, "-o", page, "--json")
    assert ran.code == 0, ran.err
    assert ran.json["dim"] == 3
    assert "Take 3 of 40 dimensions" in ran.json["reason"]
    from pages import Page

    shown = Page(page.read_text())
    assert ran.json["reason"] in shown.text
    assert shown.text.count("neighbors kept:") == 2  # one chart, drawn for wide and for narrow screens
    assert all(not value.startswith("http") for _, name, value in shown.attributes if name in ("src", "href"))


@pytest.mark.parametrize("method", ["word2vec", "svd"])
def test_dimension_learns_words_anew_from_their_text(kinfold, corpus, tmp_path, method):
    path, page = tmp_path / "words.arrow", tmp_path / "page.html"
    options = ["--epochs", 2, "--threads", 1, "--subsample", 0] if method == "word2vec" else []
    assert kinfold("learn", "words", corpus, "-o", path, "--method", method, "--dim", 8, *options).code == 0
    ran = kinfold("dimension", path, "--data", corpus, "--dims", "2,8", "-o", page, "--json")
    assert ran.code == 0, ran.err
    values = {each["name"]: each["value"] for each in ran.json["report"]["findings"]}
    assert values["pairs told apart"] > 0.6
    assert ran.json["command"].split()[:4] == ["kinfold", "learn", "words", str(corpus)] or ran.json["dim"] == 8
    from pages import Page

    shown = Page(page.read_text()).text
    assert "Learned anew" in shown
    assert "held out: " in shown  # one chart of both lines, told to who cannot see it
    assert "learned from: " in shown


def test_dimension_learns_items_anew_from_who_met_them(kinfold, tmp_path):
    rng = np.random.default_rng(0)
    lines = [" ".join([f"u{u}", *(f"i{i}" for i in rng.choice(20, 6, replace=False) * 2 + u % 2)]) for u in range(80)]
    met, path = tmp_path / "met.txt", tmp_path / "items.arrow"
    met.write_text("\n".join(lines))
    for method in ("als", "item2vec"):
        assert kinfold("learn", "items", met, "-o", path, "--method", method, "--dim", 4).code == 0
        ran = kinfold("dimension", path, "--group", "item", "--data", met, "--dims", "2,4", "--json")
        assert ran.code == 0, ran.err
        values = {each["name"]: each["value"] for each in ran.json["report"]["findings"]}
        assert values["pairs told apart"] > 0.55
    assert kinfold("learn", "items", met, "-o", path, "--method", "ease").code == 0
    ran = kinfold("dimension", path, "--data", met)
    assert ran.code == 2
    assert "'ease' is not learned anew" in ran.err
