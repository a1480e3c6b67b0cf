"""Places in the plane for rows of any dimension: PCA in closed form, UMAP on exact neighbors."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from kinfold.core.errors import BadOption, did_you_mean
from kinfold.core.metric import Metric
from kinfold.core.rows import Rows

METHODS = ("umap", "pca")
SMALLEST_UMAP = 12  # rows below which a neighbor graph says nothing that PCA does not
_NEIGHBORS = 15
_HALVINGS = 40
_NARROWEST = 1e-3  # of the mean distance


def neighbors(rows: Rows, metric: Metric, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest other rows of every row, exactly.

    Returns:
        Scores (n, k) float32 and row numbers (n, k) int64, best first; -inf and -1 where there are fewer.
    """
    from kinfold.kernels.topk import topk

    n = len(rows)
    norms = None if metric is Metric.DOT else rows.norms
    scores, found = topk(rows.values, rows.dense(), min(k + 1, max(n, 1)), metric.value, norms)
    # A row is mostly its own best hit, but not by the inner product, and not among more than k copies of itself.
    own = found == np.arange(n)[:, None]
    own[~own.any(axis=1), -1] = True
    held = found.shape[1] - 1
    kept_scores = np.full((n, k), -np.inf, np.float32)
    kept = np.full((n, k), -1, np.int64)
    kept_scores[:, :held] = scores[~own].reshape(n, held)
    kept[:, :held] = found[~own].reshape(n, held)
    return kept_scores, kept


def pca(rows: Rows, metric: Metric) -> np.ndarray:
    """The two directions of most variance, (n, 2) float32; of unit rows where the metric is the cosine.

    Signs are fixed, so that the same rows always give the same picture.
    """
    values = rows.dense().astype(np.float64)
    if metric is Metric.COSINE:
        values /= np.where(rows.norms > 0, rows.norms, 1)[:, None]
    values -= values.mean(axis=0) if len(values) else 0
    _, axes = np.linalg.eigh(values.T @ values)
    axes = axes[:, ::-1][:, :2]
    axes *= np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    places = np.zeros((len(values), 2), np.float32)
    places[:, : axes.shape[1]] = values @ axes
    return places


def umap(rows: Rows, metric: Metric, scores: np.ndarray, found: np.ndarray, seed: int) -> np.ndarray:
    """Neighbors stay together, (n, 2) float32: UMAP, started from PCA, on neighbors that are known already.

    Args:
        rows: The rows (n, dim).
        metric: What the scores are.
        scores: Of the nearest rows (n, k), from `neighbors`.
        found: The nearest rows (n, k).
        seed: One thread works, so the same seed gives the same places.

    Source:
        McInnes, Healy, Melville 2018 (arXiv 1802.03426).
    """
    library = _library()
    state = np.random.RandomState(seed & 0xFFFFFFFF)
    n = len(rows)
    # Only differences to the nearest matter to UMAP, so the best score is distance 0 whatever the metric.
    top = scores[:, :1] if metric is Metric.DOT else np.float32(1 if metric is Metric.COSINE else 0)
    graph = memberships(np.maximum(top - scores, 0), found)
    a, b = library.find_ab_params(1.0, 0.1)
    places, _ = library.simplicial_set_embedding(
        rows.dense(),
        graph,
        n_components=2,
        initial_alpha=1.0,
        a=a,
        b=b,
        gamma=1.0,
        negative_sample_rate=5,
        n_epochs=500 if n <= 10_000 else 200 if n <= 50_000 else 120,
        init=pca(rows, metric),
        random_state=state,
        metric="euclidean",
        metric_kwds={},
        densmap=False,
        densmap_kwds={},
        output_dens=False,
        parallel=False,
    )
    return np.asarray(places, np.float32)


def memberships(distances: np.ndarray, found: np.ndarray) -> Any:
    """The graph that UMAP lays out: how surely two rows are near each other, a sparse matrix (n, n) of 0..1.

    It is what umap-learn's `fuzzy_simplicial_set` gives, which takes seconds to compile before it does so.

    Args:
        distances: To the nearest other rows (n, k), ascending.
        found: These rows (n, k).
    """
    from scipy import sparse

    n, k = distances.shape
    # The nearest that is no copy is surely near; the sum over all is log2 of how many there are, with the row itself.
    nearest = np.where(distances > 0, distances, np.inf).min(axis=1)
    nearest[~np.isfinite(nearest)] = 0
    beyond = np.maximum(distances - nearest[:, None], 0).astype(np.float64)
    low, high, width = np.zeros(n), np.full(n, np.inf), np.ones(n)
    for _ in range(_HALVINGS):
        over = np.exp(-beyond / width[:, None]).sum(axis=1) > np.log2(k + 1)
        low, high = np.where(over, low, width), np.where(over, width, high)
        width = np.where(np.isfinite(high), (low + np.where(np.isfinite(high), high, 0)) / 2, 2 * width)
    spread = distances.sum(axis=1, dtype=np.float64) / (k + 1)
    width = np.maximum(width, _NARROWEST * np.where(nearest > 0, spread, spread.mean()))
    with np.errstate(invalid="ignore", divide="ignore"):
        sure = np.where(beyond > 0, np.exp(-beyond / width[:, None]), 1).astype(np.float32)
    one = sparse.csr_matrix((sure.ravel(), found.ravel(), np.arange(0, n * k + 1, k)), shape=(n, n))
    both = one.multiply(one.T)
    return (one + one.T - both).tocoo()


def place(rows: Rows, metric: Metric, method: str, seed: int, shown: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places of rows in the plane, and the nearest others of each.

    Args:
        rows: The rows (n, dim).
        metric: How near two rows are.
        method: umap or pca; few rows get pca in any case.
        seed: Of UMAP.
        shown: How many nearest rows to give back.

    Returns:
        Places (n, 2) float32, scores (n, shown) float32 and rows (n, shown) int64.

    Raises:
        BadOption: No such method.
    """
    if method not in METHODS:
        raise BadOption(
            f"there is no layout '{method}'.{did_you_mean(method, METHODS)} There are: {', '.join(METHODS)}."
        )
    wanted = _NEIGHBORS - 1 if method == "umap" else shown
    scores, found = neighbors(rows, metric, max(shown, wanted))
    if method == "pca" or len(rows) < SMALLEST_UMAP:
        return pca(rows, metric), scores[:, :shown], found[:, :shown]
    full = min(wanted, len(rows) - 1)
    return umap(rows, metric, scores[:, :full], found[:, :full], seed), scores[:, :shown], found[:, :shown]


def _library() -> Any:
    with warnings.catch_warnings():
        # umap-learn says at import that its neural variant needs Tensorflow, which nobody asked for.
        warnings.filterwarnings("ignore", message="Tensorflow not installed", category=ImportWarning)
        import umap.umap_ as library
    return library
