from __future__ import annotations

import dataclasses
import re

import numpy as np
from show.pages import HOSTILE, Page

from kinfold.core.card import Card
from kinfold.core.keys import Keys
from kinfold.core.report import Finding, Report, Table
from kinfold.core.space import Space
from kinfold.show import report

TRAINING = Report(
    "training",
    (Finding("loss", 0.3, unit="nats"),),
    (Table("epochs", ("epoch", "loss", "words per second"), [[1, 0.5, 1e6], [2, 0.3, 1.1e6]]),),
)


def space(reports=()) -> Space:
    rows = np.random.default_rng(0).normal(size=(50, 6))
    given = Space.of([HOSTILE, *(f"w{i}" for i in range(1, 50))], rows, group="word")
    card = Card(
        "word2vec-00", "word2vec", {"dim": 6, "learning_rate": 0.025}, 7, {"shape": "Sequences", "tokens": 1200}
    )
    card = dataclasses.replace(card, reports=tuple(reports))
    return dataclasses.replace(given, card=card.then("resume", new_keys=3)).with_attribute(
        "count", [1000 // (i + 1) for i in range(50)]
    )


def test_it_tells_origin_sizes_findings_training_and_neighbors(tmp_path):
    measured = Report(
        "similarity", (Finding("spearman", 0.68, 0.62, 0.73, n=335, group="WordSim"),), (), ("18 pairs are missing.",)
    )
    report.write(space([TRAINING]), tmp_path / "r.html", reports=[measured])
    page = Page((tmp_path / "r.html").read_text("utf-8"))
    sizes = ["50 words, 6 dimensions", "1,200 tokens", "make up half of all", "Loss per epoch", "1,100,000"]
    origin = ["word2vec-00", "learning rate", "resume"]
    measures = ["0.680", "0.620 to 0.730", "335", "18 pairs are missing."]
    near = [f"{key} {score:.2f}" for key, score in space().nearest("w49", 6)]
    for expected in sizes + origin + measures + near:
        assert expected in page.text, expected
    assert len(page.data["keys"]) == 50


def test_nothing_outside_is_asked_for_and_hostile_names_do_no_harm(tmp_path):
    hostile = Report(
        HOSTILE,
        (Finding(HOSTILE, 0.5, 0.4, 0.6, group="<img src=x onerror=alert(1)>"),),
        (Table(HOSTILE, (HOSTILE,), [[HOSTILE]]),),
        (HOSTILE,),
    )
    report.write(space(), tmp_path / "r.html", reports=[hostile], title=HOSTILE)
    text = (tmp_path / "r.html").read_text("utf-8")
    page = Page(text)
    assert len(page.scripts) == 2
    outside = [each for each in page.attributes if each[1] in ("src", "href", "onerror")]
    assert all(tag == "a" and value.startswith("#") for tag, _, value in outside)
    assert re.findall(r"https?://[^\"']+", text) in ([], ["http://www.w3.org/2000/svg"] * text.count("<svg"))


def test_it_is_of_the_first_group_unless_another_is_named(tmp_path):
    rows = np.random.default_rng(0).normal(size=(80, 4))
    keys = Keys([f"w{i}" for i in range(30)] + [str(i) for i in range(50)], {"word": 30, "ngram": 50})
    counted = Space.of(keys, rows).with_attribute("count", [*range(30, 0, -1), *[None] * 50])
    report.write(counted, tmp_path / "r.html", method="pca")
    page = Page((tmp_path / "r.html").read_text("utf-8"))
    assert page.data["keys"] == [f"w{i}" for i in range(30)]
    for expected in ("30 words, 4 dimensions", "of 30 keys", "ngram", "465"):
        assert expected in page.text, expected
    report.write(counted, tmp_path / "r.html", method="pca", group="ngram")
    page = Page((tmp_path / "r.html").read_text("utf-8"))
    assert len(page.data["keys"]) == 50
    assert "50 ngrams, 4 dimensions" in page.text


def test_without_a_map_there_is_no_script(tmp_path):
    report.write(space(), tmp_path / "r.html", map=False)
    assert not Page((tmp_path / "r.html").read_text("utf-8")).scripts


def test_a_later_report_stands_in_the_place_of_the_cards(tmp_path):
    old, new = (Report("speed", (Finding("time", value, unit="ms"),)) for value in (111.5, 222.5))
    report.write(space([old]), tmp_path / "r.html", reports=[new], map=False)
    text = Page((tmp_path / "r.html").read_text("utf-8")).text
    assert "222" in text
    assert "111" not in text


def test_a_bare_space_has_a_report_and_so_has_an_empty_one(tmp_path):
    for count in (0, 1, 2):
        report.write(Space.of([f"k{i}" for i in range(count)], np.ones((count, 3))), tmp_path / "r.html")
        assert "3 dimensions" in Page((tmp_path / "r.html").read_text("utf-8")).text


def test_an_empty_vocabulary_or_a_count_of_one_each_is_no_trouble(tmp_path):
    flat = Space.of(["a", "b", "c"], np.eye(3)).with_attribute("count", [1, 1, 1])
    report.write(flat, tmp_path / "r.html", reports=[Report("empty"), Report("nan", (Finding("x", float("nan")),))])
    assert "make up half" in Page((tmp_path / "r.html").read_text("utf-8")).text
