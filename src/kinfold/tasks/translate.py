"""Translate: words of one Space by their nearest rows in another."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from kinfold.core.columns import to_arrow
from kinfold.core.errors import BadData, BadOption, did_you_mean
from kinfold.core.hits import Hits
from kinfold.core.intervals import of_mean
from kinfold.core.metric import Metric
from kinfold.core.progress import Progress, quiet
from kinfold.core.report import Finding, Report, Table
from kinfold.core.rows import Rows
from kinfold.core.space import Space
from kinfold.search.across import named, rows_across
from kinfold.sources.pairs import read
from kinfold.transform.align import comparable
from kinfold.transform.links import linked, spelled

_WAYS = ("csls", "nearest")
_SHOWN = 20


def translate(
    source: Space,
    target: Space,
    words: Sequence[str],
    *,
    dictionary: Any = None,
    k: int = 5,
    by: Literal["csls", "nearest"] = "csls",
    restrict: int | None = None,
    group: str | None = None,
    lower: bool | None = None,
    progress: Progress = quiet,
    **options: Any,
) -> list[Hits]:
    """The k best words of the target for each word of the source.

    Args:
        source: What the words are of.
        target: What they are translated into.
        words: Keys of the source.
        dictionary: Pairs that the source is aligned by, where the Spaces are in different frames: a file
            (`sources.pairs`), a mapping, a list, or Pairs.
        k: Words wanted for each.
        by: csls, cosines less how crowded it is around both words, or nearest, by the target's metric.
        restrict: Only so many words of either side take part, the most frequent ones; None for all.
        group: Of both; the first group of either where it is None.
        lower: Lower-case the words, and the dictionary; None does so where all keys are in lower case.
        progress: Told of the rounds of a refinement.
        options: Other fields of `transform.Align`: `method`, `center` …

    Raises:
        UnknownKey: A word is the name of no row of the source.
        FrameMismatch: The Spaces are in different frames, and there is no dictionary.
        BadOption: `k` or `restrict` below 1, or there is no such way or option.
        BadData: Too few pairs of the dictionary have rows on both sides, or a line of it is no pair.
        BadFile: The dictionary is not there, or cannot be read.

    Source:
        Mikolov, Le, Sutskever 2013; Conneau et al. 2018 (CSLS).

    Example:
        >>> english = Space.of(["cat", "dog", "sun"], [[1, 0], [0.9, 0.2], [0, 1]])
        >>> german = Space.of(["Katze", "Hund", "Sonne"], [[0, 1], [-0.2, 0.9], [-1, 0]])
        >>> seeds = {"cat": "Katze", "sun": "Sonne"}
        >>> translate(english, german, ["dog"], dictionary=seeds, k=1, by="nearest", center=False)
        [Hits(dog: Hund 1.000)]
    """
    if isinstance(words, str):
        raise BadOption(f"words are a list of words, not the one word '{words}'; put it in a list.")
    _check(by)
    part, there = source.group(group), target.group(group)
    asked = spelled(words, part.keys, lower)
    rows = np.array([part.keys.row(word) for word in asked], np.int64)
    aligned = comparable(source, target, dictionary, group=group, lower=lower, progress=progress, **options)
    scores, found = rows_across(aligned.group(group), there, rows, k, by, restrict=restrict)
    return named(target, there, asked, scores, found)


def evaluate(
    source: Space,
    target: Space,
    test: Any,
    *,
    dictionary: Any = None,
    k: Sequence[int] = (1, 5),
    by: Literal["csls", "nearest"] = "csls",
    restrict: int | None = None,
    group: str | None = None,
    lower: bool | None = None,
    seed: int = 0,
    progress: Progress = quiet,
    **options: Any,
) -> Report:
    """How many words have a right translation among the first k, over the pairs of a test.

    A word is covered where it and one of its translations have a row; others are counted, and do not enter the
    precision. Words of the test that are also in the dictionary are counted, and do not enter it either.

    Args:
        source: What the words are of.
        target: What they are translated into.
        test: Pairs of a word and a translation, several lines for a word with several; as a dictionary.
        dictionary: Pairs that the source is aligned by, where the Spaces are in different frames.
        k: Depths.
        by: csls or nearest.
        restrict: Only so many words of either side take part, the most frequent ones; None for all.
        group: Of both; the first group of either where it is None.
        lower: Lower-case the pairs; None does so on each side whose keys are all in lower case.
        seed: Of the intervals, which resample the words, and of the random rotation.
        progress: Told of the rounds of a refinement.
        options: Other fields of `transform.Align`: `method`, `center` …

    Returns:
        `precision@k` of the words, and `coverage` of the test. Beside it, as groups, the precision `by cosine` (without
        what CSLS takes off), of `no alignment` (the source as it was, where it has the same dimensions), of a `random
        rotation` of the aligned rows, and of `random answers` (what drawing words blindly is expected to give). Tables
        of some answers and of the missing words.

    Raises:
        BadData: No word of the test is covered, or as of `translate`.
        FrameMismatch: The Spaces are in different frames, and there is no dictionary.
        BadOption: As of `translate`.
        BadFile: The test or the dictionary is not there, or cannot be read.

    Source:
        Conneau et al. 2018 (arXiv 1710.04087).
    """
    _check(by)
    depths = sorted({int(each) for each in k})
    if not depths or depths[0] < 1:
        raise BadOption(f"k is {list(k)}; depths are whole numbers of at least 1.")
    part, there, pairs = source.group(group), target.group(group), read(test)
    aligned = comparable(source, target, dictionary, group=group, lower=lower, progress=progress, **options)
    moved = aligned.group(group)
    links = linked(part, there, pairs, lower=lower).at_least(1, "A test")
    covered = np.unique(links.rows[:, 0])
    known = covered[:0] if dictionary is None else linked(part, there, dictionary, lower=lower).rows[:, 0]
    rows = np.setdiff1d(covered, known)
    if not len(rows):
        raise BadData("every word of this test that has rows is in the dictionary too; test with other words.")

    def answers(space: Space, way: str = by, searched: Space = there) -> np.ndarray:
        return rows_across(space, searched, rows, min(depths[-1], len(there)), way, restrict=restrict)[1]

    test_of = _Test(rows, links.rows @ [len(there), 1], len(there), depths, seed)
    mine = answers(moved)
    asked = len(set(spelled(pairs.left, part.keys, lower)))
    findings = [*test_of.judge("", mine), Finding("coverage", len(covered) / asked, n=asked)]
    if by == "csls":
        plain = dataclasses.replace(there, metric=Metric.COSINE)
        findings += test_of.judge("by cosine", answers(moved, "nearest", plain))
    if aligned is not source and source.dim == target.dim:
        # Comparing rows of two frames is what this baseline is for.
        findings += test_of.judge("no alignment", answers(dataclasses.replace(part, card=there.card)))
    findings += test_of.judge("random rotation", answers(_turned(moved, seed)))
    findings += test_of.blind(min(len(there), restrict or len(there)))
    notes = [f"{by} among {min(len(there), restrict or len(there)):,} rows of the target."]
    if len(rows) < len(covered):
        notes.append(f"{len(covered) - len(rows):,} words of the test are in the dictionary too, and were left out.")
    tables = [_examples(part, there, rows, links.rows, mine), *links.tables]
    return Report(f"Translation · {by}", findings, tables, notes)


class _Test(NamedTuple):
    """The words of a test and what is right.

    Args:
        rows: Of the words in the source (q,) int64.
        right: Row of a word times the size of the target plus the row of a translation (m,) int64.
        size: Of the target.
        depths: At which answers are judged.
        seed: Of the intervals.
    """

    rows: np.ndarray
    right: np.ndarray
    size: int
    depths: list[int]
    seed: int

    def judge(self, group: str, answers: np.ndarray) -> list[Finding]:
        """The share of words that have a right one among their first answers (q, k)."""
        hits = np.isin(self.rows[:, None] * self.size + answers, self.right) & (answers >= 0)
        findings = []
        for depth in self.depths:
            found = np.asarray(hits[:, :depth].any(axis=1))
            low, high = of_mean(found, seed=self.seed)
            findings.append(Finding(f"precision@{depth}", float(found.mean()), low, high, len(found), group=group))
        return findings

    def blind(self, size: int) -> list[Finding]:
        """What is expected of answers drawn from so many words: 1 - C(size - right, k) / C(size, k)."""
        owners = self.right // self.size
        owners = owners[np.isin(owners, self.rows)]
        counts = np.bincount(np.searchsorted(self.rows, owners), minlength=len(self.rows)).tolist()
        findings = []
        for depth in self.depths:
            ways = math.comb(size, min(depth, size))
            missed = [math.comb(max(size - count, 0), min(depth, size)) / ways for count in counts]
            findings.append(
                Finding(f"precision@{depth}", 1 - float(np.mean(missed)), n=len(counts), group="random answers")
            )
        return findings


def _turned(space: Space, seed: int) -> Space:
    """The Space under a random rotation, as if nobody had aligned it."""
    draws = np.random.default_rng(seed).normal(size=(space.dim, space.dim))
    turn, scale = np.linalg.qr(draws)
    rows = Rows(space.rows.dense() @ (turn * np.sign(np.diag(scale))).astype(np.float32))
    return dataclasses.replace(space, rows=rows)


def _examples(source: Space, target: Space, rows: np.ndarray, links: np.ndarray, answers: np.ndarray) -> Table:
    """Some words with what is right and what was found."""

    def names(space: Space, some: np.ndarray) -> str:
        return ", ".join(space.keys.names.take(to_arrow(some[some >= 0])).to_pylist())

    lines = [
        [source.keys[int(row)], names(target, links[links[:, 0] == row, 1]), names(target, found)]
        for row, found in zip(rows[:_SHOWN], answers, strict=False)
    ]
    return Table("Answers", ("word", "right", "found"), lines)


def _check(by: str) -> None:
    if by not in _WAYS:
        raise BadOption(
            f"there is no way to translate called '{by}'.{did_you_mean(by, _WAYS)} There are: {', '.join(_WAYS)}."
        )
