"""Matrices in safetensors files: whatever the header says is checked before it is believed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from kinfold import io
from kinfold.core.errors import BadData, BadFile
from kinfold.core.space import Space

F32 = {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}
DATA = np.array([[1, 2], [3, 4]], np.float32).tobytes()


def written(folder: Path, header: object, data: bytes = DATA, keys: str = "a\nb\n") -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path = folder / "a.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    (folder / "a.keys.txt").write_text(keys)
    return path


def test_the_tensor_with_a_usual_name_or_the_only_matrix_or_the_named_one(tmp_path: Path) -> None:
    bias = {"dtype": "F32", "shape": [2], "data_offsets": [16, 24]}
    other = {"dtype": "F32", "shape": [2, 1], "data_offsets": [16, 24]}
    path = written(tmp_path, {"__metadata__": {"x": "y"}, "bias": bias, "w": F32}, DATA + bytes(8))
    assert io.open(path)["b"].tolist() == [3, 4]
    path = written(tmp_path, {"embeddings": F32, "head": other}, DATA + bytes(8))
    assert io.open(path).dim == 2
    assert io.open(path, tensor="head").dim == 1
    path = written(tmp_path, {"one": F32, "two": other}, DATA + bytes(8))
    with pytest.raises(BadData, match=r'2 matrices; say with tensor="…".*\'two\' \(2, 1\)'):
        io.open(path)
    with pytest.raises(BadData, match="no tensor 'three'"):
        io.open(path, tensor="three")
    with pytest.raises(BadData, match="'bias' \\(2,\\) is no matrix"):
        io.open(written(tmp_path, {"bias": bias, "w": F32}, DATA + bytes(8)), tensor="bias")


@pytest.mark.parametrize(
    ("kind", "type_"), [("F64", "<f8"), ("F16", "<f2"), ("I8", "i1"), ("U8", "u1"), ("I32", "<i4"), ("U64", "<u8")]
)
def test_numbers_of_every_type(tmp_path: Path, kind: str, type_: str) -> None:
    values = np.array([[1, 2], [3, 100]]).astype(type_)
    entry = {"dtype": kind, "shape": [2, 2], "data_offsets": [0, values.nbytes]}
    space = io.open(written(tmp_path, {"x": entry}, values.tobytes()))
    assert space["b"].tolist() == [3, 100]
    assert space.rows.dtype == (np.float16 if kind == "F16" else np.float32)


def test_bfloat16_is_the_upper_half_of_float32(tmp_path: Path) -> None:
    values = np.array([[1, -2.5], [3e38, 1e-20]], np.float32)
    halves = (values.view(np.uint32) >> 16).astype("<u2")
    entry = {"dtype": "BF16", "shape": [2, 2], "data_offsets": [0, 8]}
    space = io.open(written(tmp_path, {"x": entry}, halves.tobytes()))
    np.testing.assert_allclose(space.rows.dense(), values, rtol=2**-7)


def test_a_matrix_is_mapped_not_copied(tmp_path: Path) -> None:
    io.save(Space.of(["a", "b"], [[1, 2], [3, 4]]), tmp_path / "a.safetensors")
    assert not io.open(tmp_path / "a.safetensors").rows.values.flags.writeable


@pytest.mark.parametrize(
    ("header", "what"),
    [
        ({"x": {**F32, "data_offsets": [0, 8]}}, "bytes 0 to 8"),
        ({"x": {**F32, "data_offsets": [8, 24]}}, "where 16 follow"),
        ({"x": {**F32, "shape": [1 << 40, 1 << 20]}}, "cut short"),
        ({"x": {**F32, "shape": [-2, -2]}}, "entry of the tensor 'x' is damaged"),
        ({"x": {**F32, "shape": [2.0, 2]}}, "damaged"),
        ({"x": {**F32, "shape": 4}}, "damaged"),
        ({"x": {**F32, "dtype": "F4"}}, "of the type F4"),
        ({"x": [1, 2]}, "damaged"),
        ({"x": F32, "y": F32}, "does not begin where the one before it ends"),
        ({"x": {"dtype": "F32", "shape": [1, 2], "data_offsets": [8, 16]}}, "does not begin"),
        ({"x": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}, "no matrix"),
        ({"x": {"dtype": "F32", "shape": [2, 0], "data_offsets": [0, 0]}}, "no matrix"),
        ({}, "holds no tensor"),
        ([1], "holds no tensor"),
        (b"{" * 20_000, "header of this safetensors file is damaged"),
        (b"[" * 100_000, "damaged"),
        (b"\xff\xfe", "damaged"),
    ],
)
def test_headers_that_lie(tmp_path: Path, header: object, what: str) -> None:
    with pytest.raises(BadData, match=what):
        io.open(written(tmp_path, header), "safetensors")


def test_cut_anywhere(tmp_path: Path) -> None:
    path = written(tmp_path, {"x": F32})
    whole = path.read_bytes()
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        with pytest.raises(BadData, match=r"a\.safetensors"):
            io.open(path, "safetensors")


def test_keys_that_are_not_there(tmp_path: Path) -> None:
    path = written(tmp_path, {"x": F32}, keys="a\n")
    with pytest.raises(BadData, match="1 keys do not go with the 2 rows"):
        io.open(path)
    (tmp_path / "a.keys.txt").unlink()
    with pytest.raises(BadFile, match=r"a\.keys\.txt: no such file"):
        io.open(path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(BadFile, match=f"tokens of the model in whose folder it is; open {tmp_path}"):
        io.open(path)


def test_the_library_reads_ours_and_we_read_theirs(tmp_path: Path) -> None:
    library = pytest.importorskip("safetensors.numpy")
    rows = np.random.default_rng(0).normal(size=(7, 5)).astype(np.float32)
    for kind in (np.float32, np.float16):
        space = Space.of([f"k{i}" for i in range(7)], rows.astype(kind))
        io.save(space, tmp_path / "ours.safetensors", tensor="vectors")
        np.testing.assert_array_equal(
            library.load_file(tmp_path / "ours.safetensors")["vectors"], rows.astype(kind), strict=True
        )
    library.save_file({"a": rows[0], "weight": rows, "z": rows[:, :2]}, tmp_path / "a.safetensors", {"note": "é"})
    (tmp_path / "a.keys.txt").write_text("\n".join(space.keys))
    np.testing.assert_array_equal(io.open(tmp_path / "a.safetensors").rows.values, rows)
