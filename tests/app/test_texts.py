import json

import numpy as np
import pytest

import kinfold as kf
from kinfold import Space

SEA = ["ship", "sailor", "sea", "whale", "wave", "sail", "harbor"]
LAND = ["horse", "farmer", "field", "hay", "plough", "barn", "wheat"]


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """Texts of two topics with their words, and the last one nearly that of the first."""
    rng = np.random.default_rng(0)
    texts = {f"{at % 2}-{at}": " ".join(rng.choice((SEA, LAND)[at % 2], 12)) for at in range(80)}
    texts["0-again"] = texts["0-0"].upper()
    space = kf.documents(texts, method="mean", words=kf.words(list(texts.values()), dim=8, min_count=1, threads=1))
    told = [*texts.values(), *[None] * (len(space) - len(texts))]
    path = tmp_path_factory.mktemp("texts") / "docs.arrow"
    space.with_attribute("text", told).save(path)
    return path


def test_a_question_finds_texts_with_their_parts(kinfold, learned):
    ran = kinfold("search", learned, "Whale and ship?", "wheat", "-k", 3, "--json")
    assert ran.code == 0, ran.err
    assert [each["query"] for each in ran.json] == ["Whale and ship?", "wheat"]
    for each, kind in zip(ran.json, "01", strict=True):
        assert len(each["hits"]) == 3
        assert all(hit["key"].startswith(kind) for hit in each["hits"])
        assert {"score", "dense", "bm25", "hybrid", "snippet"} <= set(each["hits"][0])
    text = kinfold("search", learned, "wheat", "-k", 3).out
    assert text.splitlines()[0] == "wheat"
    assert text.splitlines()[1].split() == ["key", "score", "dense", "bm25", "text"]
    assert ran.json[1]["hits"][0]["snippet"] in text


def test_questions_of_a_file_one_way_and_a_condition(kinfold, learned, tmp_path):
    (tmp_path / "q.txt").write_text("wheat\n\nship\nunheard\n")
    asked = ["search", learned, "--queries", tmp_path / "q.txt", "--how", "bm25", "-k", 40, "--json"]
    ran = kinfold(*asked, "--where", "key like '0-%'")
    assert ran.code == 0, ran.err
    assert [each["query"] for each in ran.json] == ["wheat", "ship", "unheard"]
    assert not ran.json[0]["hits"]
    assert ran.json[1]["hits"]
    assert "nothing was found" in kinfold(*asked[:-1]).out


def test_the_words_are_kept_beside_the_space_only_when_asked(kinfold, learned):
    kept = learned.with_suffix(".bm25")
    kinfold("search", learned, "wheat")
    assert not kept.exists()
    before = kinfold("search", learned, "wheat", "--keep", "--json")
    assert kept.exists()
    assert kinfold("search", learned, "wheat", "--json").json == before.json
    kept.unlink()


def test_search_by_an_index(kinfold, learned):
    assert kinfold("index", learned, "--method", "hnsw").code == 0
    plain = kinfold("search", learned, "wheat", "--json").json
    by_index = kinfold("search", learned, "wheat", "--index", learned.with_suffix(".hnsw"), "--json").json
    assert [hit["key"] for hit in by_index[0]["hits"]] == [hit["key"] for hit in plain[0]["hits"]]


def test_what_is_there_twice_is_left_out(kinfold, learned, tmp_path):
    out, groups = tmp_path / "kept.arrow", tmp_path / "groups.jsonl"
    ran = kinfold("dedup", learned, "-o", out, "--exact", "--report", groups, "--json")
    assert ran.code == 0, ran.err
    assert len(Space.open(out).group("document")) == 80
    assert len(Space.open(out).group("word")) == 14
    (line,) = [json.loads(line) for line in groups.read_text().splitlines()]
    assert (line["key"], [each["key"] for each in line["dropped"]]) == ("0-0", ["0-again"])
    assert ran.json["findings"][0]["value"] == 80
    assert "80 of 81 texts" in kinfold("dedup", learned, "-o", out, "--threshold", 0.999999).out


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet", "tsv"])
def test_tables_of_texts_keep_their_columns(kinfold, tmp_path, ending):
    text = " ".join(f"word{number}" for number in range(40))
    lines = [(text, 1), (f"{text} more", 2), ("another, text", 3), (text.upper(), 4)]
    source = tmp_path / "t.jsonl"
    source.write_text("".join(json.dumps({"body": body, "id": f"k{at}", "n": at}) + "\n" for body, at in lines))
    out = tmp_path / f"kept.{ending}"
    ran = kinfold("dedup", source, "--text", "body", "--key", "id", "-o", out)
    assert ran.code == 0, ran.err
    items = kf.sources.documents.read(out, text="body", key="id")
    assert list(items.raw) == [text, "another, text"]
    assert list(items.keys) == ["k1", "k3"]
    assert items.table["n"].to_pylist() == [1, 3]


def test_lines_of_texts(kinfold, tmp_path):
    (tmp_path / "t.txt").write_text("one line\nOne  line\n\nanother line\n")
    assert kinfold("dedup", tmp_path / "t.txt", "--exact", "-o", tmp_path / "k.txt").code == 0
    assert (tmp_path / "k.txt").read_text() == "one line\n\nanother line\n"


def test_topics_are_told_shown_and_written(kinfold, learned, tmp_path):
    page, out = tmp_path / "t.html", tmp_path / "t.arrow"
    ran = kinfold("topics", learned, "-k", 2, "-o", page, "--save", out, "--layout", "pca", "--json")
    assert ran.code == 0, ran.err
    assert sorted(each["texts"] for each in ran.json["topics"]) == [40, 41]
    for each in ran.json["topics"]:
        assert set(each["words"]) <= set(SEA) or set(each["words"]) <= set(LAND)
    documents = Space.open(out).group("document")
    assert len(set(documents.attribute("topic_name").to_pylist())) == 2
    assert ran.json["topics"][0]["name"] in page.read_text()
    assert "silhouette" in kinfold("topics", learned).out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("search", "{docs}"), "nothing is asked for"),
        (("search", "{docs}", " "), "question 1 is empty"),
        (("search", "{docs}", "a", "--how", "dence"), "Did you mean 'dense'"),
        (("search", "{docs}", "a", "--weights", "1,b"), "--weights"),
        (("search", "{docs}", "a", "--text", "body"), "--how dense"),
        (("search", "{docs}", "a", "--where", "nothing ="), "where:"),
        (("search", "{docs}", "a", "--model", "nowhere.arrow"), "nowhere.arrow"),
        (("search", "{docs}", "a", "--queries", "nowhere.txt"), "nowhere.txt"),
        (("search", "{docs}", "ship", "--rerank", "nowhere/at/all"), "nowhere/at/all"),
        (("search", "{words}", "a"), "attribute of texts"),
        (("search", "{words}", "a", "--how", "dense"), "--how bm25"),
        (("dedup", "{docs}", "-o", "{folder}/k.arrow", "--threshold", "2"), "threshold is 2"),
        (("dedup", "{words}", "-o", "{folder}/k.arrow", "--exact"), "are needed here"),
        (("dedup", "t.csv", "-o", "{folder}/k.arrow"), "texts are written as"),
        (("dedup", "{docs}", "-o", "{folder}/none/k.arrow"), "its folder does not exist"),
        (("topics", "{docs}", "-k", "100"), "there are 81 rows"),
        (("topics", "{words}"), "named by words of texts"),
        (("topics", "{docs}", "-o", "{folder}/t.arrow"), "--save"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_code_2(kinfold, learned, tmp_path, words, says):
    plain = tmp_path / "words.arrow"
    Space.of(["cat", "dog"], np.eye(2), group="word").save(plain)
    ran = kinfold(*(word.format(docs=learned, words=plain, folder=tmp_path) for word in words))
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert says in ran.err
    assert ran.out == ""
