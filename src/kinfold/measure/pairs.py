"""What rows of texts are worth on pairs of texts: scored by people, or known to go together."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa

from kinfold.core.columns import to_numpy
from kinfold.core.errors import BadData
from kinfold.core.intervals import bootstrap, of_mean
from kinfold.core.metric import Metric, units
from kinfold.core.report import Finding, Report
from kinfold.core.shapes import TextPairs
from kinfold.measure.judgment import spearman

# Queries whose scores with all candidates are held at once.
_QUERIES = 1024


def text_pairs(
    pairs: TextPairs,
    rows: Callable[[Sequence[str]], np.ndarray],
    *,
    metric: Metric = Metric.COSINE,
    dim: int | None = None,
    seed: int = 0,
) -> Report:
    """How well rows say of pairs of texts what is known of them.

    Of scored pairs `spearman`, the rank correlation of their similarity and their score. Of others `recall@1` (the
    share of texts whose own is the nearest among all that are on the right), `recall@10` and `mrr` (the mean of one
    over its rank), and of triplets `apart` (the share in which the negative is farther). What goes with a text as well
    by another pair is not in its way. Intervals resample the pairs.

    Args:
        pairs: Pairs of texts.
        rows: Gives texts rows (n, dim) float32.
        metric: How rows are compared.
        dim: The first so many coordinates alone; all by default.
        seed: Of the intervals.

    Raises:
        BadData: These are texts alone, or fewer than two.

    Source:
        Cer et al. 2017 (the STS benchmark); Voorhees 1999 (mrr).
    """
    if pairs.right is None or len(pairs) < 2:
        raise BadData(
            f"pairs are judged, at least two, and these are {len(pairs):,} {pairs.kind}; give pairs of texts."
        )
    made, numbers = _encoded(pairs, rows, metric, dim)
    count = len(pairs)
    left, right = numbers[:count], numbers[count : 2 * count]
    own = _alike(made, left, right, metric)
    if pairs.scores is not None:
        value = float(spearman(own, pairs.scores))
        low, high = bootstrap(spearman, own, pairs.scores, seed=seed) if np.isfinite(value) else (None, None)
        return Report("Similarity of texts", [Finding("spearman", value, low, high, count)])
    ranks = _ranks(made, left, right, metric)
    findings = [
        _share("recall@1", ranks < 1, seed),
        _share("recall@10", ranks < 10, seed),
        _share("mrr", 1 / (1 + ranks), seed),
    ]
    if pairs.negatives is not None:
        owners = np.repeat(np.arange(count), [len(each) for each in pairs.negatives])
        other = _alike(made, left[owners], numbers[2 * count :], metric)
        findings.append(_share("apart", own[owners] > other, seed))
    return Report("Pairs of texts", findings)


def similarities(
    pairs: TextPairs, rows: Callable[[Sequence[str]], np.ndarray], metric: Metric = Metric.COSINE
) -> np.ndarray:
    """How near the two texts of each pair are (n,), by rows that `rows` gives them.

    Raises:
        BadData: These are texts alone.
    """
    if pairs.right is None:
        raise BadData(f"these are {len(pairs):,} texts alone; give pairs of texts.")
    made, numbers = _encoded(pairs, rows, metric, None)
    return _alike(made, numbers[: len(pairs)], numbers[len(pairs) : 2 * len(pairs)], metric)


def _encoded(
    pairs: TextPairs, rows: Callable[[Sequence[str]], np.ndarray], metric: Metric, dim: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """The row of each text that occurs (m, dim), and which of them left, right and negative texts are."""
    parts = [pairs.left, pairs.right]
    if pairs.negatives is not None:
        parts.append(pairs.negatives.flatten())
    held = pa.chunked_array(parts).combine_chunks().dictionary_encode()
    made = rows(held.dictionary.to_pylist())[:, :dim]
    return units(made) if metric is Metric.COSINE else made, to_numpy(held.indices).astype(np.int64)


def _alike(rows: np.ndarray, left: np.ndarray, right: np.ndarray, metric: Metric) -> np.ndarray:
    if metric is Metric.L2:
        far: np.ndarray = -np.linalg.norm(rows[left] - rows[right], axis=1)
        return far
    found: np.ndarray = np.einsum("ij,ij->i", rows[left], rows[right])
    return found


def _ranks(rows: np.ndarray, left: np.ndarray, right: np.ndarray, metric: Metric) -> np.ndarray:
    """How many others of the right are nearer to each left than its own (n,), those left out that go with it too."""
    corpus, place = np.unique(right, return_inverse=True)
    known = np.unique(left * (len(rows) + 1) + right)
    ranks = np.empty(len(left), np.int64)
    for first in range(0, len(left), _QUERIES):
        some = slice(first, first + _QUERIES)
        scores = metric.between(rows[left[some]], rows[corpus])
        own = scores[np.arange(len(scores)), place[some]]
        asked = left[some][:, None] * (len(rows) + 1) + corpus
        at = np.searchsorted(known, asked).clip(max=len(known) - 1)
        scores[(known[at] == asked) | (left[some][:, None] == corpus)] = -np.inf
        ranks[some] = (scores > own[:, None]).sum(axis=1)
    return ranks


def _share(name: str, values: np.ndarray, seed: int) -> Finding:
    low, high = of_mean(values, seed=seed)
    return Finding(name, float(np.mean(values)), low, high, len(values))
