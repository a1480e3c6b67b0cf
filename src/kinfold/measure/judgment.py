"""How people score pairs of words, and whether the vectors put the pairs in the same order."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kinfold.core.errors import BadData
from kinfold.core.files import existing
from kinfold.core.intervals import bootstrap
from kinfold.core.report import Finding, Report, Table, missing_words
from kinfold.core.space import Space
from kinfold.measure.vocabulary import Vocabulary, lines, stem

_ENDINGS = (".txt", ".tsv", ".csv", ".tab")


@dataclass(frozen=True, slots=True)
class Judgments:
    """Pairs of words (m, 2) and what people scored them (m,)."""

    name: str
    pairs: list[tuple[str, str]]
    scores: np.ndarray


def similarity(
    space: Space,
    path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    lower: bool | None = None,
    group: str | None = None,
    seed: int = 0,
) -> Report:
    """Spearman's rank correlation between the cosine of two words and how alike people found them.

    A pair with a word that has no row is not covered: it is counted, and does not enter the correlation.

    Args:
        space: Words.
        path: Lines `word word score`, separated by tabs, commas or spaces; several files, or a folder of them.
        lower: Lower-case the pairs; None does so where all keys are in lower case.
        group: Where the words are; by default the only group, or `word` of several.
        seed: Of the intervals, which resample the pairs.

    Returns:
        `spearman` and `coverage` of each file, a table of the files and one of the missing words.

    Raises:
        BadFile: Nothing is there, or it cannot be read.
        BadData: A line is no scored pair; names the line.
        BadOption: None of several groups is called `word`, and none is named.
        UnknownName: There is no such group.

    Source:
        Finkelstein et al. 2002 (WordSim-353); Hill, Reichart, Korhonen 2015 (SimLex-999).
    """
    sets = [read_judgments(file) for file in _files(path)]
    vocabulary = Vocabulary.of(space, None, lower, group)
    findings: list[Finding] = []
    table, notes = [], []
    spoilt: Counter[str] = Counter()
    for each in sets:
        rows = vocabulary.find(word for pair in each.pairs for word in pair)
        covered = np.array([first in rows and second in rows for first, second in each.pairs])
        ids = np.array([[rows.get(word, 0) for word in pair] for pair in each.pairs])[covered]
        cosines = np.einsum("ij,ij->i", vocabulary.vectors[ids[:, 0]], vocabulary.vectors[ids[:, 1]])
        group = each.name if len(sets) > 1 else ""
        found = _correlation(group, cosines, each.scores[covered], seed)
        findings += [found, Finding("coverage", float(covered.mean()), n=len(covered), group=group)]
        table.append([each.name, len(each.pairs), int(covered.sum()), found.value])
        spoilt.update(vocabulary.cased(word) for pair in each.pairs for word in set(pair) if word not in rows)
        if np.isnan(found.value):
            notes.append(f"{each.name}: {found.n} pairs are covered, too few or too alike to be put in an order.")
    names = ", ".join(each.name for each in sets)
    return Report(
        f"Similarity · {names}",
        findings,
        [Table("Files", ("file", "pairs", "covered", "spearman"), table), missing_words(spoilt, "pairs")],
        [f"Cosine; pairs {'lower-cased' if vocabulary.lower else 'as they are written'}.", *notes],
    )


def read_judgments(path: str | os.PathLike[str]) -> Judgments:
    """The scored pairs of a file; one line above them may name the columns, lines that start with # are remarks.

    The score is the first column after the words that holds a number in the first pair, since some files put a part
    of speech between.

    Raises:
        BadFile: Nothing is there, or it cannot be read.
        BadData: A line is no scored pair, or there is none.
    """
    pairs: list[tuple[str, str]] = []
    scores: list[float] = []
    column, headed = 0, False
    for place, line in lines(path):
        if line.startswith("#"):
            continue
        fields = _fields(line)
        if not pairs:
            column = next((at for at, text in enumerate(fields) if at >= 2 and _number(text) is not None), 0)
            if not column and not headed:
                headed = True
                continue
        score = _number(fields[column]) if 2 <= column < len(fields) else None
        if score is None or not fields[0] or not fields[1]:
            raise BadData(
                f"{place}: '{line[:60]}' is no scored pair; a line is 'word word score', the score a finite number. "
                "Correct the line or take it out."
            )
        pairs.append((fields[0], fields[1]))
        scores.append(score)
    if not pairs:
        raise BadData(f"{os.fspath(path)}: no scored pairs; each is a line 'word word score'.")
    return Judgments(stem(path), pairs, np.array(scores))


def spearman(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Rank correlation of each line (…, n) of two arrays, ties at their average rank; NaN where all are tied.

    Example:
        >>> float(spearman(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 3.0, 2.0, 4.0])))
        0.8
    """
    from scipy.stats import rankdata

    x, y = (rankdata(each, axis=-1) for each in (first, second))
    x -= x.mean(axis=-1, keepdims=True)
    y -= y.mean(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation: np.ndarray = (x * y).sum(axis=-1) / np.sqrt((x * x).sum(axis=-1) * (y * y).sum(axis=-1))
    return correlation


def _correlation(group: str, cosines: np.ndarray, scores: np.ndarray, seed: int) -> Finding:
    value = float(spearman(cosines, scores)) if len(scores) > 1 else float("nan")
    if np.isnan(value):
        return Finding("spearman", value, n=len(scores), group=group)
    low, high = bootstrap(spearman, cosines, scores, seed=seed)
    return Finding("spearman", value, low, high, len(scores), group=group)


def _files(path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> list[str | os.PathLike[str]]:
    several = [path] if isinstance(path, str | os.PathLike) else list(path)
    files: list[str | os.PathLike[str]] = []
    for each in several:
        found = existing(each)
        if not found.is_dir():
            files.append(each)
            continue
        inside = sorted(Path(found).iterdir())
        files += [file for file in inside if file.suffix.lower() in _ENDINGS and file.is_file()]
    if not files:
        raise BadData(
            f"no files of scored pairs ({', '.join(_ENDINGS)}) in {', '.join(map(str, several)) or 'nothing'}."
        )
    return files


def _fields(line: str) -> list[str]:
    for separator in ("\t", ",", ";"):
        if line.count(separator) >= 2:
            return [text.strip() for text in line.split(separator)]
    return line.split()


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if np.isfinite(value) else None
