"""Files are read whatever they are compressed with, and a damaged archive is named."""

from __future__ import annotations

import bz2
import gzip
import lzma
from pathlib import Path

import pytest
import zstandard

from kinfold.core.errors import BadData, BadFile
from kinfold.core.streams import bare_name, open_bytes

PACKERS = {
    ".txt": lambda data: data,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}
TEXT = bytes(range(256)) * 20_000 + "naïve line\n".encode() * 1000


@pytest.mark.parametrize("ending", PACKERS)
def test_the_bytes_come_back(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"file{ending}"
    path.write_bytes(PACKERS[ending](TEXT))
    with open_bytes(path) as stream:
        assert stream.read(7) == TEXT[:7]
        assert stream.readline() == TEXT[7 : TEXT.index(b"\n") + 1]
        assert stream.read() == TEXT[TEXT.index(b"\n") + 1 :]
        assert stream.read(1) == b""


@pytest.mark.parametrize("ending", [".gz", ".bz2", ".xz", ".zst"])
def test_archives_one_after_another_are_one_text(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"file{ending}"
    path.write_bytes(PACKERS[ending](b"one\n") + PACKERS[ending](b"two\n"))
    with open_bytes(path) as stream:
        assert list(stream) == [b"one\n", b"two\n"]


@pytest.mark.parametrize("ending", [".gz", ".bz2", ".xz", ".zst"])
@pytest.mark.parametrize("damage", ["cut", "no archive", "flipped"])
def test_a_damaged_archive_is_named(tmp_path: Path, ending: str, damage: str) -> None:
    whole = PACKERS[ending](TEXT)
    bad = {"cut": whole[: len(whole) // 2], "no archive": b"plain words, not packed", "flipped": b"\xff" + whole[1:]}
    path = tmp_path / f"file{ending}"
    path.write_bytes(bad[damage])
    with open_bytes(path) as stream, pytest.raises(BadData, match=f"file\\{ending}.*damaged or cut short"):
        stream.read()


def test_what_is_not_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="no such file"):
        open_bytes(tmp_path / "nothing.gz")
    with pytest.raises(BadFile, match="is a folder"):
        open_bytes(tmp_path)


def test_the_name_without_its_packing() -> None:
    assert bare_name("a/b.vec.GZ") == "b.vec"
    assert bare_name("b.vec") == "b.vec"
