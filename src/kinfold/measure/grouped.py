"""Whether what was measured item by item is as good for one group as for another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from kinfold.core.errors import BadData, BadOption
from kinfold.core.intervals import bootstrap
from kinfold.core.report import Finding, Report, Table, number
from kinfold.measure.effect import interval_of_gap, interval_of_share, interval_of_small_mean

Statistic = Callable[..., np.ndarray]


class Told(NamedTuple):
    """A group and what is measured of it."""

    name: str
    items: int
    value: float
    low: float | None
    high: float | None


def by_group(
    values: np.ndarray | Sequence[np.ndarray],
    groups: Sequence[str],
    *,
    name: str = "mean",
    by: str = "group",
    things: str = "items",
    statistic: Statistic | None = None,
    least: int = 10,
    permutations: int = 999,
    seed: int = 0,
) -> Report:
    """What is measured of items, group by group, and the largest gap between two groups.

    Args:
        values: What was measured of each item (n,), such as 1 for right and 0 for wrong; or several such columns, of
            which the statistic makes one number.
        groups: The group of each item (n,); items of an empty one take no part.
        name: Of the statistic.
        by: What the groups are by.
        things: What was measured one by one.
        statistic: Takes columns (samples, n), one line a sample, and gives (samples,); the mean where it is None.
        least: Items that a group has at least to count for the gap.
        permutations: Of the groups over the items, for p.
        seed: Of permutations and resamples.

    Returns:
        The statistic of each group, with intervals: Wilson's of a share, Student's of another mean, and by resampling
        of another statistic. `largest gap` is between the best and the worst group; its `p` is how often groups that
        mean nothing have a gap as large between any two.

    Raises:
        BadData: Lengths differ, a value is not finite, or there are fewer than two groups.
        BadOption: `least` or `permutations` below 1.

    Example:
        >>> right = np.array([1] * 45 + [0] * 5 + [1] * 25 + [0] * 25)
        >>> report = by_group(right, ["old"] * 50 + ["young"] * 50, name="accuracy")
        >>> report["largest gap"].value, report["p"].value < 0.01
        (0.4, True)
    """
    if least < 1 or permutations < 1:
        raise BadOption(f"least is {least} and permutations {permutations}; both are at least 1.")
    columns = [np.asarray(each, np.float64) for each in ([values] if isinstance(values, np.ndarray) else values)]
    if {len(each) for each in columns} != {len(groups)}:
        raise BadData(f"{len(groups):,} groups do not go with values of {[len(each) for each in columns]} items.")
    if not all(np.isfinite(each).all() for each in columns):
        raise BadData("a value is not finite; leave such items out, or say what they count for.")
    names, owners = np.unique(np.array([each or "" for each in groups], object).astype(str), return_inverse=True)
    used = names[owners] != ""
    columns, owners = [each[used] for each in columns], owners[used]
    told = [
        _told(str(names[at]), [each[owners == at] for each in columns], statistic, seed)
        for at in np.unique(owners).tolist()
    ]
    if len(told) < 2:
        raise BadData(f"the items are of {len(told)} group by '{by}'; a comparison takes two. Name another column.")
    findings = [Finding(name, each.value, each.low, each.high, each.items, group=each.name) for each in told]
    able = [each for each in told if each.items >= least and np.isfinite(each.value)]
    notes = []
    if len(able) < len(told):
        notes.append(f"Groups of fewer than {least:,} {things} do not count for the gap.")
    if not used.all():
        notes.append(f"{int((~used).sum()):,} {things} have no '{by}' and take no part.")
    if len(able) > 1:
        gap, reading = _gap(able, by)
        kept = np.isin(owners, [np.flatnonzero(names == each.name)[0] for each in able])
        p = _chance([each[kept] for each in columns], owners[kept], statistic, gap.value, permutations, seed)
        findings += [gap, Finding("p", p, n=permutations)]
        told_p = f"{reading} (p {number(p)})."
        notes.insert(0, told_p if p < 0.05 else f"{told_p[:-1]}: groups that mean nothing often differ so much.")
    else:
        notes.append(f"No two groups have {least:,} {things}, so that no gap is told.")
    rows = [list(each) for each in sorted(told, key=lambda each: -each.items)]
    return Report(
        f"{name[:1].upper()}{name[1:]} by {by}",
        findings,
        [Table("Groups", (by, things, name, "low", "high"), rows)],
        notes,
    )


def _told(name: str, columns: list[np.ndarray], statistic: Statistic | None, seed: int) -> Told:
    count = len(columns[0])
    if statistic is not None:
        value = float(statistic(*(each[None] for each in columns))[0])
        ends = bootstrap(statistic, *columns, seed=seed) if np.isfinite(value) and count > 2 else (None, None)
        return Told(name, count, value, *ends)
    (values,) = columns
    value = float(values.mean())
    if np.isin(values, (0, 1)).all():
        return Told(name, count, value, *interval_of_share(value, count))
    return Told(name, count, value, *(interval_of_small_mean(values) or (None, None)))


def _gap(told: list[Told], by: str) -> tuple[Finding, str]:
    best, worst = (pick(told, key=lambda each: each.value) for pick in (max, min))
    ends: tuple[float | None, float | None] = (None, None)
    if None not in (best.low, best.high, worst.low, worst.high):
        ends = interval_of_gap(best[2:], worst[2:])  # type: ignore[arg-type]
    value = best.value - worst.value
    reading = (
        f"The largest gap by {by} is {number(value)}: {number(best.value)} for {best.name}, "
        f"{number(worst.value)} for {worst.name}"
    )
    return Finding("largest gap", value, *ends, best.items + worst.items), reading


def _chance(
    columns: list[np.ndarray], owners: np.ndarray, statistic: Statistic | None, gap: float, draws: int, seed: int
) -> float:
    """How often groups that are drawn have a gap at least as large between any two of them."""
    rng = np.random.default_rng(seed)
    numbers, owners = np.unique(owners, return_inverse=True)
    sizes = np.bincount(owners)
    larger = 0
    for _ in range(draws):
        mixed = rng.permutation(owners)
        if statistic is None:
            found = np.bincount(mixed, columns[0]) / sizes
        else:
            found = np.array(
                [statistic(*(each[None, mixed == at] for each in columns))[0] for at in range(len(numbers))]
            )
        larger += bool(np.nanmax(found) - np.nanmin(found) >= gap - 1e-12)
    return (larger + 1) / (draws + 1)
