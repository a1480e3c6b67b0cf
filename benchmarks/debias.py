"""What debiasing leaves, and what it costs: every method on the Google vectors, users by gender, and a million rows.

On the Google vectors each method takes gender out. What is left is judged on the 500 neutral words that leaned most to
either side (Gonen, Goldberg 2019): whether clusters, a probe and neighbors still tell the sides; with what people
judge as alike, and analogies, before and after. Users of MovieLens get the rows of both genders alike (LEACE), and are
recommended to before and after. A million random rows of 300 are debiased from a file, in a process that tells its
memory.

    python benchmarks/debias.py           some five minutes
    python benchmarks/debias.py --small   without the million rows, as a check
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from _measure import DATA, peak_memory, record
from _words import SETS, answer, in_process

import kinfold as kf
from kinfold.core.report import Finding, Report

METHODS = ("hard", "double-hard", "half-sibling", "repulsion-attraction", "inlp", "leace")
LEFT = ("clusters", "probe", "new probe", "neighbors", "bias by neighbors")
BIASED = 500
ROWS, DIM = 1_000_000, 300


def told(finding: Finding) -> dict[str, Any]:
    return {"value": finding.value, "low": finding.low, "high": finding.high, "n": finding.n}


def words() -> dict[str, Any]:
    """Each method on the Google vectors."""
    space = kf.open(DATA / "vectors" / "googlenews_subset_300d.bin")
    files = [DATA / "word_eval" / name for name in SETS.values()]
    found: dict[str, Any] = {}
    for method in METHODS:
        began = time.perf_counter()
        _, report = kf.debias(
            space,
            method,
            biased=BIASED,
            audit=["weat", "gender"],
            similarity=files,
            analogies=DATA / "word_eval" / "questions-words.txt",
        )
        seconds = time.perf_counter() - began
        sides = {
            side: {each.name: told(each) for each in report.findings if each.group == side}
            for side in ("before", "after", "cost")
        }
        found.setdefault("before", sides["before"])
        found[method] = {**sides["after"], "cost": sides["cost"], "seconds": seconds}
        print(method, {name: round(found[method][name]["value"], 3) for name in LEFT}, flush=True)
    return found


def users() -> dict[str, Any]:
    """LEACE of users' gender: a probe on users that it did not see, and what users are recommended."""
    from kinfold.prepare.split import split
    from kinfold.sources.interactions import read

    folder = DATA / "interactions" / "ml-100k"
    met = read(folder / "u.data.gz", user="1", item="2", weight="3", time="4")
    parts = split(met, "random", seed=0)
    genders = dict(line.split("|")[:3:2] for line in (folder / "u.user").read_text().splitlines())
    space = kf.items(parts.train, method="als", dim=64, seed=0)
    space = space.with_attribute(
        "gender",
        [*(genders[key] for key in space.group("user").keys), *[None] * len(space.group("item"))],
    )
    found: dict[str, Any] = {"users": len(space.group("user"))}
    for method in ("leace", "inlp"):
        fair, report = kf.debias(space, method, attribute="gender", group="user")
        kept: dict[str, Report] = {
            side: kf.measure.retrieval(each, parts) for side, each in (("before", space), ("after", fair))
        }
        found[method] = {
            side: {
                **{each.name: told(each) for each in report.findings if each.group == side},
                "recall@20": told(kept[side]["recall@20"]),
            }
            for side in ("before", "after")
        }
    return found


def million(job: dict[str, Any]) -> dict[str, Any]:
    """Seconds and memory of a method over a file of a million rows."""
    space = kf.open(job["path"])
    options = {"attribute": "kind"} if job["method"] == "leace" else {"lists": job["lists"], "biased": 500}
    began = time.perf_counter()
    _, report = kf.debias(space, job["method"], **options)
    return {
        "seconds": time.perf_counter() - began,
        "peak_bytes": peak_memory(),
        "probe before": report["before/probe"].value,
        "probe after": report["after/probe"].value,
    }


def large() -> dict[str, Any]:
    """A million rows that lean, with a kind each."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        path, lists = Path(folder) / "rows.arrow", Path(folder) / "lists.toml"
        rows = rng.normal(size=(ROWS, DIM)).astype(np.float32)
        kind = np.arange(ROWS) % 2
        rows[:, :4] += 0.5 * np.where(kind, 1, -1)[:, None].astype(np.float32)
        rows[:20] += 8 * np.where(kind[:20], 1, -1)[:, None].astype(np.float32) * np.eye(DIM, dtype=np.float32)[0]
        space = kf.Space.of([f"w{i}" for i in range(ROWS)], rows, group="word").with_attribute("kind", kind)
        space.save(path)
        del rows, space
        pairs = ", ".join(f'["w{i + 1}", "w{i}"]' for i in range(0, 20, 2))
        lists.write_text(f'title = "Kinds"\n[pairs]\ndefinitional = [{pairs}]\n')
        return {
            method: in_process(__file__, "million", {"path": str(path), "lists": str(lists), "method": method})
            for method in METHODS
        }


def summary(results: dict[str, Any]) -> list[dict[str, str]]:
    found = results["words"]
    before = found["before"]
    rows = []
    for method in ("leace", *METHODS[:-1]):
        after = found[method]
        probes = [f"{side['probe']['value']:.3f}, {side['new probe']['value']:.3f}" for side in (before, after)]
        change = {
            title: after[f"{Path(file).stem} · spearman"]["value"] - before[f"{Path(file).stem} · spearman"]["value"]
            for title, file in SETS.items()
        }
        analogy = after["questions-words · accuracy"]["value"] - before["questions-words · accuracy"]["value"]
        rows.append(
            {
                "measured": f"{method}, gender, Google vectors: probe, new probe, clusters on 2 × {BIASED} words",
                "kinfold": f"{probes[1]}, {after['clusters']['value']:.3f}",
                "beside": f"before {probes[0]}, {before['clusters']['value']:.3f}; chance 0.5",
                "ratio": ", ".join(f"{title} {value:+.3f}" for title, value in change.items())
                + f", analogies {analogy:+.3f}",
            }
        )
    for method in ("leace", "inlp"):
        then, now = (results["users"][method][side] for side in ("before", "after"))
        rows.append(
            {
                "measured": f"{method}, gender of users, ml-100k (ALS, 64 d): told by a probe",
                "kinfold": f"{now['probe']['value']:.3f}",
                "beside": f"before {then['probe']['value']:.3f}; chance {now['chance']['value']:.3f}",
                "ratio": f"recall@20 {now['recall@20']['value']:.3f}, before {then['recall@20']['value']:.3f}",
            }
        )
    for method, each in results.get("large", {}).items():
        rows.append(
            {
                "measured": f"{method}, 1,000,000 × 300 with its report",
                "kinfold": f"{each['seconds']:.0f} s, {each['peak_bytes'] / 1e9:.1f} GB",
                "beside": "",
                "ratio": "",
            }
        )
    return rows


def main() -> None:
    if sys.argv[1:2] == ["--job"]:
        answer(sys.argv[2:], {"million": million})
        return
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true")
    arguments = parser.parse_args()
    results: dict[str, Any] = {"words": words(), "users": users()}
    if not arguments.small:
        results["large"] = large()
    results["summary"] = summary(results)
    record("debias_small" if arguments.small else "debias", results)


if __name__ == "__main__":
    main()
