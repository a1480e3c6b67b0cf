"""Files larger than memory pass through: a conversion takes less than its matrix."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kinfold import io
from kinfold.core.space import Space

DIM = 300

# Each conversion runs with no more than so many bytes beyond what the process holds after a small one.
RUN = """
import json, resource, sys
from pathlib import Path
import kinfold as kf

for source, small, target, allowed in json.loads(sys.argv[1]):
    kf.convert(small, str(Path(target).with_name("first_" + Path(target).name)))
    held = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_DATA, (held + allowed, resource.RLIM_INFINITY))
    print(kf.convert(source, target)["rows written"].value, flush=True)
    resource.setrlimit(resource.RLIMIT_DATA, (resource.RLIM_INFINITY,) * 2)
"""

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/statm").exists(), reason="only Linux says and limits what a process holds"
)


def written(path: Path, rows: int) -> None:
    """A word2vec binary file of many rows, and the first of them in a small file beside it."""
    block = np.random.default_rng(0).integers(-999, 999, (5000, DIM)).astype(np.float32) / 256
    with open(path, "wb") as stream:
        stream.write(f"{rows} {DIM}\n".encode())
        for start in range(0, rows, 5000):
            block += 1
            stream.write(b"".join(b"k%d %s\n" % (start + place, row.tobytes()) for place, row in enumerate(block)))
    io.save(Space.of([f"k{i}" for i in range(50)], block[:50]), path.with_name(f"small_{path.name}"))


def convert(folder: Path, rows: int, *pairs: tuple[str, str]) -> None:
    """Converts files in turn, each with half of what the matrix takes."""
    jobs = [
        (str(folder / source), str(folder / ("small_" + source)), str(folder / target), rows * DIM * 4 // 2)
        for source, target in pairs
    ]
    done = subprocess.run([sys.executable, "-c", RUN, json.dumps(jobs)], capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    assert done.stdout.split() == [str(rows)] * len(pairs)


def test_binary_files(tmp_path: Path) -> None:
    rows = 100_000
    written(tmp_path / "a.bin", rows)
    targets = ("a.arrow", "a.npy", "a.parquet", "b.bin", "a.safetensors")
    convert(tmp_path, rows, *(("a.bin", target) for target in targets))
    # What has another type has to be copied, and then it may not be memory either.
    for size, name in ((rows, "a"), (50, "small_a")):
        values = np.lib.format.open_memmap(tmp_path / f"{name}.double.npy", "w+", np.float64, (size, DIM))
        values[:] = np.load(tmp_path / "a.npy", mmap_mode="r")[:size]
        (tmp_path / f"{name}.double.keys.txt").write_text("".join(f"k{i}\n" for i in range(size)))
    io.convert(tmp_path / "small_a.bin", tmp_path / "small_a.parquet")
    convert(tmp_path, rows, ("a.parquet", "c.arrow"), ("a.double.npy", "d.arrow"))
    spaces = [io.open(tmp_path / f"{name}.arrow") for name in "acd"]
    assert len({space.frame for space in spaces}) == 1
    for space in spaces:
        np.testing.assert_array_equal(space.rows.values[::1000], spaces[0].rows.values[::1000])


@pytest.mark.slow
def test_text(tmp_path: Path) -> None:
    rows = 80_000
    written(tmp_path / "a.bin", rows)
    io.convert(tmp_path / "small_a.bin", tmp_path / "small_a.vec")
    convert(tmp_path, rows, ("a.bin", "a.vec"), ("a.vec", "b.npy"))
