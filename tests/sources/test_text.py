from __future__ import annotations

import bz2
import gzip
import itertools
import json
import lzma
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinfold.core.errors import BadData, BadFile, BadOption, UnknownName
from kinfold.sources import lines, strings
from kinfold.sources.text import read

TEXTS = ["one line", "", "zwei Zeilen – ü", "三"]


def of_blocks(raw) -> list[str]:
    found = []
    for block in raw.blocks():
        start = 0
        assert block.ends[-1] == len(block.data)
        for end in block.ends.tolist():
            found.append(block.data[start:end].tobytes().decode().rstrip("\r\n"))
            start = end
    return found


def both(raw) -> list[str]:
    """The texts, the same in both ways of reading, twice."""
    found = list(raw)
    assert found == of_blocks(raw) == list(raw)
    return found


def packed(ending: str, data: bytes) -> bytes:
    if ending == ".zst":
        import zstandard

        return zstandard.ZstdCompressor().compress(data)
    return {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}[ending](data)


@pytest.mark.parametrize("ending", ["", ".gz", ".bz2", ".xz", ".zst"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last", [True, False])
def test_lines_of_files_are_texts(tmp_path, ending, end, last):
    path = tmp_path / f"a.txt{ending}"
    path.write_bytes(packed(ending, (end.join(TEXTS) + (end if last else "")).encode()))
    assert both(read(path).raw) == TEXTS
    assert both(read(str(path)).raw) == TEXTS
    assert both(read([path, str(path)]).raw) == TEXTS * 2


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=60).filter(lambda data: data.count(0) * 64 <= len(data)), st.integers(1, 20))
def test_any_bytes_are_read_as_python_decodes_them(tmp_path_factory, data, size):
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        data = data[2:]
    path = tmp_path_factory.mktemp("any") / "a.txt"
    path.write_bytes(data)
    data = data.removeprefix(b"\xef\xbb\xbf")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "_BLOCK", size)
        for bad_bytes in ("replace", "ignore"):
            text = data.decode("utf-8", bad_bytes)
            expected = [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")] if text else []
            assert list(read(path, bad_bytes=bad_bytes).raw) == expected
            assert b"".join(b.data.tobytes() for b in read(path, bad_bytes=bad_bytes).raw.blocks()) == text.encode()


def test_a_line_longer_than_a_block_is_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "_BLOCK", 100)
    path = tmp_path / "a.txt"
    texts = ["x" * 1000, "ü" * 333, "short", "y" * 99, "z" * 100]
    path.write_text("\n".join(texts))
    assert both(read(path).raw) == texts


def test_strict_names_file_line_and_byte(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "_BLOCK", 4)
    path = tmp_path / "a.txt"
    path.write_bytes(b"good\nb\xc3\xbct\nba\xffd\n")
    with pytest.raises(BadData, match=r"a\.txt line 3: the byte 0xff at 12 is not UTF-8.*bad_bytes='replace'"):
        list(read(path, bad_bytes="strict").raw.blocks())
    assert list(read(path).raw) == ["good", "büt", "ba\ufffdd"]
    assert list(read(path, bad_bytes="ignore").raw) == ["good", "büt", "bad"]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("text".encode("utf-16"), "is UTF-16.*iconv -f UTF-16"),
        ("text".encode("utf-32"), "is UTF-32.*iconv -f UTF-32"),
        ("much text".encode("utf-16-le"), "are NUL.*UTF-16"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0", "are NUL"),
    ],
)
def test_what_is_no_utf8_text_is_said(tmp_path, data, text):
    path = tmp_path / "a.txt"
    path.write_bytes(data)
    with pytest.raises(BadData, match=text):
        list(read(path).raw)


def test_a_damaged_archive_is_said(tmp_path):
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(os.urandom(1000))[:-20])
    with pytest.raises(BadData, match="damaged"):
        list(read(path).raw)


def test_missing_files_and_options(tmp_path):
    with pytest.raises(BadFile, match="no such file"):
        read(tmp_path / "none.txt")
    with pytest.raises(BadFile, match="put it in a list"):
        read("a whole sentence")
    with pytest.raises(BadFile, match="put it in a list"):
        read("a whole sentence " * 500)
    with pytest.raises(BadOption, match="bad_bytes"):
        read(["a"], bad_bytes="drop")


ROWS = [{"t": "a, b\nc", "n": 1}, {"t": None, "n": 2}, {"n": 3, "t": 'q"ü"'}]


@pytest.fixture(params=[".jsonl", ".ndjson.gz", ".jsonl.xz", ".csv", ".csv.zst", ".tsv", ".csv.bz2", ".parquet"])
def table(request, tmp_path):
    import csv
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / f"it's [a]{request.param}"
    if request.param == ".parquet":
        pq.write_table(pa.Table.from_pylist(ROWS), path)
        return path
    kind, _, ending = request.param[1:].partition(".")
    if "json" in kind:
        data = "".join(json.dumps(row) + "\n" for row in ROWS)
    else:
        out = io.StringIO()
        writer = csv.DictWriter(out, ["t", "n"], delimiter="\t" if kind == "tsv" else ",")
        writer.writeheader()
        writer.writerows(ROWS)
        data = out.getvalue()
    path.write_bytes(packed(f".{ending}" if ending else "", data.encode()))
    return path


def test_a_column_of_a_table(table):
    assert both(read(table, column="t").raw) == [ROWS[0]["t"], "", ROWS[2]["t"]]
    with pytest.raises(UnknownName, match=r"no column 'text'.*It has: (t, n|n, t)"):
        read(table, column="text")
    with pytest.raises(BadOption, match="name the column"):
        read(table)


def test_bad_bytes_in_a_table(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"t,n\nfine,1\nba\xffd,2\n")
    assert both(read(path, column="t").raw) == ["fine", "ba\ufffdd"]
    assert both(read(path, column="t", bad_bytes="ignore").raw) == ["fine", "bad"]
    with pytest.raises(BadData, match="line 3: the byte 0xff at 13"):
        read(path, column="t", bad_bytes="strict")


def test_numbers_among_json_texts_stay_apart(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"t": "one"}\n{"t": 2}\n')
    assert both(read(path, column="t").raw) == ["one", "2"]
    path.write_text('{"t": ["one"]}\n')
    with pytest.raises(BadData, match=r"VARCHAR\[\], not text"):
        read(path, column="t")
    path.write_text('{"t": "one"}\n{"t": \n')
    with pytest.raises(BadData, match=r"a\.jsonl: cannot be read"):
        list(read(path, column="t").raw)


def test_folders_are_read_in_order(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "c.txt").write_text("hidden")
    (tmp_path / "b" / "c.txt").write_text("third")
    (tmp_path / "b.txt").write_text("second")
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"first\n"))
    (tmp_path / "p.png").write_bytes(b"\x89PNG\0\0\0\0\0")
    (tmp_path / "t.jsonl").write_text('{"t": "row"}\n')
    found = read(tmp_path).raw
    assert both(found) == ["first", "third", "second"]
    assert [path.name for path in found.left_out] == ["p.png", "t.jsonl"]
    assert both(read(tmp_path, column="t").raw)[-1] == "row"
    (tmp_path / "only").mkdir()
    (tmp_path / "only" / "x.bin").write_bytes(bytes(10))
    with pytest.raises(BadData, match="no text to read: 1 file"):
        read(tmp_path / "only")


@pytest.mark.parametrize("size", [1, 1 << 20])
def test_strings_in_blocks(monkeypatch, size):
    monkeypatch.setattr(strings, "_BLOCK", size)
    texts = [*TEXTS, "line\nline", "x" * 100] * 3
    assert both(read(texts).raw) == texts
    assert of_blocks(read(tuple(texts)).raw) == texts
    assert both(read([*texts, None]).raw) == [*texts, ""]
    assert of_blocks(read([None, float("nan"), *texts]).raw) == ["", "", *texts]


def test_generators_are_read_once():
    for make in (lambda: (text for text in TEXTS), lambda: itertools.chain(TEXTS)):
        assert of_blocks(read(make()).raw) == TEXTS
        raw = read(make()).raw
        assert list(raw) == TEXTS
        with pytest.raises(BadData, match="read already"):
            next(raw.blocks())
    lists = read(iter([["a"], ["b"]])).raw
    assert list(lists) == [["a"], ["b"]]


def test_lone_surrogates():
    texts = ["fine", "\ud800x", "\ud83d\ude00"]
    assert of_blocks(read(texts).raw) == ["fine", "\ufffdx", "😀"]
    assert of_blocks(read(texts, bad_bytes="ignore").raw) == ["fine", "x", ""]
    with pytest.raises(BadData, match="text 1 has a lone surrogate"):
        of_blocks(read(texts, bad_bytes="strict").raw)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (["a", 3], "text 1 is int"),
        ([3], "first thing is int"),
        (3, "from int"),
        ({"a": 1}, "from dict"),
        (b"a", "bytes"),
    ],
)
def test_what_is_no_text_is_said(source, text):
    with pytest.raises(BadData, match=text):
        list(read(source).raw.blocks())


def test_frames_and_series():
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    rows = ["one", None, "zwei ü"]
    expected = ["one", "", "zwei ü"]
    frames = [pd.DataFrame({"t": rows, "n": [1, 2, 3]}), pl.DataFrame({"t": rows, "n": [1, 2, 3]})]
    for frame in [*frames, frames[1].lazy(), pa.table({"t": rows, "n": [1, 2, 3]})]:
        assert both(read(frame, column="t").raw) == expected
        with pytest.raises(UnknownName, match="has no column 'x'"):
            read(frame, column="x")
    for series in [
        frames[0]["t"],
        frames[0]["t"].astype(object),
        frames[1]["t"],
        pa.array(rows),
        pa.chunked_array([rows, rows[:0]]),
    ]:
        assert both(read(series).raw) == expected
    part = pl.Series(rows * 3)[1:7]
    assert both(read(part).raw) == [text or "" for text in part]
    assert list(read(pl.Series([["a", "b"], ["c"]])).raw) == [["a", "b"], ["c"]]
    for frame in frames:
        with pytest.raises(BadData, match="texts are strings"):
            read(frame["n"])
        with pytest.raises(BadOption, match="name of the column"):
            read(frame)
