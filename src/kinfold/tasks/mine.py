"""Mine: pairs of rows that are nearer to each other than to anything else, as sentences are to their translations."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from kinfold.core.columns import to_arrow
from kinfold.core.errors import BadData, BadOption, did_you_mean
from kinfold.core.files import whole_file
from kinfold.core.intervals import bootstrap, of_mean
from kinfold.core.nearest import checked_k
from kinfold.core.report import Finding, Report, Table
from kinfold.core.space import Space
from kinfold.kernels.topk import topk
from kinfold.transform.links import linked

MARGINS = ("ratio", "distance", "absolute")
SELECTIONS = ("max", "forward", "backward", "intersect")
_SHOWN = 20


@dataclass(frozen=True, slots=True, eq=False)
class Mined:
    """Pairs of keys, the best first.

    Args:
        left: Keys of the one side (m,).
        right: Keys of the other side (m,).
        scores: float32 (m,), descending.
        rows: Of both sides (m, 2) int64.
    """

    left: list[str]
    right: list[str]
    scores: np.ndarray
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.left)

    def __iter__(self) -> Iterator[tuple[str, str, float]]:
        return zip(self.left, self.right, self.scores.tolist(), strict=True)

    def above(self, threshold: float) -> Mined:
        """The pairs that score at least so much."""
        count = int(np.count_nonzero(self.scores >= threshold))
        return Mined(self.left[:count], self.right[:count], self.scores[:count], self.rows[:count])

    def to_dict(self) -> list[dict[str, Any]]:
        """Plain JSON types."""
        return [{"left": left, "right": right, "score": score} for left, right, score in self]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes lines of left, right and score between tabs, whole or not at all; `sources.pairs` reads them.

        Raises:
            BadData: A key holds a tab or a line end.
            BadFile: The folder cannot be written.
        """
        with whole_file(path) as temporary, open(temporary, "w", encoding="utf-8", newline="") as file:
            for left, right, score in self:
                for key in (left, right):
                    if any(each in key for each in "\t\n\r"):
                        raise BadData(
                            f"the key {key[:40]!r} holds a tab or a line end, which a line of pairs cannot; "
                            "give the rows other names."
                        )
                file.write(f"{left}\t{right}\t{score:.6g}\n")


def mine(
    a: Space,
    b: Space,
    *,
    k: int = 4,
    margin: Literal["ratio", "distance", "absolute"] = "ratio",
    select: Literal["max", "forward", "backward", "intersect"] = "max",
    threshold: float | None = None,
    group: str | None = None,
) -> Mined:
    """Pairs of rows of two Spaces by how much nearer they are to each other than to their k nearest on the other side.

    The nearest rows are found exactly, by cosine. Rows of zeros, texts without a known word, are in no pair.

    Args:
        a: One side.
        b: The other; in the same frame.
        k: Nearest rows that a row is compared with.
        margin: ratio, the cosine over the mean cosine of both to their k nearest (1 is no nearer than others are);
            distance, the cosine less that mean; absolute, the cosine itself.
        select: max, each row in one pair at most, the best pairs first; forward, the best for each row of a; backward,
            for each row of b; intersect, pairs that are the best for both.
        threshold: Only pairs that score at least so much; None for all.
        group: Of both; the first group of either where it is None.

    Raises:
        FrameMismatch: The Spaces are in different frames.
        BadOption: `k` below 1, or there is no such margin or selection.
        UnknownName: One of the Spaces has no such group.

    Source:
        Artetxe, Schwenk 2019 (arXiv 1811.01136).

    Example:
        >>> english = Space.of(["a dog", "a house"], [[1, 0.1], [0.1, 1]])
        >>> german = Space(english.keys, english.rows, english.metric, english.card)
        >>> [(left, right) for left, right, _ in mine(english, german, k=1)]
        [('a dog', 'a dog'), ('a house', 'a house')]
    """
    _check(margin, select)
    mined = _near(a, b, k, group).mined(margin, select)
    return mined if threshold is None else mined.above(threshold)


class _Near(NamedTuple):
    """The nearest rows of either side to each row of the other.

    Args:
        sides: Both Spaces.
        starts: Where the group that takes part begins in each (2,) int64.
        there: Cosines (n, k) and rows (n, k) of the second side to the rows of the first.
        back: Cosines (m, k) and rows (m, k) of the first side to the rows of the second.
    """

    sides: tuple[Space, Space]
    starts: np.ndarray
    there: tuple[np.ndarray, np.ndarray]
    back: tuple[np.ndarray, np.ndarray]

    def mined(self, margin: str, select: str) -> Mined:
        means = [
            np.where(found >= 0, cosines, 0).sum(axis=1) / np.maximum(1, (found >= 0).sum(axis=1))
            for cosines, found in (self.there, self.back)
        ]
        forward = _best(*self.there, means[0], means[1], margin)
        backward = _best(*self.back, means[1], means[0], margin)
        scores, rows = _selected(forward, (backward[0], backward[1][:, ::-1]), select)
        a, b = self.sides
        kept = np.isfinite(scores) & (a.rows.norms[rows[:, 0]] > 0) & (b.rows.norms[rows[:, 1]] > 0)
        scores, rows = scores[kept], rows[kept]
        left, right = (
            space.keys.names.take(to_arrow(column)).to_pylist() for space, column in zip((a, b), rows.T, strict=True)
        )
        return Mined(left, right, scores, rows + self.starts)


def _near(a: Space, b: Space, k: int, group: str | None) -> _Near:
    a.same_frame(b)
    sides = a.group(group), b.group(group)
    starts = [space.keys.range_of(next(iter(side.groups))).start for space, side in zip((a, b), sides, strict=True)]
    k = checked_k(k)
    there, back = (topk(y.rows.dense(), x.rows.dense(), k, "cosine", y.rows.norms) for x, y in (sides, sides[::-1]))
    return _Near(sides, np.array(starts), there, back)


def _best(
    cosines: np.ndarray, found: np.ndarray, mine: np.ndarray, theirs: np.ndarray, margin: str
) -> tuple[np.ndarray, np.ndarray]:
    """Of each row that found some (n, k), its best by the margin: scores (m,) and pairs of rows (m, 2)."""
    if not len(mine) or not len(theirs):
        return np.zeros(0, np.float32), np.zeros((0, 2), np.int64)
    around = (mine[:, None] + theirs[found]) / 2
    if margin == "ratio":
        scores = np.divide(cosines, around, out=np.full_like(cosines, -np.inf), where=around > 0)
    else:
        scores = cosines - around if margin == "distance" else cosines
    scores = np.where(found >= 0, scores, -np.inf)
    place = scores.argmax(axis=1)
    here = np.arange(len(found))
    return scores[here, place], np.stack([here, found[here, place]], axis=1)


def _selected(
    forward: tuple[np.ndarray, np.ndarray], backward: tuple[np.ndarray, np.ndarray], select: str
) -> tuple[np.ndarray, np.ndarray]:
    """Scores (m,) float32 and pairs of rows (m, 2), the best first."""
    sides = {"forward": [forward], "backward": [backward]}.get(select, [forward, backward])
    scores, rows = (np.concatenate(each) for each in zip(*sides, strict=True))
    rows, first, times = np.unique(rows, axis=0, return_index=True, return_counts=True)
    scores = scores[first]
    if select == "intersect":
        scores, rows = scores[times == 2], rows[times == 2]
    order = np.lexsort((rows[:, 1], rows[:, 0], -scores))
    if select == "max":
        used: tuple[set[int], set[int]] = set(), set()
        free = []
        for at, (left, right) in zip(order.tolist(), rows[order].tolist(), strict=True):
            if left not in used[0] and right not in used[1]:
                used[0].add(left)
                used[1].add(right)
                free.append(at)
        order = np.array(free, np.int64)
    return scores[order].astype(np.float32), rows[order]


def evaluate(
    a: Space,
    b: Space,
    truth: Any = None,
    *,
    k: int = 4,
    margin: Literal["ratio", "distance", "absolute"] = "ratio",
    select: Literal["max", "forward", "backward", "intersect"] = "max",
    threshold: float | None = None,
    group: str | None = None,
    seed: int = 0,
) -> Report:
    """How many of the mined pairs are true, and how many of the true ones are mined.

    Args:
        a: One side.
        b: The other; in the same frame.
        truth: The true pairs: a file (`sources.pairs`), a mapping, a list, or Pairs; None for keys that both have.
        k: As of `mine`.
        margin: As of `mine`.
        select: As of `mine`.
        threshold: As of `mine`.
        group: Of both; the first group of either where it is None.
        seed: Of the intervals, which resample pairs, and rows of a for F1.

    Returns:
        `precision`, `recall` and `F1`; `best F1` and the `best threshold`, chosen on these pairs; both of the group `by
        cosine`, without a margin; `F1` of `random pairs`; `coverage` of the truth; a table of the first pairs.

    Raises:
        BadData: No true pair has rows on both sides.
        FrameMismatch: The Spaces are in different frames.
        BadOption: As of `mine`.

    Source:
        Artetxe, Schwenk 2019 (arXiv 1811.01136).
    """
    _check(margin, select)
    links = linked(a, b, truth, group=group, lower=False).at_least(1, "A measurement of mining")
    near = _near(a, b, k, group)
    every = near.mined(margin, select)
    mined = every if threshold is None else every.above(threshold)
    # A pair as one number.
    true = np.unique(links.rows @ [len(b), 1])
    right = np.isin(mined.rows @ [len(b), 1], true)
    counts = [np.bincount(rows, minlength=len(a)) for rows in (mined.rows[right, 0], mined.rows[:, 0], true // len(b))]
    at = np.flatnonzero(counts[1] + counts[2])
    findings = [
        _share("precision", right, seed),
        _share("recall", np.isin(true, mined.rows @ [len(b), 1]), seed),
        Finding("F1", float(_f1(*counts)), *bootstrap(_f1, *(each[at] for each in counts), seed=seed), n=len(at)),
        *_best_f1("", np.isin(every.rows @ [len(b), 1], true), every, len(true)),
    ]
    if margin != "absolute":
        plain = near.mined("absolute", select)
        findings += _best_f1("by cosine", np.isin(plain.rows @ [len(b), 1], true), plain, len(true))
    sizes = [len(side) for side in near.sides]
    chance = len(true) * len(mined) / (sizes[0] * sizes[1])
    findings.append(Finding("F1", 2 * chance / (len(mined) + len(true)), n=len(mined), group="random pairs"))
    lines = [[*pair, good] for pair, good in zip(list(mined)[:_SHOWN], right.tolist(), strict=False)]
    notes = [
        f"{margin} margin over {k} neighbors, {select}; {sizes[0]:,} and {sizes[1]:,} rows, {len(true):,} true pairs.",
        "The best threshold, and F1 at it, are chosen on these very pairs.",
    ]
    tables = [Table("Pairs", ("left", "right", "score", "true"), lines), *links.tables]
    return Report(f"Mining · {margin}", [*findings, links.coverage], tables, notes)


def _best_f1(group: str, right: np.ndarray, mined: Mined, true: int) -> list[Finding]:
    """F1 of so many of the first pairs that it is largest, and the score of the last of them."""
    if not len(mined):
        return [Finding("best F1", 0.0, n=0, group=group)]
    curve = 2 * np.cumsum(right) / (np.arange(1, len(mined) + 1) + true)
    best = int(curve.argmax())
    return [
        Finding("best F1", float(curve[best]), n=len(mined), group=group),
        Finding("best threshold", float(mined.scores[best]), n=len(mined), group=group),
    ]


def _check(margin: str, select: str) -> None:
    for name, value, allowed in (("margin", margin, MARGINS), ("select", select, SELECTIONS)):
        if value not in allowed:
            near = did_you_mean(str(value), allowed)
            raise BadOption(f"there is no {name} called '{value}'.{near} There are: {', '.join(allowed)}.")


def _f1(right: np.ndarray, mined: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Of each line of counts (…, rows)."""
    score: np.ndarray = 2 * right.sum(axis=-1) / (mined.sum(axis=-1) + true.sum(axis=-1))
    return score


def _share(name: str, right: np.ndarray, seed: int) -> Finding:
    if not len(right):
        return Finding(name, float("nan"), n=0)
    low, high = of_mean(right, seed=seed)
    return Finding(name, float(right.mean()), low, high, len(right))
