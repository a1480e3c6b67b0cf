"""Document vectors beside gensim's Doc2Vec: PV-DBOW on the sentences of SST-2, judged by a linear classifier.

Both learn from the sentences of the training, development and test sets without their labels, with the same words and
settings: 5 negatives, no subsampling, rate 0.025 falling linearly, 2 threads. A logistic regression on the vectors of
the training sentences is scored on those of the test sentences. Every training is a process of its own; contenders take
turns.

    python benchmarks/documents.py           some five minutes
    python benchmarks/documents.py --small   half a minute on a part, as a check
"""

from __future__ import annotations

import argparse
import gzip
import json
import subprocess
import sys
import tempfile
import time
from statistics import median
from typing import Any

import numpy as np
from _measure import DATA, record

DIM, NEGATIVES, MIN_COUNT, RATE = 100, 5, 2, 0.025


def sentences(small: bool) -> tuple[list[list[str]], np.ndarray, list[int]]:
    """Token lists, labels, and how many sentences each of the three sets has."""
    texts, labels, sizes = [], [], []
    for name in ("train", "dev", "test"):
        with gzip.open(DATA / "text" / "sst2" / f"stsa.binary.{name}.gz", "rt", encoding="utf-8") as file:
            lines = [line.rstrip("\n").partition(" ") for line in file][: 500 if small else None]
        labels += [int(label) for label, _, _ in lines]
        texts += [text.lower().split() for _, _, text in lines]
        sizes.append(len(lines))
    return texts, np.array(labels), sizes


def kinfold(job: dict[str, Any], texts: list[list[str]]) -> tuple[float, int, np.ndarray]:
    from kinfold.core.keys import Keys
    from kinfold.core.shapes import Items
    from kinfold.learn import Doc2Vec
    from kinfold.prepare.tokens import sequences

    names = Keys([str(number) for number in range(len(texts))], "document")
    data = sequences(Items(texts, names), min_count=MIN_COUNT, keep_empty=True)
    full = np.flatnonzero(np.diff(data.starts) > 0)
    data = data.take(full)
    learner = Doc2Vec(dim=DIM, epochs=job["epochs"], negatives=NEGATIVES, subsample=0, learning_rate=RATE, mode="dbow")
    Doc2Vec(dim=DIM, epochs=1).fit(data.take(np.arange(9)), threads=1)  # loads what an earlier process compiled
    began = time.perf_counter()
    space = learner.fit(data, seed=job["seed"], threads=2)
    seconds = time.perf_counter() - began
    rows = np.zeros((len(texts), DIM), np.float32)
    rows[full] = space.group("document").rows.values
    return seconds, len(data.ids), rows


def gensim(job: dict[str, Any], texts: list[list[str]]) -> tuple[float, int, np.ndarray]:
    from gensim.models.doc2vec import Doc2Vec

    model = Doc2Vec(
        vector_size=DIM,
        epochs=job["epochs"],
        negative=NEGATIVES,
        sample=0,
        alpha=RATE,
        min_count=MIN_COUNT,
        dm=0,
        workers=2,
        seed=job["seed"] + 1,
    )
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        # Its fastest mode reads lines of a file.
        file.writelines(" ".join(text) + "\n" for text in texts)
        file.flush()
        model.build_vocab(corpus_file=file.name)
        began = time.perf_counter()
        model.train(
            corpus_file=file.name,
            total_examples=model.corpus_count,
            total_words=model.corpus_total_words,
            epochs=model.epochs,
        )
        seconds = time.perf_counter() - began
    tokens = int(sum(model.wv.get_vecattr(word, "count") for word in model.wv.index_to_key))
    return seconds, tokens, model.dv.vectors


def accuracy(rows: np.ndarray, labels: np.ndarray, sizes: list[int], seed: int) -> dict[str, float]:
    """Of a logistic regression on the test sentences, with its interval."""
    from sklearn.linear_model import LogisticRegression

    from kinfold.core.intervals import of_mean

    first, last = sizes[0], len(rows) - sizes[2]
    model = LogisticRegression(max_iter=5000).fit(rows[:first], labels[:first])
    right = (model.predict(rows[last:]) == labels[last:]).astype(float)
    low, high = of_mean(right, seed=seed)
    return {"value": float(right.mean()), "low": low, "high": high}


def run(contender: str, **job: Any) -> dict[str, Any]:
    """One contender in a new process."""
    command = [sys.executable, __file__, "--job", contender, json.dumps(job)]
    found = subprocess.run(command, capture_output=True, text=True)
    if found.returncode:
        raise RuntimeError(found.stderr)
    result: dict[str, Any] = json.loads(found.stdout.splitlines()[-1])
    print(f"  {contender:8s} {result['rate']:12,.0f} words/s, accuracy {result['accuracy']['value']:.4f}", flush=True)
    return result


def summary(results: dict[str, Any]) -> list[dict[str, str]]:
    rates = {name: median(each["rate"] for each in runs) for name, runs in results["runs"].items()}
    scores = results["accuracy"]
    return [
        {
            "measured": f"PV-DBOW, {DIM} d, SST-2",
            "kinfold": f"{rates['kinfold'] / 1e3:,.0f} k words/s",
            "beside": f"gensim 4.4 {rates['gensim'] / 1e3:,.0f} k words/s",
            "ratio": f"{results['ratio']:.1f}×",
        },
        {
            "measured": f"linear classifier on them, mean of {len(results['runs']['kinfold'])} seeds",
            "kinfold": f"{scores['kinfold']:.3f}",
            "beside": f"gensim {scores['gensim']:.3f} ± {scores['half_width']:.3f}",
            "ratio": "",
        },
    ]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--job", nargs=2)
    arguments = parser.parse_args()
    if arguments.job:
        job = json.loads(arguments.job[1])
        texts, labels, sizes = sentences(job["small"])
        seconds, tokens, rows = globals()[arguments.job[0]](job, texts)
        score = accuracy(rows, labels, sizes, job["seed"])
        print(json.dumps({"rate": tokens * job["epochs"] / seconds, "seconds": seconds, "accuracy": score}))
        return
    runs: dict[str, list[dict[str, Any]]] = {"kinfold": [], "gensim": []}
    for seed in range(1 if arguments.small else arguments.rounds):
        for name, found in runs.items():
            found.append(run(name, seed=seed, epochs=arguments.epochs, small=arguments.small))
    ratio = median(ours["rate"] / theirs["rate"] for ours, theirs in zip(runs["kinfold"], runs["gensim"], strict=True))
    means = {name: float(np.mean([each["accuracy"]["value"] for each in found])) for name, found in runs.items()}
    widths = [each["accuracy"]["high"] - each["accuracy"]["low"] for each in runs["gensim"]]
    half = float(np.mean(widths)) / 2
    scores = {**means, "half_width": half, "not_below": means["kinfold"] >= means["gensim"] - half}
    results: dict[str, Any] = {"epochs": arguments.epochs, "runs": runs, "ratio": ratio, "accuracy": scores}
    results["summary"] = summary(results)
    record("documents_small" if arguments.small else "documents", results)


if __name__ == "__main__":
    main()
