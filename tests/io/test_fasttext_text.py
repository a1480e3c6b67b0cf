"""Text vectors between fastText's own library, floret's, and here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from peers import peer

from kinfold import io
from kinfold.core.space import Space


def test_fasttext_begins_with_our_vectors(tmp_path: Path) -> None:
    library = peer("fasttext")
    rows = np.random.default_rng(0).normal(size=(3, 6)).astype(np.float32)
    space = Space.of(["fox", "naïve", "dog"], rows)
    io.save(space, tmp_path / "a.vec")
    (tmp_path / "train.txt").write_text("__label__x fox naïve dog\n__label__y dog\n" * 5)
    model = library.train_supervised(
        str(tmp_path / "train.txt"), dim=6, lr=0.0, epoch=1, verbose=0, pretrainedVectors=str(tmp_path / "a.vec")
    )
    for word in space.keys:
        np.testing.assert_array_equal(model.get_word_vector(word), space[word])


def test_we_read_what_fasttext_prints(tmp_path: Path) -> None:
    # Floret keeps fastText's way of writing, which its Python library has no function for.
    library = peer("floret")
    (tmp_path / "text.txt").write_text("the cat sat on the mat naïve ünïcode\n" * 20)
    model = library.train_unsupervised(str(tmp_path / "text.txt"), dim=5, minCount=1, bucket=50, epoch=1, verbose=0)
    model.save_vectors(str(tmp_path / "a.vec"))
    space = io.open(tmp_path / "a.vec")
    assert list(space.keys) == model.get_words()
    expected = [model.get_word_vector(word) for word in space.keys]
    # Five significant digits.
    np.testing.assert_allclose(space.rows.dense(), expected, rtol=1e-4)
