"""Does the audit say what is there: planted biases, the published tests on the Google vectors, Bolukbasi's professions.

Planted worlds are drawn 1,000 times each, and audited as a user would. The true effect size is that of 8,000 further
words of both kinds against the attributes that were drawn. Beside our interval stands the one by resampling words.

    python benchmarks/bias.py              some six minutes
    python benchmarks/bias.py --small      seconds, as a check
"""

from __future__ import annotations

import argparse
import gzip
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from _measure import DATA, record

import kinfold as kf
from kinfold.core.metric import units
from kinfold.measure.associations import associations
from kinfold.measure.bias import of_words
from kinfold.measure.effect import effect_size

DRAWS, TRUTH, DIM, ATTRIBUTES = 1000, 4000, 50, 8
# Of each world: words of both targets, how far they are apart along the bias, tails and spread of the second target.
WORLDS = {
    "no bias, 8 words": (8, 8, 0.0, None, 1.0),
    "no bias, 25 words": (25, 25, 0.0, None, 1.0),
    "medium, 8 words": (8, 8, 0.8, None, 1.0),
    "large, 8 words": (8, 8, 2.0, None, 1.0),
    "medium, 25 words": (25, 25, 0.8, None, 1.0),
    "medium, 6 and 12 words": (6, 12, 0.8, None, 1.0),
    "medium, 8 words, heavy tails": (8, 8, 0.8, 5, 1.0),
    "medium, 16 words, one spreads by half more": (16, 16, 0.8, None, 1.5),
}
# Caliskan, Bryson, Narayanan 2017, supplement: effect sizes of word2vec on Google News; p was above 0.05 in the last.
PUBLISHED = {
    "WEAT 1": 1.54, "WEAT 2": 1.63, "WEAT 3": 0.58, "WEAT 4": 1.24, "WEAT 5": 0.72,
    "WEAT 6": 1.89, "WEAT 7": 0.97, "WEAT 8": 1.24, "WEAT 9": 1.30, "WEAT 10": -0.08,
}  # fmt: skip


def words_of(rng: np.random.Generator, count: int, shift: float, tails: int | None, spread: float) -> np.ndarray:
    """Rows whose first coordinate is shifted; by a t distribution where tails are named."""
    rows = rng.normal(size=(count, DIM)) if tails is None else rng.standard_t(tails, (count, DIM)) / np.sqrt(5 / 3)
    rows *= spread
    rows[:, 0] += shift / 2
    return rows


def world(name: str, draws: int, truths: int) -> dict[str, float]:
    """How often the interval holds the truth, how often that by resampling does, and how often p is below 0.05."""
    n, m, apart, tails, spread = WORLDS[name]
    rng = np.random.default_rng(list(WORLDS).index(name))
    held = resampled = alarms = 0
    width = 0.0
    for _ in range(draws):
        attributes = [words_of(rng, ATTRIBUTES, shift, None, 1.0) for shift in (3.0, -3.0)]
        targets = [words_of(rng, n, apart, tails, 1.0), words_of(rng, m, -apart, tails, spread)]
        further = [
            associations(words_of(rng, truths * count * 2 // (n + m), shift, tails, wide), *attributes)
            for count, shift, wide in ((n, apart, 1.0), (m, -apart, spread))
        ]
        truth = effect_size(*further)
        sets = dict(zip(("x", "y", "a", "b"), [*targets, *attributes], strict=True))
        keys = {called: [f"{called}{at}" for at in range(len(rows))] for called, rows in sets.items()}
        space = kf.Space.of([key for each in keys.values() for key in each], np.concatenate(list(sets.values())))
        report = kf.audit(space, of_words("planted", keys), permutations=999)
        found = report["effect size"]
        held += found.low <= truth <= found.high
        width += found.high - found.low
        alarms += report["p"].value < 0.05
        resampled += within(truth, *(associations(each, *attributes) for each in targets), rng=rng)
    return {"interval holds truth": held / draws, "resampling holds truth": resampled / draws,
            "p below 0.05": alarms / draws, "mean width": width / draws}  # fmt: skip


def within(truth: float, x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> bool:
    """Whether the percentile interval of resampled words holds the truth."""
    drawn = [each[rng.integers(0, len(each), (1000, len(each)))] for each in (x, y)]
    spread = np.concatenate(drawn, axis=1).std(axis=1)
    low, high = np.quantile((drawn[0].mean(axis=1) - drawn[1].mean(axis=1)) / np.maximum(spread, 1e-12), [0.025, 0.975])
    return bool(low <= truth <= high)


def groups_alarm(draws: int) -> dict[str, float]:
    """How often rows whose groups mean nothing are said to tell them."""
    alarms = dict.fromkeys(("spread between groups", "told by a probe", "neighbors of the same group", "gap"), 0)
    for draw in range(draws):
        rng = np.random.default_rng(draw)
        rows = rng.normal(size=(120, 8))
        space = kf.Space.of([str(at) for at in range(120)], rows).with_attribute(
            "side", rng.permutation(["a", "b"] * 60)
        )
        # Of 200 partitions, those with a p of at most 0.05 are one in twenty; below it are nine, not ten.
        judged = draws + draw
        report = kf.measure.separation(space, "side", permutations=199, seed=judged)
        for name in list(alarms)[:3]:
            alarms[name] += report[f"{name}/p"].value <= 0.05
        right = rng.random(120) < 0.8
        told = kf.measure.by_group(right, rng.choice(["a", "b", "c"], 120), permutations=199, seed=judged)
        alarms["gap"] += told["p"].value <= 0.05
    return {name: count / draws for name, count in alarms.items()}


def google() -> kf.Space:
    """The words of the Google vectors that are here."""
    return kf.open(DATA / "vectors" / "googlenews_subset_300d.bin")


def with_wefe(space: kf.Space) -> kf.Space:
    """The same with those that WEFE keeps for its tests."""
    rows = {}
    with gzip.open(DATA / "bias" / "wefe" / "weat_w2v____old.txt.gz", "rt", encoding="utf-8") as file:
        for line in file:
            word, *numbers = line.split()
            if len(numbers) == space.dim and word not in space.keys:
                rows[word] = np.array(numbers, np.float32)
    both = np.concatenate([units(space.rows.dense()), units(np.stack(list(rows.values())))])
    return kf.Space.of([*space.keys, *rows], both, group="word")


def published(space: kf.Space) -> dict[str, dict[str, Any]]:
    """Our effect sizes beside those of the paper, of the tests whose words are there."""
    found = {}
    for name, value, low, high, _, p, count, missing, told in kf.audit(space, "weat").tables[0].rows:
        if value is None:
            found[name] = {"published": PUBLISHED[name], "refused": told}
            continue
        agrees = np.sign(value) == np.sign(PUBLISHED[name]) and (p < 0.05) == (name != "WEAT 10")
        found[name] = {"published": PUBLISHED[name], "effect size": value, "low": low, "high": high, "p": p,
                       "with n - 1": value * np.sqrt((count - 1) / count), "words": count, "missing": missing,
                       "sign and significance agree": bool(agrees)}  # fmt: skip
    return found


def professions(space: kf.Space) -> dict[str, float]:
    """Direct bias and the order of professions beside the algorithm of Bolukbasi et al., written out."""
    from scipy.stats import spearmanr
    from sklearn.decomposition import PCA

    folder = DATA / "bias" / "debiaswe" / "data"
    pairs = json.loads((folder / "definitional_pairs.json").read_text())
    rated = {name: (own, stereotype) for name, own, stereotype in json.loads((folder / "professions.json").read_text())}
    names = [name for name in rated if name in space]
    vector = {name: units(space[name][None])[0] for name in {*names, *(word for pair in pairs for word in pair)}}
    halves = [vector[word] - (vector[a] + vector[b]) / 2 for a, b in pairs for word in (a, b)]
    direction = PCA(n_components=10).fit(np.array(halves)).components_[0]
    direction *= np.sign((vector["she"] - vector["he"]) @ direction)
    reference = np.array([vector[name] @ direction for name in names])
    toml = ["[pairs]", f"gender = {json.dumps(pairs)}", "[words]", f"professions = {json.dumps(list(rated))}",
            "[[axis]]", 'name = "gender"', 'pairs = "gender"', 'words = "professions"']  # fmt: skip
    with tempfile.TemporaryDirectory() as where:
        path = Path(where) / "professions.toml"
        path.write_text("\n".join(toml))
        report = kf.audit(space, path, lost=0.5)
    table = next(each for each in report.tables if each.title.startswith("All words"))
    ours = dict(table.rows)
    leaning = [ours[name] for name in names]
    she_he = [vector[name] @ (vector["she"] - vector["he"]) for name in names]
    # Of people, minus is female: what is told of a profession by itself, and as a stereotype.
    people = [-sum(rated[name]) for name in names]
    return {
        "professions": len(names),
        "direct bias": report["direct bias"].value,
        "direct bias, reference": float(np.abs(reference).mean()),
        "spearman with the reference": float(spearmanr(leaning, reference).statistic),
        "spearman with she - he": float(spearmanr(leaning, she_he).statistic),
        "spearman with people's ratings": float(spearmanr(leaning, people).statistic),
        "most female": table.rows[0][0],
        "most male": table.rows[-1][0],
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true")
    small = parser.parse_args().small
    draws, truths = (20, 2000) if small else (DRAWS, TRUTH)
    results: dict[str, Any] = {"draws": draws, "planted": {name: world(name, draws, truths) for name in WORLDS}}
    results["groups without meaning"] = groups_alarm(draws)
    space = google()
    results["google"] = published(space)
    results["google with wefe's words"] = published(with_wefe(space))
    results["professions"] = professions(space)
    shares = DATA / "bias" / "winogender" / "data" / "occupations-stats.tsv"
    told = kf.audit(space, shares=shares, share="bls_pct_female")
    results["shares"] = {
        name: told[name].to_dict()
        if hasattr(told[name], "to_dict")
        else [told[name].value, told[name].low, told[name].high, told[name].n]
        for name in ("correlation with shares", "rank correlation with shares")
    }
    results["summary"] = summary(results)
    if small:
        print(json.dumps(results, indent=1, default=float))
    else:
        record("bias", results)


def summary(results: dict[str, Any]) -> list[dict[str, str]]:
    """Lines for people."""
    planted = results["planted"]
    plain = {name: each for name, each in planted.items() if "heavy" not in name and "spreads" not in name}
    holds, others = (
        [each[key] for each in plain.values()] for key in ("interval holds truth", "resampling holds truth")
    )
    alarms = [each["p below 0.05"] for name, each in planted.items() if name.startswith("no bias")]
    answered = [each for each in results["google with wefe's words"].values() if "refused" not in each]
    agree = sum(each["sign and significance agree"] for each in answered)
    jobs = results["professions"]

    def percent(values: list[float]) -> str:
        return " to ".join(f"{100 * each:.1f}" for each in dict.fromkeys((min(values), max(values)))) + " %"

    drawn = f"{len(plain)} worlds × {results['draws']} draws"

    def line(measured: str, ours: str, beside: str = "") -> dict[str, str]:
        return {"measured": measured, "kinfold": ours, "beside": beside, "ratio": ""}

    return [
        line(
            f"planted biases: intervals (95 %) of WEAT's effect size that hold the truth, {drawn}",
            percent(holds),
            f"resampled words {percent(others)}",
        ),
        line("without bias: p below 0.05", percent(alarms), "5 %"),
        line(
            "WEAT on the Google vectors: sign and significance as published",
            f"{agree} of {len(answered)}",
            "Caliskan et al. 2017; the names of test 3 are not in these files",
        ),
        line(
            f"order of {jobs['professions']} professions by gender: rank correlation",
            f"{jobs['spearman with the reference']:.3f}",
            "the algorithm of Bolukbasi et al. 2016",
        ),
        line(
            "leaning of occupations and real shares of women: correlation",
            f"{results['shares']['correlation with shares'][0]:.2f}",
        ),
    ]


if __name__ == "__main__":
    main()
