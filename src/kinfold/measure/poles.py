"""Concept axes: where keys stand between two poles, and how sure the axis between them is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from kinfold.core.columns import lower_cased
from kinfold.core.errors import BadData, BadOption, UnknownKey
from kinfold.core.frequency import most_frequent
from kinfold.core.intervals import of_share
from kinfold.core.metric import Metric, units
from kinfold.core.nearest import compared
from kinfold.core.report import Finding, Report, Table, missing_words
from kinfold.core.space import Space
from kinfold.measure.members import Members, called, directions, is_member, members
from kinfold.transform.clusters import means

# Parts of which a pole consists at most: of more rows, parts are means of some of them.
_PARTS = 1000
# Keys whose ends of an axis are shown, where none are asked for.
_FREQUENT = 20_000

Poles = str | tuple[str | Sequence[str], str | Sequence[str]]


class Pole(NamedTuple):
    """One end of an axis.

    Args:
        name: As it was asked for.
        mean: (dim,) float64.
        parts: What the mean is of (m, dim): a seed and its neighbors each, the neighbors of the only seed, or rows.
        held: Rows that can be held out (h, dim).
        own: What leaves the mean with each of them (h, dim).
        size: How many such there are in the mean.
        seeds: Named keys; 0 for an attribute's value.
    """

    name: str
    mean: np.ndarray
    parts: np.ndarray
    held: np.ndarray
    own: np.ndarray
    size: int
    seeds: int


def axes(
    space: Space,
    poles: Poles | Sequence[Poles],
    keys: Sequence[str] | None = None,
    *,
    neighbors: int = 10,
    k: int = 10,
    group: str | None = None,
    show: str | None = None,
    seed: int = 0,
) -> Report:
    """Where keys stand on axes between two poles, from -1 (like the first) to 1 (like the second).

    A pole is the mean of its seeds, each with its nearest neighbors, or of the rows that have a value of an attribute;
    the axis V is the difference of the poles, and the place of a key is the cosine of its row and V. By `l2` the row is
    taken from the middle between the poles.

    An interval is of what other seeds of the same kind would have given: to first order a place is a mean over the
    parts of each pole, which gives Welch's interval. The parts are the seeds, with their neighbors; of a pole with a
    single seed, the seed and its neighbors; of an attribute's value, its rows.

    Each seed (or row) is also held out in turn, and told by an axis of the others: on the right side where it is nearer
    to its own pole. Of a pole with a single seed, its neighbors are.

    Args:
        space: The rows.
        poles: `"poor:rich"`, `"poor,broke:rich,wealthy"`, `"genre=Comedy:genre=Horror"`, or pairs of keys or lists of
            keys; one or several.
        keys: What is placed; by default the k keys at either end, of the 20,000 most frequent.
        neighbors: Of each seed, that belong to its pole; those of both poles belong to none.
        k: Keys at either end.
        group: Where the keys are; by default the group of the poles.
        show: An attribute that rows are called by.
        seed: Of the parts, where a value has more than 1,000 rows, and of what is held out then.

    Returns:
        Of each axis `held out` (the share on the right side), `reliability` (the part of the squared length of V that
        is not due to how the parts of a pole differ: places are too near to 0 by about its root) and the place of each
        key; tables of what is lower on the axis than each key, of all rows, and of keys without a row.

    Raises:
        UnknownKey: A seed is no key, or none of the keys is one.
        BadData: A pole is empty, both are the same, or a row is not finite.
        BadOption: `neighbors` below 0, `k` below 1, or poles that make no sense.

    Source:
        An, Kwak, Ahn 2018 (SemAxis); Welch 1947.

    Example:
        >>> rows = [[1, 0], [1, 0.2], [0, 1], [0.2, 1], [1, 1]]
        >>> space = Space.of(["poor", "broke", "rich", "wealthy", "person"], rows)
        >>> found = axes(space, "poor,broke:rich,wealthy", ["person"], neighbors=0)
        >>> found["held out"].value, abs(round(found["person"].value, 3))
        (1.0, 0.0)
    """
    if neighbors < 0 or k < 1:
        raise BadOption(f"neighbors is {neighbors} and k is {k}; they are at least 0 and 1.")
    asked: list[Any] = [poles] if isinstance(poles, str) or _is_pair(poles) else list(poles)
    if not asked:
        raise BadOption("an axis has two poles: 'poor:rich'.")
    findings: list[Finding] = []
    standing: dict[str, dict[str, float]] = {}
    tables: list[Table] = []
    notes: list[str] = []
    spoilt: Counter[str] = Counter()
    for each in asked:
        low, high = (members(space, pole) for pole in pair(space, each))
        name = f"{low.name}:{high.name}"
        home = _home(space, low, high)
        space.rows.refuse_non_finite("axes")
        part = compared(space, home)
        axis = _Axis(part, *_poles(part, space.groups[home].start, low, high, neighbors, seed))
        whole = part if group in (None, home) else compared(space, group or home)
        placed, missing = _wanted(whole, axis, keys, k)
        spoilt.update(missing)
        findings += axis.findings(name)
        places = axis.intervals(directions(whole, placed))
        labels = called(whole, placed, show)
        order = np.argsort(places[0], kind="stable")
        every = np.sort(_places(whole, axis))
        for at in order.tolist():
            value, lower, upper = (float(values[at]) for values in places)
            known = np.isfinite(lower)
            findings.append(Finding(labels[at], value, lower if known else None, upper if known else None, group=name))
            above = float(np.searchsorted(every, value, side="left")) / max(1, len(every))
            standing.setdefault(labels[at], {})[name] = above
        notes += axis.notes(name)
    columns = list(dict.fromkeys(each.group for each in findings))
    lines = [[label, *(told.get(column) for column in columns)] for label, told in standing.items()]
    tables.append(Table("Share of all rows that stand lower", ("key", *columns), lines))
    if spoilt:
        tables.append(missing_words(spoilt, "axes"))
    notes.insert(0, "A place is a cosine: -1 is like the first pole, 1 like the second, 0 like neither more.")
    return Report("Axes", findings, tables, list(dict.fromkeys(notes)))


def pair(space: Space, poles: Poles) -> tuple[str | Sequence[str], str | Sequence[str]]:
    """The two poles of an axis, whose keys may hold colons and commas themselves.

    Raises:
        UnknownKey: A seed is neither a key nor a value of an attribute.
        BadOption: There is no colon, or several readings of the text make sense.
    """
    if not isinstance(poles, str):
        low, high = poles
        return low, high
    places = [at for at, sign in enumerate(poles) if sign == ":" and 0 < at < len(poles) - 1]
    if not places:
        raise BadOption(f"'{poles}' is no axis; put a colon between its two poles: poor:rich.")
    readings = [(_seeds(space, poles[:at]), _seeds(space, poles[at + 1 :])) for at in places]
    good = [each for each in readings if all(is_member(space, word) for side in each for word in side)]
    if len(good) > 1:
        raise BadOption(f"'{poles}' can be read as {len(good)} axes; give its poles as two lists of keys.")
    return good[0] if good else readings[0]


def _seeds(space: Space, text: str) -> list[str]:
    if is_member(space, text):
        return [text]
    return [word for each in text.split(",") if (word := each.strip())]


def _is_pair(poles: Any) -> bool:
    """Whether these are the two poles of one axis, not several axes."""
    if not isinstance(poles, tuple) or len(poles) != 2:
        return False
    return not all(isinstance(each, str) and ":" in each for each in poles) and not any(
        isinstance(each, tuple) for each in poles
    )


def _home(space: Space, low: Members, high: Members) -> str:
    groups = {space.keys.group_of(int(row)) for each in (low, high) for row in each.rows[[0, -1]]}
    if len(groups) > 1:
        raise BadOption(
            f"the poles of '{low.name}:{high.name}' are rows of the groups {' and '.join(sorted(groups))}; "
            "an axis is of one group."
        )
    if set(low.rows.tolist()) == set(high.rows.tolist()):
        raise BadData(f"the poles of '{low.name}:{high.name}' are the same rows; an axis goes from one to another.")
    return groups.pop()


def _poles(part: Space, first: int, low: Members, high: Members, neighbors: int, seed: int) -> tuple[Pole, Pole]:
    rows = [each.rows - first for each in (low, high)]
    near = _neighbors(part, rows, [each.keys for each in (low, high)], neighbors)
    made = []
    for each, some, around in zip((low, high), rows, near, strict=True):
        made.append(_of_keys(part, each.name, some, around) if each.keys else _of_value(part, each.name, some, seed))
    return made[0], made[1]


def _neighbors(part: Space, rows: list[np.ndarray], named: list[bool], count: int) -> list[list[np.ndarray]]:
    """Of each seed of both poles the rows of its neighbors, without seeds and without those of the other pole."""
    seeds = np.concatenate(rows)
    found: list[list[np.ndarray]] = []
    for some, keys in zip(rows, named, strict=True):
        if not keys or not count:
            found.append([np.zeros(0, np.int64)] * (len(some) if keys else 1))
            continue
        hits = part.topk(part.rows.take(some), min(count + len(seeds), len(part)))[1]
        found.append([hit[(hit >= 0) & ~np.isin(hit, seeds)][:count] for hit in hits])
    first, second = (np.concatenate(each) for each in found)
    shared = np.intersect1d(first, second)
    return [[hit[~np.isin(hit, shared)] for hit in each] for each in found]


def _of_keys(part: Space, name: str, seeds: np.ndarray, near: list[np.ndarray]) -> Pole:
    around = [directions(part, np.concatenate([[row], hit])) for row, hit in zip(seeds, near, strict=True)]
    if len(seeds) == 1:
        parts = held = around[0]
    else:
        parts = np.stack([each.mean(axis=0) for each in around])
        held = np.stack([each[0] for each in around])
    return Pole(name, parts.mean(axis=0), parts, held, parts, len(parts), len(seeds))


def _of_value(part: Space, name: str, rows: np.ndarray, seed: int) -> Pole:
    drawn = np.random.default_rng(seed).permutation(len(rows))
    owners = np.full(len(part), -1, np.int64)
    count = min(_PARTS, len(rows))
    owners[rows[drawn]] = np.arange(len(rows)) % count
    parts = means(part, owners, count)
    sizes = np.bincount(owners[rows], minlength=count)
    held = directions(part, np.sort(rows[drawn[:count]]))
    mean = sizes @ parts / len(rows)
    return Pole(name, mean, parts, held, held, len(rows), 0)


class _Axis:
    """The difference of two poles, and what follows from it."""

    def __init__(self, part: Space, low: Pole, high: Pole) -> None:
        self.low, self.high = low, high
        self.place = part.metric is Metric.L2
        self.vector = high.mean - low.mean
        self.length = float(np.linalg.norm(self.vector))
        if self.length <= 1e-9 * max(1e-30, float(np.linalg.norm(low.mean) + np.linalg.norm(high.mean))):
            raise BadData(f"the poles '{low.name}' and '{high.name}' have the same mean; an axis needs two places.")
        self.middle = (low.mean + high.mean) / 2

    def places(self, rows: np.ndarray) -> np.ndarray:
        """Cosines (m,) of rows (m, dim) with the axis."""
        found: np.ndarray = units(rows - self.middle if self.place else rows) @ (self.vector / self.length)
        return found

    def intervals(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The places (m,) of rows (m, dim), and the ends of their intervals; NaN where a pole is one row."""
        from scipy.stats import t

        shifted = rows - self.middle if self.place else rows
        lengths = np.linalg.norm(shifted, axis=1, keepdims=True)
        toward = shifted / np.where(lengths > 0, lengths, 1)
        unit = self.vector / self.length
        places = toward @ unit
        # How a place changes with the means of the poles: that of cos(row - middle, high - low).
        slopes = (toward - places[:, None] * unit) / self.length
        moved = (places[:, None] * toward - unit) / np.where(lengths > 0, 2 * lengths, np.inf) if self.place else 0
        variances, freedoms = [], []
        for pole, slope in ((self.low, moved - slopes), (self.high, moved + slopes)):
            if len(pole.parts) < 2:
                return places, np.full(len(rows), np.nan), np.full(len(rows), np.nan)
            variances.append((pole.parts @ slope.T).var(axis=0, ddof=1) / len(pole.parts))
            freedoms.append(len(pole.parts) - 1)
        total = variances[0] + variances[1]
        spread = sum(each**2 / freedom for each, freedom in zip(variances, freedoms, strict=True))
        freedom = np.where(spread > 0, total**2 / np.where(spread > 0, spread, 1), min(freedoms))
        reach = t.ppf(0.975, np.maximum(freedom, 1)) * np.sqrt(total)
        return places, np.maximum(places - reach, -1), np.minimum(places + reach, 1)

    def held_out(self) -> tuple[int, int]:
        """How many of the held-out rows are on the right side, and how many there are."""
        right = count = 0
        for pole, other in ((self.low, self.high), (self.high, self.low)):
            if pole.size < 2:
                continue
            without = (pole.size * pole.mean - pole.own) / (pole.size - 1)
            side = ((pole.held - (without + other.mean) / 2) * (without - other.mean)).sum(axis=1)
            right += int((side > 0).sum())
            count += len(pole.held)
        return right, count

    def reliability(self) -> float:
        """The part of the squared length that is not noise of the parts, at least 0; NaN where that is not known."""
        noise = 0.0
        for pole in (self.low, self.high):
            if len(pole.parts) < 2:
                return float("nan")
            noise += float(pole.parts.var(axis=0, ddof=1).sum()) / len(pole.parts)
        return max(0.0, 1 - noise / self.length**2)

    def findings(self, name: str) -> list[Finding]:
        """How sure the axis is."""
        found = []
        right, count = self.held_out()
        if count:
            found.append(Finding("held out", right / count, *of_share(right, count), count, group=name))
        reliable = self.reliability()
        if np.isfinite(reliable):
            found.append(Finding("reliability", reliable, n=len(self.low.parts) + len(self.high.parts), group=name))
        return found

    def notes(self, name: str) -> list[str]:
        """What intervals rest on."""
        told = []
        for pole in (self.low, self.high):
            if pole.seeds == 1 and len(pole.parts) > 1:
                told.append(
                    f"'{pole.name}' is a single seed: intervals rest on its {len(pole.parts) - 1} neighbors, and say "
                    "nothing of other words for the concept; name more seeds."
                )
            elif pole.seeds == 1:
                told.append(f"'{pole.name}' is one row: places have no interval; name more seeds, or take neighbors.")
            elif pole.seeds:
                told.append("Intervals are of the spread between seeds, each taken with its neighbors.")
            elif len(pole.parts) < pole.size:
                told.append(f"'{pole.name}' has {pole.size:,} rows, in {len(pole.parts):,} parts drawn by chance.")
        if self.reliability() < 0.5:
            told.append(f"{name}: the poles differ hardly more than their parts do; this is no axis to rely on.")
        return told


def _wanted(part: Space, axis: _Axis, keys: Sequence[str] | None, k: int) -> tuple[np.ndarray, Counter[str]]:
    """The rows that are placed, and how often a key that has none was asked for."""
    if keys is None:
        rows = np.sort(most_frequent(part, _FREQUENT)[0])
        order = np.argsort(_places(part, axis)[rows], kind="stable")
        ends = np.concatenate([order[:k], order[max(k, len(order) - k) :]])
        return rows[ends], Counter()
    asked = list(dict.fromkeys(keys))
    found = part.keys.rows(asked) if asked else np.zeros(0, np.int64)
    if (found < 0).any() and lower_cased(part.keys.names):
        lowered = part.keys.rows([each.lower() for each in asked])
        found = np.where(found < 0, lowered, found)
    missing = Counter(each for each, row in zip(asked, found.tolist(), strict=True) if row < 0)
    rows = np.array(list(dict.fromkeys(found[found >= 0].tolist())), np.int64)
    if not len(rows):
        shown = ", ".join(asked[:5])
        raise UnknownKey(f"none of the {len(asked):,} keys to be placed has a row ({shown or 'there are none'}).")
    return rows, missing


def _places(part: Space, axis: _Axis) -> np.ndarray:
    found = np.empty(len(part))
    for start, block in part.rows.blocks():
        found[start : start + len(block)] = axis.places(block.astype(np.float64))
    return found
