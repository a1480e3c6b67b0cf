"""Words translated and sentence pairs mined from English and German that were learned apart, on Multi30k's captions.

Word2Vec learns each language from its 29,000 captions; that captions are translations of each other is not told. Seeds
are yacle's 5,000 words, tests those of its 2,000 other words that both vocabularies hold. Sentences are means of word
rows; those mined are the captions of two test sets, of which a third has its translation on the other side. The
thresholds come from the validation set, the settings of learning from seeds that were held out from the seeds.

    python benchmarks/translation.py            three seeds, some minutes
    python benchmarks/translation.py --tune     what was tried for the settings
    python benchmarks/translation.py --small    half a minute, as a check
"""

from __future__ import annotations

import argparse
import dataclasses
import gzip
import os
from pathlib import Path
from typing import Any

import numpy as np
from _measure import record

import kinfold as kf
from kinfold import Space
from kinfold.core.metric import units
from kinfold.core.report import Report
from kinfold.prepare.tokens import sequences
from kinfold.sources.pairs import read as read_pairs
from kinfold.sources.text import read as read_texts
from kinfold.tasks import mine, translate

DATA = Path(os.environ.get("KINFOLD_DATA", Path(__file__).parent.parent.parent / "shared" / "data")) / "text"
CAPTIONS = DATA / "multi30k" / "data" / "task1" / "raw"
WORDS = DATA / "bilingual_dictionaries" / "en-de"
SEEDS, TEST = WORDS / "yacle.train.freq.5k.en-de.tsv", WORDS / "yacle.test.freq.2k.en-de.tsv"
METHODS = ("procrustes", "least-squares", "refine")
SETTINGS: dict[str, Any] = {"dim": 300, "epochs": 20, "window": 8, "min_count": 2}
TRIED: tuple[dict[str, Any], ...] = (
    {},
    {"min_count": 1},
    {"min_count": 3},
    {"min_count": 5},
    {"window": 5},
    {"window": 12},
    {"dim": 100},
    {"dim": 200},
    {"dim": 400},
    {"epochs": 10},
    {"epochs": 30},
    {"epochs": 40, "learning_rate": 0.0125},
    {"negatives": 10},
    {"mode": "cbow"},
)
# Of the weight of a word in a sentence, a / (a + share of all words).
A = 1e-3


def learned(language: str, seed: int, **settings: Any) -> Space:
    return kf.words(CAPTIONS / f"train.{language}.gz", seed=seed, threads=2, **{**SETTINGS, **settings})


def both(seed: int, **settings: Any) -> tuple[Space, Space]:
    """English and German; their seeds differ, so that not even the first rows are related."""
    return learned("en", 2 * seed, **settings), learned("de", 2 * seed + 1, **settings)


# Words.


def words(english: Space, german: Space, seed: int) -> dict[str, Any]:
    """Precision on the test words by each method, and what it stands beside."""
    found = {}
    for method in METHODS:
        report = translate.evaluate(english, german, TEST, dictionary=SEEDS, method=method, seed=seed)
        found[method] = values(report)
        print(f"  {method:13s} {report['precision@1']}  {report['precision@5']}", flush=True)
    return found


def values(report: Report) -> dict[str, Any]:
    """The findings by `group/name`."""
    return {
        f"{each.group}/{each.name}" if each.group else each.name: {
            "value": each.value,
            "low": each.low,
            "high": each.high,
            "n": each.n,
        }
        for each in report
    }


def tune(seeds: int) -> list[dict[str, Any]]:
    """Precision on a quarter of the seeds that is held out from aligning, for each setting that was tried.

    The held-out words are those that every vocabulary holds.
    """
    common = [learned(language, 0, min_count=5, dim=8, epochs=1) for language in ("en", "de")]
    pairs = [(left.lower(), right.lower()) for left, right in read_pairs(SEEDS)]
    known = [pair for pair in pairs if pair[0] in common[0] and pair[1] in common[1]]
    held = {known[at] for at in np.random.default_rng(0).permutation(len(known))[: len(known) // 4].tolist()}
    rest = [pair for pair in pairs if pair not in held]
    lines = []
    for setting in TRIED:
        line: dict[str, Any] = {"setting": setting}
        spaces = [both(seed, **setting) for seed in range(seeds)]
        for method in METHODS:
            reports = [translate.evaluate(*each, sorted(held), dictionary=rest, method=method) for each in spaces]
            for depth in (1, 5):
                found = [each[f"precision@{depth}"].value for each in reports]
                line[f"{method}@{depth}"] = float(np.mean(found))
        print(line, flush=True)
        lines.append(line)
    return lines


# Sentences.


def captions(name: str, language: str) -> list[str]:
    with gzip.open(CAPTIONS / f"{name}.{language}.gz", "rt", encoding="utf-8") as file:
        return [line.rstrip("\n") for line in file]


def sentences(space: Space, texts: list[str], first: int) -> Space:
    """Rows of texts: means of the directions of their words, frequent ones weighing less; keys are their numbers."""
    data = sequences(read_texts(texts), known=space.keys, min_count=1, threads=1)
    place = {name: row for row, name in enumerate(space.keys)}
    counts = np.asarray(space.attribute("count"), np.float64)
    weights = (A / (A + counts / counts.sum())).astype(np.float32)[:, None] * units(space.rows.dense())
    names, rows = [], []
    for number, ids in enumerate(list(data)):
        known = [place[word] for word in ids if word in place]
        names.append(f"s{first + number}")
        rows.append(weights[known].mean(axis=0) if known else np.zeros(space.dim, np.float32))
    assert len(names) == len(texts)
    whole = Space.of(names, np.stack(rows), group="sentence")
    return dataclasses.replace(whole, card=dataclasses.replace(whole.card, frame=space.frame))


def overlapping(english: Space, german: Space, names: list[str]) -> tuple[Space, Space]:
    """The captions of some sets: the first two thirds in English, the last two thirds in German."""
    sides = [[text for name in names for text in captions(name, language)] for language in ("en", "de")]
    third = len(sides[0]) // 3
    return sentences(english, sides[0][: 2 * third], 0), sentences(german, sides[1][third : 3 * third], third)


def mining(english: Space, german: Space) -> dict[str, Any]:
    """Precision, recall and F1 of mined test captions, by margin and by the cosine alone, aligned or not."""
    found: dict[str, Any] = {}
    spaces = {
        "procrustes": kf.align(english, to=german, dictionary=SEEDS),
        "refine": kf.align(english, to=german, dictionary=SEEDS, method="refine"),
        # Comparing rows of two frames is what this baseline is for.
        "no alignment": dataclasses.replace(english, card=german.card),
    }
    for name, space in spaces.items():
        tuned, tested = (
            overlapping(space, german, sets) for sets in (["val"], ["test_2016_flickr", "test_2017_flickr"])
        )
        for margin in ("ratio", "absolute"):
            threshold = mine.evaluate(*tuned, margin=margin)["best threshold"].value
            report = mine.evaluate(*tested, margin=margin, threshold=threshold)
            found[f"{name}, {margin}"] = {"threshold": threshold, **values(report)}
            scores = "  ".join(str(report[each]) for each in ("precision", "recall", "F1"))
            print(f"  {name:13s} {margin:9s} {scores}", flush=True)
    return found


def summary(results: dict[str, Any]) -> list[dict[str, str]]:
    """Lines of the README's table."""

    def mean(runs: list[dict[str, Any]], *path: str) -> str:
        return f"{np.mean([run[path[0]][path[1]]['value'] for run in runs]):.3f}"

    runs = results["words"]
    count = runs[0]["refine"]["precision@1"]["n"]
    lines = []
    for method in METHODS:
        scores = [mean(runs, method, f"precision@{depth}") for depth in (1, 5)]
        blind = [mean(runs, method, f"no alignment/precision@{depth}") for depth in (1, 5)]
        chance = [mean(runs, method, f"random answers/precision@{depth}") for depth in (1, 5)]
        lines.append(
            {
                "measured": f"{count} words translated en → de by {method}, P@1 and P@5, mean of {len(runs)} seeds",
                "kinfold": " and ".join(scores),
                "beside": f"no alignment {' and '.join(blind)}, chance {' and '.join(chance)}",
                "ratio": "",
            }
        )
    scores, plain, blind = (
        mean(results["mining"], name, "F1") for name in ("refine, ratio", "refine, absolute", "no alignment, ratio")
    )
    lines.append(
        {
            "measured": "sentence pairs mined en ↔ de, F1",
            "kinfold": scores,
            "beside": f"cosine alone {plain}, no alignment {blind}",
            "ratio": "",
        }
    )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--tune", action="store_true")
    parser.add_argument("--small", action="store_true")
    arguments = parser.parse_args()
    seeds = 1 if arguments.small else arguments.seeds
    if arguments.tune:
        record("translation_tuning", {"settings": SETTINGS, "tried": tune(min(seeds, 2))})
        return
    results: dict[str, Any] = {"settings": SETTINGS, "words": [], "mining": []}
    for seed in range(seeds):
        english, german = both(seed, **({"dim": 100, "epochs": 5} if arguments.small else {}))
        results["words"].append(words(english, german, seed))
        results["mining"].append(mining(english, german))
    results["summary"] = summary(results)
    record("translation_small" if arguments.small else "translation", results)


if __name__ == "__main__":
    main()
