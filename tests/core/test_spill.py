"""Arrays beyond memory: the same numbers, wherever they are kept."""

from __future__ import annotations

import contextlib
import os
import resource
from pathlib import Path

import numpy as np
import pytest

from kinfold.core import memory, spill
from kinfold.core.errors import BadFile


@pytest.fixture
def scarce(monkeypatch):
    monkeypatch.setattr(spill, "ample", lambda size: False)


@contextlib.contextmanager
def full_disk(size):
    """No file can become longer than that many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("where", ["memory", "file", "half"])
def test_a_matrix_keeps_its_rows_while_it_grows(monkeypatch, where):
    bounds = {"memory": 1 << 30, "file": 0, "half": 2000}
    monkeypatch.setattr(spill, "ample", lambda size: size <= bounds[where])
    rows = np.random.default_rng(0).normal(size=(1000, 3)).astype(np.float32)
    matrix = spill.Matrix(3, np.float32, 2)
    for place, row in enumerate(rows):
        matrix.room(place + 1)[place] = row
    np.testing.assert_array_equal(matrix.room(0)[:1000], rows)
    assert len(matrix.room(0)) < 2000
    mapped = not matrix.room(0).flags.owndata
    assert mapped == (where != "memory")


def test_an_array_given_before_stays_valid(scarce):
    matrix = spill.Matrix(2, np.float32, 2)
    early = matrix.room(2)
    matrix.room(100)[:2] = 7
    early[1] = 8
    assert matrix.room(0)[:2].tolist() == [[7, 7], [8, 8]]


def test_full_disk_is_an_error_with_a_way_out(scarce):
    with full_disk(100_000), spill.Spill(np.int32, 10) as part:
        for ask in (
            lambda: part.append(np.zeros(100_000, np.int32)),
            lambda: spill.empty(100_000, np.int32, 10),
            lambda: spill.Matrix(1000, np.float32, 1000),
        ):
            with pytest.raises(BadFile, match="TMPDIR"):
                ask()


def test_disks_that_cannot_reserve_are_written_to(monkeypatch, scarce):
    def refuse(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    assert not spill.Matrix(2, np.float32, 1000).room(0).any()
    monkeypatch.delattr(os, "posix_fallocate")
    assert not spill.empty(1000, np.int64, 10).any()


def test_what_is_ample_follows_the_limits_of_the_process():
    assert memory.ample(1000)
    assert not memory.ample(1 << 60)
    before = resource.getrlimit(resource.RLIMIT_DATA)
    held = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
    try:
        resource.setrlimit(resource.RLIMIT_DATA, (held + (256 << 20), before[1]))
        assert memory.ample(100 << 20)
        assert not memory.ample(200 << 20)
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def test_a_spill_keeps_numbers_of_another_kind_in_its_own():
    for limit in (0, 1 << 20):
        with spill.Spill(np.float32, limit) as some:
            some.append(np.arange(5, dtype=np.float64))
            some.append(np.arange(3, dtype=np.int64))
            assert some.join().tolist() == [0, 1, 2, 3, 4, 0, 1, 2]
