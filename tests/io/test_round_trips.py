"""What is written comes back, bit for bit, in every format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kinfold import io
from kinfold.core.errors import BadData, BadFile, BadOption, UnknownName
from kinfold.core.space import Space

ENDINGS = [".arrow", ".parquet", ".npy", ".safetensors", ".vec", ".txt", ".bin", ".tsv", "tensor.tsv", ".glove"]
PACKED = [".vec.gz", ".txt.xz", ".bin.zst", ".tsv.gz", "tensor.tsv.gz", ".glove.bz2"]
# Besides spaces and line feeds, which no key of these tests has.
REFUSED = {".npy": "\r", ".safetensors": "\r", ".tsv": "\t\r", ".tsv.gz": "\t\r"}
STRANGE = [
    "a\u00a0b",
    "a\u0085b",
    "a\u2028b",
    "\u3000",
    "tab\tbed",
    "cr\r",
    "\\n",
    "naïve",
    "🜁",
    "1",
    "-",
    "nan",
    "</s>",
]
CHARACTERS = st.characters(exclude_characters=" \n\r", exclude_categories=["Cs"])
FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


def space_of(keys: list[str], rows: object = None, **options: object) -> Space:
    random = np.random.default_rng(0)
    return Space.of(keys, random.normal(size=(len(keys), 3)).astype(np.float32) if rows is None else rows, **options)


@pytest.mark.parametrize("ending", [*ENDINGS, *PACKED])
def test_strange_keys_and_exact_numbers(tmp_path: Path, ending: str) -> None:
    keys = [key for key in STRANGE if not set(REFUSED.get(ending, "")) & set(key)]
    rows = np.random.default_rng(0).normal(size=(len(keys), 3)).astype(np.float32)
    rows[0] = [np.finfo(np.float32).max, np.float32(1e-45), -0.0]
    space = space_of(keys, rows)
    path = tmp_path / f"file{ending}"
    io.save(space, path)
    back = io.open(path)
    assert list(back.keys) == keys
    assert back.rows.dense().tobytes() == rows.tobytes()
    assert back.rows.dense().dtype == np.float32


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(ENDINGS),
    st.lists(st.text(CHARACTERS, min_size=1), min_size=1, unique=True),
    st.integers(1, 4),
    st.data(),
)  # fmt: skip
def test_any_keys_and_numbers(
    tmp_path_factory: pytest.TempPathFactory, ending: str, keys: list[str], dim: int, draw: st.DataObject
) -> None:
    assume(not set(REFUSED.get(ending, "")) & set("".join(keys)))
    rows = np.array(draw.draw(st.lists(FLOATS, min_size=len(keys) * dim, max_size=len(keys) * dim)), np.float32)
    path = tmp_path_factory.mktemp("any") / f"file{ending}"
    io.save(space_of(keys, rows.reshape(-1, dim)), path)
    back = io.open(path, {".glove": "glove", ".txt": "word2vec-text"}.get(ending))
    assert list(back.keys) == keys
    assert back.rows.dense().tobytes() == rows.tobytes()


@pytest.mark.parametrize("source", ENDINGS)
@pytest.mark.parametrize("target", ENDINGS)
def test_conversions_between_all_formats(tmp_path: Path, source: str, target: str) -> None:
    space = space_of(["one", "two", "three"])
    io.save(space, tmp_path / f"from{source}")
    report = io.convert(tmp_path / f"from{source}", tmp_path / f"to{target}")
    back = io.open(tmp_path / f"to{target}")
    np.testing.assert_array_equal(back.rows.dense(), space.rows.dense())
    assert list(back.keys) == ["one", "two", "three"]
    assert report["rows read"].value == report["rows written"].value == 3
    assert report["coordinates"].value == 3


def test_large_enough_for_many_blocks(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(60_000, 40)).astype(np.float32)
    space = space_of([f"key {i}".replace(" ", "_") for i in range(60_000)], rows)
    for ending in (".vec", ".bin", ".tsv", "tensor.tsv", ".parquet", ".bin.zst"):
        path = tmp_path / f"file{ending}"
        io.save(space, path)
        back = io.open(path)
        assert back.rows.dense().tobytes() == rows.tobytes(), ending
        assert back.keys.names.equals(space.keys.names), ending


@pytest.mark.parametrize("ending", [".vec", ".bin"])
def test_an_empty_space_keeps_its_dimension(tmp_path: Path, ending: str) -> None:
    io.save(space_of([], np.empty((0, 7), np.float32)), tmp_path / f"empty{ending}")
    assert (tmp_path / f"empty{ending}").read_bytes() == b"0 7\n"
    assert io.open(tmp_path / f"empty{ending}").rows.values.shape == (0, 7)


def test_the_bytes_that_others_expect(tmp_path: Path) -> None:
    space = space_of(["of", "naïve"], [[0.1, -2.0], [1e-7, 3.4028235e38]])
    io.save(space, tmp_path / "a.vec")
    io.save(space, tmp_path / "a.bin")
    io.save(space, tmp_path / "a.glove")
    text = (tmp_path / "a.vec").read_text().split("\n")
    assert text[0] == "2 2"
    assert [line.split(" ")[0] for line in text] == ["2", "of", "naïve", ""]
    numbers = [[float(field) for field in line.split(" ")[1:]] for line in text[1:3]]
    np.testing.assert_array_equal(np.array(numbers, np.float32), space.rows.values)
    assert (tmp_path / "a.glove").read_text() == "\n".join(text[1:])
    rows = [row.tobytes() for row in space.rows.values]
    assert (tmp_path / "a.bin").read_bytes() == b"2 2\nof " + rows[0] + b"\n" + "naïve ".encode() + rows[1] + b"\n"


@pytest.mark.parametrize("ending", [".vec", ".bin", ".glove"])
@pytest.mark.parametrize("key", ["New York", "two\nlines", ""])
def test_a_key_that_the_format_cannot_hold(tmp_path: Path, ending: str, key: str) -> None:
    space = space_of(["fine", key, "good"])
    path = tmp_path / f"file{ending}"
    with pytest.raises(BadData, match="row 1 cannot be written"):
        io.save(space, path)
    assert not path.exists()
    io.save(space, path, replace="_")
    assert list(io.open(path).keys) == ["fine", key.replace(" ", "_").replace("\n", "_") or "_", "good"]
    with pytest.raises(BadData, match="more than once"):
        io.save(space_of(["New York", "New_York"]), path, replace="_")
    with pytest.raises(BadOption, match="is to replace"):
        io.save(space, path, replace=" ")


def test_a_line_end_in_a_key_of_a_matrix(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="cannot be written"):
        io.save(space_of(["two\nlines"]), tmp_path / "a.npy")
    assert not list(tmp_path.iterdir())
    io.save(space_of(["New York", ""]), tmp_path / "a.npy")
    assert list(io.open(tmp_path / "a.npy").keys) == ["New York", ""]


def test_projector_keeps_attributes_and_escapes(tmp_path: Path) -> None:
    space = space_of(["tab\there", "line\nend", "back\\slash \\n"], group="item")
    space = space.with_attribute("count", [3, 2, 1]).with_attribute("title", ["x\ty", "", "z"])
    space = space.with_attribute("weight", [0.5, 1.0, 2.0]).with_attribute("context", [[1.0]] * 3)
    io.save(space, tmp_path / "x_tensor.tsv")
    metadata = (tmp_path / "x_metadata.tsv").read_text()
    assert metadata.split("\n")[0] == "key\tcount\ttitle\tweight"
    back = io.open(tmp_path / "x_tensor.tsv", group="item")
    assert list(back.keys) == list(space.keys)
    assert back.attribute("count").to_pylist() == [3, 2, 1]
    assert back.attribute("count").type == pa.int64()
    assert back.attribute("title").to_pylist() == ["x\ty", "", "z"]
    assert back.attribute("weight").to_pylist() == [0.5, 1.0, 2.0]
    assert list(back.groups) == ["item"]


def test_projector_folder(tmp_path: Path) -> None:
    io.save(space_of(["a", "b"]), tmp_path / "tensor.tsv")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["metadata.tsv", "tensor.tsv"]
    assert list(io.open(tmp_path).keys) == ["a", "b"]


def test_groups(tmp_path: Path) -> None:
    from kinfold.core.keys import Keys

    rows = np.arange(10, dtype=np.float32).reshape(5, 2)
    space = Space.of(Keys(["u", "v", "a", "b", "c"], {"user": 2, "item": 3}), rows)
    io.save(space, tmp_path / "all.arrow")
    assert {name: len(rows) for name, rows in io.open(tmp_path / "all.arrow").groups.items()} == {"user": 2, "item": 3}
    report = io.convert(tmp_path / "all.arrow", tmp_path / "first.vec")
    assert list(io.open(tmp_path / "first.vec").keys) == ["u", "v"]
    assert any("'user' was written; not: item" in note for note in report.notes)
    report = io.convert(tmp_path / "all.arrow", tmp_path / "items.bin", group="item")
    assert io.open(tmp_path / "items.bin")["c"].tolist() == [8, 9]
    assert report["rows written"].value == 3
    io.save(space, tmp_path / "items.arrow", group="item")
    assert list(io.open(tmp_path / "items.arrow").groups) == ["item"]
    with pytest.raises(UnknownName, match="no group 'items'"):
        io.save(space, tmp_path / "no.vec", group="items")


def test_half_precision_is_kept_by_npy_and_arrow(tmp_path: Path) -> None:
    space = space_of(["a", "b"], np.array([[0.5, 0.1], [1, 2]], np.float16))
    for ending in (".npy", ".safetensors", ".arrow", ".parquet", ".vec"):
        io.save(space, tmp_path / f"file{ending}")
        back = io.open(tmp_path / f"file{ending}")
        np.testing.assert_array_equal(back.rows.dense(), space.rows.dense())
        assert back.rows.dtype == (np.float32 if ending == ".vec" else np.float16)


def test_a_matrix_is_mapped_not_copied(tmp_path: Path) -> None:
    io.save(space_of(["a", "b"]), tmp_path / "a.npy")
    back = io.open(tmp_path / "a.npy")
    assert not back.rows.values.flags.writeable
    for kind in (np.float64, np.int8, ">f4"):
        values = np.asfortranarray(np.array([[1, 2], [3, 4]]).astype(kind))
        np.save(tmp_path / "a.npy", values)
        assert io.open(tmp_path / "a.npy")["b"].tolist() == [3, 4]


def test_options_are_checked_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.vec"
    io.save(space_of(["a"]), path)
    with pytest.raises(BadOption, match="has no option 'bad_byte'"):
        io.open(path, bad_byte="strict")
    with pytest.raises(BadOption, match="not one of replace, ignore, strict"):
        io.open(path, bad_bytes="guess")
    with pytest.raises(BadOption, match="ending stands for no format"):
        io.save(space_of(["a"]), tmp_path / "a.xyz")
    for ending in (".arrow.gz", ".npy.zst", ".parquet.gz", ".safetensors.xz"):
        with pytest.raises(BadOption, match="never compressed"):
            io.save(space_of(["a"]), tmp_path / f"a{ending}")
    with pytest.raises(UnknownName, match="Did you mean 'glove'"):
        io.open(path, "glov")
    with pytest.raises(BadFile, match="no such file"):
        io.open(tmp_path / "nothing.vec")
    with pytest.raises(BadFile, match="cannot be written"):
        io.save(space_of(["a"]), tmp_path / "no folder" / "a.vec")
