"""Principal directions of a Space, each told by the keys at its two ends."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kinfold.core.columns import one_array
from kinfold.core.errors import BadData, BadOption
from kinfold.core.frequency import most_frequent
from kinfold.core.intervals import bootstrap
from kinfold.core.nearest import compared
from kinfold.core.report import Finding, Report, Table
from kinfold.core.space import Space
from kinfold.measure.judgment import spearman
from kinfold.measure.members import called
from kinfold.measure.members import directions as rows_of

_FREQUENT = 20_000
_KEYS = 5
# A number that goes with a direction less than so is not told of.
_TELLING = 0.2


def directions(
    space: Space, k: int = 5, *, group: str | None = None, show: str | None = None, sample: int = 50_000, seed: int = 0
) -> Report:
    """The directions along which rows differ most (PCA), each with the keys at its ends.

    Rows are compared as the Space compares them: at length 1, or as they are by `l2`. The sign of a direction is such
    that its longer tail is the high end.

    Args:
        space: The rows.
        k: How many directions.
        group: Whose rows; the first group where it is None.
        show: An attribute that rows are called by.
        sample: Rows that directions are computed from, at most.
        seed: Of the sample and the intervals.

    Returns:
        The share of the variance along each direction, and a table: the keys at its low and its high end, of the 20,000
        most frequent, and the attribute of numbers that goes with it most, with their rank correlation.

    Raises:
        BadData: There are fewer than two different rows, or one is not finite.
        BadOption: `k` below 1, or `sample` below 2.
        UnknownName: There is no such group.

    Source:
        Pearson 1901; Jolliffe 2002.

    Example:
        >>> space = Space.of(["ant", "dog", "cow", "elk"], [[1, 0, 1], [2, 0, 1], [8, 0, 1], [9, 0, 1]], metric="l2")
        >>> directions(space, 1).tables[0].rows[0][2:4]
        ['ant, dog', 'elk, cow']
    """
    if k < 1 or sample < 2:
        raise BadOption(f"k is {k} and sample is {sample}; they are at least 1 and 2.")
    home = next(iter(space.groups)) if group is None else group
    part = compared(space, home)
    part.rows.refuse_non_finite("directions")
    rng = np.random.default_rng(seed)
    drawn = np.arange(len(part))
    if sample < len(part):
        drawn = np.sort(rng.choice(len(part), sample, replace=False))
    rows = rows_of(part, drawn)
    mean = rows.mean(axis=0) if len(rows) else np.zeros(part.dim)
    rows -= mean
    total = (rows**2).sum(axis=1)
    if len(rows) < 2 or not total.any():
        raise BadData(f"directions are of at least two different rows; this group has {len(part):,}, all alike.")
    _, vectors = np.linalg.eigh(rows.T @ rows)
    vectors = vectors[:, ::-1][:, :k]
    projected = rows @ vectors
    vectors = vectors * np.where((projected**3).sum(axis=0) < 0, -1, 1)
    projected = rows @ vectors
    frequent = np.sort(most_frequent(part, _FREQUENT)[0])
    ends = (rows_of(part, frequent) - mean) @ vectors
    numbers = _numbers(part, drawn)
    findings, lines = [], []
    for at in range(vectors.shape[1]):
        along = projected[:, at] ** 2
        low, high = bootstrap(_share, along, total, samples=200, seed=seed)
        findings.append(
            Finding("share of variance", float(along.sum() / total.sum()), low, high, len(rows), group=str(at + 1))
        )
        order = np.argsort(ends[:, at], kind="stable")
        few = min(_KEYS, max(1, len(order) // 2))
        keys = [", ".join(called(part, frequent[some], show)) for some in (order[:few], order[::-1][:few])]
        lines.append([at + 1, findings[-1].value, *keys, _goes_with(projected[:, at], numbers)])
    notes = []
    if len(drawn) < len(part):
        notes.append(f"From {len(drawn):,} of {len(part):,} rows, drawn by chance.")
    columns = ("direction", "variance", "low end", "high end", "goes with")
    return Report("Principal directions", findings, [Table("Directions", columns, lines)], notes)


def _share(along: np.ndarray, total: np.ndarray) -> np.ndarray:
    found: np.ndarray = along.sum(axis=1) / total.sum(axis=1)
    return found


def _numbers(part: Space, drawn: np.ndarray) -> dict[str, np.ndarray]:
    """Attributes that are numbers, of some rows (m,) float64, NaN where they are missing; and the rows' lengths."""
    found = {"length of the row": part.rows.norms[drawn].astype(np.float64)}
    for field in part.table.schema if part.table is not None else ():
        if pa.types.is_integer(field.type) or pa.types.is_floating(field.type):
            column = one_array(part.attribute(field.name)).cast(pa.float64()).take(pa.array(drawn))
            found[field.name] = np.asarray(pc.fill_null(column, np.nan))
    return found


def _goes_with(projected: np.ndarray, numbers: dict[str, np.ndarray]) -> str:
    best: tuple[float, str] = (0.0, "")
    for name, values in numbers.items():
        good = np.isfinite(values)
        if good.sum() > 2:
            related: Any = float(spearman(projected[good], values[good]))
            best = max(best, (abs(related), f"{name} {related:+.2f}")) if np.isfinite(related) else best
    return best[1] if best[0] >= _TELLING else ""
