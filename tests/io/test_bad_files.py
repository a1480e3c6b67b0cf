"""Files as they are found in the world: tolerated as documented, or refused with the place."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest

from kinfold import io
from kinfold.core.errors import BadData, BadFile
from kinfold.core.space import Space
from kinfold.core.streams import packed

SEEN, NOT_FINITE, UNREADABLE = "skipped: key seen before", "skipped: NaN or infinite", "skipped: unreadable"


def written(tmp_path: Path, name: str, data: bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


def record(name: bytes, *row: float, feed: bytes = b"") -> bytes:
    return name + b" " + struct.pack(f"<{len(row)}f", *row) + feed


def open_packed(path: Path) -> BinaryIO:
    return packed(path, path.suffix)


def keys_of(space: Space) -> list[str]:
    return list(space.keys)


@pytest.mark.parametrize("declared", [0, 1, 2, 3, 10**12])
def test_the_count_in_a_header_is_never_believed(tmp_path: Path, declared: int) -> None:
    text = io.open(written(tmp_path, "a.vec", f"{declared} 2\na 1 2\nb 3 4\n".encode()))
    binary = io.open(written(tmp_path, "a.bin", f"{declared} 2\n".encode() + record(b"a", 1, 2) + record(b"b", 3, 4)))
    for space in (text, binary):
        assert keys_of(space) == ["a", "b"]
        assert space["b"].tolist() == [3, 4]
        assert space.card.data["rows in the header"] == declared
    report = io.convert(tmp_path / "a.vec", tmp_path / "b.vec")
    assert any("header says" in note for note in report.notes) == (declared != 2)


@pytest.mark.parametrize("format", ["word2vec-text", "word2vec-binary", "glove"])
@pytest.mark.parametrize(
    "header", [b"1 1000000000000", b"1000000000000 1000000000000", b"99999999999999999999 300", b"3 0"]
)
def test_a_header_beyond_reason(tmp_path: Path, format: str, header: bytes) -> None:
    path = written(tmp_path, "a.vec", header + b"\nword " + b"\x01\x02\x03\x7f" * 40)
    with pytest.raises(BadData, match=r"a\.vec"):
        io.open(path, format)


def test_another_dimension_than_the_header_says(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="the header says 3 numbers a row, but line 2 has 2"):
        io.open(written(tmp_path, "a.vec", b"2 3\na 1 2\nb 3 4\n"))
    rows = np.random.default_rng(0).normal(size=(50, 16)).astype(np.float32)
    body = b"".join(f"w{place} ".encode() + row.tobytes() for place, row in enumerate(rows))
    with pytest.raises(BadData, match="longer than the 15 numbers that the header"):
        io.open(written(tmp_path, "a.bin", b"50 15\n" + body))


def test_line_ends(tmp_path: Path) -> None:
    for end, last in ((b"\n", b""), (b"\r\n", b""), (b" \n", b" "), (b" \r\n", b" \r\n"), (b"\n\n", b"\n\n")):
        data = end.join([b"2 2", b"a 1 2", b"b 3 4"]) + last
        space = io.open(written(tmp_path, "a.vec", data))
        assert keys_of(space) == ["a", "b"]
        assert space["b"].tolist() == [3, 4]
        space = io.open(written(tmp_path, "a.glove", data.partition(b"\n")[2].lstrip(b"\n")))
        assert keys_of(space) == ["a", "b"]
    for feed in (b"", b"\n"):
        data = b"2 2\n" + record(b"a", 1, 2, feed=feed) + record(b"b", 3, 4, feed=feed)
        assert keys_of(io.open(written(tmp_path, "a.bin", data))) == ["a", "b"]


def test_keys_with_spaces_and_numbers(tmp_path: Path) -> None:
    lines = [
        b"the 0.1 0.2",
        b". . . 0.3 0.4",
        b"at name@domain.com 1 2",
        b"2 000 5 6",
        b"a\xc2\xa0b 7 8",
        b"\xe3\x80\x80 9 9",
    ]
    expected = ["the", ". . .", "at name@domain.com", "2 000", "a\u00a0b", "\u3000"]
    for name, data in (("a.glove", lines), ("a.vec", [b"6 2", *lines])):
        space = io.open(written(tmp_path, name, b"\n".join(data)))
        assert keys_of(space) == expected
        assert space["2 000"].tolist() == [5, 6]


def test_glove_with_a_header_and_one_row_more(tmp_path: Path) -> None:
    path = written(tmp_path, "a.txt", b"2 2\na 1 2\nb 3 4\n<unk> 2 3\n")
    for format in (None, "glove"):
        space = io.open(path, format)
        assert keys_of(space) == ["a", "b", "<unk>"]
        assert space.card.data["rows in the header"] == 2


@pytest.mark.parametrize("format", ["word2vec-text", "word2vec-binary", "npy", "projector"])
def test_keys_that_are_not_utf8(tmp_path: Path, format: str) -> None:
    bad = [b"caf\xe9", b"\xff\xfe", b"fine"]
    path = (
        tmp_path / {"word2vec-text": "a.vec", "word2vec-binary": "a.bin", "npy": "a.npy", "projector": "a.tsv"}[format]
    )
    if format == "word2vec-text":
        path.write_bytes(b"3 1\n" + b"".join(key + b" 1\n" for key in bad))
    elif format == "word2vec-binary":
        path.write_bytes(b"3 1\n" + b"".join(record(key, 1) for key in bad))
    elif format == "npy":
        np.save(path, np.ones((3, 1), np.float32))
        (tmp_path / "a.keys.txt").write_bytes(b"\n".join(bad))
    else:
        path.write_bytes(b"1\n1\n1\n")
        (tmp_path / "a.metadata.tsv").write_bytes(b"\n".join(bad))
    assert keys_of(io.open(path)) == ["caf\ufffd", "\ufffd\ufffd", "fine"]
    assert keys_of(io.open(path, bad_bytes="ignore")) == ["caf", "", "fine"]
    place = "byte 4" if format == "word2vec-binary" else "line 2" if format == "word2vec-text" else "line 1"
    with pytest.raises(BadData, match=f"{place}.*not UTF-8"):
        io.open(path, bad_bytes="strict")
    assert io.convert(path, tmp_path / "b.arrow")["rows written"].value == 3


def test_characters_split_over_two_keys_are_not_repaired_by_chance(tmp_path: Path) -> None:
    space = io.open(written(tmp_path, "a.vec", b"2 1\na\xc3 1\n\xa9b 2\n"))
    assert keys_of(space) == ["a\ufffd", "\ufffdb"]


def test_rows_left_out_are_counted(tmp_path: Path) -> None:
    text = b"5 2\na 1 2\nb nan 1\na 3 4\nc 1 -inf\nd 1e39 0\ne 5 6\n"
    binary = b"5 2\n" + b"".join(
        record(*each)
        for each in ((b"a", 1, 2), (b"b", float("nan"), 1), (b"a", 3, 4), (b"c", 1, -np.inf), (b"e", 5, 6))
    )
    for name, data, lost in (("a.vec", text, 3), ("a.bin", binary, 2)):
        space = io.open(written(tmp_path, name, data))
        assert keys_of(space) == ["a", "e"]
        assert space["a"].tolist() == [1, 2]
        assert space["e"].tolist() == [5, 6]
        assert (space.card.data[SEEN], space.card.data[NOT_FINITE]) == (1, lost)
        report = io.convert(tmp_path / name, tmp_path / "out.arrow")
        assert (report[SEEN].value, report[NOT_FINITE].value) == (1, lost)
        assert report["rows read"].value == 3 + lost
        assert report["rows written"].value == 2


def test_rows_left_out_of_matrices_take_their_keys_along(tmp_path: Path) -> None:
    values = np.array([[1, 2], [np.nan, 1], [3, 4], [5, 6], [1e300, 0]])
    np.save(tmp_path / "a.npy", values)
    (tmp_path / "a.keys.txt").write_text("a\nb\na\nc\nd\n")
    (tmp_path / "a.tsv").write_text("".join(f"{x}\t{y}\n" for x, y in values))
    (tmp_path / "a.metadata.tsv").write_text("word\tcount\na\t1\nb\t2\na\t3\nc\t4\nd\t5\n")
    for name in ("a.npy", "a.tsv"):
        space = io.open(tmp_path / name)
        assert keys_of(space) == ["a", "c"]
        assert space.rows.dense().tolist() == [[1, 2], [5, 6]]
        assert (space.card.data[SEEN], space.card.data[NOT_FINITE]) == (1, 2)
    assert space.attribute("count").to_pylist() == [1, 4]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (b"b 3", "1 numbers where 2 were expected"),
        (b"b", "0 numbers"),
        (b"b x 4", "'x' is not a number"),
        (b"b 0x1 4", "'0x1' is not a number"),
        (b"b 1_0 4", "'1_0' is not a number"),
        (b"b \xd9\xa3 4", "is not a number"),
    ],
)
def test_lines_that_cannot_be_read(tmp_path: Path, line: bytes, what: str) -> None:
    for name, head, at in (("a.vec", b"3 2\n", 3), ("a.glove", b"", 2)):
        path = written(tmp_path, name, head + b"a 1 2\n" + line + b"\nc 5 6\n")
        with pytest.raises(BadData, match=f"{name} line {at}: .*{what}"):
            io.open(path)
        space = io.open(path, on_bad="skip")
        assert keys_of(space) == ["a", "c"]
        assert space["c"].tolist() == [5, 6]
        assert space.card.data[UNREADABLE] == 1


def test_the_line_is_right_in_a_late_block(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "a.vec",
        b"x 4\n" + b"".join(b"w%d 1 2 3 " % i + b"4" * 90 + b"e-90\n" for i in range(90_000)) + b"bad 1\n",
    )
    path.write_bytes(b"90001" + path.read_bytes()[1:])
    with pytest.raises(BadData, match="line 90,002: 1 numbers"):
        io.open(path)
    assert len(io.open(path, on_bad="skip", threads=1)) == 90_000


def test_truncated_binary(tmp_path: Path) -> None:
    whole = b"3 2\n" + record(b"a", 1, 2) + record(b"b", 3, 4) + record(b"c", 5, 6)
    for cut in range(len(whole) - 9, len(whole)):
        path = written(tmp_path, "a.bin", whole[:cut])
        with pytest.raises(BadData, match=r"byte 24: the file ends within row 3 of 3"):
            io.open(path, "word2vec-binary")
        assert keys_of(io.open(path, "word2vec-binary", on_bad="skip")) == ["a", "b"]
    path = written(tmp_path, "a.bin", whole + b"#end")
    assert io.open(path).card.data["notes"] == ["4 bytes behind the last row were left out"]
    for name in ("a.bin", "a.bin.gz"):
        with open_packed(tmp_path / name) as stream:
            stream.write(whole + b"\n\n" + b"x" * 20_000_000)
        notes = io.open(tmp_path / name).card.data["notes"]
        assert notes == ["20,000,000 bytes behind the last row were left out"]


def test_binary_keys_without_end(tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"byte 14: no key ends within 10,000 bytes"):
        io.open(written(tmp_path, "a.bin", b"3 2\n" + record(b"a", 1, 2) + b"x" * 30_000), "word2vec-binary")


def test_text_without_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.glove"
    with open(path, "wb") as stream:
        stream.write(b"a 1 2")
        stream.truncate(70 << 20)
    with pytest.raises(BadData, match="a line is longer than 64 MiB"):
        io.open(path, "glove")


@pytest.mark.parametrize("data", [b"", b"\n", b"\n\n\n", b"3 2", b"3 2\n", b"\r\n", b" ", b"a", b"a b c\n"])
@pytest.mark.parametrize("format", [entry.name for entry in io.FORMATS])
def test_files_of_nothing(tmp_path: Path, data: bytes, format: str) -> None:
    path = written(tmp_path, "a.vec", data)
    if format == "glove" and data.startswith(b"3 2"):
        assert io.open(path, format)["3"].tolist() == [2]
        return
    with pytest.raises((BadData, BadFile), match=r"a\."):
        io.open(path, format)


def test_foreign_files_are_told_by_name(tmp_path: Path) -> None:
    cases = {
        b"\x80\x04\x95": "pickle",
        b"PK\x03\x04": "zip archive",
        b"\x1f\x8b\x08": "gzip archive",
        b"\0\1\2\3": "none of the known formats",
        b"": "is empty",
    }
    for data, what in cases.items():
        with pytest.raises(BadData, match=what):
            io.open(written(tmp_path, "a.bin", data))


def test_no_pickle_is_read(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([[print, 1]], object), allow_pickle=True)
    (tmp_path / "a.keys.txt").write_text("a\n")
    with pytest.raises(BadData, match="a matrix of numbers"):
        io.open(tmp_path / "a.npy")


def test_matrices_and_keys_that_do_not_fit(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.ones((3, 2), np.float32))
    with pytest.raises(BadFile, match=r"a\.keys\.txt: no such file"):
        io.open(tmp_path / "a.npy")
    (tmp_path / "a.keys.txt").write_text("a\nb\n")
    with pytest.raises(BadData, match="2 keys do not go with the 3 rows"):
        io.open(tmp_path / "a.npy")
    (tmp_path / "other.txt").write_text("a\r\nb\r\nc")
    assert keys_of(io.open(tmp_path / "a.npy", keys=tmp_path / "other.txt")) == ["a", "b", "c"]
    whole = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(whole[:-1])
    with pytest.raises(BadData, match="cut short"):
        io.open(tmp_path / "a.npy")
    (tmp_path / "a.npy").write_bytes(whole.replace(b"(3, 2)", b"(3,-2)"))
    with pytest.raises(BadData, match="matrix of numbers"):
        io.open(tmp_path / "a.npy")
    (tmp_path / "b.tsv").write_text("1\t2\n3\t4\n")
    with pytest.raises(BadFile, match=r"b\.metadata\.tsv"):
        io.open(tmp_path / "b.tsv", "projector")
    (tmp_path / "b.metadata.tsv").write_text("a\nb\nc\nd\n")
    with pytest.raises(BadData, match="4 lines do not go with the 2 rows"):
        io.open(tmp_path / "b.tsv")
    (tmp_path / "b.metadata.tsv").write_text("a\tx\nb\n")
    with pytest.raises(BadData, match="line 2: has 1 columns where the first line has 2"):
        io.open(tmp_path / "b.tsv")


def test_damaged_archives(tmp_path: Path) -> None:
    space = Space.of([f"w{i}" for i in range(500)], np.random.default_rng(0).normal(size=(500, 4)))
    for ending in (".gz", ".bz2", ".xz", ".zst"):
        path = tmp_path / f"a.vec{ending}"
        io.save(space, path)
        path.write_bytes(path.read_bytes()[:-20])
        with pytest.raises(BadData, match=f"a\\.vec\\{ending}.*damaged or cut short"):
            io.open(path)
