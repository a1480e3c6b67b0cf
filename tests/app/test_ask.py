import io
import json
import sys

import numpy as np
import pytest

import kinfold as kf
from kinfold import Space
from kinfold.core.keys import Keys


@pytest.fixture(scope="module")
def royal(tmp_path_factory):
    """Words with awkward names, and the rows of n-grams behind them."""
    words = {
        "man": [1, 0, 0.2],
        "woman": [0, 1, 0.2],
        "king": [1, 0, 1],
        "queen": [0, 1, 1],
        "a:1,b": [-1, -1, 0],
        "New York": [-1, 0.5, -0.5],
    }
    keys = Keys([*words, *(str(number) for number in range(40))], {"word": 6, "ngram": 40})
    rows = np.concatenate([list(words.values()), np.random.default_rng(0).normal(size=(40, 3))])
    path = tmp_path_factory.mktemp("royal") / "royal.arrow"
    Space.of(keys, rows).with_attribute("count", [*range(60, 0, -10), *[None] * 40]).save(path)
    return path


def keys_of(answer):
    return [hit["key"] for hit in answer["hits"]]


def test_nearest_to_a_mix_by_plus_and_minus(kinfold, royal):
    ran = kinfold("nearest", royal, "--plus", "king", "--plus", "woman", "--minus", "man", "-k", 3, "--json")
    assert ran.code == 0, ran.err
    (answer,) = ran.json
    assert answer["query"] == "king + woman - man"
    assert keys_of(answer) == kf.open(royal).nearest({"king": 1, "woman": 1, "man": -1}, 3).keys
    assert keys_of(answer)[0] == "queen"
    assert "king + woman - man" in kinfold("nearest", royal, "--plus", "king", "--plus", "woman", "--minus", "man").out


def test_keys_mixes_and_vectors_are_answered_together(kinfold, royal, tmp_path):
    space = kf.open(royal)
    np.save(tmp_path / "v.npy", space["queen"])
    mixes = ["--mix", '{"a:1,b": 0.5, "New York": 1}', "--mix", '{"king": 2}']
    ran = kinfold(
        "nearest", royal, "man", *mixes, "--vectors", tmp_path / "v.npy", "--group", "word", "-k", 2, "--json"
    )
    assert ran.code == 0, ran.err
    assert [each["query"] for each in ran.json] == ["man", "0.5 a:1,b + New York", "2 king", "a vector"]
    assert keys_of(ran.json[1]) == space.nearest({"a:1,b": 0.5, "New York": 1}, 2).keys
    assert keys_of(ran.json[3])[0] == "queen"


def test_vectors_come_from_standard_input_too(kinfold, royal, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"0 1 1\n[1, 0, 1]\n")))
    ran = kinfold("nearest", royal, "--vectors", "-", "-k", 1, "--where", "count > 0", "--json")
    assert [keys_of(each)[0] for each in ran.json] == ["queen", "king"]


def test_an_index_is_asked_about_groups_mixes_and_exclusions(kinfold, royal):
    assert kinfold("index", royal, "--method", "hnsw").code == 0
    asked = ["--plus", "king", "--plus", "3", "--exclude", "queen", "-k", 4, "--json"]
    for group in ("word", "ngram"):
        by_index = kinfold("nearest", royal, *asked, "--group", group, "--index", royal.with_suffix(".hnsw"))
        assert by_index.code == 0, by_index.err
        assert keys_of(by_index.json[0]) == keys_of(kinfold("nearest", royal, *asked, "--group", group).json[0])
        assert "queen" not in keys_of(by_index.json[0])


def test_analogy_keeps_to_condition_group_and_exclusions(kinfold, royal):
    asked = ["analogy", royal, "man", "king", "woman", "-k", 9, "--json"]
    assert keys_of(kinfold(*asked).json)[0] == "queen"
    assert len(keys_of(kinfold(*asked).json)) == 3
    assert "queen" not in keys_of(kinfold(*asked, "--exclude", "queen").json)
    assert set(keys_of(kinfold(*asked, "--where", "count < 30").json)) == {"New York", "a:1,b"}
    assert all(key.isdecimal() for key in keys_of(kinfold(*asked, "--group", "ngram").json))


def test_the_odd_one_is_named(kinfold, learned):
    ran = kinfold("odd", learned, "ship", "horse", "sea", "whale", "--json")
    assert ran.code == 0, ran.err
    assert ran.json["odd"] == ran.json["keys"][0]["key"] == "horse"
    assert len(ran.json["keys"]) == 4
    assert "The odd one out is horse" in kinfold("odd", learned, "ship", "horse", "sea", "whale").out


def test_similarity_of_two_of_each_with_each_and_of_lists(kinfold, learned):
    space = kf.open(learned)
    two = kinfold("similarity", learned, "ship", "sea", "--json").json
    assert two["findings"][0]["value"] == pytest.approx(space.similarity("ship", "sea"), abs=1e-6)
    assert two["tables"] == []
    each = kinfold("similarity", learned, "ship", "sea", "horse", "--json").json
    assert each["findings"] == []
    assert [row[0] for row in each["tables"][0]["rows"]] == ["ship", "sea", "horse"]
    np.testing.assert_allclose(np.diag([row[1:] for row in each["tables"][0]["rows"]]), 1, atol=1e-5)
    lists = kinfold("similarity", learned, "ship", "sea", "--to", "horse", "--to", "hay", "--json").json
    expected = space.similarity(["ship", "sea"], ["horse", "hay"])
    assert lists["findings"][0]["value"] == pytest.approx(expected, abs=1e-6)
    assert lists["tables"][0]["columns"] == ["", "horse", "hay"]
    assert f"{expected:.3f}" in kinfold("similarity", learned, "ship", "sea", "--to", "horse", "--to", "hay").out


def test_rank_counts_what_is_closer(kinfold, learned):
    order = kf.open(learned).nearest("ship", 15).keys
    ran = kinfold("rank", learned, "ship", order[0], order[4], "--json")
    assert ran.code == 0, ran.err
    assert [(each["rank"], each["of"]) for each in ran.json["ranks"]] == [(1, 15), (5, 15)]
    assert ran.json["ranks"][1]["closer"] == order[:4]
    assert order[4] in kinfold("rank", learned, "ship", order[4]).out


def test_distance_between_two_texts_shows_what_moves(kinfold, learned):
    ran = kinfold("distance", learned, "The ship and the sea", "a horse unheard", "--json")
    assert ran.code == 0, ran.err
    expected = kf.measure.movers_distance(kf.open(learned), "The ship and the sea", "a horse unheard")
    assert ran.json == json.loads(json.dumps(expected.to_dict()))
    text = kinfold("distance", learned, "The ship and the sea", "a horse unheard").out
    assert "unheard" in text
    assert "Moves" in text


def test_distance_to_the_lines_of_a_file(kinfold, learned, tmp_path):
    (tmp_path / "texts.txt").write_text("the horse\n\nunheard of\nSHIP and sea!\nthe whale\n")
    (tmp_path / "stop.txt").write_text("the\nand\n")
    asked = ["distance", learned, "sea, the ship", "--among", tmp_path / "texts.txt", "-k", 2]
    ran = kinfold(*asked, "--stop-words", tmp_path / "stop.txt", "--json")
    assert ran.code == 0, ran.err
    assert ran.json["hits"][0] == {"line": 4, "distance": 0.0, "text": "SHIP and sea!"}
    assert len(ran.json["hits"]) == 2
    assert ran.json["texts"] == 5
    assert ran.json["texts without a word"] == 2
    assert ran.json["words without a row"] == 2
    text = kinfold(*asked).out
    assert "2 of 5 texts hold no word" in text
    assert "2 words have no row: unheard, of" in text


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("nearest", "{space}"), "nothing is asked for"),
        (("nearest", "{space}", "--mix", "king:1"), "--mix is a JSON object"),
        (("nearest", "{space}", "--mix", '{{"king": "a"}}'), "finite number"),
        (("nearest", "{space}", "--plus", "kin"), "Did you mean 'king'"),
        (("nearest", "{space}", "--plus", "king", "--minus", "king"), "cancel out"),
        (("nearest", "{space}", "--vectors", "nowhere.npy"), "no such file"),
        (("nearest", "{space}", "king", "--group", "wort"), "Did you mean 'word'"),
        (("odd", "{space}", "man", "king"), "3 keys or more"),
        (("similarity", "{space}", "man"), "--to"),
        (("rank", "{space}", "man", "man"), "no rank"),
        (("distance", "{space}", "man"), "--among"),
        (("distance", "{space}", "man", "king", "--among", "x"), "--among"),
        (("distance", "{space}", "man", "nothing known"), "none of the 2 words"),
        (("distance", "{space}", "man", "--among", "nowhere.txt"), "nowhere.txt"),
        (("distance", "{space}", "man", "king", "--tokenizer", "letters"), "--tokenizer letters"),
    ],
)
def test_what_cannot_be_answered_is_one_line_and_code_2(kinfold, royal, words, says):
    ran = kinfold(*(word.format(space=royal) for word in words))
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert says in ran.err
    assert ran.out == ""
