"""Counts of keys in files of their own, and GloVe's files that have more than a row a word."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kinfold import io
from kinfold.core.errors import BadData, BadFile, BadOption
from kinfold.core.space import Space

WORDS = ["of", "New York", "naïve"]


def counted() -> Space:
    rows = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    return Space.of(WORDS, rows, group="word").with_attribute("count", [30, 20, 10])


@pytest.mark.parametrize("ending", [".bin", ".vec", ".glove"])
def test_counts_are_written_beside_and_read(tmp_path: Path, ending: str) -> None:
    io.save(counted(), tmp_path / f"a{ending}", replace="_", vocabulary=tmp_path / "vocab.txt")
    assert (tmp_path / "vocab.txt").read_text() == "of 30\nNew_York 20\nnaïve 10\n"
    space = io.open(tmp_path / f"a{ending}", vocabulary=tmp_path / "vocab.txt")
    assert space.attribute("count").to_pylist() == [30, 20, 10]
    assert space.nearest("of", where="count < 15").keys == ["naïve"]


def test_words_without_a_count(tmp_path: Path) -> None:
    io.save(counted(), tmp_path / "a.bin", replace="_")
    (tmp_path / "vocab.txt").write_text("of 5\nelse 9\nof 3\nNew_York\t4")
    space = io.open(tmp_path / "a.bin", vocabulary=tmp_path / "vocab.txt")
    assert space.attribute("count").to_pylist() == [5, 4, None]
    assert space.card.data["notes"] == ["1 keys have no count in vocab.txt"]
    io.save(space, tmp_path / "b.bin", vocabulary=tmp_path / "again.txt.gz")
    assert io.open(tmp_path / "b.bin", vocabulary=tmp_path / "again.txt.gz").attribute("count").to_pylist()[:2] == [
        5,
        4,
    ]
    with pytest.raises(BadData, match="no attribute `count`"):
        io.save(Space.of(["a"], [[1]]), tmp_path / "c.vec", vocabulary=tmp_path / "none.txt")
    assert not (tmp_path / "c.vec").exists()


@pytest.mark.parametrize("line", ["", "word", "word x", "word -1", "word 1.5", "word 99999999999999999999"])
def test_lines_that_are_no_counts(tmp_path: Path, line: str) -> None:
    io.save(counted(), tmp_path / "a.bin", replace="_")
    (tmp_path / "vocab.txt").write_text(f"of 5\n{line}\n")
    with pytest.raises(BadData, match=r"vocab\.txt line 2: .* is no key and a count"):
        io.open(tmp_path / "a.bin", vocabulary=tmp_path / "vocab.txt")


def parameters(tmp_path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Files as GloVe writes them: `vectors.bin`, `vocab.txt`, and text with `-model 0`."""
    words, contexts = np.random.default_rng(0).normal(size=(2, 3, 5))
    (tmp_path / "vectors.bin").write_bytes(words.tobytes() + contexts.tobytes())
    (tmp_path / "vocab.txt").write_text("the 9\nof 8\nand 7\n")
    both = np.hstack([words, contexts])
    lines = [" ".join([key, *(f"{x:f}" for x in row)]) for key, row in zip(["the", "of", "and"], both, strict=True)]
    (tmp_path / "vectors.txt").write_text("\n".join([*lines, ""]))
    return words[:, :4], contexts[:, :4]


def test_all_parameters_of_a_model(tmp_path: Path) -> None:
    words, contexts = parameters(tmp_path)
    for name, options in (("vectors.bin", {}), ("vectors.txt", {"all_parameters": True})):
        space = io.open(tmp_path / name, **options)
        assert (list(space.keys), space.groups) == (["the", "of", "and"], {"word": range(3)})
        np.testing.assert_allclose(space.rows.dense(), words + contexts, atol=2e-6)
        np.testing.assert_allclose(io.open(tmp_path / name, contexts="drop", **options).rows.dense(), words, atol=2e-6)
    assert io.open(tmp_path / "vectors.bin").attribute("count").to_pylist() == [9, 8, 7]
    assert io.open(tmp_path / "vectors.txt").dim == 10
    (tmp_path / "odd.txt").write_text("a 1 2 3\n")
    with pytest.raises(BadData, match="are not all parameters"):
        io.open(tmp_path / "odd.txt", all_parameters=True)


def test_sizes_that_do_not_fit(tmp_path: Path) -> None:
    parameters(tmp_path)
    whole = (tmp_path / "vectors.bin").read_bytes()
    for data in (whole[:-1], whole[:-16], whole + bytes(8), b"", whole[:48]):
        (tmp_path / "vectors.bin").write_bytes(data)
        with pytest.raises(BadData, match=r"vectors\.bin: .* are no whole number"):
            io.open(tmp_path / "vectors.bin", "glove-binary")
    (tmp_path / "vectors.bin").write_bytes(whole)
    (tmp_path / "vocab.txt").write_text("the 9\nof 8\n")
    with pytest.raises(BadData, match="are no whole number"):
        io.open(tmp_path / "vectors.bin")
    (tmp_path / "vocab.txt").write_text("")
    with pytest.raises(BadData, match="are no whole number"):
        io.open(tmp_path / "vectors.bin", "glove-binary")
    (tmp_path / "vocab.txt").unlink()
    with pytest.raises(BadFile, match=r"vocab\.txt: no such file"):
        io.open(tmp_path / "vectors.bin", "glove-binary")


def test_a_word_twice_and_a_number_that_is_not_finite(tmp_path: Path) -> None:
    values = np.ones((2, 3, 2))
    values[1, 1, 0] = np.nan
    (tmp_path / "vectors.bin").write_bytes(values.tobytes())
    (tmp_path / "vocab.txt").write_text("a 3\nb 2\na 1\n")
    space = io.open(tmp_path / "vectors.bin", "glove-binary")
    assert list(space.keys) == ["a"]
    assert (space.card.data["skipped: key seen before"], space.card.data["skipped: NaN or infinite"]) == (1, 1)


def test_what_is_only_read_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(BadOption, match=r"glove-binary are only read. Written are: arrow, "):
        io.save(counted(), tmp_path / "a.bin", "glove-binary")
