"""Clusters: rows that stand together get a number and a name."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import numpy as np
import pyarrow as pa

from kinfold.core.errors import BadData, BadOption
from kinfold.core.frequency import counts
from kinfold.core.metric import Metric, units
from kinfold.core.space import Space

# Rows that k-means sees: so many for each center, and at least so many in all; a part of them for the first centers.
_EACH, _LEAST = 64, 65_536
_EACH_FIRST, _LEAST_FIRST = 16, 4_096
# Of more clusters, the first centers are drawn from one candidate each, not from the best of several.
_MANY = 256
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Clusters:
    """Each row gets the cluster of its nearest center, found by k-means, as an attribute; rows and frame stay.

    Rows are compared by direction (spherical k-means), by place where the metric is `l2`. Clusters are numbered by
    size, the largest is 0, and named by the keys nearest to their centers, of the more frequent half where an attribute
    `count` tells. Where fewer rows are different than there are centers, clusters that hold none are left out.

    Args:
        k: How many clusters.
        iterations: Of k-means.
        restarts: Times that k-means begins anew; the best fit counts.
        seed: Of the samples and the first centers, which are drawn apart from each other (k-means++).
        group: Whose rows; the first group where it is None, and the attributes are missing (null) for all others.
        name: Of the attribute of numbers; the one of names is called `<name>_name`.

    Raises:
        BadOption: A field outside its range, or more clusters than rows.
        BadData: The rows have no coordinates, or one holds a number that is not finite.
        UnknownName: There is no such group.

    Source:
        Lloyd 1982; Arthur, Vassilvitskii 2007 (k-means++); Dhillon, Modha 2001 (spherical).

    Example:
        >>> rows = [[1, 0], [1, 0.1], [1, 0.2], [0, 1], [0.1, 1]]
        >>> space = Clusters(k=2).apply(Space.of(["cat", "dog", "cow", "sun", "moon"], rows))
        >>> space.attribute("cluster").to_pylist()
        [0, 0, 0, 1, 1]
        >>> space.attribute("cluster_name")[4].as_py()
        'sun, moon'
    """

    k: int = 10
    iterations: int = 25
    restarts: int = 3
    seed: int = 0
    group: str | None = None
    name: str = "cluster"

    def __post_init__(self) -> None:
        ranges = {"k": (1, 1 << 20), "iterations": (1, 10_000), "restarts": (1, 1000), "seed": (0, (1 << 31) - 1)}
        for field, (low, high) in ranges.items():
            value = getattr(self, field)
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or not low <= value <= high:
                raise BadOption(f"{field} is {value!r}; it is a whole number from {low} to {high:,}.")

    def apply(self, space: Space) -> Space:
        """The Space with the attributes of numbers and of names."""
        part = space.group(self.group)
        if self.k > len(part):
            raise BadOption(
                f"k is {self.k:,}, but there are {len(part):,} rows, and no cluster is empty; take a smaller k."
            )
        if not space.dim:
            raise BadData("a Space without coordinates has no clusters; its rows need at least one number each.")
        part.rows.refuse_non_finite("clusters")
        owners = _owners(part, self._centers(part))
        sizes = np.bincount(owners, minlength=self.k)
        order = np.argsort(-sizes, kind="stable")
        number = np.empty(self.k, np.int64)
        number[order] = np.arange(self.k)
        owners, found = number[owners], int(np.count_nonzero(sizes))
        names = [", ".join(keys) for keys in central_keys(part, owners, means(part, owners, found), _NAMED)]
        where = space.keys.range_of(next(iter(part.groups)))
        before, after = pa.nulls(where.start), pa.nulls(len(space) - where.stop)
        numbers = pa.array(owners.astype(np.int32))
        called = pa.array(names, pa.large_string()).take(numbers)
        for name, column in ((self.name, numbers), (f"{self.name}_name", called)):
            filled = pa.concat_arrays([before.cast(column.type), column, after.cast(column.type)])
            space = space.with_attribute(name, filled)
        return replace(space, card=space.card.then("clusters", **asdict(self), found=found))

    def _centers(self, part: Space) -> np.ndarray:
        from sklearn.cluster import kmeans_plusplus

        from kinfold.transform.kmeans import kmeans

        rng = np.random.default_rng(self.seed)
        rows = _comparable(part, _drawn(rng, len(part), max(_EACH * self.k, _LEAST)))
        best = None
        for _ in range(self.restarts):
            some = rows[_drawn(rng, len(rows), max(_EACH_FIRST * self.k, _LEAST_FIRST))]
            seed = int(rng.integers(1 << 31))
            trials = 1 if self.k > _MANY else None
            first = kmeans_plusplus(some, self.k, random_state=seed, n_local_trials=trials)[0]
            found = kmeans(
                rows,
                self.k,
                spherical=part.metric is not Metric.L2,
                iterations=self.iterations,
                seed=seed,
                first=np.ascontiguousarray(first, np.float32),
            )
            best = found if best is None or found.fit > best.fit else best
        assert best is not None
        return best.centers


def means(space: Space, owners: np.ndarray, k: int) -> np.ndarray:
    """The mean row (k, dim) float64 of each cluster, of directions unless the metric is `l2`.

    Args:
        space: The rows.
        owners: The cluster of each row (n,), -1 for none.
        k: How many clusters.
    """
    sums = np.zeros((k, space.dim))
    for start, block in space.rows.blocks():
        own = owners[start : start + len(block)]
        order = np.argsort(own, kind="stable")[np.count_nonzero(own < 0) :]
        clusters, first = np.unique(own[order], return_index=True)
        if len(clusters):
            rows = block[order] if space.metric is Metric.L2 else units(block[order])
            sums[clusters] += np.add.reduceat(rows, first, axis=0, dtype=np.float64)
    found: np.ndarray = sums / np.maximum(np.bincount(owners[owners >= 0], minlength=k), 1)[:, None]
    return found


def central_keys(space: Space, owners: np.ndarray, centers: np.ndarray, k: int) -> list[list[str]]:
    """The k keys of each cluster that are nearest to its center, among the more frequent half of its keys."""
    often = counts(space)
    order = np.argsort(owners, kind="stable")
    bounds = np.searchsorted(owners[order], np.arange(len(centers) + 1))
    found = []
    for cluster, center in enumerate(centers.astype(np.float32)):
        members = order[bounds[cluster] : bounds[cluster + 1]]
        if often is not None:
            ranked = members[np.argsort(-often[members], kind="stable")]
            members = np.sort(ranked[: max(k, -(-len(members) // 2))])
        rows = space.topk(center[None], min(k, len(members)), members)[1][0] if len(members) else members
        found.append([space.keys[row] for row in rows.tolist()])
    return found


def _owners(space: Space, centers: np.ndarray) -> np.ndarray:
    from kinfold.kernels.topk import topk

    owners = np.empty(len(space), np.int64)
    lengths = np.linalg.norm(centers, axis=1)
    metric = "l2" if space.metric is Metric.L2 else "dot"
    for start, block in space.rows.blocks():
        owners[start : start + len(block)] = topk(centers, block, 1, metric, lengths)[1][:, 0]
    return owners


def _comparable(space: Space, rows: np.ndarray) -> np.ndarray:
    taken = space.rows.take(rows)
    return taken if space.metric is Metric.L2 else units(taken)


def _drawn(rng: np.random.Generator, count: int, most: int) -> np.ndarray:
    return np.sort(rng.choice(count, most, replace=False)) if most < count else np.arange(count)
