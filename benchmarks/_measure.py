"""What all benchmarks do alike: take turns, and write down the machine beside the numbers."""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import os
import platform
import resource
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

DATA = Path(os.environ.get("KINFOLD_DATA", Path(__file__).parent.parent.parent / "shared" / "data"))
RESULTS = Path(__file__).parent / "results"
LIBRARIES = (
    *("numpy", "numba", "scipy", "pyarrow", "duckdb", "faiss-cpu", "gensim", "fasttext-wheel", "torch"),
    *("sentence-transformers", "transformers", "tokenizers", "model2vec"),
)


def interleave(contenders: Mapping[str, Callable[[], Any]], rounds: int = 5) -> dict[str, float]:
    """Median seconds of each contender; they take turns, so that what else the machine does meets all alike.

    Each runs once before, unmeasured.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for run in contenders.values():
        run()
    for _ in range(rounds):
        for name, run in contenders.items():
            began = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - began)
    return {name: median(each) for name, each in seconds.items()}


def record(name: str, results: Mapping[str, Any]) -> Path:
    """Writes `results/<name>.json` with the machine, the versions and the date, and prints it."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    whole = {
        "name": name,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": machine(),
        "versions": versions(),
        "results": dict(results),
    }
    text = json.dumps(whole, indent=2, ensure_ascii=False, default=float) + "\n"
    path.write_text(text, encoding="utf-8")
    print(text)
    return path


def machine() -> dict[str, Any]:
    """What the numbers depend on, without a name."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": _processor(),
        "cores": cores,
        "memory_gib": round(memory / 2**30),
        "system": f"{platform.system()} {platform.machine()}",
    }


def versions() -> dict[str, str]:
    """Of Python, Kinfold and the libraries that are installed."""
    from kinfold import __version__

    found = {"python": platform.python_version(), "kinfold": __version__}
    for library in LIBRARIES:
        try:
            found[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def peak_memory() -> int:
    """Bytes that this process has held at most."""
    status = Path("/proc/self/status")
    if status.exists():
        # What getrusage tells of a new process begins with what its parent held.
        line = next(each for each in status.read_text().splitlines() if each.startswith("VmHWM"))
        return 1024 * int(line.split()[1])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor()
