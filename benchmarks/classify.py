"""Supervised fastText beside the original, on SST-2: 6,920 reviews to learn from, 1,821 to be told.

Every training is a process of its own, so that memory is what that run took; contenders take turns. Same lines, cut at
white space, same settings, 2 threads. Seconds are those from a file of labeled lines to a model; what an epoch takes is
what more epochs cost, and `tell` is the test file. fastText draws its matrix of buckets whole before it learns, so word
n-grams are measured with its default of 2,000,000 buckets and with 200,000.

    python benchmarks/classify.py            everything, some ten minutes
    python benchmarks/classify.py --small    half a minute on a part of the reviews, as a check
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

from _measure import peak_memory, record

DATA = Path(os.environ.get("KINFOLD_DATA", Path(__file__).parent.parent.parent / "shared" / "data"))
SETTINGS = {
    "words": {"word_ngrams": 1, "learning_rate": 0.5},
    "pairs": {"word_ngrams": 2, "learning_rate": 0.5},
    "pairs_200k": {"word_ngrams": 2, "learning_rate": 0.5, "buckets": 200_000},
    "words_default_rate": {"word_ngrams": 1, "learning_rate": 0.1},
    "pairs_20_epochs": {"word_ngrams": 2, "learning_rate": 0.1, "epochs": 20, "buckets": 200_000},
}
MORE = 10  # epochs more, whose cost is measured


# One contender in a process of its own. Each gives seconds, accuracy and memory.


def kinfold(job: dict[str, Any]) -> dict[str, Any]:
    from kinfold.tasks.classify import train

    options = {"tokenizer": "whitespace", "threads": job["threads"], "seed": job["seed"]}
    options |= {name: job[name] for name in ("dim", "learning_rate", "word_ngrams", "buckets")}
    # Loads what an earlier process compiled.
    tiny = train(["a b c", "b c d"] * 20, ["x", "y"] * 20, word_ngrams=2, epochs=1, threads=2, tokenizer="whitespace")
    tiny.evaluate(["a b c"], ["x"])
    began = time.perf_counter()
    classifier = train(Path(job["train"]), epochs=job["epochs"], **options)
    seconds = time.perf_counter() - began
    memory = peak_memory()
    began = time.perf_counter()
    train(Path(job["train"]), epochs=job["epochs"] + MORE, **options)
    more = time.perf_counter() - began
    classifier.predict(Path(job["test"]))
    began = time.perf_counter()
    classifier.predict(Path(job["test"]))
    told = time.perf_counter() - began
    accuracy = classifier.evaluate(Path(job["test"]))["accuracy"]
    return {
        "seconds": seconds,
        "epoch": (more - seconds) / MORE,
        "tell": told,
        "accuracy": accuracy.value,
        "n": accuracy.n,
        "memory": memory,
    }


def fasttext(job: dict[str, Any]) -> dict[str, Any]:
    import fasttext as library

    options = {
        "dim": job["dim"],
        "lr": job["learning_rate"],
        "wordNgrams": job["word_ngrams"],
        "bucket": job["buckets"],
    }
    options |= {"thread": job["threads"], "seed": job["seed"], "verbose": 0}
    began = time.perf_counter()
    model = library.train_supervised(job["train"], epoch=job["epochs"], **options)
    seconds = time.perf_counter() - began
    memory = peak_memory()
    began = time.perf_counter()
    library.train_supervised(job["train"], epoch=job["epochs"] + MORE, **options)
    more = time.perf_counter() - began
    began = time.perf_counter()
    count, precision, _ = model.test(job["test"])
    told = time.perf_counter() - began
    return {
        "seconds": seconds,
        "epoch": (more - seconds) / MORE,
        "tell": told,
        "accuracy": precision,
        "n": count,
        "memory": memory,
    }


def run(contender: str, **job: Any) -> dict[str, Any]:
    """One contender in a new process."""
    job = {"dim": 100, "epochs": 5, "threads": 2, "buckets": 2_000_000, "seed": 0, **job}
    found = subprocess.run(
        [sys.executable, __file__, "--job", contender, json.dumps(job)], capture_output=True, text=True
    )
    if found.returncode:
        raise RuntimeError(found.stderr)
    result: dict[str, Any] = json.loads(found.stdout.splitlines()[-1])
    print(f"  {contender:8s} {result['seconds']:6.3f} s, accuracy {result['accuracy']:.4f}", flush=True)
    return result


# The comparison.


def compare(rounds: int, **job: Any) -> dict[str, Any]:
    """Both contenders in turn, a seed a round."""
    runs: dict[str, list[dict[str, Any]]] = {"kinfold": [], "fasttext": []}
    for seed in range(rounds):
        for name, results in runs.items():
            results.append(run(name, seed=seed, **job))

    def of(name: str, what: str) -> list[float]:
        return [each[what] for each in runs[name]]

    ratio = {
        what: median(theirs / ours for ours, theirs in zip(of("kinfold", what), of("fasttext", what), strict=True))
        for what in ("seconds", "epoch", "tell")
    }
    accuracy = {name: interval(of(name, "accuracy"), runs[name][0]["n"]) for name in runs}
    return {
        "ratio": ratio,
        "seconds": {name: median(of(name, "seconds")) for name in runs},
        "epoch_seconds": {name: median(of(name, "epoch")) for name in runs},
        "tell_seconds": {name: median(of(name, "tell")) for name in runs},
        "peak_bytes": {name: max(of(name, "memory")) for name in runs},
        "accuracy": accuracy,
        "within": accuracy["fasttext"]["low"] <= accuracy["kinfold"]["mean"],
        "runs": runs,
    }


def interval(values: list[float], texts: int) -> dict[str, float]:
    """Mean over seeds, their spread, and the interval of an accuracy on so many texts."""
    import numpy as np

    from kinfold.core.intervals import of_mean

    right = np.arange(texts) < round(mean(values) * texts)
    low, high = of_mean(right)
    return {
        "mean": mean(values),
        "over_seeds": stdev(values) if len(values) > 1 else 0.0,
        "low": low,
        "high": high,
        "texts": texts,
    }


def lines(name: str, most: int | None) -> str:
    """Reviews as lines that fastText reads."""
    with gzip.open(DATA / "text" / "sst2" / f"stsa.binary.{name}.gz", "rt", encoding="utf-8") as file:
        return "".join(f"__label__{line}" for line in file.readlines()[:most])


def summary(results: dict[str, Any]) -> list[dict[str, str]]:
    """Lines of the README's table."""
    titles = {
        "words": "supervised, SST-2, words",
        "pairs": "supervised, SST-2, words and pairs",
        "pairs_200k": "the same with 200,000 buckets",
    }
    rows = []
    for setting, title in titles.items():
        found = results[setting]
        seconds = found["seconds"]
        rows.append(
            {
                "measured": title,
                "kinfold": f"{seconds['kinfold']:.3f} s",
                "beside": f"fastText 0.9.2 {seconds['fasttext']:.3f} s",
                "ratio": f"{found['ratio']['seconds']:.1f}×",
            }
        )
        ours, theirs = found["accuracy"]["kinfold"], found["accuracy"]["fasttext"]
        rows.append(
            {
                "measured": f"accuracy, same runs, mean of {len(found['runs']['kinfold'])} seeds",
                "kinfold": f"{ours['mean']:.3f}",
                "beside": f"fastText {theirs['mean']:.3f} ± {(theirs['high'] - theirs['low']) / 2:.3f}",
                "ratio": "",
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--job", nargs=2)
    arguments = parser.parse_args()
    if arguments.job:
        print(json.dumps(globals()[arguments.job[0]](json.loads(arguments.job[1]))))
        return
    rounds, most = (1, 1500) if arguments.small else (arguments.rounds, None)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = {part: folder / f"{part}.txt" for part in ("train", "test")}
        for part, path in files.items():
            path.write_text(lines(part, most), encoding="utf-8")
        results: dict[str, Any] = {}
        for setting, options in SETTINGS.items():
            print(setting, flush=True)
            results[setting] = compare(rounds, **{part: str(path) for part, path in files.items()}, **options)
    results["summary"] = summary(results)
    record("classify_small" if arguments.small else "classify", results)


if __name__ == "__main__":
    main()
