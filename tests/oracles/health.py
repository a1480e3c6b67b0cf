"""The slow, obvious reference of what is measured of rows by themselves."""

from __future__ import annotations

import math

import numpy as np


def isoscore(rows: np.ndarray) -> float:
    """The steps of Rudman et al. 2022, algorithm 1: from points (m, n) to a score."""
    n = rows.shape[1]
    centered = rows - rows.mean(axis=0)
    _, _, axes = np.linalg.svd(centered, full_matrices=True)
    turned = centered @ axes.T
    covariance = np.cov(turned.T, bias=True)
    diagonal = np.diag(covariance)
    normed = math.sqrt(n) * diagonal / np.linalg.norm(diagonal)
    defect = np.linalg.norm(normed - np.ones(n)) / math.sqrt(2 * (n - math.sqrt(n)))
    share = (n - defect**2 * (n - math.sqrt(n))) ** 2 / n**2
    return float((n * share - 1) / (n - 1))


def effective_rank(rows: np.ndarray) -> float:
    values = np.linalg.svd(rows - rows.mean(axis=0), compute_uv=False)
    shares = [value / values.sum() for value in values if value > 0]
    return math.exp(-sum(share * math.log(share) for share in shares))


def scores(rows: np.ndarray, metric: str) -> np.ndarray:
    """Of each row with each (n, n) float64; by l2 minus squared distances; itself is nothing."""
    rows = np.asarray(rows, np.float64)
    if metric == "cosine":
        rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    found = -np.array([[((a - b) ** 2).sum() for b in rows] for a in rows]) if metric == "l2" else rows @ rows.T
    np.fill_diagonal(found, -np.inf)
    return found


def occurrences(scored: np.ndarray, k: int) -> list[int]:
    """Among the k nearest of how many each row is."""
    counted = [0] * len(scored)
    for line in scored:
        for other in np.argsort(-line, kind="stable")[:k]:
            counted[other] += 1
    return counted


def csls(scored: np.ndarray, k: int) -> np.ndarray:
    """2 score - mean of the row's k best - mean of the other's k best."""
    best = np.sort(scored, axis=1)[:, ::-1][:, :k].mean(axis=1)
    return 2 * scored - best[:, None] - best[None, :]


def pip_loss(rows: np.ndarray, short: np.ndarray) -> float:
    """Of the products of all pairs, relative to their size."""
    whole = rows @ rows.T
    return float(np.linalg.norm(whole - short @ short.T) / np.linalg.norm(whole))
