"""`kinfold learn …` beyond plain words: subwords, documents, and vectors to begin with."""

import json

import numpy as np
import pytest

import kinfold as kf


@pytest.fixture(scope="module")
def reviews(tmp_path_factory):
    rng = np.random.default_rng(0)
    topics = [["ship", "sailor", "sea", "whale", "wave"], ["horse", "farmer", "field", "hay", "barn"]]
    path = tmp_path_factory.mktemp("reviews") / "reviews.jsonl"
    rows = [{"id": 100 + n, "text": " ".join(rng.choice(topics[n % 2], 9)), "stars": n % 5} for n in range(300)]
    rows[4]["text"] = ""
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def test_fasttext_by_name(kinfold, corpus, tmp_path):
    out = tmp_path / "words.arrow"
    ran = kinfold("learn", "words", corpus, "-o", out, "--method", "fasttext", "--dim", 8, "--max-n", 4, "--epochs", 1)
    assert ran.code == 0, ran.err
    assert "ngrams beside them" in ran.out
    space = kf.open(out)
    assert space.card.method == "fasttext"
    assert space.card.parameters["max_n"] == 4
    assert list(space.groups) == ["word", "ngram"]


def test_documents(kinfold, reviews, tmp_path):
    out = tmp_path / "docs.arrow"
    asked = "--text text --key id --dim 8 --epochs 20 --subsample 0 --learning-rate 0.1 --threads 1"
    ran = kinfold("learn", "documents", reviews, "-o", out, *asked.split(), "--json")
    assert ran.code == 0, ran.err
    assert ran.json["documents"] == 299
    near = kinfold("nearest", out, "document:100", "-k", 5, "--where", "stars < 4", "--json")
    assert near.code == 0, near.err
    assert all(int(hit["key"]) % 2 == 0 for hit in near.json[0]["hits"])


def test_documents_without_words_are_told_of(kinfold, reviews, learned, tmp_path):
    asked = ("--text", "text", "--key", "id", "--method", "sif", "--words", learned)
    ran = kinfold("learn", "documents", reviews, "-o", tmp_path / "docs.arrow", *asked)
    assert ran.code == 0, ran.err
    assert "1 of 300 documents" in ran.out
    assert "Next: kinfold nearest" in ran.out


def test_what_documents_lack_is_said(kinfold, reviews, tmp_path):
    ran = kinfold("learn", "documents", reviews, "-o", tmp_path / "x.arrow")
    assert ran.code == 2
    assert "It has: id, text, stars" in ran.err
    ran = kinfold("learn", "documents", reviews, "-o", tmp_path / "x.arrow", "--text", "text", "--method", "usif")
    assert ran.code == 2
    assert "give --words …" in ran.err


@pytest.mark.parametrize("ending", [".arrow", ".vec", ".glove", ".bin"])
def test_words_begin_with_vectors_of_any_format(kinfold, learned, tmp_path, ending):
    given = tmp_path / f"given{ending}"
    kf.convert(learned, given)
    more = tmp_path / "more.txt"
    more.write_text("the pilot flew a plane over the sea and wave\n" * 200)
    out = tmp_path / "more.arrow"
    ran = kinfold("learn", "words", more, "--start", given, "--known", "freeze", "-o", out, "--epochs", 2)
    assert ran.code == 0, ran.err
    old, new = kf.open(learned), kf.open(out)
    assert "pilot" in new
    np.testing.assert_allclose(new.vectors(list(old.keys)), old.rows.values, atol=1e-6)
    assert new.card.steps[-1]["known"] == "freeze"


def test_a_start_of_another_dimension_is_refused(kinfold, corpus, learned, tmp_path):
    ran = kinfold("learn", "words", corpus, "--start", learned, "--dim", 50, "-o", tmp_path / "x.arrow")
    assert ran.code == 2
    assert "use --dim 12" in ran.err
    ran = kinfold("learn", "words", corpus, "--start", learned, "--resume", learned, "-o", tmp_path / "x.arrow")
    assert ran.code == 2
    assert "give one of them" in ran.err


def test_ways_out_are_spelled_as_options(kinfold, corpus, tmp_path):
    start = tmp_path / "start.arrow"
    assert kinfold("learn", "words", corpus, "-o", start, "--dim", 16, "--epochs", 1).code == 0
    ran = kinfold("learn", "words", corpus, "-o", tmp_path / "out.arrow", "--start", start, "--dim", 20)
    assert ran.code == 2
    assert "--dim 16" in ran.err
    for options, says in (
        (("--known", "freeze"), "give --start …"),
        (("--start", start, "--share", 0.5), "leave it out"),
        (("--start", start, "--pull", 2), "leave it out"),
    ):
        ran = kinfold("learn", "words", corpus, "-o", tmp_path / "out.arrow", *options)
        assert ran.code == 2
        assert says in ran.err
    ran = kinfold("learn", "words", corpus, "-o", tmp_path / "out.arrow", "--start", start, "--epochs", 1)
    assert "begun with vectors for 16 of the words here; 0 are new" in ran.out


def test_documents_of_an_empty_file_are_an_error_that_says_so(kinfold, tmp_path):
    (tmp_path / "empty.txt").write_text("")
    ran = kinfold("learn", "documents", tmp_path / "empty.txt", "-o", tmp_path / "d.arrow")
    assert ran.code == 2
    assert "Is there text" in ran.err
