"""Does starting from vectors pay? A twentieth of the novels as target text, the rest as what was read before.

Word vectors of the target text are learned from nothing, and from vectors of the other novels with each way of treating
them (learn, slow, anchor, freeze), with several seeds. Judged are the similarity sets, on those pairs that the target
text itself has the words for, so that nobody gains by a larger vocabulary. Differences are paired, with bootstrap
intervals over the pairs.

    python benchmarks/transfer.py           some three minutes
    python benchmarks/transfer.py --small   on a tenth of the text, as a check
"""

from __future__ import annotations

import argparse
import lzma
from typing import Any

import numpy as np
from _measure import DATA, record

import kinfold as kf
from kinfold.core.intervals import bootstrap
from kinfold.core.space import Space
from kinfold.measure.judgment import read_judgments, spearman

SETS = {"WordSim-353": "EN-WS-353-ALL.txt", "SimLex-999": "EN-SIMLEX-999.txt"}
WAYS = ("learn", "slow", "anchor", "freeze")
SHARE = 0.05


def split(lines: list[str]) -> tuple[list[str], list[str]]:
    """The last of twenty runs of lines, and the others: whole stretches of novels, not lines picked here and there."""
    first = int(len(lines) * (1 - SHARE))
    return lines[first:], lines[:first]


def cosines(space: Space, pairs: list[tuple[str, str]]) -> np.ndarray:
    """Of each pair of words (m,)."""
    left, right = (space.vectors([pair[side] for pair in pairs]) for side in (0, 1))
    lengths = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    return np.asarray(np.einsum("ij,ij->i", left, right) / np.maximum(lengths, 1e-9))


def judge(spaces: dict[str, list[Space]], vocabulary: Space) -> dict[str, Any]:
    """Spearman's correlation of each, mean over its seeds, and its lead over starting from nothing."""
    found: dict[str, Any] = {}
    for title, file in SETS.items():
        judgments = read_judgments(DATA / "word_eval" / file)
        kept = [each for each, pair in enumerate(judgments.pairs) if all(word.lower() in vocabulary for word in pair)]
        pairs = [(judgments.pairs[each][0].lower(), judgments.pairs[each][1].lower()) for each in kept]
        people = judgments.scores[kept]
        scores = {name: [cosines(space, pairs) for space in each] for name, each in spaces.items()}
        base = scores["nothing"]

        def lead(people: np.ndarray, *columns: np.ndarray) -> np.ndarray:
            half = len(columns) // 2
            ours = np.mean([spearman(each, people) for each in columns[:half]], axis=0)
            return np.asarray(ours - np.mean([spearman(each, people) for each in columns[half:]], axis=0))

        found[title] = {"pairs": len(pairs)}
        for name, columns in scores.items():
            values = [float(spearman(each, people)) for each in columns]
            found[title][name] = {"spearman": float(np.mean(values)), "seeds": values}
            if name != "nothing":
                low, high = bootstrap(lead, people, *columns, *base)
                difference = found[title][name]["spearman"] - found[title]["nothing"]["spearman"]
                found[title][name]["lead"] = {"value": difference, "low": low, "high": high}
    return found


def summary(results: dict[str, Any]) -> list[dict[str, str]]:
    rows = []
    for title, found in results["scores"].items():
        for way in ("learn", "anchor"):
            lead = found[way]["lead"]
            rows.append(
                {
                    "measured": f"{title}, 5 % of the text, start from the rest ({way})",
                    "kinfold": f"{found[way]['spearman']:.3f}",
                    "beside": f"from nothing {found['nothing']['spearman']:.3f}",
                    "ratio": f"+{lead['value']:.3f} [{lead['low']:.3f}, {lead['high']:.3f}]",
                }
            )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    lines = lzma.decompress((DATA / "text" / "novels.txt.xz").read_bytes()).decode().splitlines()
    lines = lines[: len(lines) // 10] if arguments.small else lines
    target, rest = split(lines)
    options = {"dim": 100, "epochs": 5}
    spaces: dict[str, list[Space]] = {name: [] for name in ("nothing", "rest alone", *WAYS)}
    for seed in range(arguments.seeds):
        before = kf.words(rest, seed=seed, **options)
        spaces["rest alone"].append(before)
        spaces["nothing"].append(kf.words(target, seed=seed, **options))
        for way in WAYS:
            spaces[way].append(kf.words(target, start=before, known=way, seed=seed, epochs=options["epochs"]))
        print(f"seed {seed} done", flush=True)
    vocabulary = spaces["nothing"][0]
    vocabulary = vocabulary.take(np.array([row for row, key in enumerate(vocabulary.keys) if key in before]))
    sizes = {"target": sum(map(len, target)), "rest": sum(map(len, rest)), "words": len(spaces["nothing"][0])}
    results: dict[str, Any] = {"characters": sizes, "scores": judge(spaces, vocabulary)}
    results["summary"] = summary(results)
    record("transfer_small" if arguments.small else "transfer", results)


if __name__ == "__main__":
    main()
