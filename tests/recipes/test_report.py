import dataclasses

import numpy as np
import pytest
from show.pages import Page

import kinfold as kf
from kinfold import Space
from kinfold.core.errors import BadFile, BadOption, UnknownName
from kinfold.core.rows import Rows
from kinfold.measure.word_lists import read_lists


def blocks(count=300, dim=8) -> Space:
    """Three kinds that stand apart, the first a little more often met than the last."""
    rng = np.random.default_rng(0)
    rows = np.eye(dim)[np.arange(count) % 3] * 5 + rng.normal(size=(count, dim))
    return Space.of([f"w{i}" for i in range(count)], rows, group="word").with_attribute(
        "count", list(range(count, 0, -1))
    )


def written(space, tmp_path, **options):
    sections = kf.report(space, tmp_path / "r.html", method="pca", **options)
    return {each.title: each for each in sections}, Page((tmp_path / "r.html").read_text("utf-8"))


def test_it_gathers_sections_with_readings_at_the_top_and_a_map_of_clusters(tmp_path):
    sections, page = written(blocks(), tmp_path)
    assert sections["Health"].reports[0]["rows"].value == 300
    assert sections["Clusters"].readings[0].startswith("12 clusters")
    top, below = page.text.split("Contents", 1)
    for each in sections.values():
        for reading in each.readings:
            assert reading in top
            assert reading in below
    names = [each["name"] for each in page.data["colors"]]
    assert page.data["color"] == "cluster"
    assert "cluster" in names
    anchors = {value for tag, name, value in page.attributes if name == "id"}
    links = {value[1:] for tag, name, value in page.attributes if tag == "a" and name == "href"}
    assert {"map", "health", "clusters", "card"} <= links <= anchors
    assert "cluster_name" not in below[below.index("Where it comes from") :]  # the page's own, not the Space's


def test_clusters_that_the_space_has_are_kept(tmp_path):
    given = blocks().with_attribute("cluster", [i % 3 for i in range(300)])
    sections, page = written(given.with_attribute("cluster_name", [f"kind {i % 3}" for i in range(300)]), tmp_path)
    assert page.data["color"] == "cluster"
    assert sections["Clusters"].readings[0].endswith("In the middle of the largest: kind 0; kind 1; kind 2.")


def test_what_does_not_apply_is_left_out_and_the_page_says_why(tmp_path):
    sections, page = written(blocks(), tmp_path)
    assert not sections["Bias"].reports
    assert "Bias is left out: the vocabulary lacks the words" in page.text
    assert sections["Bias"].to_dict()["absent"]


def test_a_vocabulary_with_the_words_of_a_list_has_its_audit(tmp_path):
    words = sorted({word for some in read_lists("gender").words.values() for word in some})
    rows = np.random.default_rng(0).normal(size=(len(words), 6))
    sections, page = written(Space.of(words, rows, group="word"), tmp_path)
    assert sections["Bias"].reports[0].findings
    assert sections["Bias"].readings
    assert "effect size" in page.text


def test_parts_can_be_left_out(tmp_path):
    sections, page = written(blocks(), tmp_path, without=["bias", "health", "clusters", "map"])
    assert not {"Health", "Bias", "Clusters"} & set(sections)
    assert not page.scripts
    with pytest.raises(BadOption, match="Did you mean 'health'"):
        kf.report(blocks(), tmp_path / "r.html", without=["helth"])


def test_keys_are_called_by_an_attribute_and_by_both_where_it_stands_twice(tmp_path):
    titles = ["Twice", "Twice", None, *(f"Title {i}" for i in range(3, 300))]
    _, page = written(blocks().with_attribute("title", titles), tmp_path, label="title")
    assert set(page.data["keys"][:4]) == {"Twice · w0", "Twice · w1", "w2", "Title 3"}
    with pytest.raises(UnknownName, match="titel"):
        written(blocks(), tmp_path, label="titel")


def test_broken_rows_are_left_out_of_the_map_and_told(tmp_path):
    given = blocks()
    rows = given.rows.dense().copy()
    rows[5, 2], rows[7] = np.nan, 0
    sections, page = written(dataclasses.replace(given, rows=Rows(rows)), tmp_path)
    assert len(page.data["keys"]) == 299
    assert "w5" not in page.data["keys"]
    assert "Left out, since they are not finite: 1 of 300 rows" in page.text
    assert sections["Health"].reports[0]["rows not finite"].value == 1
    assert "row 5 holds a number that is NaN" in sections["Clusters"].absent


@pytest.mark.parametrize("count", [0, 1, 2, 5, 40])
@pytest.mark.parametrize("dim", [1, 3])
def test_a_small_space_has_a_page(tmp_path, count, dim):
    rows = np.random.default_rng(count).normal(size=(count, dim))
    _, page = written(Space.of([f"k{i}" for i in range(count)], rows, metric="l2"), tmp_path)
    assert f"{dim} dimensions" in page.text


def test_rows_that_are_all_broken_have_a_page_without_a_map(tmp_path):
    given = blocks(30)
    _, page = written(dataclasses.replace(given, rows=Rows(np.full((30, 8), np.nan, np.float32))), tmp_path)
    assert "30 words" in page.text


def test_users_and_items_are_told_each_among_themselves(tmp_path):
    pairs = [(f"u{u}", f"i{i}") for u in range(40) for i in range(60) if (u + i) % 4 == 0]
    space = kf.items(pairs, dim=4, threads=1)
    sections, page = written(space, tmp_path, group="item")
    assert "compared by cosine" in page.text
    assert "Beside them stand 40 users" in page.text
    assert len(page.data["keys"]) == 60
    assert sections["Bias"].absent


def test_what_cannot_be_written_is_told_before_anything_is_measured(tmp_path, monkeypatch):
    monkeypatch.setattr("kinfold.recipes.report.PARTS", {"health": None})
    with pytest.raises(BadFile, match="is a folder"):
        kf.report(blocks(), tmp_path)
    with pytest.raises(BadFile, match="there is no folder"):
        kf.report(blocks(), tmp_path / "nowhere" / "r.html")
