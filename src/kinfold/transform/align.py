"""Align: two Spaces that were learned apart become comparable."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from kinfold.core.errors import BadOption, FrameMismatch, did_you_mean
from kinfold.core.frequency import most_frequent
from kinfold.core.intervals import of_mean
from kinfold.core.metric import Metric, units
from kinfold.core.progress import Progress, quiet
from kinfold.core.report import Finding, Report
from kinfold.core.rows import Rows
from kinfold.core.space import Space
from kinfold.transform.affine import Affine, fitted, moments, prepared
from kinfold.transform.links import Links, linked

METHODS = ("procrustes", "least-squares", "refine")
# Attributes that are coordinates of the old frame.
_COORDINATES = ("own", "context")
# Pairs that the report looks at, what part of them is held out, and how many there must be for that.
_JUDGED = 2000
_HELD = 5
_ENOUGH = 20
_GROWTH = 1e-3


@dataclass(frozen=True, slots=True)
class Align:
    """A Space in the frame of another one, by a map that brings rows of pairs together.

    The target stays as it is. Rows become directions, the means of the pairs are taken off, the map is fitted, and the
    target's mean is put on again, so that a mapped row stands among the rows of the target as one of their own: scores
    by the target's metric mean what they mean there. Lengths keep their proportions.

    Args:
        to: The Space whose frame is wanted.
        dictionary: The pairs: a file (`sources.pairs`), a mapping, a list, or Pairs; None for keys that both have.
        method: procrustes, the best rotation; least-squares, the best linear map; or refine, a rotation whose pairs
            become those rows that are each other's nearest by CSLS, again and again while they get nearer.
        unit: Whether only the directions of rows count, not their lengths.
        center: Whether the means are taken off; by default they are, except where there are n-grams: words are made of
            their sums, and only a map without them keeps that true.
        regularization: Penalty on the linear map of least-squares, relative to the mean square of the source's
            coordinates; without one, few pairs are learned by heart.
        rounds: Most rounds of refine.
        neighbors: Nearest rows that tell refine how crowded it is around a row.
        restrict: Most rows of either side that refine looks for pairs among, the most frequent ones.
        group: Whose keys are paired; the first group of either where it is None. All groups are mapped.
        lower: Whether the dictionary is lower-cased; by default on each side whose keys are all in lower case.
        seed: Of the pairs that the report draws and holds out.

    Raises:
        BadOption: A field outside its range, or a rotation from more dimensions to fewer.
        BadData: Fewer than two pairs have rows on both sides, or a row is not finite.
        BadFile: The dictionary is not there, or cannot be read.
        UnknownName: One of the Spaces has no such group.

    Source:
        Schönemann 1966 (rotation); Xing et al. 2015 (unit length); Artetxe, Labaka, Agirre 2016 and 2018 (means,
        refinement); Smith et al. 2017; Conneau et al. 2018 (CSLS); Mikolov, Le, Sutskever 2013 (least squares).

    Example:
        >>> here = Space.of(["cat", "dog", "sun"], [[1, 0], [0.9, 0.2], [0, 1]])
        >>> there = Space.of(["Katze", "Hund", "Sonne"], [[0, 1], [-0.2, 0.9], [-1, 0]])
        >>> german = Align(to=there, dictionary={"cat": "Katze", "sun": "Sonne"}, center=False).apply(here)
        >>> there.nearest(german["dog"], k=1).keys
        ['Hund']
    """

    to: Space
    dictionary: Any = None
    method: Literal["procrustes", "least-squares", "refine"] = "procrustes"
    unit: bool = True
    center: bool | None = None
    regularization: float = 0.1
    rounds: int = 10
    neighbors: int = 10
    restrict: int = 20_000
    group: str | None = None
    lower: bool | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            near = did_you_mean(str(self.method), METHODS)
            raise BadOption(f"there is no way to align called '{self.method}'.{near} There are: {', '.join(METHODS)}.")
        for name, low in (("rounds", 1), ("neighbors", 1), ("restrict", 2), ("seed", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < low:
                raise BadOption(f"{name} is {value!r}; it is a whole number of at least {low}.")
        if not 0 <= self.regularization < np.inf:
            raise BadOption(f"regularization is {self.regularization!r}; it is a finite number of at least 0.")

    def apply(self, space: Space, *, progress: Progress = quiet) -> Space:
        """All rows of the Space in the frame, and with the metric, of the target."""
        return self.fit(space, progress=progress).apply(space)

    def fit(self, space: Space, *, progress: Progress = quiet) -> Alignment:
        """The map itself, which can be applied to every Space of the same frame."""
        if self.method != "least-squares" and space.dim > self.to.dim:
            raise BadOption(
                f"a rotation cannot keep {space.dim} dimensions apart in {self.to.dim}; align the other Space to this "
                "one, or take method='least-squares'."
            )
        links = linked(space, self.to, self.dictionary, group=self.group, lower=self.lower).at_least(2, "An alignment")
        order = np.random.default_rng(self.seed).permutation(len(links))
        held, used = np.array_split(order, [min(_JUDGED, len(links) // _HELD) if len(links) >= _ENOUGH else 0])
        progress.start("align", (2 if len(held) else 1) * (self.rounds + 1 if self.method == "refine" else 1), "rounds")
        before = self._map(space, links, used, progress) if len(held) else None
        last, found = self._map(space, links, order, progress)
        judged = order[:_JUDGED]
        findings = [links.coverage, self._cosine("pairs", space, last, links.rows[judged])]
        if before is not None:
            findings.append(self._cosine("held out", space, before[0], links.rows[held]))
        if len(judged) > 1:
            others = np.stack([links.rows[judged, 0], np.roll(links.rows[judged, 1], 1)], axis=1)
            findings.append(self._cosine("shuffled", space, last, others))
        report = Report("Alignment", findings, links.tables, self._notes(space, links, found))
        return Alignment(space.frame, self.to.frame, self.to.metric, last, self._step(space, links, found), report)

    def _map(self, space: Space, links: Links, chosen: np.ndarray, progress: Progress) -> tuple[Affine, int]:
        """The map of some of the links, and how many pairs it rests on."""
        weights = None if links.weights is None else links.weights[chosen]
        pairs = links.rows[chosen]
        affine = self._affine(space, pairs, weights)
        if self.method != "refine":
            progress.advance(1)
            return affine, len(pairs)
        from kinfold.kernels.csls import mutual

        mine, theirs = self._frequent(space), self._frequent(self.to)
        kept, best = (affine, len(pairs)), -np.inf
        now = kept
        for _ in range(self.rounds + 1):
            there = prepared(self.to.rows.take(theirs), self.unit) - now[0].center
            agreed, cosine = mutual(now[0].around_center(space.rows.take(mine)), there, self.neighbors)
            progress.advance(1, cosine=cosine)
            if cosine <= best + _GROWTH:
                break
            kept, best = now, cosine
            if len(agreed) < 2:
                break
            pairs = np.stack([mine[agreed[:, 0]], theirs[agreed[:, 1]]], axis=1)
            now = self._affine(space, pairs, None), len(pairs)
        return kept

    def _affine(self, space: Space, pairs: np.ndarray, weights: np.ndarray | None) -> Affine:
        return fitted(
            moments(space, self.to, pairs, weights, self.unit),
            rotation=self.method != "least-squares",
            center=self._centered(space),
            unit=self.unit,
            regularization=self.regularization,
        )

    def _centered(self, space: Space) -> bool:
        return "ngram" not in space.groups if self.center is None else self.center

    def _frequent(self, space: Space) -> np.ndarray:
        part = space.group(self.group)
        return most_frequent(part, self.restrict)[0] + space.keys.range_of(next(iter(part.groups))).start

    def _cosine(self, group: str, space: Space, affine: Affine, pairs: np.ndarray) -> Finding:
        moved, there = units(affine(space.rows.take(pairs[:, 0]))), units(self.to.rows.take(pairs[:, 1]))
        cosines = np.einsum("ij,ij->i", moved, there)
        low, high = of_mean(cosines, seed=self.seed)
        return Finding("cosine", float(cosines.mean()), low, high, len(cosines), group=group)

    def _notes(self, space: Space, links: Links, found: int) -> list[str]:
        done = [word for word, is_so in (("directions", self.unit), ("means off", self._centered(space))) if is_so]
        notes = [f"{self.method} on {found:,} pairs; {', '.join(done) or 'rows as they are'}."]
        if len(links) < space.dim:
            notes.append(
                f"{len(links):,} pairs do not determine a map of {space.dim} dimensions; more pairs, or fewer "
                "dimensions, would make it better."
            )
        return notes

    def _step(self, space: Space, links: Links, found: int) -> dict[str, Any]:
        options = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name not in ("to", "dictionary", "center")
        }
        of_file = isinstance(self.dictionary, str | os.PathLike)
        named = os.path.basename(os.fspath(self.dictionary)) if of_file else "given"
        return {
            "from": space.frame,
            "dictionary": "keys of both" if self.dictionary is None else named,
            **options,
            "center": self._centered(space),
            "links": len(links),
            "pairs": found,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """A fitted map between two frames: what `Align.fit` found.

    Args:
        source: The frame whose rows it takes.
        target: The frame that it brings them to.
        metric: Of the target.
        affine: The map.
        step: What the card of a mapped Space says.
        report: How near the pairs are to each other now: all of them, some that were held out, and shuffled ones.
    """

    source: str
    target: str
    metric: Metric
    affine: Affine
    step: dict[str, Any]
    report: Report

    def apply(self, space: Space) -> Space:
        """All rows of a Space in the target's frame; attributes that were coordinates (own, context) are left out.

        Raises:
            FrameMismatch: The Space is in another frame than the one that the map was fitted for.
            BadData: A row is not finite.
        """
        if space.frame != self.source:
            raise FrameMismatch(
                f"this alignment takes rows of the frame {self.source}, but the Space is in {space.frame}; "
                "fit one for it: kinfold.align(a, to=b)."
            )
        values = np.empty((len(space), self.affine.matrix.shape[1]), np.float32)
        for start, block in space.rows.blocks():
            values[start : start + len(block)] = self.affine(block)
        rows = Rows(values)
        rows.refuse_non_finite("aligned rows")
        table = space.table
        dropped = [] if table is None else [name for name in _COORDINATES if name in table.column_names]
        if table is not None and dropped:
            table = table.drop_columns(dropped) if len(dropped) < table.num_columns else None
        card = space.card.then("align", frame=self.target, **self.step, dropped=dropped).with_report(self.report)
        return dataclasses.replace(space, rows=rows, metric=self.metric, card=card, table=table)


def align(space: Space, to: Space, dictionary: Any = None, *, progress: Progress = quiet, **options: Any) -> Space:
    """A Space in the frame of another, so that their rows can be compared.

    Args:
        space: What is moved.
        to: The Space whose frame is wanted; it stays as it is.
        dictionary: The pairs: a file, a mapping, a list, or Pairs; None for keys that both have.
        progress: Told of the rounds of a refinement.
        options: Other fields of `transform.Align`: `method`, `unit`, `center` …

    Raises:
        BadOption: There is no such option, or it is out of its range.
        BadData: Too few of the pairs have rows on both sides.
        BadFile: The dictionary is not there, or cannot be read.

    Example:
        >>> rows = np.random.default_rng(0).normal(size=(50, 4))
        >>> monday = Space.of([f"w{i}" for i in range(50)], rows)
        >>> tuesday = Space.of(monday.keys, rows[:, [3, 1, 0, 2]])
        >>> aligned = align(tuesday, to=monday)
        >>> float(aligned["w7"] @ monday["w7"]) > 0.99 * float(monday["w7"] @ monday["w7"])
        True
    """
    known = [field.name for field in dataclasses.fields(Align)]
    for name in options:
        if name not in known:
            raise BadOption(f"align has no option '{name}'.{did_you_mean(name, known)} It has: {', '.join(known[2:])}.")
    return Align(to, dictionary, **options).apply(space, progress=progress)


def comparable(space: Space, to: Space, dictionary: Any = None, *, progress: Progress = quiet, **options: Any) -> Space:
    """The Space itself where it is in the frame of the other, else aligned by a dictionary.

    Raises:
        FrameMismatch: They are in different frames, and there is no dictionary.
    """
    if space.frame == to.frame:
        return space
    if dictionary is None:
        raise FrameMismatch(
            f"these Spaces are in different frames ({space.frame} and {to.frame}), so their rows cannot be compared. "
            "Give a dictionary, or align one first: kinfold.align(a, to=b)."
        )
    return align(space, to, dictionary, progress=progress, **options)
