"""What the benchmarks of word vectors share: the text, a process for each contender, the scores of what it learned."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from _measure import DATA

SETS = {"WordSim-353": "EN-WS-353-ALL.txt", "SimLex-999": "EN-SIMLEX-999.txt"}
MIN_COUNT = 5


def novels(folder: Path, small: bool) -> tuple[Path, Path]:
    """The novels as they are, and lower-cased and tokenized by white space; a twentieth of them if small."""
    import lzma

    raw, file = folder / "novels.txt", folder / "tokens.txt"
    text = lzma.decompress((DATA / "text" / "novels.txt.xz").read_bytes())
    raw.write_bytes(head(text, 4_000_000) if small else text)
    tokenized(raw, file)
    return raw, file


def tokenized(raw: Path, target: Path) -> None:
    """A lower-cased, white-space-tokenized copy, so that all contenders see the same words."""
    import re

    word = re.compile(r"\w+(?:['’]\w+)*")
    with raw.open(encoding="utf-8") as lines, target.open("w", encoding="utf-8") as out:
        for line in lines:
            words = word.findall(line.lower())
            if words:
                out.write(" ".join(words) + "\n")


def head(text: bytes, size: int) -> bytes:
    """The first lines of a text, some `size` bytes."""
    return text[: text.rfind(b"\n", 0, size) + 1]


def in_process(script: str, contender: str, job: Mapping[str, Any]) -> dict[str, Any]:
    """What a contender of a script finds, in a new process: `script --job contender {job}`."""
    found = subprocess.run(
        [sys.executable, script, "--job", contender, json.dumps(job)], capture_output=True, text=True
    )
    if found.returncode:
        raise RuntimeError(found.stderr)
    result: dict[str, Any] = json.loads(found.stdout.splitlines()[-1])
    return result


def answer(job: Sequence[str], contenders: Mapping[str, Any]) -> None:
    """The other side of `in_process`."""
    sys.meta_path.insert(0, _NoPandas())  # type: ignore[arg-type]
    print(json.dumps(contenders[job[0]](json.loads(job[1]))))


class _NoPandas:
    """No contender needs pandas, and a plain installation has none; where it is, Arrow and others import it."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name)


def save(path: str, words: Sequence[str], vectors: np.ndarray) -> None:
    """Keeps vectors to be scored, if a path is given."""
    from kinfold import Space

    if path:
        Space.of(words, vectors).save(path)


def scores(path: str | Path) -> dict[str, dict[str, float]]:
    """Analogies among the 30,000 most frequent words, and similarities."""
    import kinfold as kf

    space = kf.open(path)
    analogies = kf.measure.analogies(space, DATA / "word_eval" / "questions-words.txt", restrict=30_000)
    found = {"analogies": _scored(analogies["accuracy"])}
    for title, file in SETS.items():
        found[title] = _scored(kf.measure.similarity(space, DATA / "word_eval" / file)["spearman"])
    print("   ", {name: round(value["value"], 4) for name, value in found.items()}, flush=True)
    return found


def _scored(finding: Any) -> dict[str, float]:
    return {"value": finding.value, "low": finding.low, "high": finding.high, "n": finding.n}


def verdict(runs: Mapping[str, Sequence[Mapping[str, Any]]], peer: str) -> dict[str, dict[str, Any]]:
    """Mean scores of Kinfold and of a peer, and whether ours are not below theirs by more than half an interval."""
    found = {}
    for title in ("analogies", *SETS):
        ours, theirs = ([each["scores"][title] for each in runs[name]] for name in ("kinfold", peer))
        half = float(np.mean([each["high"] - each["low"] for each in theirs])) / 2
        means = [float(np.mean([each["value"] for each in side])) for side in (ours, theirs)]
        found[title] = {
            "kinfold": means[0],
            peer: means[1],
            "half_width": half,
            "not_below": means[0] >= means[1] - half,
        }
    return found
