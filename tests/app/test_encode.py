import gzip
import json

import numpy as np
import pytest
from models import tiny
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


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    return tiny(tmp_path_factory.mktemp("models") / "model", dim=128)


class TestTexts:
    @pytest.fixture
    def table(self, tmp_path):
        rows = [{"id": f"r{n}", "body": f"the ship {n} is at sea", "year": 1900 + n} for n in range(2500)]
        rows[7]["body"] = "  "
        (tmp_path / "texts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        return tmp_path / "texts.jsonl"

    def test_a_table_becomes_a_space_with_its_columns(self, kinfold, network, table, tmp_path):
        out = tmp_path / "docs.arrow"
        ran = kinfold("encode", table, "--model", network, "--text", "body", "--key", "id", "-o", out)
        assert ran.code == 0, ran.err
        assert "2,500 texts, 1 skipped" in ran.out
        space = kf.open(out)
        assert len(space) == 2499
        assert space.attribute("text").to_pylist()[7:9] == ["the ship 8 is at sea", "the ship 9 is at sea"]
        assert space.attribute("year").to_pylist()[7] == 1908
        np.testing.assert_array_equal(space["r8"], kf.encoder(network).vectors(["the ship 8 is at sea"])[0])
        assert not list(tmp_path.glob(".*partial"))

    def test_a_run_that_was_killed_goes_on(self, kinfold, network, table, tmp_path):
        wanted, out = tmp_path / "wanted.arrow", tmp_path / "docs.arrow"
        options = ("--model", network, "--text", "body", "--key", "id")
        assert kinfold("encode", table, *options, "-o", wanted).code == 0

        class Killed(BaseException):
            pass

        class Watch:
            done = 0

            def start(self, *args):
                pass

            def advance(self, amount, **numbers):
                self.done += amount
                if self.done > 1500:
                    raise Killed

        partial = tmp_path / ".docs.arrow.partial"
        with pytest.raises(Killed):
            kf.texts(table, network, text="body", key="id", resume=partial, progress=Watch())
        assert 0 < json.loads((partial / "state.json").read_text())["texts"] < 2500
        with open(partial / "rows.f32", "ab") as file:
            file.write(b"half a row that was never noted")
        other = kinfold("encode", table, *options, "--max-length", 16, "-o", out)
        assert other.code == 2
        assert "was begun otherwise (max_length 64)" in other.err
        ran = kinfold("encode", table, *options, "-o", out)
        assert ran.code == 0, ran.err
        assert "going on after 1,024 that were done" in ran.out
        assert kf.open(out).rows.dense().tobytes() == kf.open(wanted).rows.dense().tobytes()
        assert not partial.exists()

    def test_a_run_that_broke_off_before_its_first_text_is_in_nobodys_way(self, kinfold, network, tmp_path):
        partial, out = tmp_path / ".out.arrow.partial", tmp_path / "out.arrow"
        partial.mkdir()
        for name in ("rows.f32", "kept.i64"):
            (partial / name).write_bytes(b"half a row")
        assert kinfold("encode", "a ship", "--model", network, "-o", out).code == 0
        assert len(kf.open(out)) == 1
        partial.mkdir()
        (partial / "letter.txt").write_text("of somebody else")
        assert "holds something else" in kinfold("encode", "a ship", "--model", network, "-o", out).err

    def test_a_file_without_texts_and_chunks_of_none(self, kinfold, network, tmp_path):
        out, empty = tmp_path / "out.arrow", tmp_path / "empty.txt"
        empty.touch()
        for how in ((), ("--tokens",), ("--chunk", 16)):
            ran = kinfold("encode", empty, "--model", network, *how, "-o", out)
            assert ran.code == 2
            assert f"{empty}: has no text" in ran.err
        ran = kinfold("encode", "a ship", "--model", network, "--chunk", 0, "-o", out)
        assert ran.code == 2
        assert "chunks of 0 tokens are too small" in ran.err
        assert list(tmp_path.iterdir()) == [empty]

    def test_texts_on_the_command_line_chunks_and_tokens(self, kinfold, network, tmp_path):
        out = tmp_path / "out.arrow"
        ran = kinfold("encode", "a ship", "hay", "--model", network, "-o", out, "--precision", "float32", "--json")
        assert ran.code == 0, ran.err
        assert ran.json["precision"] == "float32"
        assert ran.json["rows"] == 2
        assert kinfold("encode", "the sea. " * 40, "--model", network, "--chunk", 16, "-o", out).code == 0
        assert list(kf.open(out).groups) == ["chunk"]
        assert kinfold("encode", "the red ship", "--model", network, "--tokens", "-o", out).code == 0
        assert kf.open(out).attribute("text").to_pylist() == ["the", "red", "ship"]

    def test_what_is_wrong_is_said_in_a_line(self, kinfold, network, table, tmp_path):
        out = tmp_path / "out.arrow"
        for given, words in (
            ([tmp_path / "none.jsonl", "--model", network], "none.jsonl: no such file"),
            ([table, "--model", tmp_path], "has no config.json"),
            ([table, "--model", network], "name the column that holds the text"),
            ([table, "--model", network, "--text", "body", "--precision", "int3"], "--precision int3 is not known"),
            ([table, "--model", network, "--file", table], "name the file of texts first"),
            ([table, "--precision", "int8", "x"], "go with --model"),
            (["a", "--model", network, "--tokens", "--chunk", "16"], "choose one of them"),
        ):
            ran = kinfold("encode", *given, "-o", out)
            assert ran.code == 2, ran.out
            assert words in ran.err
