"""Reading vectors beside gensim's load_word2vec_format: word2vec's binary and text, and GloVe's text.

The files are made on the spot from a seed and read once before, so that they are in the cache; contenders take turns in
one process. Text has six decimals, as word2vec's own tool writes it.

    python benchmarks/files.py              some ten minutes, 3 GB of disk and 4 GB of memory
    python benchmarks/files.py --small      half a minute, as a check
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from _measure import interleave, record

import kinfold as kf


def words(rows: int) -> list[str]:
    """Names of different lengths, as words have them."""
    return [f"{'abcdefghij'[: row % 10]}{row}" for row in range(rows)]


def binary(path: Path, rows: int, dim: int) -> None:
    """A word2vec binary file, written as gensim writes it."""
    rng = np.random.default_rng(0)
    names = words(rows)
    with open(path, "wb") as stream:
        stream.write(f"{rows} {dim}\n".encode())
        for start in range(0, rows, 10_000):
            block = rng.standard_normal((min(10_000, rows - start), dim), dtype=np.float32)
            for name, row in zip(names[start : start + 10_000], block, strict=True):
                stream.write(name.encode() + b" " + row.tobytes())


def text(path: Path, rows: int, dim: int, header: bool) -> None:
    """A text file with six decimals a number."""
    rng = np.random.default_rng(0)
    with open(path, "w", encoding="utf-8") as stream:
        if header:
            stream.write(f"{rows} {dim}\n")
        for name in words(rows):
            stream.write(f"{name} {' '.join(f'{number:.6f}' for number in rng.standard_normal(dim).tolist())}\n")


def reading(path: Path, rounds: int, **options: Any) -> dict[str, Any]:
    """Seconds of both, which have to read the same numbers."""
    from gensim.models import KeyedVectors

    def theirs() -> Any:
        return KeyedVectors.load_word2vec_format(str(path), **options)

    space, other = kf.open(path), theirs()
    assert list(space.keys) == other.index_to_key
    assert np.array_equal(space.rows.values, other.vectors)
    found: dict[str, Any] = {"rows": len(space), "dim": space.dim, "file_bytes": path.stat().st_size}
    del space, other
    found |= interleave({"kinfold": lambda: kf.open(path), "gensim": theirs}, rounds)
    found["ratio"] = found["gensim"] / found["kinfold"]
    return found


def summary(results: dict[str, Any]) -> list[dict[str, str]]:
    """The lines of a table."""
    called = {"binary": "word2vec binary", "text": "word2vec text", "glove": "GloVe text"}
    return [
        {
            "measured": f"read {name}, {results[key]['rows']:,} × {results[key]['dim']}",
            "kinfold": f"{results[key]['kinfold']:.2f} s",
            "beside": f"gensim {results[key]['gensim']:.2f} s",
            "ratio": f"{results[key]['ratio']:.1f}×",
        }
        for key, name in called.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--small", action="store_true")
    arguments = parser.parse_args()
    many, some = (50_000, 10_000) if arguments.small else (1_000_000, 200_000)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        results: dict[str, Any] = {}
        binary(folder / "vectors.bin", many, 300)
        results["binary"] = reading(folder / "vectors.bin", arguments.rounds, binary=True)
        (folder / "vectors.bin").unlink()
        text(folder / "vectors.vec", some, 100, header=True)
        results["text"] = reading(folder / "vectors.vec", arguments.rounds)
        text(folder / "vectors.glove", some, 100, header=False)
        results["glove"] = reading(folder / "vectors.glove", arguments.rounds, no_header=True)
    results["summary"] = summary(results)
    record("files_small" if arguments.small else "files", results)


if __name__ == "__main__":
    main()
