"""Bias in words by lists: what goes with what, and what lies along a direction that should not matter."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from kinfold.core.errors import BadOption
from kinfold.core.metric import Metric, units
from kinfold.core.report import Finding, Report, Table, number
from kinfold.core.space import Space
from kinfold.measure import associations as formulas
from kinfold.measure.effect import (
    Chance,
    effect_size,
    interval_of_correlation,
    interval_of_effect,
    interval_of_small_mean,
    permuted,
)
from kinfold.measure.judgment import spearman
from kinfold.measure.listed_words import ListedWords, Rows
from kinfold.measure.word_lists import Axis, Query, WordLists, WordSet, read_lists, shipped

# Keys beside those of a list that its leaning is compared with, and words that a table shows at either end.
_OTHERS, _FEW_OTHERS, _SHOWN = 2000, 30, 15
_LEVEL = 0.05
_SIZES = ((0.2, "next to no effect"), (0.5, "a small effect"), (0.8, "a medium effect"), (np.inf, "a large effect"))

Lists = str | os.PathLike[str] | WordLists


def word_bias(
    space: Space,
    lists: Lists | Sequence[Lists] = "weat",
    *,
    shares: Mapping[str, float] | None = None,
    group: str | None = None,
    lower: bool | None = None,
    unit: bool = False,
    lost: float = 0.2,
    permutations: int = 9999,
    strictness: float = 1.0,
    seed: int = 0,
) -> Report:
    """How biased words are, by every published measure that the shape of a question allows.

    Two targets and two attributes are WEAT; each pair of targets with one attribute are RND and ECT; two attributes
    RNSB; two or more SAME; any MAC. An axis (pairs and words) is direct and indirect bias, and RIPA. A question of
    which a set lost too many words is refused, and says so.

    The interval of an effect size is of the words' population: further words of the same two kinds, compared with
    these attributes (`measure.effect`). Those of means are over the words, by Student's t.

    Args:
        space: Words.
        lists: `weat`, `gender`, `race`, `religion`, a .toml file, or several of them.
        shares: What share of those who are a word, such as an occupation, belong to the first end of an axis: from 0
            to 1, or in percent.
        group: Where the words are; by default the only group, or `word` of several.
        lower: True looks words up in lower case, False as the lists write them; None tries both.
        unit: Bring rows to length 1 first. WEAT, MAC, SAME and directions see no lengths; RND, RNSB, ECT, RIPA do.
        lost: The largest share of its words that a set may lose.
        permutations: Partitions that are drawn for p where there are more than 200,000.
        strictness: The power c of direct bias.
        seed: Of partitions and of the other keys that are drawn.

    Returns:
        Of WEAT `effect size` and `p` (two-sided; the table also has the one-sided p of the paper). Of an axis `direct
        bias`, that `of other keys`, its p, and with shares the `correlation with shares`. Tables of the questions with
        a reading in words, of all measures beside their fair value, of words along the axes, and of missing words.

    Raises:
        UnknownName: There are no such lists, or no such group.
        BadFile: A file of lists cannot be read.
        BadData: It is no file of lists, names the line; or the Space is empty.
        BadOption: An option outside its range, or lists that ask nothing.

    Source:
        Caliskan, Bryson, Narayanan 2017 (WEAT); the other measures are cited at `measure.associations`; Badilla,
        Bravo-Marquez, Pérez 2020 (WEFE: one query, many measures, refused where too many words are lost).

    Example:
        >>> rows = [[2, 1], [2, -1], [1, 2], [-1, 2], [1, 0], [3, 1], [0, 1], [1, 3]]
        >>> space = Space.of(["he", "his", "she", "her", "office", "salary", "home", "kitchen"], rows, group="word")
        >>> words = {"men": ["he", "his"], "women": ["she", "her"], "work": ["office", "salary"]}
        >>> report = word_bias(space, of_words("jobs", words | {"home": ["home", "kitchen"]}))
        >>> report["effect size"].value > 1
        True
    """
    if not 0 <= lost < 1:
        raise BadOption(f"lost is {lost}; it is a share of words, from 0 to below 1.")
    if strictness < 0:
        raise BadOption(f"strictness is {strictness}; it is a power, at least 0.")
    several = [lists] if isinstance(lists, str | os.PathLike | WordLists) else list(lists)
    asked = [each if isinstance(each, WordLists) else read_lists(each) for each in several]
    if not any(each.queries or each.axes for each in asked):
        raise BadOption(
            f"{', '.join(each.name for each in asked) or 'no list'}: nothing is asked; lists that ask are those with "
            f"[[query]] or [[axis]]. There are: {', '.join(each for each in shipped() if _asks(each))}."
        )
    if shares is not None and not any(each.axes for each in asked):
        raise BadOption("shares go with an axis, and these lists have none; name lists that have: lists='gender'.")
    named = {word for each in asked for word in each.asked()}
    audit = _Audit(ListedWords(space, group, lower, unit), lost, permutations, strictness, seed, named)
    for each in asked:
        for query in each.queries:
            audit.query(query)
        for axis in each.axes:
            audit.axis(axis, shares)
    return audit.report(", ".join(each.title for each in asked))


def of_words(name: str, words: Mapping[str, Sequence[str]]) -> WordLists:
    """One question of four sets of words, in this order: two targets, two attributes.

    Raises:
        BadOption: There are not four sets.
    """
    if len(words) != 4:
        raise BadOption(f"{name}: {len(words)} sets of words; a question has four: two targets, two attributes.")
    sets = [WordSet(key, tuple(each)) for key, each in words.items()]
    query = Query(name, (sets[0], sets[1]), (sets[2], sets[3]))
    return WordLists(name, name, "", {each.name: each.words for each in sets}, {}, (query,), (), ())


class _Held(NamedTuple):
    """A set of words and those of them that have a row."""

    name: str
    found: Rows


@dataclass(slots=True)
class _Audit:
    """Asks one question after another, and gathers what is found."""

    words: ListedWords
    lost: float
    permutations: int
    strictness: float
    seed: int
    named: set[str]
    findings: list[Finding] = field(default_factory=list, init=False)
    questions: list[list[object]] = field(default_factory=list, init=False)
    measures: list[list[object]] = field(default_factory=list, init=False)
    laid: list[Table] = field(default_factory=list, init=False)
    refused: int = field(default=0, init=False)
    sampled: bool = field(default=False, init=False)

    def query(self, query: Query) -> None:
        """One question of sets."""
        targets, attributes = (
            [_Held(each.name, self.words.find(each.words)) for each in side]
            for side in (query.targets, query.attributes)
        )
        missing = [word for each in (*targets, *attributes) for word in each.found.lost]
        self.words.missed(missing)
        if reason := self._refusal([*targets, *attributes]):
            self.refused += 1
            self.questions.append([query.name, None, None, None, None, None, None, len(missing), reason])
            return
        if len(targets) == len(attributes) == 2:
            self._weat(query.name, targets, attributes, len(missing))
        else:
            count = sum(len(each.found) for each in targets)
            told = _tells(targets, attributes)
            self.questions.append([query.name, None, None, None, None, None, count, len(missing), told])
        self._measure(query.name, targets, attributes)

    def axis(self, axis: Axis, shares: Mapping[str, float] | None) -> None:
        """Words along a direction."""
        first, second = self.words.pairs(axis.pairs)
        held = self.words.find(axis.words.words)
        missing = [*first.lost, *second.lost, *held.lost]
        self.words.missed(missing)
        gone = 1 - len(first) / len(axis.pairs)
        reason = self._refusal([_Held(axis.words.name, held)])
        if not reason and (not len(first) or gone > self.lost):
            reason = _refused(f"{len(axis.pairs) - len(first):,} of {len(axis.pairs):,} pairs", gone, self.lost)
        if reason:
            self.refused += 1
            self.questions.append([axis.name, None, None, None, None, None, None, len(missing), reason])
            return
        _Laid(self, axis, first, second, held).tell(len(missing), shares)

    def add(self, question: str, measure: str, values: np.ndarray, fair: float | None) -> None:
        """A measure that is the mean over words."""
        ends = _ends(interval_of_small_mean(values))
        self.measures.append([question, measure, float(values.mean()), *ends, fair, len(values)])

    def report(self, title: str) -> Report:
        """All that was found."""
        tables = [Table("Questions", _QUESTIONS, self.questions)]
        if self.measures:
            tables.append(Table("Measures", _MEASURES, self.measures))
        asked = len(self.questions)
        notes = [f"{asked - self.refused:,} of {asked:,} questions are answered."]
        metric = self.words.space.metric
        if metric is not Metric.COSINE:
            notes.append(
                f"Words are compared as the measures say, mostly by cosine; this Space's own metric is {metric}."
            )
        if any(each.name == "effect size" for each in self.findings):
            drawn = f"{self.permutations:,} drawn partitions where there are too many, else" if self.sampled else ""
            notes.append(
                f"An effect size is from -2 to 2; p is two-sided, by {drawn} all partitions of the target words. "
                "Its interval is of further words of the same kinds, compared with these attributes."
            )
        if asked - self.refused > 1:
            notes.append("Of questions without any bias, one in twenty has a p below 0.05.")
        if self.refused == asked:
            notes.append("Nothing could be answered: the Space holds too few of the words, or writes them otherwise.")
        notes += self.words.notes()
        if self.refused < asked:
            notes.append("Absence of evidence in these lists is no evidence of fairness in others.")
        return Report(f"Bias · {title}", self.findings, [*tables, *self.laid, self.words.table()], notes)

    def _refusal(self, sets: Sequence[_Held]) -> str:
        """Why a question is refused, or nothing."""
        for name, found in sets:
            total = len(found) + len(found.lost)
            if not len(found) or found.share_lost() > self.lost:
                return _refused(f"{len(found.lost):,} of {total:,} words of '{name}'", found.share_lost(), self.lost)
        return ""

    def _weat(self, name: str, targets: list[_Held], attributes: list[_Held], missing: int) -> None:
        x, y = (
            formulas.associations(each.found.rows, attributes[0].found.rows, attributes[1].found.rows)
            for each in targets
        )
        value, ends = effect_size(x, y), interval_of_effect(x, y)
        low, high = _ends(ends)
        chance = permuted(x, y, draws=self.permutations, seed=self.seed)
        self.sampled |= not chance.exact
        size = len(x) + len(y)
        self.findings += [
            Finding("effect size", value, low, high, size, group=name),
            Finding("p", chance.two_sided, n=chance.partitions, group=name),
        ]
        names = [each.name for each in (*targets, *attributes)]
        told = _says(names, value, chance, ends)
        self.questions.append([name, value, low, high, chance.two_sided, chance.one_sided, size, missing, told])
        self.measures.append([name, "WEAT", float(x.sum() - y.sum()), None, None, 0.0, size])

    def _measure(self, name: str, targets: list[_Held], attributes: list[_Held]) -> None:
        rows = [each.found.rows for each in targets]
        others = [each.found.rows for each in attributes]
        all_rows = np.concatenate(rows)
        if len(rows) == 2:
            for (called, _), other in zip(attributes, others, strict=True):
                self.add(name, f"RND · {called}", formulas.relative_norm_distances(rows[0], rows[1], other), 0.0)
                value = formulas.coherence(rows[0], rows[1], other)
                ends = _ends(interval_of_correlation(value, len(other)))
                self.measures.append([name, f"ECT · {called}", value, *ends, 1.0, len(other)])
        if len(others) == 2 and len(all_rows) > 1:
            chances = formulas.negative_sentiment(rows, others[0], others[1])
            value = formulas.divergence_from_even(chances)
            self.measures.append([name, "RNSB", value, None, None, 0.0, len(all_rows)])
        if len(others) > 1:
            leaning = formulas.same(all_rows, others)
            self.add(name, "SAME", np.abs(leaning), 0.0)
            if len(others) == 2:
                self.add(name, "SAME skew", leaning, 0.0)
        self.add(name, "MAC", formulas.mean_distances(all_rows, others), 1.0)


_QUESTIONS = ("question", "effect size", "low", "high", "p", "p one-sided", "words", "missing", "what it says")
_MEASURES = ("question", "measure", "value", "low", "high", "fair", "n")


class _Laid(NamedTuple):
    """Words that are laid along the direction of pairs."""

    audit: _Audit
    axis: Axis
    first: Rows
    second: Rows
    held: Rows

    def tell(self, missing: int, shares: Mapping[str, float] | None) -> None:
        """Adds what is found to the audit."""
        audit, name, rows = self.audit, self.axis.name, self.held.rows
        direction = formulas.direction_of(self.first.rows, self.second.rows)
        leaning = units(rows) @ direction.vector
        strength = formulas.direct_bias(rows, direction.vector, audit.strictness)
        low, high = _ends(interval_of_small_mean(strength))
        mean = float(strength.mean())
        audit.findings.append(Finding("direct bias", mean, low, high, len(rows), group=name))
        # Words that any question names, such as those of women and of men, lean because they ought to.
        others = audit.words.others(sorted(audit.named), _OTHERS, audit.seed)
        p = None
        told = f"{self.axis.words.name} lean by {number(mean)} on the mean"
        if len(others) >= _FEW_OTHERS:
            of_others = formulas.direct_bias(others, direction.vector, audit.strictness)
            ends = _ends(interval_of_small_mean(of_others))
            p = permuted(strength, of_others, draws=audit.permutations, seed=audit.seed).two_sided
            audit.findings += [
                Finding("direct bias of other keys", float(of_others.mean()), *ends, n=len(others), group=name),
                Finding("p", p, n=len(rows) + len(others), group=name),
            ]
            way = "more" if mean > of_others.mean() else "less"
            apart = f"{way} than" if p < _LEVEL else "about as much as"
            told += f", {apart} other keys ({number(float(of_others.mean()))})"
        ends_of = [self.held.words[at] for at in (int(leaning.argmax()), int(leaning.argmin()))]
        told += f"; the most towards {self.axis.ends[0]}: {ends_of[0]}, towards {self.axis.ends[1]}: {ends_of[1]}"
        if shares is not None:
            told += self._with_shares(direction.vector, shares)
        audit.questions.append([name, None, None, None, p, None, len(rows), missing, told])
        audit.measures.append([name, "along one direction", direction.share, None, None, None, len(self.first)])
        audit.add(name, "RIPA", formulas.relational(rows, self.first.rows, self.second.rows).mean(axis=1), 0.0)
        self._indirect(direction.vector)
        audit.laid += [*self._tables(leaning)]

    def _indirect(self, direction: np.ndarray) -> None:
        """How much of what makes a word near to its nearest other one is the direction."""
        rows = units(self.held.rows)
        if len(rows) < 2:
            return
        alike = rows @ rows.T
        np.fill_diagonal(alike, -np.inf)
        nearest = alike.argmax(axis=1)
        owed = formulas.indirect_bias(rows, rows[nearest], direction)
        good = np.flatnonzero(np.isfinite(owed) & (alike.max(axis=1) > 0))
        if not len(good):
            return
        self.audit.add(self.axis.name, "indirect bias", owed[good], 0.0)
        most = good[np.argsort(-owed[good], kind="stable")][:_SHOWN]
        words = self.held.words
        lines = [[words[at], words[nearest[at]], float(alike[at].max()), float(owed[at])] for at in most.tolist()]
        title = f"What makes words near · {self.axis.name}"
        self.audit.laid.append(Table(title, ("word", "nearest", "cosine", "share of it by the direction"), lines))

    def _with_shares(self, direction: np.ndarray, shares: Mapping[str, float]) -> str:
        audit, name = self.audit, self.axis.name
        held = audit.words.find(list(shares))
        audit.words.missed(held.lost)
        leaning = units(held.rows) @ direction
        told = np.array([shares[word] for word in held.words])
        if len(told) < 3 or np.ptp(told) == 0 or np.ptp(leaning) == 0:
            return f"; {len(told):,} words with a share have a row, too few or too alike to be compared"
        for called, ranks in (("rank correlation with shares", True), ("correlation with shares", False)):
            value = float(spearman(leaning, told)) if ranks else float(np.corrcoef(leaning, told)[0, 1])
            ends = _ends(interval_of_correlation(value, len(told), ranks=ranks))
            audit.findings.append(Finding(called, value, *ends, n=len(told), group=name))
        order = np.argsort(-told, kind="stable").tolist()
        lines = [[held.words[at], float(told[at]), float(leaning[at])] for at in order]
        audit.laid.append(Table(f"Shares · {name}", ("word", "share", f"towards {self.axis.ends[0]}"), lines))
        return f"; leaning and real shares correlate by {number(value)}"

    def _tables(self, leaning: np.ndarray) -> list[Table]:
        order = np.argsort(-leaning, kind="stable").tolist()
        words, (one, other) = self.held.words, self.axis.ends
        lines = [
            [words[a], float(leaning[a]), words[b], float(-leaning[b])]
            for a, b in zip(order[:_SHOWN], order[::-1][:_SHOWN], strict=True)
        ]
        every = [[words[at], float(leaning[at])] for at in order]
        return [
            Table(f"Furthest · {self.axis.name}", (one, "cosine", other, "cosine "), lines),
            Table(f"All words · {self.axis.name}", ("word", f"towards {one}"), every),
        ]


def _says(names: Sequence[str], value: float, chance: Chance, ends: tuple[float, float] | None) -> str:
    x, y, a, b = names
    if np.isnan(value):
        return "all targets are equally near to both attributes"
    p = "p below 0.001" if chance.two_sided < 0.001 else f"p {number(chance.two_sided)}"
    if chance.two_sided >= _LEVEL:
        if chance.least >= _LEVEL:
            return f"nothing can be shown with so few words ({p}, of {chance.partitions:,} partitions)"
        within = "" if ends is None else f"; what is there is between {ends[0]:.2f} and {ends[1]:.2f}"
        return f"no association is shown ({p}){within}"
    one, other = (a, b) if value > 0 else (b, a)
    size = next(called for most, called in _SIZES if abs(value) < most)
    return f"{x} go with {one}, {y} with {other}: {size} ({p})"


def _tells(targets: Sequence[_Held], attributes: Sequence[_Held]) -> str:
    """In words what a question says that is no WEAT."""
    rows = [each.found.rows for each in targets]
    if len(rows) != 2:
        distance = float(formulas.mean_distances(np.concatenate(rows), [each.found.rows for each in attributes]).mean())
        return f"targets are {number(distance)} from attributes on the mean (MAC); what is unrelated is 1 apart"
    told = []
    for called, held in attributes:
        apart = formulas.relative_norm_distances(rows[0], rows[1], held.rows)
        ends = interval_of_small_mean(apart)
        if ends is None or ends[0] <= 0 <= ends[1]:
            told.append(f"{called} are as near to {targets[0].name} as to {targets[1].name}, as far as is shown")
            continue
        near, far = (targets[0].name, targets[1].name) if ends[1] < 0 else (targets[1].name, targets[0].name)
        told.append(f"{called} are nearer to {near} than to {far} (RND {number(float(apart.mean()))})")
    return "; ".join(told)


def _ends(found: tuple[float, float] | None) -> tuple[float | None, float | None]:
    return (None, None) if found is None else found


def _refused(what: str, gone: float, most: float) -> str:
    return f"refused: {what} have no row ({gone:.0%}, at most {most:.0%} may be missing)"


def _asks(name: str) -> bool:
    found = read_lists(name)
    return bool(found.queries or found.axes)
