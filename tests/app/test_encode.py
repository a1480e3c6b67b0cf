import gzip
import json

import numpy as np
import pytest
from oracles import fasttext as oracle

import kinfold as kf


@pytest.fixture
def model(tmp_path):
    made = oracle.model("skipgram")
    (tmp_path / "model.bin").write_bytes(made.file())
    return made


def test_encode_gives_words_rows_that_the_model_has_not(kinfold, model, tmp_path):
    out = tmp_path / "out.arrow"
    ran = kinfold("encode", tmp_path / "model.bin", "unseenish", "ship", "", "-o", out)
    assert ran.code == 0, ran.err
    assert "3 words, 1 seen, 2 unseen, 1 empty" in ran.out
    space = kf.open(out)
    assert list(space.keys) == ["unseenish", "ship", ""]
    for word in space.keys:
        np.testing.assert_allclose(space[word], model.vector(word.encode()), atol=1e-6)
    assert space.frame == kf.open(tmp_path / "model.bin").frame


def test_encode_takes_a_file_with_a_word_a_line(kinfold, model, tmp_path):
    (tmp_path / "words.txt.gz").write_bytes(gzip.compress("naïvely\r\n\nship\nship\n".encode()))
    out = tmp_path / "out.vec"
    ran = kinfold("encode", tmp_path / "model.bin", "--file", tmp_path / "words.txt.gz", "-o", out, "--json")
    assert ran.code == 0, ran.err
    assert {"rows": 2, "dim": 5, "seen": 1, "unseen": 1, "empty": 0}.items() <= ran.json.items()
    assert list(kf.open(out).keys) == ["naïvely", "ship"]


def test_models_are_converted_there_and_back(kinfold, model, tmp_path):
    there, back = tmp_path / "words.arrow", tmp_path / "words.bin"
    assert kinfold("convert", tmp_path / "model.bin", there).code == 0
    ran = kinfold("convert", there, back, "--format", "fasttext", "--json")
    assert ran.code == 0, ran.err
    assert back.read_bytes() == model.file()
    assert next(each["value"] for each in ran.json["findings"] if each["name"] == "rows written") == 8 + 54
    assert not any("Only the group" in note for note in ran.json["notes"])
    # Without a format, .bin is word2vec's.
    ran = kinfold("convert", there, tmp_path / "plain.bin", "--json")
    assert any("Only the group 'word' was written; not: ngram" in note for note in json.loads(ran.out)["notes"])
    assert list(kf.open(tmp_path / "plain.bin").groups) == ["word"]


def test_what_is_asked_of_a_model_is_answered(kinfold, model, tmp_path):
    values = kinfold("info", tmp_path / "model.bin", "--json").json
    assert values["groups"] == {"word": 8, "ngram": 54}
    assert values["card"]["parameters"]["max_n"] == 6
    assert len(kinfold("nearest", tmp_path / "model.bin", "ship", "-k", 3, "--json").json[0]["hits"]) == 3


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("{model}", "-o", "{out}.arrow"), "one or more THINGs"),
        (("{model}", "ship", "--file", "{text}", "-o", "{out}.arrow"), "not both"),
        (("{model}", "ship", "-o", "{out}.xyz"), "ending stands for no format"),
        (("{model}", "--file", "nowhere.txt", "-o", "{out}.arrow"), "nowhere.txt"),
        (("nowhere.bin", "ship", "-o", "{out}.arrow"), "no such file"),
        (("{space}", "ship", "-o", "{out}.arrow"), "vectors by 'word2vec'"),
        (("{model}", "ship", "-o", "{out}.arrow", "--encoder", "subwrd"), "Did you mean 'subword'"),
    ],
)
def test_an_error_is_one_line_and_leaves_nothing(kinfold, model, learned, corpus, tmp_path, words, says):
    places = {"model": tmp_path / "model.bin", "space": learned, "text": corpus, "out": tmp_path / "out"}
    ran = kinfold("encode", *(word.format(**places) for word in words))
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert says in ran.err
    assert [each.name for each in tmp_path.iterdir()] == ["model.bin"]


def test_texts_of_a_table_keep_their_names_and_attributes(kinfold, learned, tmp_path):
    table = tmp_path / "texts.jsonl"
    table.write_text('{"id": "a", "text": "the ship at sea", "year": 1}\n{"id": "b", "text": "", "year": 2}\n')
    out = tmp_path / "out.arrow"
    asked = ("--file", table, "--text", "text", "--key", "id", "--encoder", "pooled")
    ran = kinfold("encode", learned, "-o", out, *asked)
    assert ran.code == 0, ran.err
    assert "1 skipped" in ran.out
    space = kf.open(out)
    assert list(space.keys) == ["a"]
    assert space.attribute("year").to_pylist() == [1]
    assert space.frame == kf.open(learned).frame


def test_a_text_is_encoded_by_the_method_of_its_documents(kinfold, learned, tmp_path):
    texts = tmp_path / "texts.txt"
    texts.write_text("ship sailor sea\nhorse farmer field\n" * 40)
    docs = tmp_path / "docs.arrow"
    ran = kinfold("learn", "documents", texts, "-o", docs, "--method", "sif", "--words", learned)
    assert ran.code == 0, ran.err
    out = tmp_path / "out.arrow"
    ran = kinfold("encode", docs, "sailor of the sea", "-o", out)
    assert ran.code == 0, ran.err
    assert kf.open(out).frame == kf.open(docs).frame
