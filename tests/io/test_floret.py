"""floret's hash tables and the vectors of words that they give."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from oracles import murmur as oracle
from peers import peer

from kinfold import Space, io
from kinfold.core.errors import BadData, UnknownName
from kinfold.core.keys import Keys
from kinfold.core.shapes import Items
from kinfold.encode import ENCODERS

ROWS = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
HEADER = "20 4 2 3 2 2166136261 < >"
WORDS = ["the", "naïve", "x", "", "日本", "unseen" * 9, "</s>", "the cat"]


def written(folder: Path, header: str = HEADER, rows: np.ndarray = ROWS, name: str = "a.floret") -> Path:
    lines = [f"{place} " + "".join(f"{number:.9g} " for number in row) for place, row in enumerate(rows.tolist())]
    (folder / name).write_text("\n".join([header, *lines, ""]))
    return folder / name


def by_hand(word: str, rows: np.ndarray, hashes: int = 2, opens: str = "<", closes: str = ">") -> np.ndarray:
    parts = oracle.parts(word, 2, 3, opens, closes)
    found = [rows[value % 20] for part in parts for value in oracle.murmur(part.encode(), 2166136261)[:hashes]]
    return np.mean(found, axis=0) if found else np.zeros(4)


@pytest.mark.parametrize("hashes", [1, 2, 4])
@pytest.mark.parametrize("marks", ["< >", "^ $$"])
def test_words_are_means_of_their_buckets(tmp_path: Path, hashes: int, marks: str) -> None:
    space = io.open(written(tmp_path, f"20 4 2 3 {hashes} 2166136261 {marks}"))
    assert (space.groups, space.card.method) == ({"ngram": range(20)}, "floret")
    np.testing.assert_array_equal(space.rows.dense(), ROWS)
    made = ENCODERS["floret"](space).encode(WORDS)
    assert (list(made.keys), made.groups, made.frame) == (WORDS, {"word": range(8)}, space.frame)
    expected = [by_hand(word, ROWS, hashes, *marks.split()) for word in WORDS]
    np.testing.assert_allclose(made.rows.values, expected, atol=1e-6)
    assert made.card.steps[-1] == {"step": "encode", "words": 8, "empty": 1}


def test_names_repeats_and_what_cannot_be_encoded(tmp_path: Path) -> None:
    encoder = ENCODERS["floret"](io.open(written(tmp_path)))
    assert list(encoder.encode(["b", "a", "b"]).keys) == ["b", "a"]
    named = encoder.encode(Items(["b", "b"], Keys(["first", "second"])))
    np.testing.assert_array_equal(named["first"], named["second"])
    many = encoder.encode([f"word{i}" for i in range(40_000)], threads=1)
    np.testing.assert_allclose(many["word39999"], by_hand("word39999", ROWS), atol=1e-6)
    encoder.save(tmp_path / "a.arrow")
    again = ENCODERS["floret"](io.open(tmp_path / "a.arrow")).encode(["a"])
    np.testing.assert_array_equal(again["a"], encoder.encode(["a"])["a"])
    with pytest.raises(BadData, match="thing 1 is int"):
        encoder.encode(["a", 3])
    with pytest.raises(BadData, match="put it in a list"):
        encoder.encode("a")
    with pytest.raises(UnknownName, match="no group 'ngram'"):
        ENCODERS["floret"](Space.of(["a"], [[1]]))
    with pytest.raises(BadData, match="no hash table"):
        ENCODERS["floret"](Space.of(["0"], [[1]], group="ngram"))


@pytest.mark.parametrize(
    ("header", "what"),
    [
        ("20 4 2 3 2 2166136261 <", "is not the header"),
        ("20 4 2 3 2 x < >", "is not the header"),
        ("20 5 2 3 2 2166136261 < >", "the header says 5 numbers a row, but line 2 has 4"),
        ("0 4 2 3 2 2166136261 < >", "of no model"),
        ("9999999999 4 2 3 2 2166136261 < >", "of no model"),
        ("20 4 2 300 2 2166136261 < >", "of no model"),
        ("20 4 2 3 5 2166136261 < >", "of no model"),
        ("20 4 2 3 2 9999999999 < >", "of no model"),
        ("20 0 2 3 2 2166136261 < >", "0 numbers a row"),
        ("19 4 2 3 2 2166136261 < >", "has the number 19, but there are 19 buckets"),
        ("21 4 2 3 2 2166136261 < >", "20 of 21 buckets have a row"),
    ],
)
def test_headers_that_lie(tmp_path: Path, header: str, what: str) -> None:
    with pytest.raises(BadData, match=what):
        io.open(written(tmp_path, header), "floret")


def test_tables_cut_short(tmp_path: Path) -> None:
    path = written(tmp_path)
    whole = path.read_bytes()
    for cut in (len(whole) - 60, len(whole) - 30):
        path.write_bytes(whole[:cut])
        with pytest.raises(BadData, match=r"a\.floret"):
            io.open(path)
    space = io.open(path, on_bad="skip")
    rows = ROWS.copy()
    rows[19] = 0
    np.testing.assert_allclose(ENCODERS["floret"](space).encode(["the"])["the"], by_hand("the", rows), atol=1e-6)
    path.write_bytes(whole.replace(b"\n3 ", b"\nthree "))
    with pytest.raises(BadData, match="numbered by their buckets"):
        io.open(path)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """A model, its table and its file."""
    library = peer("floret")
    folder = tmp_path_factory.mktemp("floret")
    text = "the the the cat sat on the mat naïve ünïcode\nthe dog ran far away from home\n" * 50
    (folder / "text.txt").write_text(text)
    options = {"dim": 6, "bucket": 300, "minn": 2, "maxn": 4, "hashCount": 2, "minCount": 1, "epoch": 50, "lr": 0.5}
    model = library.train_unsupervised(str(folder / "text.txt"), mode="floret", thread=1, verbose=0, **options)
    model.save_floret_vectors(str(folder / "a.floret"))
    model.save_model(str(folder / "a.bin"))
    plain = library.train_unsupervised(
        str(folder / "text.txt"), thread=1, verbose=0, dim=6, bucket=9, minCount=1, epoch=1
    )
    plain.save_model(str(folder / "plain.bin"))
    return model, folder


@pytest.mark.parametrize("name", ["a.floret", "a.bin"])
def test_equal_to_floret(trained: tuple[Any, Path], name: str) -> None:
    model, folder = trained
    space = io.open(folder / name)
    assert space.card.data["format"] == "floret"
    # To the most frequent word the library adds a row of its own, which is in no table.
    seen = model.get_words()[1:]
    words = [*seen, "unseen", "thecat", "日本", "x", "a" * 100]
    made = ENCODERS["floret"](space).encode(words)
    expected = np.array([model.get_word_vector(word) for word in words])
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(made.rows.values, expected, atol=1e-5, rtol=1e-5)


def test_models_that_are_no_tables(trained: tuple[Any, Path], tmp_path: Path) -> None:
    _, folder = trained
    with pytest.raises(BadData, match="not a hash table of its own mode"):
        io.open(folder / "plain.bin")
    whole = (folder / "a.bin").read_bytes()
    path = tmp_path / "a.bin"
    for cut in (10, 71, 90, 150, 400, 700, len(whole) // 2):
        path.write_bytes(whole[:cut])
        with pytest.raises(BadData, match=r"a\.bin"):
            io.open(path, "floret")
    for at, form, value in (
        (40, "<i", 1 << 30),
        (8, "<i", 7),
        (76, "<i", -5),
        (76, "<i", 1 << 30),
        (72, "<i", 1 << 30),
    ):
        path.write_bytes(whole[:at] + struct.pack(form, value) + whole[at + 4 :])
        with pytest.raises(BadData, match=r"a\.bin"):
            io.open(path, "floret")
