"""Whether rows of a kind stand together, apart from those of other kinds."""

from __future__ import annotations

import numpy as np

from kinfold.core.errors import BadOption
from kinfold.core.intervals import of_mean
from kinfold.core.kinds import kinds
from kinfold.core.metric import Metric
from kinfold.core.report import Finding, Report, Table
from kinfold.core.space import Space
from kinfold.transform.clusters import central_keys, means
from kinfold.transform.silhouettes import silhouettes

_KEYS = 6


def clusters(
    space: Space, by: str = "cluster", *, group: str | None = None, sample: int = 10_000, seed: int = 0
) -> Report:
    """How well the kinds that an attribute names are apart: those of `transform.Clusters`, or any others.

    A row's silhouette is 1 where its own kind is all around it, 0 where another is as near, and below 0 where another
    is nearer: (b - a) / max(a, b), of the mean distances a to the other rows of its kind and b to those of the nearest
    other kind. Distances are 1 - cosine, or squared Euclidean where the metric is `l2`; both means are over all rows,
    and exact. The silhouette of a row that is alone is 0.

    Args:
        space: The rows.
        by: An attribute of names, whole numbers, or true and false; rows where it is missing take no part.
        group: Whose rows; the first group where it is None.
        sample: Rows whose silhouettes are computed.
        seed: Of the sample and the interval.

    Returns:
        `silhouette` in all, and a table of the kinds, the largest first: rows, silhouette, and the keys nearest to
        their centers.

    Raises:
        UnknownName: There is no such attribute or group.
        BadOption: The attribute tells no kinds, or too many, or `sample` is below 1.
        BadData: A row holds a number that is not finite.

    Source:
        Rousseeuw 1987.

    Example:
        >>> rows = [[1, 0], [1, 0.1], [0, 1], [0.1, 1]]
        >>> space = Space.of(["cat", "dog", "sun", "moon"], rows)
        >>> space = space.with_attribute("kind", ["animal", "animal", "sky", "sky"])
        >>> clusters(space, "kind")["silhouette"].value > 0.9
        True
    """
    if sample < 1:
        raise BadOption(f"sample is {sample}; it is a number of rows, at least 1.")
    part = space.group(group)
    owners, names = kinds(part, by)
    part.rows.refuse_non_finite("clusters")
    sizes = np.bincount(owners[owners >= 0], minlength=len(names))
    centers = means(part, owners, len(names))
    members = np.flatnonzero(owners >= 0)
    drawn = members
    if sample < len(members):
        drawn = np.sort(np.random.default_rng(seed).choice(members, sample, replace=False))
    values = silhouettes(part, owners, centers, sizes, drawn)
    low, high = of_mean(values, seed=seed) if len(names) > 1 else (None, None)
    each = np.bincount(owners[drawn], minlength=len(names))
    sums = np.bincount(owners[drawn], values, minlength=len(names))
    table = [
        [name, int(size), float(total / count) if count else None, ", ".join(keys)]
        for name, size, total, count, keys in zip(
            names, sizes, sums, each, central_keys(part, owners, centers, _KEYS), strict=True
        )
    ]
    distance = "squared Euclidean distance" if part.metric is Metric.L2 else "1 - cosine"
    notes = [f"Silhouettes by {distance}: 1 is apart, 0 between two kinds, below 0 nearer to another."]
    if len(members) < len(part):
        notes.append(f"{len(part) - len(members):,} rows have no '{by}' and take no part.")
    if len(names) < 2:
        notes.append("There is one kind only, so that nothing is apart from anything.")
    return Report(
        f"Clusters · {by}",
        [
            Finding("silhouette", float(values.mean()) if len(names) > 1 else float("nan"), low, high, len(drawn)),
            Finding("clusters", len(names), n=len(members)),
        ],
        [Table("Clusters", (by, "rows", "silhouette", "nearest to the center"), table)],
        notes,
    )
