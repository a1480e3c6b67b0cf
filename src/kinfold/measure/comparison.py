"""Two Spaces side by side: which keys are gone and new, what has other neighbors now, and what both cards say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kinfold.core.errors import BadData, BadOption
from kinfold.core.frequency import counts, most_frequent
from kinfold.core.intervals import bootstrap, of_mean
from kinfold.core.metric import Metric, units
from kinfold.core.nearest import compared
from kinfold.core.report import Finding, Report, Table
from kinfold.core.space import Space
from kinfold.measure.judgment import spearman
from kinfold.measure.spectrum import shared as in_both
from kinfold.transform.align import Align
from kinfold.transform.links import linked

# Shared keys that neighbors are looked for among, and pairs that a rotation is fitted on: the most frequent ones.
_AMONG = 200_000
_FITTED = 50_000
_LISTED = 20
_KEYS = 100
_NEAR = 6


@dataclass(frozen=True, slots=True, eq=False)
class Moves:
    """What became of keys that two Spaces have.

    Args:
        first: One Space, as its rows are compared.
        second: The other.
        shared: Rows of keys in both that can be compared (m, 2) int64, the most frequent first.
        skipped: Shared keys that cannot: a row is not finite, or has no direction.
        k: Neighbors of each.
        asked: Places in `shared` that were asked for their neighbors (q,).
        before: Their neighbors in the first, as places in `shared` (q, k).
        after: Their neighbors in the second.
        kept: The share of neighbors that are the same (q,).
        cosines: Of the rows of what was asked, in one frame (q,); None where no frame is found.
        judged: What the rotation, or the common frame, is worth.
    """

    first: Space
    second: Space
    shared: np.ndarray
    skipped: int
    k: int
    asked: np.ndarray
    before: np.ndarray
    after: np.ndarray
    kept: np.ndarray
    cosines: np.ndarray | None
    judged: Sequence[Finding]

    def names(self, places: np.ndarray) -> list[str]:
        """The keys at places in `shared`."""
        return [self.first.keys[row] for row in self.shared[places, 0].tolist()]

    def order(self) -> np.ndarray:
        """Places in `asked`, what moved most first.

        Where keys are counted, only of the more frequent half, which chance moves less.
        """
        ranked = np.lexsort((self.kept if self.cosines is None else self.cosines, self.kept))
        if counts(self.second) is None and counts(self.first) is None:
            return ranked
        frequent: np.ndarray = ranked[self.asked[ranked] <= np.median(self.asked)]
        return frequent


def moves(
    first: Space, second: Space, *, k: int = 10, sample: int = 2000, group: str | None = None, seed: int = 0
) -> Moves:
    """The neighbors of keys that both Spaces have, in one and in the other; their frames may differ.

    Args:
        first: One Space.
        second: The other.
        k: Neighbors of each key, among the keys that both have.
        sample: Keys that are asked for their neighbors; all where there are fewer.
        group: Whose keys; the first group of either where it is None.
        seed: Of the sample and of intervals.

    Raises:
        BadOption: `k` or `sample` below 1.
        BadData: They have fewer than 3 keys in common whose rows can be compared.
        UnknownName: One of them has no such group.
    """
    if k < 1 or sample < 1:
        raise BadOption(f"a comparison takes at least one neighbor and one key, not k={k} and sample={sample}.")
    first, second = compared(first, group), compared(second, group)
    pairs = linked(first, second).rows
    usable = _usable(first)[pairs[:, 0]] & _usable(second)[pairs[:, 1]]
    shared = pairs[usable]
    if len(shared) < 3:
        raise BadData(
            f"{len(shared):,} keys of {len(first):,} and {len(second):,} are in both with rows that can be compared; "
            "a comparison takes at least 3. See that both are written alike, or name another group."
        )
    ranks = np.empty(len(second), np.int64)
    ranks[most_frequent(second)[0]] = np.arange(len(second))
    shared = shared[np.argsort(ranks[shared[:, 1]], kind="stable")][:_AMONG]
    rng = np.random.default_rng(seed)
    asked = np.sort(rng.choice(len(shared), min(sample, len(shared)), replace=False))
    k = min(k, len(shared) - 1)
    before, after = (_nearest(side, shared[:, at], asked, k) for at, side in enumerate((first, second)))
    kept = in_both(before, after) / k
    cosines, judged = _in_one_frame(first, second, shared, asked, seed)
    skipped = int(np.count_nonzero(~usable))
    return Moves(first, second, shared, skipped, k, asked, before, after, kept, cosines, judged)


def compare(
    first: Space,
    second: Space,
    *,
    k: int = 10,
    sample: int = 2000,
    group: str | None = None,
    names: tuple[str, str] = ("first", "second"),
    seed: int = 0,
) -> Report:
    """What is different between two Spaces: two runs, two months, before and after a step.

    Neighbors are compared, which needs no common frame. Rows are compared too: as they are in one frame, and after
    the best rotation between two.

    Args:
        first: One Space.
        second: The other.
        k: Neighbors of each key, among the keys that both have.
        sample: Keys that are asked for their neighbors; all where there are fewer.
        group: Whose keys; the first group of either where it is None.
        names: What the two are called in the tables.
        seed: Of the sample and of intervals.

    Returns:
        How many keys are `shared`, `gone` and `new`; of the group `neighbors` the overlap and that by chance; of `rows`
        the cosine of a key's two rows; of `lengths` their rank correlation. Tables: both side by side, what moved most
        and least with its neighbors before and after, keys gone and new, and scores that both cards have.

    Raises:
        BadOption: `k` or `sample` below 1.
        BadData: They have fewer than 3 keys in common whose rows can be compared.
        UnknownName: One of them has no such group.

    Example:
        >>> rows = np.random.default_rng(0).normal(size=(60, 4))
        >>> one = Space.of([f"w{i}" for i in range(60)], rows)
        >>> other = Space.of(one.keys, rows @ np.linalg.qr(np.random.default_rng(1).normal(size=(4, 4)))[0])
        >>> compare(one, other)["overlap@10"].value
        1.0
    """
    found = moves(first, second, k=k, sample=sample, group=group, seed=seed)
    gone, new = _without(found.first, found.second), _without(found.second, found.first)
    both = len(found.first) - len(gone)
    low, high = of_mean(found.kept, seed=seed)
    overlap = float(found.kept.mean())
    lengths = [side.rows.norms[found.shared[found.asked, at]] for at, side in enumerate((found.first, found.second))]
    findings = [
        Finding("shared", both, unit="keys"),
        Finding("gone", len(gone), unit="keys"),
        Finding("new", len(new), unit="keys"),
        Finding(f"overlap@{found.k}", overlap, low, high, len(found.kept), group="neighbors"),
        Finding("overlap by chance", found.k / (len(found.shared) - 1), group="neighbors"),
        *found.judged,
        *_lengths(lengths, seed),
    ]
    tables = [
        _sides(first, second, found, names),
        _moved("Moved most", found, found.order()[:_LISTED], names),
        _moved("Moved least", found, found.order()[::-1][: _LISTED // 2], names),
        *_listed("Keys gone", found.first, gone),
        *_listed("Keys new", found.second, new),
        *_scores(first, second, names),
    ]
    return Report("Comparison", findings, tables, _notes(found, both, len(gone), len(new)))


def _usable(space: Space) -> np.ndarray:
    lengths = space.rows.norms
    usable: np.ndarray = np.isfinite(lengths)
    return usable & (lengths > 0) if space.metric is Metric.COSINE else usable


def _nearest(space: Space, rows: np.ndarray, asked: np.ndarray, k: int) -> np.ndarray:
    """The k nearest others of some of these rows, all of it as places in `rows`."""
    place = np.full(len(space), -1, np.int64)
    place[rows] = np.arange(len(rows))
    found = place[space.topk(space.rows.take(rows[asked]), k + 1, np.sort(rows))[1]]
    own = found == asked[:, None]
    own[~own.any(axis=1), -1] = True  # not its own best by the inner product, or among more copies of itself
    others: np.ndarray = found[~own].reshape(len(asked), k)
    return others


def _in_one_frame(
    first: Space, second: Space, shared: np.ndarray, asked: np.ndarray, seed: int
) -> tuple[np.ndarray | None, list[Finding]]:
    """The cosine of the two rows of each key that was asked, and what is found of them."""
    pairs = shared[asked]
    if first.frame == second.frame and first.dim == second.dim:
        rows = [units(side.rows.take(pairs[:, at])) for at, side in enumerate((first, second))]
        cosines = np.einsum("ij,ij->i", *rows)
        low, high = of_mean(cosines, seed=seed)
        return cosines, [Finding("cosine, in one frame", float(cosines.mean()), low, high, len(cosines), group="rows")]
    fitted = shared[:_FITTED]
    sides = [side.take(np.sort(fitted[:, at])) for at, side in enumerate((first, second))]
    turned = first.dim > second.dim  # a rotation goes to as many dimensions, or more
    source, target = sides[::-1] if turned else sides
    alignment = Align(to=target, seed=seed).fit(source)
    mine, theirs = (second, first) if turned else (first, second)
    columns = pairs[:, ::-1] if turned else pairs
    moved = units(alignment.affine(mine.rows.take(columns[:, 0])))
    cosines = np.einsum("ij,ij->i", moved, units(theirs.rows.take(columns[:, 1])))
    judged = [each for each in alignment.report.findings if each.name == "cosine"]
    called = {"pairs": "after a rotation", "held out": "held out of the rotation", "shuffled": "of other keys"}
    return cosines, [
        Finding(f"cosine, {called[each.group]}", each.value, each.low, each.high, each.n, group="rows")
        for each in judged
    ]


def _without(space: Space, other: Space) -> np.ndarray:
    """Rows (m,) of keys that the other has not, the most frequent first."""
    missing = other.keys.rows(space.keys) < 0
    order, _ = most_frequent(space)
    rows: np.ndarray = order[missing[order]]
    return rows


def _listed(title: str, space: Space, rows: np.ndarray) -> list[Table]:
    if not len(rows):
        return []
    more = f": the first {_KEYS} of {len(rows):,}" if len(rows) > _KEYS else ""
    return [Table(title + more, ("key",), [[space.keys[row]] for row in rows[:_KEYS].tolist()])]


def _lengths(lengths: list[np.ndarray], seed: int) -> list[Finding]:
    ratio = float(np.median(lengths[1]) / max(float(np.median(lengths[0])), 1e-30))
    found = [Finding("median, times that of the first", ratio, n=len(lengths[0]), group="lengths")]
    if all(np.ptp(each) > 1e-4 * np.max(each) for each in lengths):
        low, high = bootstrap(spearman, *lengths, seed=seed)
        value = float(spearman(*lengths))
        found.append(Finding("rank correlation", value, low, high, len(lengths[0]), group="lengths"))
    return found


def _sides(first: Space, second: Space, found: Moves, names: tuple[str, str]) -> Table:
    def facts(space: Space, part: Space) -> list[object]:
        middle = float(np.median(part.rows.norms)) if len(part) else None
        card = space.card
        steps = ", ".join(str(each.get("step", "")) for each in card.steps) or None
        return [len(part), part.dim, space.metric.value, str(space.rows.dtype), middle, card.method, card.frame, steps]

    kinds = ("rows", "dimensions", "metric", "kept as", "median length", "method", "frame", "steps since")
    sides = facts(first, found.first), facts(second, found.second)
    return Table("Side by side", ("", *names), list(map(list, zip(kinds, *sides, strict=True))))


def _moved(title: str, found: Moves, places: np.ndarray, names: tuple[str, str]) -> Table:
    def near(neighbors: np.ndarray) -> str:
        return ", ".join(found.names(neighbors[:_NEAR]))

    rows = [
        [
            found.names(found.asked[[at]])[0],
            round(float(found.kept[at]) * found.k),
            None if found.cosines is None else float(found.cosines[at]),
            near(found.before[at]),
            near(found.after[at]),
        ]
        for at in places.tolist()
    ]
    return Table(title, ("key", f"kept of {found.k}", "cosine", f"near in {names[0]}", f"near in {names[1]}"), rows)


def _scores(first: Space, second: Space, names: tuple[str, str]) -> list[Table]:
    """What both cards have measured, side by side."""
    others = {(report.title, each.group, each.name): each for report in second.card.reports for each in report.findings}
    rows = []
    for report in first.card.reports:
        for each in report.findings:
            other = others.get((report.title, each.group, each.name))
            if other is None or other.unit != each.unit:
                continue
            name = f"{each.group} · {each.name}" if each.group else each.name
            named = f"{name}, {each.unit}" if each.unit else name
            rows.append([report.title, named, each.value, _interval(each), other.value, _interval(other)])
    columns = ("report", "finding", names[0], "interval", names[1], "interval")
    return [Table("Scores of both cards", columns, rows)] if rows else []


def _interval(finding: Finding) -> str | None:
    if finding.low is None or finding.high is None:
        return None
    return f"{finding.low:.3g} to {finding.high:.3g}"


def _notes(found: Moves, shared: int, gone: int, new: int) -> list[str]:
    mean = float(found.kept.mean()) * found.k
    notes = [
        f"{shared:,} keys are in both; {gone:,} are gone and {new:,} are new.",
        f"Of its {found.k} nearest shared keys, a key keeps {mean:.1f} on average; "
        f"{np.mean(found.kept == 0):.1%} keep none.",
    ]
    if found.cosines is not None:
        alike_rows = float(found.cosines.mean())
        way = "in their common frame" if found.first.frame == found.second.frame else "after the best rotation"
        notes.append(f"The two rows of a key have a mean cosine of {alike_rows:.3f} {way}.")
    if len(found.asked) < len(found.shared):
        notes.append(f"Neighbors are of {len(found.asked):,} keys drawn among {len(found.shared):,} shared ones.")
    if len(found.shared) < shared - found.skipped:
        notes.append(f"Neighbors are looked for among the {len(found.shared):,} first or most frequent shared keys.")
    if found.skipped:
        notes.append(f"{found.skipped:,} shared keys take no part: a row is not finite or has no direction.")
    return notes
