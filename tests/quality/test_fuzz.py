"""Bytes of any kind: looked at or refused in one line, and never a crash."""

import gzip
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from quality.planted import sentences

import kinfold as kf
from kinfold.core.errors import KinfoldError
from kinfold.show import text

LINES = "\n".join(sentences(40)).encode()
TABLE = b"user,item,rating,timestamp,label\n" + b"".join(
    b"u%d,i%d,%d,%d,%s\n" % (at, at % 7, at % 5, at, b"ab"[at % 2 : at % 2 + 1]) for at in range(60)
)
NAMES = [
    "a.txt",
    "a.csv",
    "a.tsv",
    "a.jsonl",
    "a.conll",
    "a.parquet",
    "a.dat",
    "a.txt.gz",
    "a.zip",
    "a.png",
    "a.csv.zst",
]
KINDS = [None, "text", "labeled", "tags", "pairs", "interactions", "table"]


def looked_at(folder, name, data, kind):
    path = folder / name
    path.write_bytes(data)
    try:
        report = kf.check(path, kind=kind, threads=1)
    except KinfoldError:
        return
    text.render(report, color=False)
    assert all(each.value >= 0 for each in report)


@settings(max_examples=70, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(name=st.sampled_from(NAMES), kind=st.sampled_from(KINDS), data=st.binary(max_size=400))
def test_random_bytes(tmp_path_factory, name, kind, data):
    looked_at(tmp_path_factory.mktemp("fuzz"), name, data, kind)


@settings(max_examples=70, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    whole=st.sampled_from([LINES, TABLE]),
    name=st.sampled_from(["a.txt", "a.csv", "a.tsv", "a.jsonl", "a.dat", "a.conll"]),
    kind=st.sampled_from(KINDS),
    cuts=st.lists(st.tuples(st.integers(0, 2000), st.binary(min_size=1, max_size=6)), min_size=1, max_size=4),
)
def test_files_that_somebody_broke(tmp_path_factory, whole, name, kind, cuts):
    data = bytearray(whole)
    for at, put in cuts:
        data[at : at + len(put)] = put
    looked_at(tmp_path_factory.mktemp("fuzz"), name, bytes(data), kind)


ODD = [
    "",
    "\n",
    "\0",
    "\ufeff",
    "\r",
    ",",
    "\t",
    '"',
    '"a\nb"',
    "::",
    "é",
    "1e999",
    "nan",
    "{",
    "[]",
    '{"a": NaN}',
    "a" * 5000,
]


@settings(max_examples=70, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    lines=st.lists(st.lists(st.sampled_from(ODD), min_size=1, max_size=4), max_size=12),
    separator=st.sampled_from([",", "\t", " ", "|", "::"]),
    name=st.sampled_from(["a.txt", "a.csv", "a.tsv", "a.jsonl", "a.dat"]),
    kind=st.sampled_from(KINDS),
)
def test_lines_of_odd_fields(tmp_path_factory, lines, separator, name, kind):
    data = "\n".join(separator.join(each) for each in lines).encode()
    looked_at(tmp_path_factory.mktemp("fuzz"), name, data, kind)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_files_of_hardly_anything(tmp_path, count):
    for name, head in (("a.csv", "user,item\n"), ("b.csv", "left,right\n"), ("c.csv", "x,y\n"), ("d.txt", "")):
        looked_at(tmp_path, name, (head + "ann,tea\n" * count).encode(), None)
    (tmp_path / "e.txt.gz").write_bytes(gzip.compress(b"a\n" * count))
    kf.check(tmp_path / "e.txt.gz")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.binary(max_size=300), flip=st.integers(0, 400))
def test_images_of_random_bytes(tmp_path_factory, data, flip):
    folder = tmp_path_factory.mktemp("fuzz")
    path = folder / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/one.png", data)
        archive.writestr("b/two.jpg", b"\xff\xd8\xff\xe0" + data)
    whole = bytearray(path.read_bytes())
    whole[flip % len(whole)] ^= 0x55
    looked_at(folder, "a.zip", bytes(whole), None)
