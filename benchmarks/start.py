"""What a newcomer waits for: import, help, the first fit with and without compiled kernels."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from _measure import record

FIT = """
import time, kinfold as kf
began = time.perf_counter()
kf.words(["the cat sat on the mat"] * 50, dim=8, min_count=1)
print(time.perf_counter() - began)
"""


def whole(*command: str) -> float:
    """Seconds of a process from start to end."""
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def fit(cache: str) -> float:
    """Seconds of a first small fit in a new process."""
    run = subprocess.run(
        [sys.executable, "-c", FIT],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "NUMBA_CACHE_DIR": cache},
    )
    return float(run.stdout)


def main() -> None:
    python = sys.executable
    command = str(Path(python).parent / "kinfold")
    nothing, imported, helped = [], [], []
    for _ in range(7):
        nothing.append(whole(python, "-c", "pass"))
        imported.append(whole(python, "-c", "import kinfold"))
        helped.append(whole(command, "--help"))
    with tempfile.TemporaryDirectory() as cache:
        first = fit(cache)
        later = [fit(cache) for _ in range(3)]
    results = {
        "import_seconds": median(imported) - median(nothing),
        "help_seconds": median(helped),
        "first_fit_seconds": first,
        "next_process_fit_seconds": median(later),
    }
    beside = "a later process {next_process_fit_seconds:.2f} s".format(**results)
    results["summary"] = [
        {
            "measured": "import kinfold",
            "kinfold": f"{1e3 * results['import_seconds']:.0f} ms",
            "beside": "",
            "ratio": "",
        },
        {"measured": "kinfold --help", "kinfold": f"{results['help_seconds']:.2f} s", "beside": "", "ratio": ""},
        {"measured": "first fit, kernels compiled", "kinfold": f"{first:.1f} s", "beside": beside, "ratio": ""},
    ]
    record("start", results)


if __name__ == "__main__":
    main()
