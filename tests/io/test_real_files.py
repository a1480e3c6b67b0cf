"""Files that other programs wrote."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from kinfold import io
from kinfold.core.errors import BadData

VECTORS = Path(os.environ.get("KINFOLD_DATA", Path(__file__).parents[3] / "shared" / "data")) / "vectors"

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not VECTORS.exists(), reason="the real vectors are not here; KINFOLD_DATA names their folder"),
]

FILES = {
    "googlenews_subset_300d.bin": ("word2vec-binary", 12_479, 300),
    "glove_twitter_12k_25d.txt.gz": ("glove", 11_925, 25),
    "formats/crime-and-punishment.vec": ("word2vec-text", 291, 5),
    "formats/lee_fasttext.vec": ("word2vec-text", 1_762, 10),
    "formats/word2vec_pre_kv_c": ("word2vec-text", 1_750, 10),
    "formats/euclidean_vectors.bin": ("word2vec-binary", 2_747, 10),
    "formats/high_precision.kv.bin": ("word2vec-binary", 2, 2),
    "formats/high_precision.kv.txt": ("word2vec-text", 2, 2),
    "formats/test_glove.txt": ("glove", 76, 50),
}


@pytest.mark.parametrize("name", FILES)
def test_every_row_is_read(name: str) -> None:
    format, rows, dim = FILES[name]
    space = io.open(VECTORS / name)
    assert (space.card.data["format"], len(space), space.dim) == (format, rows, dim)
    assert not any(count for what, count in space.card.data.items() if what.startswith("skipped"))


@pytest.mark.parametrize("name", [name for name, (format, _, _) in FILES.items() if format != "word2vec-binary"])
def test_the_same_as_the_obvious_reader(name: str) -> None:
    import gzip

    path = VECTORS / name
    lines = (gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()).split(b"\n")
    if FILES[name][0] == "word2vec-text":
        lines = lines[1:]
    fields = [line.rstrip(b" ").split(b" ") for line in lines if line]
    space = io.open(path)
    assert list(space.keys) == [each[0].decode() for each in fields]
    expected = np.array([[float(number) for number in each[1:]] for each in fields]).astype(np.float32)
    assert space.rows.dense().tobytes() == expected.tobytes()


def test_google_news_is_of_unit_length_and_makes_sense() -> None:
    space = io.open(VECTORS / "googlenews_subset_300d.bin")
    np.testing.assert_allclose(space.rows.norms, 1, atol=1e-4)
    assert "queen" in space.nearest("king", k=10).keys


def test_text_and_binary_of_one_model_agree() -> None:
    text, binary = (io.open(VECTORS / f"formats/high_precision.kv.{end}") for end in ("txt", "bin"))
    assert list(text.keys) == list(binary.keys)
    # The binary file went through half precision before it was written.
    np.testing.assert_allclose(text.rows.dense(), binary.rows.dense(), rtol=1e-3)


MODELS = {
    "crime-and-punishment.bin": ({"word": 291, "ngram": 100}, 5),
    "lee_fasttext.bin": ({"word": 1_762, "ngram": 1_000}, 10),
    "pang_lee_polarity_fasttext.bin": ({"word": 1_694, "label": 2}, 100),
    "lid.176.ftz": ({"word": 7_235, "ngram": 42_765, "label": 176}, 16),
    "cp852_fasttext.bin": ({"word": 165, "ngram": 1_000}, 2),
}


@pytest.mark.parametrize("name", MODELS)
def test_models_of_fasttext(name: str, tmp_path: Path) -> None:
    groups, dim = MODELS[name]
    space = io.open(VECTORS / "formats" / name)
    assert ({name: len(rows) for name, rows in space.groups.items()}, space.dim) == (groups, dim)
    again = tmp_path / Path(name).name
    io.save(space, again, "fasttext")
    back = io.open(again)
    np.testing.assert_allclose(back.rows.dense(), space.rows.dense(), atol=1e-6)
    if name == "crime-and-punishment.bin":
        assert again.read_bytes() == (VECTORS / "formats" / name).read_bytes()
    if name == "lid.176.ftz":
        # The matrix of the labels is written as float32.
        assert again.stat().st_size < 1.02 * (VECTORS / "formats" / name).stat().st_size
        assert space.rows.nbytes < 1_100_000


@pytest.mark.parametrize("name", ["crime-and-punishment", "lee_fasttext"])
def test_models_of_fasttext_agree_with_their_text_files(name: str) -> None:
    model, text = (io.open(VECTORS / f"formats/{name}.{end}") for end in ("bin", "vec"))
    words = model.group("word")
    assert list(words.keys) == list(text.keys)
    # In files of before 2017, the end of a text had n-grams too.
    same = [row for row, word in enumerate(words.keys) if word != "</s>"]
    np.testing.assert_allclose(words.rows.take(same), text.rows.take(same), rtol=1e-3, atol=1e-4)


def test_words_in_another_code_page_are_repaired_and_counted() -> None:
    space = io.open(VECTORS / "formats" / "cp852_fasttext.bin")
    assert space.card.data["keys that were not UTF-8"] == 69
    assert space.card.data["skipped: key seen before"] == 6
    with pytest.raises(BadData, match="not UTF-8"):
        io.open(VECTORS / "formats" / "cp852_fasttext.bin", bad_bytes="strict")
