"""GloVe beside the loop that one would write in C: 14 million words of novels.

`peers/glove.c` learns one pair at a time with the same update in float, two lock-free threads, pairs shuffled once. It
is built here, by the C compiler with -O3 -march=native, and once more with -ffast-math, which lets it vectorize the
sums and the roots. All learn from the same counts, with the same rate, epochs, x_max and alpha; contenders take turns,
each in a process of its own. Rates are tokens of the text times epochs, over the seconds of training alone; Kinfold's
seconds are all of `fit`, with what it does before the first epoch and after the last, the peers' their epochs alone.

    python benchmarks/glove.py              everything, a quarter of an hour
    python benchmarks/glove.py --small      half a minute on a twentieth of the text, as a check
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from _measure import peak_memory, record
from _words import MIN_COUNT, answer, in_process, novels, save, scores, verdict

DIM, WINDOW, RATE, X_MAX, ALPHA, THREADS = 100, 10, 0.05, 10.0, 0.75, 2
PEER = Path(__file__).parent / "peers" / "glove.c"
FLAGS = {"c": ["-O3", "-march=native"], "c_fast": ["-O3", "-march=native", "-ffast-math"]}


# One contender in a process of its own. Each gives the seconds of training and writes its vectors.


def kinfold(job: dict[str, Any]) -> dict[str, Any]:
    from kinfold.core.shapes import Items
    from kinfold.learn import GloVe
    from kinfold.prepare.counting import Counting
    from kinfold.prepare.tokens import sequences
    from kinfold.sources.text import read

    counting = Counting(WINDOW, "harmonic", ppmi=False)
    tiny = counting.of(sequences(Items(["a b c a b c"] * 4), min_count=1, threads=1))
    GloVe(dim=DIM, epochs=1).fit(tiny, threads=1)  # loads what an earlier process compiled
    data = sequences(read(job["file"]), tokenizer="whitespace", min_count=MIN_COUNT, threads=THREADS)
    began = time.perf_counter()
    counts = counting.of(data, threads=THREADS)
    counted = time.perf_counter()
    learner = GloVe(dim=DIM, epochs=job["epochs"], learning_rate=RATE, x_max=X_MAX, alpha=ALPHA)
    space = learner.fit(counts, seed=job["seed"], threads=THREADS)
    done = time.perf_counter()
    memory = peak_memory()
    space.save(job["out"])
    return {"count": counted - began, "train": done - counted, "memory": memory}


def c(job: dict[str, Any]) -> dict[str, Any]:
    return _peer("c", job)


def c_fast(job: dict[str, Any]) -> dict[str, Any]:
    return _peer("c_fast", job)


def _peer(name: str, job: dict[str, Any]) -> dict[str, Any]:
    folder = Path(job["folder"])
    vectors = folder / "vectors.bin"
    numbers = (job["keys"], DIM, job["epochs"], THREADS, job["seed"], RATE, X_MAX, ALPHA)
    command = [folder / name, folder / "counts.bin", vectors, *map(str, numbers)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    words = (folder / "words.txt").read_text(encoding="utf-8").split("\n")
    save(job["out"], words, np.fromfile(vectors, np.float32).reshape(job["keys"], DIM))
    seconds = [float(line.split()[1]) for line in ran.stdout.splitlines()]
    return {"train": sum(seconds)}


def built(folder: Path, file: Path) -> dict[str, int]:
    """Compiles the peers and writes the counts and the words for them."""
    from kinfold.prepare.cooccurrence import count
    from kinfold.prepare.tokens import sequences
    from kinfold.sources.text import read

    for name, flags in FLAGS.items():
        subprocess.run(["cc", *flags, "-pthread", "-o", folder / name, PEER, "-lm"], check=True)
    data = sequences(read(file), tokenizer="whitespace", min_count=MIN_COUNT)
    values = count(data, window=WINDOW, weighting="harmonic").values
    pairs = np.empty(values.nnz, [("row", "i4"), ("column", "i4"), ("count", "f4")])
    pairs["row"] = np.repeat(np.arange(values.shape[0], dtype=np.int32), np.diff(values.indptr))
    pairs["column"], pairs["count"] = values.indices, values.data
    pairs.tofile(folder / "counts.bin")
    (folder / "words.txt").write_text("\n".join(data.keys), encoding="utf-8")
    return {"tokens": len(data.ids), "keys": len(data.keys), "entries": values.nnz}


def compared(rounds: int, epochs: int, folder: Path, file: Path) -> dict[str, Any]:
    """Speed and scores of all contenders with several seeds, in turn."""
    sizes = built(folder, file)
    print(f"  {sizes['entries']:,} entries of {sizes['keys']:,} words", flush=True)
    runs: dict[str, list[dict[str, Any]]] = {"kinfold": [], **{name: [] for name in FLAGS}}
    for seed in range(rounds):
        for name, results in runs.items():
            out = str(folder / f"{name}.arrow")
            job = {"file": str(file), "folder": str(folder), "out": out, "epochs": epochs, "seed": seed, **sizes}
            result = in_process(__file__, name, job)
            result["rate"] = sizes["tokens"] * epochs / result["train"]
            result["entries_per_second"] = sizes["entries"] * epochs / result["train"]
            print(f"  {name:8s} {result['rate']:12,.0f} words/s, {result['entries_per_second']:12,.0f} entries/s")
            result["scores"] = scores(out)
            results.append(result)
    ratios = {
        name: median(ours["rate"] / theirs["rate"] for ours, theirs in zip(runs["kinfold"], runs[name], strict=True))
        for name in FLAGS
    }
    return {
        **sizes,
        "epochs": epochs,
        "words_per_second": {name: [each["rate"] for each in results] for name, results in runs.items()},
        "ratio": ratios,
        "scores": {name: verdict(runs, name) for name in FLAGS},
        "count_seconds": median(each["count"] for each in runs["kinfold"]),
        "peak_bytes": max(each["memory"] for each in runs["kinfold"]),
        "runs": runs,
    }


def summary(results: dict[str, Any]) -> list[dict[str, str]]:
    """Lines of the README's table."""
    rates = {name: median(each) for name, each in results["words_per_second"].items()}
    rows = []
    for name, title in (("c", "C loop, cc -O3 -march=native"), ("c_fast", "the same with -ffast-math")):
        rows.append(
            {
                "measured": f"GloVe, {DIM} d, {results['epochs']} epochs",
                "kinfold": f"{rates['kinfold'] / 1e3:,.0f} k words/s",
                "beside": f"{title} {rates[name] / 1e3:,.0f} k words/s",
                "ratio": f"{results['ratio'][name]:.1f}×",
            }
        )
    for title, score in results["scores"]["c"].items():
        rows.append(
            {
                "measured": f"{title} of GloVe, same runs, mean of {len(results['runs']['kinfold'])} seeds",
                "kinfold": f"{score['kinfold']:.3f}",
                "beside": f"C loop {score['c']:.3f} ± {score['half_width']:.3f}",
                "ratio": "",
            }
        )
    counted = f"{results['count_seconds']:.1f} s"
    title = f"co-occurrences of {results['tokens'] / 1e6:.0f} M words, window {WINDOW}"
    return [*rows, {"measured": title, "kinfold": counted, "beside": "", "ratio": ""}]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--job", nargs=2)
    arguments = parser.parse_args()
    if arguments.job:
        answer(arguments.job, globals())
        return
    rounds, epochs = (1, 3) if arguments.small else (arguments.rounds, 15)
    with tempfile.TemporaryDirectory() as name:
        _, file = novels(Path(name), arguments.small)
        results = compared(rounds, epochs, Path(name), file)
    record("glove_small" if arguments.small else "glove", {**results, "summary": summary(results)})


if __name__ == "__main__":
    main()
