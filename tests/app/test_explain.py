import numpy as np
import pytest

import kinfold as kf

NAMES = ["Comedy", "Horror", "War"]


@pytest.fixture(scope="module")
def movies(tmp_path_factory):
    """A saved Space of three genres, 60 rows each."""
    rng = np.random.default_rng(0)
    kind = np.arange(180) % 3
    rows = 3 * np.eye(6)[kind] + 0.4 * rng.normal(size=(180, 6))
    space = (
        kf.Space.of([f"m{n}" for n in range(180)], rows, group="item")
        .with_attribute("genre", [NAMES[k] for k in kind])
        .with_attribute("year", (1990 + rows[:, 3] * 5).tolist())
        .with_attribute("title", [f"Film {n}" for n in range(180)])
    )
    path = tmp_path_factory.mktemp("movies") / "movies.arrow"
    space.save(path)
    return path


def test_explain_says_what_is_in_a_space(kinfold, learned, movies, tmp_path):
    ran = kinfold("explain", learned, "-o", tmp_path / "page.html")
    assert ran.code == 0, ran.err
    assert "Clusters" in ran.out
    assert "Principal directions" in ran.out
    page = (tmp_path / "page.html").read_text()
    assert "Principal directions" in page
    assert "<svg" in page
    ran = kinfold("explain", movies, "--clusters", 3, "--by", "genre", "--json")
    table = ran.json["tables"][0]
    assert table["columns"][-2:] == ["genre", "lift"]
    assert {row[-2] for row in table["rows"]} == set(NAMES)
    assert [each["title"] for each in kinfold("explain", movies, "--json").json["reports"]] == [
        "Clusters · cluster",
        "Principal directions",
    ]
    assert "Film " in kinfold("explain", movies, "--show", "title").out


def test_axes_of_words_and_of_attributes(kinfold, learned, movies, tmp_path):
    (tmp_path / "keys.txt").write_text("whale\nhay\nnothing\n")
    ran = kinfold("explain", learned, "--axis", "ship:horse", "--keys", tmp_path / "keys.txt", "--neighbors", 2)
    assert ran.code == 0, ran.err
    assert "ship:horse · held out" in ran.out
    assert "nothing" in ran.out
    found = kinfold("explain", learned, "--axis", "ship:horse", "--keys", "whale, hay", "--neighbors", 2, "--json").json
    places = {each["name"]: each["value"] for each in found["findings"]}
    assert places["whale"] < 0 < places["hay"]
    ran = kinfold("explain", movies, "--axis", "genre=Comedy:genre=Horror", "-k", 1, "--show", "title", "--json")
    assert [each["name"] for each in ran.json["findings"]][0:2] == ["held out", "reliability"]
    assert kinfold("explain", learned, "--axis", "ship").code == 2
    assert "put a colon" in kinfold("explain", learned, "--axis", "ship").err


def test_probes_and_exemplars(kinfold, movies, tmp_path):
    ran = kinfold("explain", movies, "--probe", "genre", "--probe", "year", "--json")
    names, years = ran.json["reports"]
    assert names["findings"][0]["value"] > 0.95
    assert [each["name"] for each in years["findings"]] == ["R²", "control", "selectivity", "spearman"]
    ran = kinfold("explain", movies, "--key", "m0", "--by", "genre", "-k", 2, "--show", "title")
    assert "Counter-exemplars" in ran.out
    ran = kinfold("explain", movies, "--key", "genre=War", "-k", 2, "-o", tmp_path / "war.html")
    assert "most typical of genre=War" in ran.out
    assert (tmp_path / "war.html").exists()
    assert "no attribute 'genres'" in kinfold("explain", movies, "--probe", "genres").err


def test_features_become_rows_that_are_asked_like_any_others(kinfold, movies, tmp_path):
    path = tmp_path / "features.arrow"
    ran = kinfold("explain", movies, "--features", 3, "--active", 1, "--by", "genre", "--again", "-o", path)
    assert ran.code == 0, ran.err
    assert "reconstruction R²" in ran.out
    assert "found again" in ran.out
    both = kf.open(path)
    assert both.groups == {"item": range(180), "feature": range(180, 183)}
    assert both.card.reports[-1].title == "Features"
    name = both.keys[180]
    near = kinfold("nearest", path, f"feature:{name}", "--group", "item", "-k", 3, "--show", "genre", "--json")
    assert len({hit["genre"] for hit in near.json[0]["hits"]}) == 1
    ran = kinfold("why", path, "m0", "m3", "-k", 3)
    assert "Pairs of parts" in ran.out
    assert "(what features leave)" in ran.out
    assert kinfold("explain", movies, "--features", 3).code == 0
    assert "active is 9" in kinfold("explain", movies, "--features", 3, "--active", 9).err
    for out, says in (("x.arrow", "add --features"), ("x.txt", "neither a page")):
        ran = kinfold("explain", movies, "-o", tmp_path / out)
        assert ran.code == 2
        assert says in ran.err


def test_why_two_keys_or_texts_are_near(kinfold, learned, tmp_path):
    ran = kinfold("why", learned, "ship", "sea", "--json", "-o", tmp_path / "why.html")
    score = ran.json["findings"][0]["value"]
    assert score == pytest.approx(kf.open(learned).similarity("ship", "sea"), abs=1e-5)
    assert sum(row[3] for row in ran.json["tables"][0]["rows"]) == pytest.approx(score, abs=1e-9)
    assert "Dimensions" in (tmp_path / "why.html").read_text()
    ran = kinfold("why", learned, "ship", "--text", "the whale and the sea")
    assert "Pairs of parts" in ran.out
    assert "plain means" in ran.out
    for words, says in (
        (("why", learned, "ship"), "two things"),
        (("why",), "name a Space"),
        (("why", learned, "ship", "nobody"), "no row is named 'nobody'"),
        (("why", learned, "--user", "u1"), "of one item"),
        (("why", learned, "ship", "sea", "-o", "x.txt"), "no page"),
        (("why", learned, "ship", "sea", "-k", 0), "k is 0"),
    ):
        ran = kinfold(*words)
        assert ran.code == 2
        assert says in ran.err


def test_texts_by_a_transformer(kinfold, tmp_path):
    from peers import peer

    peer("torch"), peer("transformers"), peer("tokenizers")
    from models import tiny

    folder = tiny(tmp_path / "model")
    ran = kinfold("why", "--model", folder, "--text", "the red barn", "--text", "a green sea", "-k", 500, "--json")
    assert ran.code == 0, ran.err
    pairs = ran.json["tables"][0]
    assert pairs["title"] == "Pairs of parts"
    assert sum(row[2] for row in pairs["rows"]) == pytest.approx(ran.json["findings"][0]["value"], abs=1e-6)
    assert {"barn", "[CLS]"} <= {row[0] for row in pairs["rows"]}


def test_texts_are_clusters_of_topics(kinfold, tmp_path):
    texts = ["a ship at sea", "the ship and the sea", "hay in the barn", "a barn of hay"] * 10
    rows = np.repeat([[1.0, 0, 0.1], [0, 1, 0.1]], 2, axis=0)[np.arange(40) % 4]
    rows += 0.05 * np.random.default_rng(0).normal(size=rows.shape)
    space = kf.Space.of(range(40), rows, group="document").with_attribute("text", texts)
    space.save(tmp_path / "docs.arrow")
    ran = kinfold("explain", tmp_path / "docs.arrow", "--clusters", 2)
    assert ran.code == 0, ran.err
    assert "Topics" in ran.out
    assert "barn" in ran.out


def test_keys_without_an_axis_are_refused(kinfold, movies):
    ran = kinfold("explain", movies, "--keys", "m1,m2")
    assert ran.code == 2
    assert "--axis" in ran.err
