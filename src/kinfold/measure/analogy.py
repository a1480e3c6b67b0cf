"""Analogies: a is to b as c is to d."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from kinfold.core.errors import BadData
from kinfold.core.intervals import of_mean
from kinfold.core.report import Finding, Report, Table, missing_words
from kinfold.core.space import Space
from kinfold.measure.vocabulary import Vocabulary, lines, stem
from kinfold.search.relations import METHODS, check_method, sides

_QUESTIONS = 128
_COLUMNS = 4096


@dataclass(slots=True)
class Section:
    """The questions between two headings: four words each."""

    name: str
    questions: list[tuple[str, str, str, str]] = field(default_factory=list)


def analogies(
    space: Space,
    path: str | os.PathLike[str],
    *,
    method: str = "3cosadd",
    restrict: int | None = 30_000,
    lower: bool | None = None,
    group: str | None = None,
    seed: int = 0,
) -> Report:
    """How often the word nearest to b - a + c is d, over questions `a b c d` under headings `: section`.

    The three words of a question are never its answer. A question with a word that has no row is not covered: it is
    counted, and does not enter the accuracy.

    Args:
        space: Words.
        path: The questions.
        method: `3cosadd`: the largest cos(d, b) - cos(d, a) + cos(d, c). `3cosmul`: the largest product of the
            similarities to b and c over the one to a, each moved into 0..1.
        restrict: Only so many rows take part, the most frequent ones; None for all.
        lower: Lower-case the questions; None does so where all keys are in lower case.
        group: Where the words are; by default the only group, or `word` of several.
        seed: Of the intervals.

    Returns:
        `accuracy` in all, of each section, and of `semantic` and `syntactic` questions where sections are called
        `gram…` (those are the syntactic ones); `coverage`; tables of the sections and of the missing words.

    Raises:
        BadFile: Nothing is there, or it cannot be read.
        BadData: A line is no question; names the line.
        BadOption: There is no such method, `restrict` is below 1, or none of several groups is called `word`.
        UnknownName: There is no such group.

    Source:
        Mikolov, Yih, Zweig 2013 (questions, 3CosAdd); Levy, Goldberg 2014 (3CosMul).
    """
    check_method(method)
    sections = read_questions(path)
    vocabulary = Vocabulary.of(space, restrict, lower, group)
    asked = [question for section in sections for question in section.questions]
    rows = vocabulary.find(word for question in asked for word in question)
    ids = np.array([[rows.get(word, -1) for word in question] for question in asked], np.int64)
    covered: np.ndarray = np.all(ids >= 0, axis=1)
    answers = np.full(len(asked), -1, np.int64)
    answers[covered] = solve(vocabulary.vectors, ids[covered, :3], method)
    right: np.ndarray = covered & (answers == ids[:, 3])

    owner = np.repeat(np.arange(len(sections)), [len(section.questions) for section in sections])
    syntactic = np.array([section.name.startswith("gram") for section in sections])[owner]
    findings = [_accuracy("", right, covered, seed)]
    findings += [Finding("coverage", float(covered.mean()), n=len(asked))]
    if syntactic.any():
        findings += [
            _accuracy("semantic", right, covered & ~syntactic, seed),
            _accuracy("syntactic", right, covered & syntactic, seed),
        ]
    table = []
    for number, section in enumerate(sections):
        members = covered & (owner == number)
        found = _accuracy(section.name, right, members, seed)
        findings.append(found)
        table.append([section.name, len(section.questions), found.n, int(right[members].sum()), found.value])

    spoilt = Counter(vocabulary.cased(word) for question in asked for word in set(question) if word not in rows)
    taking = len(vocabulary.keys)
    notes = [f"{METHODS[method]} among the {taking:,} most frequent of {vocabulary.available:,} rows; questions "]
    notes[0] += "lower-cased." if vocabulary.lower else "as they are written."
    if not covered.any():
        notes.append("No question is covered: the Space holds too few of the words, or writes them otherwise.")
    return Report(
        f"Analogies · {stem(path)} · {METHODS[method]}",
        findings,
        [
            Table("Sections", ("section", "questions", "covered", "right", "accuracy"), table),
            missing_words(spoilt, "questions"),
        ],
        notes,
    )


def read_questions(path: str | os.PathLike[str]) -> list[Section]:
    """The sections of a file of questions that hold any, in order.

    Raises:
        BadFile: Nothing is there, or it cannot be read.
        BadData: A line is no question, or there is none.
    """
    sections: list[Section] = []
    for place, line in lines(path):
        if line.startswith(":"):
            sections.append(Section(line[1:].strip() or place))
            continue
        words = line.split()
        if len(words) != 4:
            raise BadData(
                f"{place}: {len(words)} words; a question is four words 'a b c d', a heading starts with ':'. "
                "Correct the line or take it out."
            )
        if not sections:
            sections.append(Section(stem(path)))
        sections[-1].questions.append((words[0], words[1], words[2], words[3]))
    sections = [section for section in sections if section.questions]
    if not sections:
        raise BadData(f"{os.fspath(path)}: no questions; each is a line of four words 'a b c d'.")
    return sections


def solve(vectors: np.ndarray, questions: np.ndarray, method: str = "3cosadd") -> np.ndarray:
    """The row (m,) int64 that answers each question.

    Both methods add what b and c give and subtract what a gives: similarities for 3CosAdd, their logarithms for
    3CosMul. So the words of all questions are compared with all rows once, by blocks of one product.

    Args:
        vectors: (n, dim) float32, unit rows.
        questions: Rows a, b, c (m, 3) int64.
        method: `3cosadd` or `3cosmul`.
    """
    words, flat = np.unique(questions, return_inverse=True)
    a, b, c = flat.reshape(questions.shape).T
    best = np.full(len(questions), -np.inf, np.float32)
    answers = np.full(len(questions), -1, np.int64)
    for start in range(0, len(vectors), _COLUMNS):
        block = vectors[words] @ vectors[start : start + _COLUMNS].T
        given, taken = sides(block, method)
        for first in range(0, len(questions), _QUESTIONS):
            some = slice(first, first + _QUESTIONS)
            scores = given[b[some]]
            scores -= taken[a[some]]
            scores += given[c[some]]
            line, place = np.nonzero((questions[some] >= start) & (questions[some] < start + block.shape[1]))
            scores[line, questions[some][line, place] - start] = -np.inf
            column = scores.argmax(axis=1)
            top = scores[np.arange(len(scores)), column]
            better = top > best[some]
            best[some][better] = top[better]
            answers[some][better] = column[better] + start
    return answers


def _accuracy(group: str, right: np.ndarray, members: np.ndarray, seed: int) -> Finding:
    count = int(members.sum())
    if not count:
        return Finding("accuracy", float("nan"), n=0, group=group)
    low, high = of_mean(right[members], seed=seed)
    return Finding("accuracy", float(right[members].mean()), low, high, count, group=group)
