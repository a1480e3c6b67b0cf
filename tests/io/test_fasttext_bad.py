"""fastText's files that are cut, lie or contradict themselves: a clear error, and no memory taken on their word."""

from __future__ import annotations

import gzip
import itertools
import resource
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracles import fasttext as oracle

import kinfold as kf
from kinfold import io
from kinfold.core.errors import BadData, KinfoldError

INT32 = [0, 1, -1, 2, 7, 127, 65_536, 2**31 - 1, -(2**31)]
INT64 = [*INT32, 10**12, 2**62, -(2**62)]


def refused(path: Path, data: bytes, message: str) -> None:
    path.write_bytes(data)
    with pytest.raises(BadData, match=message):
        io.open(path, "fasttext")


@pytest.mark.parametrize("kind", oracle.KINDS)
def test_a_file_that_is_cut_anywhere(kind: str, tmp_path: Path) -> None:
    pieces = oracle.model(kind).pieces()
    data = b"".join(pieces)
    ends = list(itertools.accumulate(map(len, pieces)))
    places = {place for end in ends[:-1] for place in (end - 1, end, end + 1)} | set(range(0, len(data), 997))
    for place in sorted(places | {len(data) - 1}):
        refused(tmp_path / "cut.bin", data[:place], r"cut\.bin.*(cut short|only \d|ends within)")
    for place in sorted(places)[::9]:
        refused(tmp_path / "cut.bin.gz", gzip.compress(data[:place]), r"cut\.bin.*(cut short|only \d|ends within)")


def numbers_at(model: oracle.Model, piece: int, layout: str) -> list[tuple[int, str]]:
    """Where the numbers of a piece of the file stand, and of which kind each is."""
    start = sum(map(len, model.pieces()[:piece]))
    return [(start + struct.calcsize("<" + layout[:place]), kind) for place, kind in enumerate(layout)]


@pytest.mark.parametrize("kind", ["skipgram", "softmax classifier", "hierarchical classifier", "quantized", "pruned"])
def test_numbers_that_lie(kind: str, tmp_path: Path) -> None:
    model = oracle.model(kind)
    data, pieces = model.file(), model.pieces()
    matrices = [place for place, piece in enumerate(pieces) if place > 4 and len(piece) == 1]
    layouts = {0: "ii", 1: "i" * 12 + "d", 2: "iiiq", 3: "q", 5: "qb"}
    for place in matrices:
        layouts[place + 1] = "Bqqi" if pieces[place] == b"\1" else "qq"
    found = 0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for piece, layout in layouts.items():
        for at, form in numbers_at(model, piece, layout):
            lies = {"i": INT32, "q": INT64, "b": range(-2, 3), "B": range(4), "d": [np.nan, np.inf, -1.0, 1e300]}[form]
            for lie in lies:
                told = data[:at] + struct.pack("<" + form, lie) + data[at + struct.calcsize("<" + form) :]
                found += outcome(tmp_path / "lie.bin", told)
    assert found > 100
    # ru_maxrss is in KiB: files of some thousand bytes take no hundreds of megabytes.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000


def outcome(path: Path, data: bytes) -> bool:
    """Whether a file is refused; one that is read becomes finite rows and unique keys, and can be asked."""
    path.write_bytes(data)
    try:
        space = io.open(path, "fasttext")
    except KinfoldError:
        return True
    assert np.isfinite(space.rows.dense()).all()
    for group in space.groups:
        names = list(space.keys.group(group))
        assert len(set(names)) == len(names)
    assert np.isfinite(kf.encoder(space).encode(["the", "unseenish", "naïv"]).rows.dense()).all()
    return False


def changed(kind: str, **fields: object) -> bytes:
    model = oracle.model(kind)
    for name, value in fields.items():
        setattr(model, name, value)
    return model.file()


def patched(kind: str, piece: int, data: bytes, at: int = 0) -> bytes:
    pieces = oracle.model(kind).pieces()
    pieces[piece] = pieces[piece][:at] + data + pieces[piece][at + len(data) :]
    return b"".join(pieces)


def shape(rows: int, dim: int) -> np.ndarray:
    return np.zeros((rows, dim), np.float32)


# The path of the rarest labels goes to the rarer child four times.
TALL = {
    "labels": [f"__label__{number}".encode() for number in range(5)],
    "label_counts": [64, 16, 8, 2, 1],
    "output": np.full((5, 5), 3e38, np.float32),
}
NAN = np.full((3, 5), np.nan, np.float32)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "only 0 follow"),
        (b"hello, this is a text and no model at all, " * 9, "fastText knows none"),
        (changed("skipgram", version=13), "version 13; versions 11 and 12"),
        (changed("skipgram", buckets=-1), "-1 buckets"),
        (changed("skipgram", buckets=61), "68 rows of 5 numbers; by the header it has 69"),
        (changed("skipgram", buckets=0), "68 rows of 5 numbers; by the header it has 8"),
        (changed("skipgram", max_n=101), "up to 101 characters"),
        (changed("skipgram", input=shape(67, 5)), "67 rows of 5 numbers; by the header it has 68"),
        (changed("skipgram", output=shape(7, 5)), "output matrix has 7 rows of 5 numbers; by the header it has 8"),
        (changed("skipgram", output=shape(8, 4)), "8 rows of 4 numbers"),
        (changed("skipgram", words=[], word_counts=[]), "knows no word"),
        (changed("softmax classifier", labels=[], label_counts=[]), "classifier, but without labels"),
        (changed("softmax classifier", mode="skipgram"), "has labels, but is of no classifier"),
        (changed("softmax classifier", output=NAN), "row 0 of the output matrix holds a number that is NaN"),
        (changed("hierarchical classifier", label_counts=[60, 70, 3]), "not in falling order"),
        (changed("hierarchical classifier", **TALL), "row 3 of the labels' sums of nodes"),
        (changed("skipgram", input=np.full((68, 5), np.inf, "f4")), "row 0 of the input matrix"),
        (changed("skipgram", input=np.full((68, 5), 3e38, "f4")), "row 1 of the means"),
        (changed("skipgram", kept=[]), "pruned but not quantized"),
        (changed("skipgram", kept=[(1, 0)]), "pruned but not quantized"),
        (changed("pruned", kept=[(60, 0)]), "not buckets from 0 to 59"),
        (changed("pruned", kept=[(-1, 0)]), "not buckets from 0 to 59"),
        (changed("pruned", kept=[(3, 0), (3, 1)]), "not buckets from 0 to 59"),
        (changed("pruned", kept=[(3, 0), (4, 0)]), "rows from 0 to 1"),
        (changed("pruned", kept=[(3, 1)]), "rows from 0 to 0"),
        (changed("pruned", kept=[(3, 0)]), "33 rows of 5 numbers; by the header it has 9"),
        (changed("skipgram", word_counts=[-1] * 8), "entry 1 of the dictionary is counted -1 times"),
        (changed("skipgram", word_counts=[2**62] * 8), "counted 4,611,686,018,427,387,904 times"),
        (changed("skipgram", words=[b"x" * 20_000] + [b"y"] * 7), "no word ends within 10,000 bytes"),
        (patched("skipgram", 5, b"\1", 8), "entry 1 of the dictionary is of the kind 1"),
        (patched("softmax classifier", 21, b"\0", 8), "entry 9 of the dictionary is of the kind 0"),
        (patched("skipgram", 2, struct.pack("<3i", 9, 8, 0)), "9 entries, 8 words and 0 labels, which do not add up"),
        (patched("skipgram", 2, struct.pack("<3i", 2**31 - 1, 2**31 - 1, 0)), "a dictionary of 2,147,483,647 entries"),
        (patched("pruned", 3, struct.pack("<q", 2**40)), "a list of 1,099,511,627,776 n-grams"),
        (patched("skipgram", 20, b"\2"), "2 stands where 0 or 1 says whether the model is quantized"),
        (patched("skipgram", 23, b"\2"), "2 stands where 0 or 1 says whether the output"),
    ],
)  # fmt: skip
def test_what_contradicts_itself(data: bytes, message: str, tmp_path: Path) -> None:
    refused(tmp_path / "bad.bin", data, message)


@pytest.mark.parametrize(
    ("at", "form", "value", "message"),
    [
        (0, "B", 2, "whether the input matrix has norms"),
        (1, "q", 69, "69 rows of 5"),
        (9, "q", 6, "68 rows of 6"),
        (17, "i", 203, "203 bytes of codes, which do not make 68 rows"),
        (17, "i", 0, "0 bytes of codes"),
        (17, "i", -68, "-68 bytes of codes"),
        (17, "i", 68 * 6, "408 bytes of codes"),
        (225, "i", 6, "for 6 coordinates; there should be 3 for 5"),
        (229, "i", 2, "are 2 of 2 columns"),
        (233, "i", 3, "are 3 of 3 columns"),
        (233, "i", 0, "are 3 of 0 columns"),
        (237, "i", 2, "the last of 2"),
        (241, "f", np.nan, "the codebooks of the input matrix holds a number that is NaN"),
        (241 + 5 * 256 * 4 + 68, "i", 2, "the norms of the input matrix are 1 of 1 columns"),
        (241 + 5 * 256 * 4 + 68 + 16, "f", 3e38, "the norms of the input matrix holds a number"),
    ],
)
def test_quantized_matrices_that_contradict_themselves(
    at: int, form: str, value: float, message: str, tmp_path: Path
) -> None:
    refused(tmp_path / "bad.ftz", patched("quantized", 27, struct.pack("<" + form, value), at), message)


def test_models_of_floret_are_told_by_name(tmp_path: Path) -> None:
    pieces = oracle.model("skipgram").pieces()
    pieces[1] = pieces[1][:44] + struct.pack("<2i", 2, 2) + pieces[1][44:]
    refused(tmp_path / "floret.bin", b"".join(pieces), "floret's .bin files begin alike")


def test_files_of_before_2017_are_seen_by_their_content(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(oracle.model("old").file())
    assert io.open(tmp_path / "old").card.data["version"] == "none"
    for lie in (b"\0" * 4, struct.pack("<i", -5)):
        (tmp_path / "old").write_bytes(lie + oracle.model("old").file()[4:])
        with pytest.raises(BadData, match="none of the known formats"):
            io.open(tmp_path / "old")


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    data = oracle.model(draw(st.sampled_from(oracle.KINDS))).file()
    # Most of a file are numbers, of which every bit says something that can be: the head is where damage shows.
    head = min(len(data), draw(st.sampled_from([120, 400, len(data)])))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, max(0, min(head, len(data)) - 1)))
        how = draw(st.sampled_from(["cut", "flip", "insert", "int32", "int64", "drop"]))
        if how == "cut":
            data = data[:at]
        elif how == "flip" and data:
            data = data[:at] + bytes([data[at] ^ draw(st.integers(1, 255))]) + data[at + 1 :]
        elif how == "insert":
            data = data[:at] + draw(st.binary(max_size=12)) + data[at:]
        elif how == "drop":
            data = data[:at] + data[at + draw(st.integers(1, 12)) :]
        else:
            form, lies = ("<i", INT32) if how == "int32" else ("<q", INT64)
            data = data[: at // 4 * 4] + struct.pack(form, draw(st.sampled_from(lies))) + data[at // 4 * 4 + 4 :]
    return data


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=mutated(), packed=st.booleans())
def test_damaged_models_raise_or_are_read(tmp_path_factory: pytest.TempPathFactory, data: bytes, packed: bool) -> None:
    folder = tmp_path_factory.getbasetemp() / "fasttext"
    folder.mkdir(exist_ok=True)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if packed:
        outcome(folder / "a.bin.gz", gzip.compress(data, 1))
    else:
        outcome(folder / "a.bin", data)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000


@settings(max_examples=100, deadline=None)
@given(
    data=st.one_of(
        st.binary(max_size=300), st.binary(max_size=200).map(lambda rest: b"\xba\x16\x4f\x2f\x0c\0\0\0" + rest)
    )
)
def test_random_bytes(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    outcome(tmp_path_factory.getbasetemp() / "random.bin", data)
