import numpy as np
import pytest

import kinfold as kf
from kinfold import Space
from kinfold.core.keys import Keys


@pytest.fixture
def parts(tmp_path):
    """Words of two kinds with counts, and n-grams, which have none."""
    rng = np.random.default_rng(0)
    rows = np.concatenate([np.eye(4)[np.arange(30) % 2] + 0.1 * rng.normal(size=(30, 4)), rng.normal(size=(50, 4))])
    keys = Keys([f"w{i}" for i in range(30)] + [str(i) for i in range(50)], {"word": 30, "ngram": 50})
    space = Space.of(keys, rows).with_attribute("count", [*range(30, 0, -1), *[None] * 50])
    space.with_attribute("even", [row % 2 == 0 for row in range(80)]).save(tmp_path / "parts.arrow")
    return tmp_path / "parts.arrow"


def test_clusters_are_found_kept_and_drawn(kinfold, parts, tmp_path):
    out, page = tmp_path / "clustered.arrow", tmp_path / "map.html"
    ran = kinfold("clusters", parts, "-k", 2, "-o", out, "--json")
    assert ran.code == 0, ran.err
    space = kf.open(out)
    owners = space.attribute("cluster").to_pylist()
    assert [owners[row] == owners[0] for row in range(30)] == [row % 2 == 0 for row in range(30)]
    assert owners[30:] == [None] * 50
    assert space.card.reports[-1].title == ran.json["title"] == "Clusters · cluster"
    assert ran.json["findings"][0]["value"] > 0.8
    assert kinfold("map", out, "-o", page, "--color", "cluster", "--method", "pca", "--json").json["points"] == 30
    assert space.attribute("cluster_name")[0].as_py() in page.read_text()


def test_without_a_place_to_write_clusters_are_only_told(kinfold, parts, tmp_path):
    text = kinfold("clusters", parts, "-k", 3).out
    assert "silhouette" in text
    assert "w1" in text
    assert [each.name for each in tmp_path.iterdir()] == ["parts.arrow"]
    assert len(kinfold("clusters", parts, "--group", "ngram", "--json").json["tables"][0]["rows"]) == 10


def test_kinds_that_are_there_are_judged(kinfold, parts):
    ran = kinfold("clusters", parts, "--by", "even", "--json")
    assert ran.code == 0, ran.err
    assert ran.json["findings"][0]["value"] > 0.8
    assert {row[0] for row in ran.json["tables"][0]["rows"]} == {"true", "false"}


def test_restrict_keeps_the_frequent_part(kinfold, parts, tmp_path):
    out = tmp_path / "small.arrow"
    ran = kinfold("restrict", parts, "--top", 8, "--where", "even", "-o", out, "--json")
    assert ran.code == 0, ran.err
    assert (ran.json["kept"], ran.json["of"], ran.json["rows"]) == (8, 30, 58)
    assert list(kf.open(out).group().keys) == [f"w{i}" for i in range(0, 16, 2)]
    text = kinfold("restrict", parts, "--min-count", 21, "--alone", "-o", out).out
    assert "10 of 30 rows of 'word'" in text
    assert kf.open(out).groups == {"word": range(10)}


def test_map_and_report_are_of_the_first_group(kinfold, parts, tmp_path):
    out = tmp_path / "page.html"
    assert kinfold("map", parts, "-o", out, "--method", "pca", "--json").json["points"] == 30
    both = kinfold("map", parts, "-o", out, "--method", "pca", "--group", "word", "--group", "ngram", "--json")
    assert both.json["points"] == 80
    few = tmp_path / "few.arrow"  # so few that PCA draws them in a moment
    assert kinfold("restrict", parts, "--top", 8, "-o", few).code == 0
    assert kinfold("report", few, "-o", out).code == 0
    assert "8 words, 4 dimensions" in out.read_text()
    assert kinfold("restrict", few, "--group", "ngram", "--top", 9, "-o", few).code == 0
    assert kinfold("report", few, "-o", out, "--group", "ngram").code == 0
    assert "9 ngrams, 4 dimensions" in out.read_text()


def test_evaluate_takes_the_group_that_is_named(kinfold, parts, tmp_path):
    (tmp_path / "pairs.txt").write_text("1 2 3\n3 4 4\n")
    asked = ["evaluate", parts, "--similarity", tmp_path / "pairs.txt", "--json"]
    coverage = {
        group: kinfold(*asked, *(["--group", group] if group else [])).json[0]["findings"][1]["value"]
        for group in ("", "ngram")
    }
    assert coverage == {"": 0, "ngram": 1}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("clusters", "-k", "31"), "k is 31, but there are 30 rows"),
        (("clusters", "-k", "2", "--by", "even"), "give one of them"),
        (("clusters", "--by", "evn"), "Did you mean 'even'"),
        (("clusters", "-k", "2", "-o", "no/folder/x.arrow"), "cannot be written"),
        (("restrict", "-o", "{out}"), "nothing to restrict by"),
        (("restrict", "-o", "{out}", "--where", "count > 99"), "none of the 30 rows"),
        (("restrict", "-o", "{out}", "--top", "0"), "top is 0"),
    ],
)
def test_an_error_is_one_line_and_leaves_nothing(kinfold, parts, tmp_path, words, says):
    command, *rest = words
    ran = kinfold(command, parts, *(word.format(out=tmp_path / "out.arrow") for word in rest))
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert says in ran.err
    assert [each.name for each in tmp_path.iterdir()] == ["parts.arrow"]
