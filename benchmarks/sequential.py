"""What comes next: sasrec beside item2vec, als and what is popular, on reviews of beauty products.

The last item of each user is held out, and all items that it has not met are ranked. Each method is tuned on the last
item before that one, the best setting is learned anew and judged, on one thread, so that the same numbers come again.
sasrec is learned from three seeds. Its defaults were chosen on the same tuning part among some fifteen settings,
so that each method had about as many tries.

    python benchmarks/sequential.py              everything, some twenty-five minutes
    python benchmarks/sequential.py --small      a minute on a tenth of the users, as a check
"""

from __future__ import annotations

import argparse
import itertools
import time
from statistics import mean, median
from typing import Any

import numpy as np
from _measure import DATA, record

import kinfold as kf
from kinfold.core.report import Report
from kinfold.prepare.split import Split, split
from kinfold.sources.interactions import read

SEEDS = 3
METRICS = ("ndcg@10", "hit@10")


def grid(**values: tuple[Any, ...]) -> list[dict[str, Any]]:
    return [dict(zip(values, each, strict=True)) for each in itertools.product(*values.values())]


def settings() -> dict[str, list[dict[str, Any]]]:
    """What is tried of each method beside its defaults."""
    return {
        "sasrec": grid(dropout=(0.3, 0.5)),
        "item2vec": grid(dim=(64, 128), window=(3, 10), epochs=(60, 200, 600), subsample=(0.0,)),
        "als": grid(dim=(64, 128, 256, 512), regularization=(0.003, 0.01, 0.03), weighting=("one",)),
    }


def judged(method: str, parts: Split, seed: int = 0, **options: Any) -> tuple[Report, float]:
    """What a method is worth, and the seconds that it learned."""
    began = time.perf_counter()
    space = kf.items(parts.train, method=method, seed=seed, threads=1, **options)
    seconds = time.perf_counter() - began
    return kf.measure.retrieval(space, parts, ks=(10,), seed=seed), seconds


def values(report: Report) -> dict[str, dict[str, float]]:
    found = {name: report[name] for name in METRICS}
    return {
        name: {"value": each.value, "low": each.low, "high": each.high, "n": each.n} for name, each in found.items()
    }


def summary(results: dict[str, Any]) -> list[dict[str, str]]:
    """Lines of a table."""
    rows = []
    for metric in METRICS:
        own = [each[metric] for each in results["sasrec"]["seeds"]]
        found = f"{mean(each['value'] for each in own):.4f} [{own[0]['low']:.4f}, {own[0]['high']:.4f}]"
        others = ", ".join(f"{name} {results[name][metric]['value']:.4f}" for name in ("item2vec", "als", "popular"))
        rows.append(
            {"measured": f"{metric}, the next of 12,101 items", "kinfold": found, "beside": others, "ratio": ""}
        )
    seconds = results["sasrec"]["seconds"]
    rows.append({"measured": "sasrec, seconds to learn", "kinfold": f"{seconds:.0f} s", "beside": "", "ratio": ""})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true")
    small = parser.parse_args().small
    met = read(DATA / "interactions" / "beauty_sequences.txt.gz")
    if small:
        met = met.take(met.user_ids % 10 == 0)
    parts = split(met, "leave-last")
    tuning = split(parts.train, "leave-last")
    results: dict[str, Any] = {"users": len(np.unique(met.user_ids)), "interactions": len(met)}
    for method, tried in settings().items():
        few = tried[:1] if small else tried
        found = [(judged(method, tuning, **options)[0]["ndcg@10"].value, options) for options in few]
        best = max(found, key=lambda each: each[0])[1]
        results[method] = {"setting": best, "tried": found}
        print(f"  {method}: {found}", flush=True)
        if method == "sasrec":
            seeds = [judged(method, parts, seed, **best) for seed in range(1 if small else SEEDS)]
            results[method]["seeds"] = [values(report) for report, _ in seeds]
            results[method]["seconds"] = median(seconds for _, seconds in seeds)
        else:
            report, results[method]["seconds"] = judged(method, parts, **best)
            results[method] |= values(report)
        print(f"  {method}: {results[method]}", flush=True)
    popular = next(row for row in report.tables[0].rows if row[0] == "popular")
    places = [report.tables[0].columns.index(name) for name in ("ndcg", "hit")]
    results["popular"] = {name: {"value": popular[place]} for name, place in zip(METRICS, places, strict=True)}
    results["summary"] = summary(results)
    record("sequential_small" if small else "sequential", results)


if __name__ == "__main__":
    main()
