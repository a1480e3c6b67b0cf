"""Search: exact beside FAISS's flat index, opening a large Space, and what indexes find how fast.

`python benchmarks/search.py` takes some minutes and 4 GB of memory and disk; `--small` a few seconds, as a check.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from _measure import interleave, record

from kinfold import Space, measure, search

OPEN = """
import sys, time
began = time.perf_counter()
import numpy as np
from kinfold import Space
query = np.random.default_rng(0).standard_normal(int(sys.argv[2])).astype(np.float32)
imported = time.perf_counter()
space = Space.open(sys.argv[1])
opened = time.perf_counter()
space.nearest(query, 10)
print(imported - began, opened - imported, time.perf_counter() - opened)
"""


def clustered(rows: int, dim: int, seed: int = 0) -> np.ndarray:
    """Unit rows (rows, dim) float32 in crowds, as learned vectors are; pure noise has no near neighbors to find."""
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((rows, dim), dtype=np.float32)
    values += 1.5 * rng.standard_normal((max(1, rows // 100), dim), dtype=np.float32)[np.arange(rows) % (rows // 100)]
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def exact(rows: int, dim: int, rounds: int) -> dict[str, Any]:
    """Seconds of one query and of a batch of 1,000, beside `IndexFlatIP`."""
    import faiss

    values = clustered(rows, dim)
    space = Space.of([str(row) for row in range(rows)], values, metric="dot")
    cosine = Space.of([str(row) for row in range(rows)], values, metric="cosine")
    flat = faiss.IndexFlatIP(dim)
    flat.add(values)
    queries = np.random.default_rng(1).standard_normal((1000, dim), dtype=np.float32)
    assert np.array_equal(flat.search(queries[:50], 10)[1], space.topk(queries[:50], 10)[1])
    found: dict[str, Any] = {"rows": rows, "dim": dim, "k": 10}
    for name, some, turns in (("one", queries[:1], 10 * rounds), ("batch", queries, rounds)):
        found[name] = interleave(
            {
                "kinfold": lambda some=some: space.topk(some, 10),
                "kinfold_cosine": lambda some=some: cosine.topk(some, 10),
                "faiss": lambda some=some: flat.search(some, 10),
            },
            turns,
        )
        found[name]["ratio"] = found[name]["kinfold"] / found[name]["faiss"]
    return found


def opening(rows: int, dim: int, rounds: int, folder: Path) -> dict[str, Any]:
    """Seconds to open a saved Space and to answer its first query, in new processes, the file in the cache."""
    path = folder / "large.arrow"
    values = np.random.default_rng(0).standard_normal((rows, dim), dtype=np.float32)
    Space.of([str(row) for row in range(rows)], values).save(path)
    del values
    path.read_bytes()
    times = []
    for _ in range(rounds + 1):
        run = [sys.executable, "-c", OPEN, str(path), str(dim)]
        done = subprocess.run(run, capture_output=True, text=True, check=True)
        times.append([float(each) for each in done.stdout.split()])
    imported, opened, answered = (median(each) for each in zip(*times[1:], strict=True))
    return {
        "rows": rows,
        "dim": dim,
        "import_seconds": imported,
        "open_seconds": opened,
        "first_query_seconds": answered,
        "open_and_answer_seconds": opened + answered,
    }


def indexes(rows: int, dim: int, folder: Path) -> dict[str, Any]:
    """Seconds to build, bytes on disk, recall@10 with its interval, and queries per second beside exact search."""
    space = Space.of([str(row) for row in range(rows)], clustered(rows, dim))
    found: dict[str, Any] = {"rows": rows, "dim": dim}
    for name in ("hnsw", "ivf"):
        began = time.perf_counter()
        index = search.build(space, name)
        built = time.perf_counter() - began
        index.save(folder / name)
        report = measure.recall(space, index)
        recall = report["recall@10"]
        found[name] = {
            "build_seconds": built,
            "file_bytes": (folder / name).stat().st_size,
            "recall": recall.value,
            "recall_low": recall.low,
            "recall_high": recall.high,
            "queries_per_second": report[f"{name}/queries per second"].value,
            "exact_queries_per_second": report["exact search/queries per second"].value,
        }
    return found


def summary(results: dict[str, Any]) -> list[dict[str, str]]:
    """The lines of a table."""
    flat, large = results["exact"], results["opening"]
    size = f"{flat['rows']:,} × {flat['dim']}"
    lines = []
    for name, what in (("one", "one query"), ("batch", "1,000 queries")):
        mine, other = flat[name]["kinfold"], flat[name]["faiss"]
        lines.append(
            {
                "measured": f"exact search, {size}, {what}",
                "kinfold": f"{1e3 * mine:.1f} ms",
                "beside": f"FAISS flat {1e3 * other:.1f} ms",
                "ratio": f"{mine / other:.2f} of the time",
            }
        )
    lines.append(
        {
            "measured": f"open {large['rows']:,} × {large['dim']} and answer",
            "kinfold": f"{1e3 * large['open_and_answer_seconds']:.0f} ms",
            "beside": "",
            "ratio": "",
        }
    )
    for name in ("hnsw", "ivf"):
        each = results["indexes"][name]
        lines.append(
            {
                "measured": f"{name}, recall@10 {each['recall']:.3f}",
                "kinfold": f"{each['queries_per_second']:,.0f} queries/s",
                "beside": f"exact {each['exact_queries_per_second']:,.0f} queries/s",
                "ratio": f"{each['queries_per_second'] / each['exact_queries_per_second']:.1f}×",
            }
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--small", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows, large = (5_000, 20_000) if arguments.small else (100_000, 1_000_000)
        results: dict[str, Any] = {
            "exact": exact(rows, 384, arguments.rounds),
            "opening": opening(large, 300, arguments.rounds, folder),
            "indexes": indexes(rows, 384, folder),
        }
    results["summary"] = summary(results)
    record("search_small" if arguments.small else "search", results)


if __name__ == "__main__":
    main()
