"""Records come out whole and in order, those that are not finite are told, and a cut one is left."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from kinfold.kernels.records import copy_rows, may_repeat, scan_records

NAMES = st.binary(max_size=12).map(lambda name: name.replace(b" ", b"_").lstrip(b"\n"))


@settings(max_examples=200, deadline=None)
@given(st.lists(NAMES, max_size=20), st.integers(1, 5), st.integers(0, 3), st.data())
def test_records_come_back(names: list[bytes], dim: int, feeds: int, draw: st.DataObject) -> None:
    width = st.floats(width=32)
    rows = [draw.draw(st.lists(width, min_size=dim, max_size=dim)) for _ in names]
    values = np.array(rows, np.float32).reshape(len(names), dim)
    records = [name + b" " + row.tobytes() + b"\n" * feeds for name, row in zip(names, values, strict=True)]
    cut = draw.draw(st.integers(0, len(b"".join(records))))
    data = b"".join(records)[:cut]
    block = np.frombuffer(data, np.uint8)
    starts, stops, used = scan_records(block, dim, 100)
    out = np.empty((len(stops), dim), np.float32)
    finite = copy_rows(block, stops + 1, out)
    ends = np.cumsum([len(record) - feeds for record in records]) + feeds * np.arange(len(records))
    whole = int(np.count_nonzero(ends <= cut))
    assert [data[start:stop] for start, stop in zip(starts, stops, strict=True)] == names[:whole]
    assert finite.tolist() == np.isfinite(values[:whole]).all(axis=1).tolist()
    assert out.tobytes() == values[:whole].tobytes()
    assert used >= (ends[whole - 1] if whole else 0)


def test_a_name_without_end_is_told() -> None:
    data = np.frombuffer(b"a " + b"\0" * 8 + b"x" * 50, np.uint8)
    starts, _, used = scan_records(data, 2, 20)
    assert len(starts) == 1
    assert used == -1 - 10


def test_repeats_are_seen() -> None:
    many = pa.array([f"name {i}" for i in range(5000)], pa.large_string())
    twice = pa.array([*many.to_pylist(), "name 17"], pa.large_string())

    def parts(names: pa.LargeStringArray) -> tuple[np.ndarray, np.ndarray]:
        _, offsets, data = names.buffers()
        return np.frombuffer(data, np.uint8), np.frombuffer(offsets, np.int64)

    assert not may_repeat(*parts(many))
    assert may_repeat(*parts(twice))
