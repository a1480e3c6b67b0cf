"""What rows still tell of a concept after it was taken out: to clusters, to a probe, and to their neighbors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from kinfold.core.errors import BadData, BadOption
from kinfold.core.frequency import most_frequent
from kinfold.core.intervals import bootstrap, of_mean
from kinfold.core.metric import Metric, units
from kinfold.core.report import Finding, Report, Table
from kinfold.core.space import Space
from kinfold.kernels.topk import topk
from kinfold.learn.probe import Probe
from kinfold.measure.kept import others
from kinfold.transform.erasure import Labels, labels_of
from kinfold.transform.kmeans import kmeans

_RESTARTS, _ITERATIONS = 5, 25
# Labeled rows that are looked at, and the fewest of a kind.
_MOST, FEWEST = 4_000, 8
# Penalties of a probe that are tried: what is left is weak, and 0.1 is enough to find what was there.
_STRENGTHS, _FOLDS = "0.01,0.1,1", 3


def leftover(
    space: Space,
    kinds: str | Mapping[str, Sequence[str]],
    *,
    group: str | None = None,
    lower: bool | None = None,
    neighbors: int = 10,
    seed: int = 0,
) -> Report:
    """How well kinds of rows can be told from the rows: what makes a word look fair need not take its bias away.

    Half of the rows of each kind are shown to a probe; all is judged on the others.

    Args:
        space: The rows.
        kinds: An attribute that names kinds, or lists of words, one a kind.
        group: Whose rows; the first group where it is None.
        lower: Whether words are lower-cased; by default where all keys are in lower case.
        neighbors: Nearest labeled rows of each that are looked at.
        seed: Of the halves, of clusters and of intervals.

    Returns:
        Of the share of rows whose kind is told: `clusters` (as many as there are kinds, each called by the kind with
        which most agree), `probe` (logistic regression that learned from the other half), `new probe` (one that learned
        from some of these rows and tells others), and `neighbors` (the share that are of a row's kind). `chance` is the
        share of the most frequent kind. A table of the kinds.

    Raises:
        BadOption: The attribute tells no kinds, or `neighbors` below 1.
        BadData: There are fewer than two kinds of 8 rows each, or a row is not finite.
        UnknownName: There is no such group or attribute.

    Source:
        Gonen, Goldberg 2019 (arXiv 1903.03862): clusters, a probe and neighbors after debiasing.

    Example:
        >>> rows = np.random.default_rng(0).normal(size=(60, 4)) + np.repeat([[3], [-3]], 30, axis=0)
        >>> space = Space.of([f"w{i}" for i in range(60)], rows)
        >>> report = leftover(space, {"one": [f"w{i}" for i in range(30)], "other": [f"w{i}" for i in range(30, 60)]})
        >>> report["clusters"].value > 0.9 and report["probe"].value > 0.9
        True
    """
    part = space.group(group)
    named = isinstance(kinds, str)
    labels = labels_of(part, kinds if named else None, {} if named else kinds, lower)[0]  # type: ignore[arg-type]
    labels = enough(labels, seed)
    first = halves(labels.kinds, seed)
    rows = part.rows.take(labels.rows)
    findings = told(rows, labels.kinds, first, part.metric is Metric.COSINE, neighbors, seed)
    sizes = np.bincount(labels.kinds)
    table = [[name, int(size)] for name, size in zip(labels.names, sizes.tolist(), strict=True)]
    title = kinds if isinstance(kinds, str) else " and ".join(labels.names)
    return Report(f"Leftover · {title}", findings, [Table("Kinds", ("kind", "rows"), table)], [_NOTE])


_NOTE = (
    "Half of the rows of each kind are shown to the probe, and all is judged on the others; the new probe learns from "
    "some of these and tells the rest."
)


def enough(labels: Labels, seed: int) -> Labels:
    """Some 4,000 of the labels at most, of kinds that have at least eight rows.

    Raises:
        BadData: Fewer than two kinds have.
    """
    sizes = np.bincount(labels.kinds, minlength=len(labels.names))
    held = np.flatnonzero(sizes >= FEWEST)
    if len(held) < 2:
        raise BadData(
            f"{len(held)} kinds have at least {FEWEST} rows, and two are needed; give longer lists, or merge kinds."
        )
    number = np.full(len(labels.names), -1, np.int64)
    number[held] = np.arange(len(held))
    kept = np.flatnonzero(number[labels.kinds] >= 0)
    if len(kept) > _MOST:
        drawn = np.random.default_rng(seed).permutation(kept)
        # What a draw leaves of a rare kind would be too few to be judged.
        rank = np.empty(len(labels.kinds), np.int64)
        order = drawn[np.argsort(labels.kinds[drawn], kind="stable")]
        rank[order] = np.arange(len(order)) - np.repeat(np.cumsum(sizes[held]) - sizes[held], sizes[held])
        kept = np.sort(drawn[np.argsort(rank[drawn] >= FEWEST, kind="stable")][:_MOST])
    return Labels(labels.rows[kept], number[labels.kinds[kept]], [labels.names[each] for each in held.tolist()])


def halves(kinds: np.ndarray, seed: int) -> np.ndarray:
    """Which rows are of the first half (n,) bool: half of each kind, drawn."""
    rng = np.random.default_rng(seed)
    first = np.zeros(len(kinds), bool)
    for kind in np.unique(kinds).tolist():
        members = rng.permutation(np.flatnonzero(kinds == kind))
        first[members[: len(members) // 2]] = True
    return first


def told(
    rows: np.ndarray, kinds: np.ndarray, first: np.ndarray, spherical: bool, neighbors: int, seed: int, group: str = ""
) -> list[Finding]:
    """How well kinds (n,) int64 are told from rows (n, dim): a probe learns from the first half, the other is judged.

    Raises:
        BadOption: `neighbors` below 1.
        BadData: A row is not finite.
    """
    if neighbors < 1:
        raise BadOption(f"neighbors is {neighbors}; it is a number of rows, at least 1.")
    from threadpoolctl import threadpool_limits

    seen, asked, right = rows[~first], kinds[~first], kinds[first]
    count = int(kinds.max()) + 1
    probe = Probe(strengths=_STRENGTHS, folds=_FOLDS)
    directions = units(seen) if spherical else seen
    with threadpool_limits(1):  # the matrices are so small that threads would wait for each other
        weights = probe.fit(rows[first], right, count, seed=seed, threads=1)
        said = (seen @ weights.rows.T + weights.bias).argmax(axis=1)
        own = probe.fit(seen, asked, count, seed=seed, threads=1)
        values = {
            "clusters": _clustered(directions, asked, count, spherical, seed),
            "probe": said == asked,
            "new probe": own.scores.argmax(axis=1) == asked[own.held],
            "neighbors": _of_own_kind(directions, asked, min(neighbors, len(seen) - 1), spherical),
        }
    found = [
        Finding(name, float(each.mean()), *of_mean(each, seed=seed), len(each), group=group)
        for name, each in values.items()
    ]
    return [*found, Finding("chance", float(np.bincount(asked).max() / len(asked)), n=len(asked), group=group)]


def _clustered(rows: np.ndarray, kinds: np.ndarray, count: int, spherical: bool, seed: int) -> np.ndarray:
    """Which rows are in the cluster that is called by their kind (n,) bool."""
    from scipy.optimize import linear_sum_assignment

    runs = (
        kmeans(rows, count, spherical=spherical, iterations=_ITERATIONS, seed=seed + run) for run in range(_RESTARTS)
    )
    centers = max(runs, key=lambda each: each.fit).centers
    lengths = np.linalg.norm(centers, axis=1)
    owners = topk(centers, rows, 1, "dot" if spherical else "l2", lengths)[1][:, 0]
    agree = np.zeros((count, count), np.int64)
    np.add.at(agree, (owners, kinds), 1)
    called = np.empty(count, np.int64)
    clusters, names = linear_sum_assignment(-agree)
    called[clusters] = names
    right: np.ndarray = called[owners] == kinds
    return right


def _of_own_kind(rows: np.ndarray, kinds: np.ndarray, k: int, spherical: bool) -> np.ndarray:
    """The share of the k nearest others that are of a row's own kind (n,)."""
    lengths = np.linalg.norm(rows, axis=1)
    near = topk(rows, rows, k + 1, "cosine" if spherical else "l2", lengths)[1]
    own = near == np.arange(len(rows))[:, None]
    own[~own.any(axis=1), -1] = True  # among more copies of itself than were asked for
    shares: np.ndarray = (kinds[near[~own].reshape(len(rows), k)] == kinds[:, None]).mean(axis=1)
    return shares


def by_neighbors(
    space: Space,
    rows: np.ndarray,
    leaning: np.ndarray,
    *,
    neighbors: int = 100,
    restrict: int = 50_000,
    seed: int = 0,
    group: str = "",
) -> Finding:
    """How closely what rows leaned to is told by what their neighbors leaned to: the bias that a projection hides.

    Args:
        space: One group.
        rows: Whose neighbors are looked at (m,) int64.
        leaning: Of every row of the group (n,), as it was before anything was taken out.
        neighbors: Of each row.
        restrict: Only so many rows are neighbors, the most frequent ones.
        seed: Of the interval.
        group: Of the finding.

    Returns:
        The correlation of a row's leaning with the share of its neighbors that lean to the positive side.

    Source:
        Gonen, Goldberg 2019 (arXiv 1903.03862), section 4.
    """
    among = np.sort(most_frequent(space, restrict)[0])
    k = min(neighbors, len(among) - 1)
    shares = (leaning[others(space, rows, among, k)] > 0).mean(axis=1)
    value = float(_correlation(shares, leaning[rows])) if len(rows) > 2 else float("nan")
    low, high = bootstrap(_correlation, shares, leaning[rows], seed=seed) if np.isfinite(value) else (None, None)
    return Finding("bias by neighbors", value, low, high, len(rows), group=group)


def _correlation(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Of each line (…, n) of two arrays; NaN where one does not vary."""
    x, y = (each - each.mean(axis=-1, keepdims=True) for each in (first, second))
    with np.errstate(invalid="ignore", divide="ignore"):
        found: np.ndarray = (x * y).sum(axis=-1) / np.sqrt((x * x).sum(axis=-1) * (y * y).sum(axis=-1))
    return found
