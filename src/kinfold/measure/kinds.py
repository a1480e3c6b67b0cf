"""Whether rows of a kind stand together, apart from those of other kinds."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from kinfold.core.errors import BadOption
from kinfold.core.intervals import of_mean
from kinfold.core.kinds import kinds
from kinfold.core.metric import Metric
from kinfold.core.report import Finding, Report, Table
from kinfold.core.space import Space
from kinfold.measure.members import called
from kinfold.prepare.features import members as categories
from kinfold.transform.clusters import central_keys, means
from kinfold.transform.silhouettes import silhouettes

_KEYS = 6
# A value that fewer rows of a set have names it by chance.
_LEAST = 5


def clusters(
    space: Space,
    by: str = "cluster",
    *,
    group: str | None = None,
    show: str | None = None,
    sample: int = 10_000,
    seed: int = 0,
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
        show: An attribute that rows are called by.
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
        [name, int(size), float(total / count) if count else None, ", ".join(called(part, part.keys.rows(keys), show))]
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


def values_told(
    space: Space, by: str, rows: np.ndarray, owners: np.ndarray, weights: np.ndarray, count: int
) -> list[tuple[str | None, float | None]]:
    """The value of an attribute that is most over-represented in each of some sets of rows, and how many times.

    A value tells by its share in the set times the logarithm of how much larger that is than in all rows; one that
    fewer than five rows of a set have (fewer, where sets are small) names it by chance, and tells nothing.

    Args:
        space: One group.
        by: An attribute that tells kinds; `genres:|` where several are put together at a character.
        rows: Of the group (m,); a row may be in several sets.
        owners: The set of each (m,).
        weights: How much each counts (m,).
        count: How many sets there are.

    Returns:
        A value and its lift for each set, None where no value is over-represented.

    Raises:
        UnknownName: There is no such attribute.
        BadOption: It tells no kinds, or too many.
    """
    held_kinds, starts, names = _several(space, by)
    # One entry for each value of each row.
    each = np.diff(starts)[rows]
    place = np.arange(each.sum()) - np.repeat(np.cumsum(each) - each, each) + np.repeat(starts[:-1][rows], each)
    cells = np.repeat(owners, each) * len(names) + held_kinds[place]
    held, often = (
        np.bincount(cells, some, count * len(names)).reshape(count, -1)
        for some in (np.repeat(weights.astype(np.float64), each), None)
    )
    shares = held / np.maximum(held.sum(axis=1, keepdims=True), 1e-30)
    base = np.bincount(held_kinds, minlength=len(names)) / max(1, len(held_kinds))
    lifts = shares / np.maximum(base, 1e-30)
    least = min(_LEAST, len(space) // count + 1)
    worth = np.where((often >= least) & (lifts > 1), shares * np.log(np.maximum(lifts, 1)), 0)
    best = worth.argmax(axis=1)
    return [
        (names[at], float(lifts[owner, at])) if worth[owner, at] > 0 else (None, None)
        for owner, at in enumerate(best.tolist())
    ]


def _several(space: Space, by: str) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """The kinds of all rows one after another, where those of each row begin (n + 1,), and the names of the kinds."""
    name, _, cut = by.partition(":")
    column = space.attribute(name)
    if not cut and not pa.types.is_nested(column.type):
        owners, names = kinds(space, by)
        return owners[owners >= 0], np.concatenate([[0], np.cumsum(owners >= 0)]), names
    told = categories(pa.table({name: column}), by)
    names = sorted({text for some in told for text in some})
    if not names:
        raise BadOption(f"'{by}' tells no kinds of {len(space):,} rows; name another attribute.")
    codes = {text: at for at, text in enumerate(names)}
    several = np.array([codes[text] for some in told for text in some], np.int64)
    return several, np.concatenate([[0], np.cumsum([len(some) for some in told])]), names
