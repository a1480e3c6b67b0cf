"""A file's format is seen from its content; its name is only asked where there is no content."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from oracles import fasttext as oracle

from kinfold import io
from kinfold.core.space import Space
from kinfold.io.detect import format_for, format_of

WRITTEN = {
    "arrow": ".arrow",
    "npy": ".npy",
    "safetensors": ".safetensors",
    "parquet": ".parquet",
    "word2vec-binary": ".bin",
    "word2vec-text": ".vec",
    "glove": ".glove",
    "projector": "tensor.tsv",
    "tsv": ".tsv",
}


@pytest.mark.parametrize("dim", [1, 2, 3, 50, 300, 5000])
@pytest.mark.parametrize("format", [format for format in WRITTEN if format != "projector"])
def test_whatever_the_name(tmp_path: Path, format: str, dim: int) -> None:
    rows = np.random.default_rng(dim).normal(size=(20, dim)).astype(np.float32)
    io.save(Space.of([f"w{i}" for i in range(20)], rows), tmp_path / f"a{WRITTEN[format]}")
    shutil.copy(tmp_path / f"a{WRITTEN[format]}", tmp_path / "some.thing")
    assert format_of(tmp_path / "some.thing", io.FORMATS) == format


def test_binary_rows_that_begin_like_lines(tmp_path: Path) -> None:
    # 0x0A within the first number, and digits before it, are chance; a line of text has as many numbers as its header.
    row = np.frombuffer(b"1\n.2" * 300, np.float32)
    io.save(Space.of(["in", "of"], np.stack([row, row])), tmp_path / "a.bin")
    assert format_of(tmp_path / "a.bin", io.FORMATS) == "word2vec-binary"
    assert io.open(tmp_path / "a.bin")["of"].tobytes() == row.tobytes()


def test_a_key_and_a_number_that_look_like_a_header(tmp_path: Path) -> None:
    space = Space.of(["12", "13"], [[300], [301]])
    io.save(space, tmp_path / "a.glove")
    back = io.open(tmp_path / "a.glove")
    assert list(back.keys) == ["12", "13"]
    assert back.rows.dense().tolist() == [[300], [301]]


def test_endings() -> None:
    for format, ending in WRITTEN.items():
        assert format_for(f"a{ending}", io.FORMATS) == format
        assert format_for(f"a.b{ending.upper()}.gz", io.FORMATS) == format
    assert format_for("a.txt", io.FORMATS) == "word2vec-text"
    assert format_for("a.ftz", io.FORMATS) == "fasttext"


def test_models_of_fasttext_whatever_the_name(tmp_path: Path) -> None:
    for kind in oracle.KINDS:
        for name in ("some.thing", "a.vec", "a.arrow"):
            (tmp_path / name).write_bytes(oracle.model(kind).file())
            assert format_of(tmp_path / name, io.FORMATS) == "fasttext"


def test_every_format_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "formats.md").read_text()
    for entry in io.FORMATS:
        line = next((line for line in page.splitlines() if line.startswith(f"| `{entry.name}` |")), None)
        assert line, f"docs/formats.md has no line for {entry.name}"
        assert ("↔" in line) == (entry.load().write is not None)
