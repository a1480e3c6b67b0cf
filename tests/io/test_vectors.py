"""Vectors without names: whatever the file is, vectors or an error that names the place."""

import gzip

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinfold.core.errors import BadData, BadFile
from kinfold.io.vectors import read_vectors

ROWS = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)


@pytest.mark.parametrize("separator", [" ", "\t", ",", ", "])
@pytest.mark.parametrize("brackets", ["{}", "[{}]"])
def test_lines_of_numbers_are_vectors(separator, brackets, tmp_path):
    text = "\n\n".join(brackets.format(separator.join(map(repr, row.tolist()))) for row in ROWS)
    for name, data in (("v.txt", text.encode()), ("v.txt.gz", gzip.compress(("\ufeff" + text + "\r\n").encode()))):
        (tmp_path / name).write_bytes(data)
        np.testing.assert_array_equal(read_vectors(tmp_path / name), ROWS)


@pytest.mark.parametrize("kind", ["f2", "f4", "f8", "i4"])
def test_arrays_of_one_or_several_vectors_are_read(kind, tmp_path):
    for array in (np.asfortranarray((9 * ROWS).astype(kind)), (9 * ROWS[0]).astype(kind)):
        np.save(tmp_path / "v.npy", array)
        found = read_vectors(tmp_path / "v.npy")
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, np.atleast_2d(array).astype(np.float32))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1 2\n3 x\n", "line 2.*'x'"),
        ("1 2\n\n3\n", "line 3: 1 numbers"),
        ("", "no vector"),
        ("\n \n", "no vector"),
        ("\xff\n", "line 1"),
    ],
)
def test_bad_lines_are_named(text, says, tmp_path):
    (tmp_path / "v.txt").write_bytes(text.encode("latin-1"))
    with pytest.raises(BadData, match=says):
        read_vectors(tmp_path / "v.txt")


def test_numbers_that_float32_cannot_hold_are_infinite_without_a_word(tmp_path):
    np.save(tmp_path / "v.npy", np.array([1e300, 1.0]))
    (tmp_path / "v.txt").write_text("1e300 1")
    for name in ("v.npy", "v.txt"):
        assert read_vectors(tmp_path / name).tolist() == [[np.inf, 1.0]]


def test_arrays_that_are_no_vectors_are_refused(tmp_path):
    for array in (np.zeros((2, 2, 2)), np.array(3.0), np.zeros((0, 4)), np.array(["a"]), np.array([{}], object)):
        np.save(tmp_path / "v.npy", array, allow_pickle=True)
        with pytest.raises(BadData, match="holds no vectors"):
            read_vectors(tmp_path / "v.npy")
    with pytest.raises(BadFile):
        read_vectors(tmp_path / "nothing.npy")


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_a_damaged_array_gives_vectors_or_a_clear_error(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("v") / "v.npy"
    np.save(path, ROWS)
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(raw[: data.draw(st.integers(0, len(raw)))])
    refused = ""
    try:
        assert read_vectors(path).ndim == 2
    except BadData as error:
        refused = str(error)
    assert not refused or str(path) in refused
