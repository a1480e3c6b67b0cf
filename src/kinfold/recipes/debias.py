"""Debias: a concept is taken out of a Space, and a Report says what is left of it, what it cost, and what moved."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kinfold.core.errors import BadData, BadOption
from kinfold.core.frequency import most_frequent
from kinfold.core.metric import Metric, units
from kinfold.core.progress import Progress, quiet
from kinfold.core.report import Finding, Report, Table
from kinfold.core.space import Space
from kinfold.measure.analogy import analogies as questions
from kinfold.measure.bias import word_bias
from kinfold.measure.judgment import similarity as judgments
from kinfold.measure.kept import kept
from kinfold.measure.remains import FEWEST, by_neighbors, enough, halves, told
from kinfold.measure.word_lists import WordLists, read_lists
from kinfold.recipes.words import configured
from kinfold.transform import TRANSFORMS
from kinfold.transform.concept import direction_of, rows_of, sets_of
from kinfold.transform.erasure import Labels, labels_of

METHODS = {
    "hard": TRANSFORMS.entry("hard-debias"),
    "double-hard": TRANSFORMS.entry("double-hard-debias"),
    "half-sibling": TRANSFORMS.entry("half-sibling"),
    "repulsion-attraction": TRANSFORMS.entry("repulsion-attraction"),
    "inlp": TRANSFORMS.entry("inlp"),
    "leace": TRANSFORMS.entry("leace"),
}
# Methods that take out whatever tells kinds, of words or of anything else.
ERASERS = ("inlp", "leace")
# Fields of transforms that the recipe fills in.
FILLED = ("pairs", "equalize", "specific", "words", "attribute", "group", "lower", "seed", "biased", "restrict")
# Neutral words whose neighbors' leaning is looked at, and nearest labeled rows whose kinds are.
_NEUTRAL, _NEAREST = 1000, 10

Lists = str | os.PathLike[str] | WordLists


class Concept(NamedTuple):
    """What is taken out, in words.

    Args:
        pairs: Words that differ in it alone.
        equalize: Pairs that become equally far from what is neutral.
        specific: Words that mean it.
        components: Directions that the pairs span: one for each list of pairs.
    """

    pairs: tuple[tuple[str, ...], ...]
    equalize: tuple[tuple[str, ...], ...]
    specific: tuple[str, ...]
    components: int


def debias(
    space: Space,
    method: str = "hard",
    *,
    lists: Lists | None = None,
    kinds: Sequence[str] = (),
    attribute: str | None = None,
    group: str | None = None,
    lower: bool | None = None,
    audit: Lists | Sequence[Lists] | None = None,
    similarity: Any = None,
    analogies: Any = None,
    biased: int = 1000,
    restrict: int = 50_000,
    k: int = 10,
    seed: int = 0,
    progress: Progress = quiet,
    **options: Any,
) -> tuple[Space, Report]:
    """A Space without a concept, such as gender, and a Report of what is left of it, what it cost, and what moved.

    Of a concept of words the direction comes from pairs, and what is left is asked of the words that leaned most to
    either side, since these stay together after their direction is gone. Half of them are shown to a probe, all is
    judged on the others; INLP and LEACE, which learn from such words too, are judged as fitted to that half alone.

    Args:
        space: What is debiased; it stays as it is.
        method: hard, double-hard, half-sibling, repulsion-attraction, inlp or leace.
        lists: Of words: `gender`, `race`, `religion`, or a .toml file with [pairs] (`definitional` ones, or all) and,
            where there are any, pairs `equalize` and words `specific`; `gender` where no attribute is named.
        kinds: Names of lists of words that are the kinds to be erased (inlp, leace), in the place of pairs.
        attribute: An attribute of the Space whose kinds are erased (inlp, leace): of users, items, documents …
        group: Whose rows; the first group where it is None.
        lower: Whether words are lower-cased; by default where all keys are in lower case.
        audit: Lists whose questions are asked before and after (WEAT, direct bias); by default those of the concept.
        similarity: Files of scored pairs that are asked before and after (`measure.similarity`).
        analogies: Files of analogies that are asked before and after (`measure.analogies`).
        biased: Words of either side that are erased, and judged: at most a tenth of the candidates.
        restrict: Only so many rows are candidates for that, the most frequent ones.
        k: Neighbors of each key that are compared.
        seed: Of all that is drawn.
        progress: Told of the steps.
        options: Other fields of the method's transform: `components`, `regularization`, `rounds` …

    Returns:
        The Space in a frame of its own, with the Report on its card; and the Report: of the groups `before` and `after`
        what `measure.leftover` finds, `bias by neighbors`, and scores by the files; of `cost` the rank correlation of
        `similarities kept` and `nearest k kept`; tables of the lists' questions, and of the keys that moved most.

    Raises:
        UnknownName: There is no such method, list, group or attribute.
        BadOption: The method does not go with what it is to take out, or an option is out of its range.
        BadData: Too few of the words have rows, or a row is not finite.
        BadFile: A file is not there, or cannot be read.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> rows = rng.normal(size=(300, 8)) + np.repeat([[2], [-2]], 150, axis=0) * np.eye(8)[0]
        >>> space = Space.of([f"u{i}" for i in range(300)], rows).with_attribute("party", ["a"] * 150 + ["b"] * 150)
        >>> fair, report = debias(space, "leace", attribute="party")
        >>> report["before/probe"].value > 0.9 > 0.6 > report["after/probe"].value
        True
    """
    if k < 1 or biased < 1 or restrict < 4:
        raise BadOption(f"k is {k}, biased {biased} and restrict {restrict}; they are at least 1, 1 and 4.")
    if method not in METHODS:
        configured(METHODS, method, {})
    work = _Work.of(space, method, lists, tuple(kinds), attribute, group, lower, biased, restrict, seed)
    progress.start("debias", 4, "steps")
    transform = configured(METHODS, method, {**work.fields(), **options})
    after: Space = transform.apply(space)
    progress.advance(1)
    findings = work.left(transform, after)
    progress.advance(1)
    scores = _scored(space, after, similarity, analogies, group, lower, seed)
    asked, questions = work.audited(after, audit)
    progress.advance(1)
    cost, moved = kept(space.group(group), after.group(group), k=k, seed=seed)
    progress.advance(1)
    findings = [*findings, *asked, *scores, *cost]
    notes = [*_read(findings), *work.notes]
    report = Report(f"Debiasing · {work.title} · {method}", findings, [*questions, moved], notes)
    return after.with_report(report), report


@dataclass(slots=True)
class _Work:
    """What is to be taken out of a Space, and who tells what is left.

    Args:
        space: What is debiased.
        part: Its group.
        method: By what.
        title: Of the concept.
        concept: In words; None where kinds alone say it.
        lists: Where the words are from.
        attribute: Whose kinds are erased.
        words: Lists of words that are kinds: what an eraser learns from.
        labels: Rows by which is told what is left.
        leaning: To the first words of the pairs, of each row of the group (n,); None without pairs.
        neutral: Rows that do not mean the concept, the most frequent first.
        lower: Whether words are lower-cased.
        biased: Words of either side.
        restrict: Rows that are candidates.
        seed: Of all that is drawn.
        notes: What was seen on the way.
    """

    space: Space
    part: Space
    method: str
    title: str
    concept: Concept | None
    lists: WordLists | None
    attribute: str | None
    words: dict[str, list[str]]
    labels: list[Labels]
    leaning: np.ndarray | None
    neutral: np.ndarray
    lower: bool | None
    biased: int
    restrict: int
    seed: int
    notes: list[str]

    @classmethod
    def of(
        cls,
        space: Space,
        method: str,
        lists: Lists | None,
        kinds: tuple[str, ...],
        attribute: str | None,
        group: str | None,
        lower: bool | None,
        biased: int,
        restrict: int,
        seed: int,
    ) -> _Work:
        """From what the caller names: an attribute, lists that are kinds, or pairs."""
        if method not in ERASERS and (attribute is not None or kinds):
            raise BadOption(
                f"method='{method}' takes a direction of pairs of words out, and erases no kinds of "
                f"{'an attribute' if attribute is not None else 'lists'}; take method='leace' or method='inlp'."
            )
        if kinds and lists is None:
            raise BadOption("kinds are names of lists of words; say which lists have them: lists='religion'.")
        part = space.group(group)
        if not len(part) or not space.dim:
            raise BadData("there is nothing to debias: the Space has no rows, or rows without coordinates.")
        part.rows.refuse_non_finite("rows to be debiased")
        told_by = None
        if lists is not None or attribute is None:
            told_by = lists if isinstance(lists, WordLists) else read_lists("gender" if lists is None else lists)
        title = ", ".join([*([attribute] if attribute else []), *([told_by.title] if told_by else [])])
        concept = None if told_by is None or kinds else concept_of(told_by)
        words = {} if told_by is None else {name: list(told_by[name]) for name in kinds}
        nothing = np.zeros(0, np.int64)
        work = cls(
            *(space, part, method, title, concept, told_by, attribute, words, [], None, nothing, lower),
            *(biased, restrict, seed, []),
        )
        if concept is not None:
            work._lean(concept)
        work.labels = labels_of(part, attribute, work.words, False if concept is not None else lower)
        return work

    def _lean(self, concept: Concept) -> None:
        """Finds how far words lean, and the neutral ones that lean most to either side."""
        sets = sets_of(self.part, concept.pairs, self.lower).at_least_one("pairs")
        unit = self.space.metric is Metric.COSINE
        axis = direction_of(self.part, sets, 1, unit)[0].astype(np.float32)
        self.leaning = np.empty(len(self.part), np.float32)
        for start, block in self.part.rows.blocks():
            self.leaning[start : start + len(block)] = (units(block) if unit else block) @ axis
        meant = np.concatenate([rows_of(self.part, concept.specific, self.lower), *sets.rows])
        often = most_frequent(self.part, self.restrict)[0]
        self.neutral = often[~np.isin(often, meant)]
        most = min(self.biased, len(self.neutral) // 10)
        if most < FEWEST:
            raise BadData(
                f"{len(self.neutral):,} words are neutral, and the tenth that leans most is too small to tell "
                f"what is left; {10 * FEWEST} are enough, and an attribute's kinds need no direction of words."
            )
        order = self.neutral[np.argsort(self.leaning[self.neutral], kind="stable")]
        sides = {"towards the first words": order[-most:], "towards the second words": order[:most]}
        self.words = {name: [self.part.keys[row] for row in rows.tolist()] for name, rows in sides.items()}
        asked = f"{len(sets.rows):,} of {sets.asked:,} pairs have two words with a row"
        self.notes.append(f"{asked}; sides are the {most:,} neutral words that lean most to either.")
        if 2 * len(sets.rows) < sets.asked:
            self.notes.append(
                "More than half of the pairs are lost, so that the direction may be of something else; "
                "give pairs of words that this Space has."
            )

    def fields(self) -> dict[str, Any]:
        """What the transform is told."""
        every: dict[str, Any] = {
            "group": next(iter(self.part.groups)),
            "lower": self.lower,
            "seed": self.seed,
            "restrict": self.restrict,
        }
        if self.method in ERASERS:
            every |= {"attribute": self.attribute, "words": self.words}
            every["lower"] = False if self.concept is not None else self.lower
        elif self.concept is not None:
            every |= {"biased": max(2, self.biased), **self.concept._asdict()}
        known = {field.name for field in dataclasses.fields(METHODS[self.method].load())}
        return {name: value for name, value in every.items() if name in known}

    def left(self, transform: Any, after: Space) -> list[Finding]:
        """What kinds are still told by, before and after."""
        moved = after.group(next(iter(self.part.groups)))
        sides: dict[str, list[Finding]] = {"before": [], "after": []}
        tried = {place: self._judged(labels) for place, labels in enumerate(self.labels)}
        judged = {place: labels for place, labels in tried.items() if labels is not None}
        firsts = {place: halves(labels.kinds, self.seed) for place, labels in judged.items()}
        erasure = None
        if self.method in ERASERS and judged:
            # Fitted again without the rows that are judged: on those that it was fitted to, no probe tells anything.
            shown = list(self.labels)
            for place, labels in judged.items():
                shown[place] = _without(self.labels[place], labels.rows[~firsts[place]])
            erasure = transform.fit(self.space, shown)
        for place, labels in judged.items():
            called = "" if len(self.labels) == 1 else f" · {'sides' if place else self.attribute}"
            first = firsts[place]
            before = self.part.rows.take(labels.rows)
            now = moved.rows.take(labels.rows)
            if erasure is not None:
                before = before[:, : len(erasure.offset)]
                now = erasure.of(before)
            for name, rows in (("before", before), ("after", now)):
                spherical = self.space.metric is Metric.COSINE
                found = told(rows, labels.kinds, first, spherical, _NEAREST, self.seed, name)
                sides[name] += [dataclasses.replace(each, name=each.name + called) for each in found]
        if self.leaning is not None:
            asked = np.sort(self.neutral[:_NEUTRAL])
            for name, space in (("before", self.part), ("after", moved)):
                sides[name].append(
                    by_neighbors(space, asked, self.leaning, restrict=self.restrict, seed=self.seed, group=name)
                )
        return [*sides["before"], *sides["after"]]

    def _judged(self, labels: Labels) -> Labels | None:
        """The labels that what is left is told by; None where they are too few for that."""
        try:
            return enough(labels, self.seed)
        except BadData as error:
            self.notes.append(f"What is left of {' and '.join(labels.names)} is not told: {error}")
            return None

    def audited(self, after: Space, audit: Lists | Sequence[Lists] | None) -> tuple[list[Finding], list[Table]]:
        """What lists that ask something find, before and after."""
        if audit is None:
            asks = self.lists is not None and (self.lists.queries or self.lists.axes)
            if not asks or self.lists is None:
                return [], []
            audit = self.lists
        options: dict[str, Any] = {"group": next(iter(self.part.groups)), "lower": self.lower, "seed": self.seed}
        reports = [word_bias(space, audit, **options) for space in (self.space, after)]
        findings = [
            Finding(f"{each.group} · {each.name}", each.value, each.low, each.high, each.n, group=name)
            for name, report in zip(("before", "after"), reports, strict=True)
            for each in report.findings
            if each.name in ("effect size", "direct bias")
        ]
        lines = [
            [question[0], question[1], now[1], question[4], now[4], now[-1]]
            for question, now in zip(reports[0].tables[0].rows, reports[1].tables[0].rows, strict=True)
        ]
        columns = ("question", "effect before", "after", "p before", "p after", "what it says after")
        return findings, [Table("Questions of the lists", columns, lines)]


def concept_of(lists: WordLists) -> Concept:
    """What lists say of a concept.

    Raises:
        BadData: They have no pairs.
    """
    if not lists.pairs:
        raise BadData(
            f"{lists.name} has no [pairs], from which a direction would come; add some: "
            '[pairs] definitional = [["she", "he"]]. Or name lists that are kinds, with method leace or inlp.'
        )
    own = {name: each for name, each in lists.pairs.items() if name != "equalize"} or dict(lists.pairs)
    chosen = [own["definitional"]] if "definitional" in own else list(own.values())
    pairs = tuple(dict.fromkeys(pair for each in chosen for pair in each))
    equal = tuple(lists.pairs.get("equalize", ()))
    named = [word for pair in (*pairs, *equal) for word in pair]
    specific = tuple(dict.fromkeys([*lists.words.get("specific", ()), *named]))
    return Concept(pairs, equal, specific, len(chosen))


def _without(labels: Labels, rows: np.ndarray) -> Labels:
    kept = ~np.isin(labels.rows, rows)
    return Labels(labels.rows[kept], labels.kinds[kept], labels.names)


def _scored(
    before: Space, after: Space, similarity: Any, analogies: Any, group: str | None, lower: bool | None, seed: int
) -> list[Finding]:
    """What files of scored pairs and of analogies find, before and after."""
    several = {"spearman": similarity, "accuracy": analogies}
    asked = {
        name: [files] if isinstance(files, str | os.PathLike) else list(files or ()) for name, files in several.items()
    }
    found = []
    for side, space in (("before", before), ("after", after)):
        for name, measure in (("spearman", judgments), ("accuracy", questions)):
            for file in asked[name]:
                each = measure(space, file, lower=lower, group=group, seed=seed)[name]
                found.append(dataclasses.replace(each, name=f"{Path(file).stem} · {name}", group=side))
    return found


def _read(findings: Sequence[Finding]) -> list[str]:
    """What was found, in words."""
    found = {(each.group, each.name): each for each in findings}
    said = []
    for name, what in (("clusters", "Clusters"), ("probe", "A probe"), ("new probe", "A new probe")):
        for (group, called), each in found.items():
            if group != "after" or called.split(" · ")[0] != name:
                continue
            chance = found["after", called.replace(name, "chance", 1)].value
            low = each.low if each.low is not None else each.value
            verdict = "which chance would do too" if low <= chance else f"where chance would do {chance:.0%}"
            before = found["before", called].value
            said.append(f"{what} told {before:.0%} of kinds before, and {each.value:.0%} after, {verdict}.")
    return said
