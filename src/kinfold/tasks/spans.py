"""Spans in sentences: decoded from the scores of tags, and judged by exact spans, as conlleval and seqeval do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy as np

from kinfold.core.errors import BadData
from kinfold.core.report import Finding, Report, Table
from kinfold.core.tags import OUTSIDE, Marked, spans_of

_SAMPLES = 1000
_LISTED = 50  # types of the table


class Told(NamedTuple):
    """What is told of a sentence.

    Args:
        spans: The spans.
        chances: How probable each is, exactly as it stands (s,).
    """

    spans: list[Marked]
    chances: np.ndarray


def steps(tags: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """What IOB2 allows: (T,) float32 for the first word and (T, T) from tag to tag, 0 or -inf."""
    first, step = np.zeros(len(tags), np.float32), np.zeros((len(tags), len(tags)), np.float32)
    for at, tag in enumerate(tags):
        if tag.startswith("I-"):
            first[at] = -np.inf
            step[[before[1:] != tag[1:] for before in tags], at] = -np.inf
    return first, step


def decoded(tags: Sequence[str], scores: Sequence[np.ndarray]) -> list[Told]:
    """The best spans of sentences among those that can be.

    Args:
        tags: (T,) in IOB2.
        scores: Of each sentence (words, T) float32, logarithms.

    Raises:
        BadData: A score is NaN.
    """
    from kinfold.kernels.chain import best, sums

    lengths = [len(each) for each in scores]
    starts = np.append(0, np.cumsum(lengths)).astype(np.int64)
    every = np.concatenate([np.zeros((0, len(tags)), np.float32), *scores]).astype(np.float32)
    if np.isnan(every).any():
        raise BadData("the scores of some tags are no numbers; the tagger is damaged, train it again.")
    first, step = steps(tags)
    path = np.zeros(len(every), np.int64)
    best(every, starts, first, step, np.zeros(every.shape, np.int64), path)
    ahead, behind = np.zeros(every.shape), np.zeros(every.shape)
    sums(every, starts, first, step, ahead, behind)
    found = []
    for begin, end in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        ids = path[begin:end]
        spans = spans_of([tags[at] for at in ids])
        part = every[begin:end], ahead[begin:end], behind[begin:end]
        found.append(Told(spans, np.array([_chance(each, tags, ids, step, *part) for each in spans], np.float32)))
    return found


def _chance(
    span: Marked,
    tags: Sequence[str],
    ids: np.ndarray,
    step: np.ndarray,
    scores: np.ndarray,
    ahead: np.ndarray,
    behind: np.ndarray,
) -> float:
    """The share of all taggings that have exactly this span: sums before it, its own scores, sums behind it."""
    inner = np.arange(span.first + 1, span.last)
    value = ahead[span.first, ids[span.first]]
    value += float((step[ids[inner - 1], ids[inner]] + scores[inner, ids[inner]]).sum())
    if span.last < len(ids):
        onward = step[ids[span.last - 1]] + scores[span.last] + behind[span.last]
        onward = onward[[tag != f"I-{span.type}" for tag in tags]]
        value += np.logaddexp.reduce(onward)
    return float(min(1.0, np.exp(value - np.logaddexp.reduce(ahead[-1]))))


def judge(
    known: Sequence[Sequence[str]],
    told: Sequence[Sequence[Marked]],
    words: Sequence[Sequence[str]],
    *,
    name: str = "",
    seen: Collection[str] | None = None,
    seed: int = 0,
) -> Report:
    """Compares told spans with known ones: a hit has the same words and the same type.

    Args:
        known: Tags of each sentence.
        told: Spans of each sentence.
        words: Of each sentence.
        name: Of the test, for the title.
        seen: Words of training; spans with another one are judged apart, too.
        seed: Of the intervals, which resample the sentences.

    Returns:
        `precision`, `recall` and `F1` over all spans, the same in the group `new words` for those that hold a word that
        training had not, `F1` in the group of each type, and `macro F1`, the mean over types. A table of the types.

    Raises:
        BadData: There are not as many told sentences as known ones, or none.

    Source:
        Tjong Kim Sang, Buchholz 2000 (conlleval); Derczynski et al. 2017 (what emerges).
    """
    if len(known) != len(told) or not known:
        raise BadData(f"{len(told):,} told sentences do not go with {len(known):,} known ones.")
    true = [spans_of(each) for each in known]
    kinds = Counter(span.type for spans in true for span in spans)
    names = [*sorted(kinds, key=lambda each: (-kinds[each], each))]
    names += sorted({span.type for spans in told for span in spans} - set(names))
    every = _counts(true, told)
    findings = _three(every, "", seed)
    notes = []
    if seen is not None:
        new = _counts(*(_new(side, words, seen) for side in (true, told)))
        findings += _three(new, "new words", seed)
        notes.append(
            f"{int(new[:, 2].sum()):,} of {int(every[:, 2].sum()):,} spans hold a word that training never had."
        )
    rows: list[list[Any]] = []
    f1s = []
    for kind in names:
        of_kind = [[[span for span in each if span.type == kind] for each in side] for side in (true, told)]
        counts = _counts(*of_kind)
        precision, recall, f1 = _three(counts, kind, seed)
        f1s.append(f1.value)
        if len(rows) < _LISTED:
            findings.append(f1)
            rows.append([kind, *counts[:, [2, 1]].sum(axis=0).tolist(), precision.value, recall.value, f1.value])
    findings.append(Finding("macro F1", float(np.mean(f1s)) if f1s else float("nan"), n=len(f1s)))
    if not kinds:
        notes.append("no sentence of the test has a span.")
    table = Table("Types", ("type", "spans", "told", "precision", "recall", "F1"), rows)
    return Report(f"Spans · {name}" if name else "Spans", findings, [table] if rows else [], notes)


def f1(known: Sequence[Sequence[str]], told: Sequence[Sequence[Marked]]) -> float:
    """F1 over all spans; 0 where there are none."""
    hits, out, there = _counts([spans_of(each) for each in known], told).sum(axis=0)
    return float(2 * hits / (out + there)) if out + there else 0.0


def _new(
    sentences: Sequence[Sequence[Marked]], words: Sequence[Sequence[str]], seen: Collection[str]
) -> list[list[Marked]]:
    """Those spans of each sentence that hold a word which is not among the seen."""
    return [
        [span for span in spans if any(word not in seen for word in each[span.first : span.last])]
        for spans, each in zip(sentences, words, strict=True)
    ]


def _counts(known: Sequence[Sequence[Marked]], told: Sequence[Sequence[Marked]]) -> np.ndarray:
    """Hits, told and known spans of each sentence (m, 3) int64."""
    found = np.zeros((len(known), 3), np.int64)
    for at, (one, other) in enumerate(zip(known, told, strict=True)):
        if one or other:
            found[at] = len(set(one) & set(other)), len(other), len(one)
    return found


def _three(counts: np.ndarray, group: str, seed: int) -> list[Finding]:
    """Precision, recall and F1 with their intervals; how often sentences are drawn is drawn at once for equal ones."""
    distinct, often = np.unique(counts, axis=0, return_counts=True)
    drawn = np.random.default_rng(seed).multinomial(len(counts), often / len(counts), _SAMPLES) @ distinct
    hits, told, known = counts.sum(axis=0)
    found = []
    for name, parts, whole in (
        ("precision", (hits, drawn[:, 0]), (told, drawn[:, 1])),
        ("recall", (hits, drawn[:, 0]), (known, drawn[:, 2])),
        ("F1", (2 * hits, 2 * drawn[:, 0]), (told + known, drawn[:, 1] + drawn[:, 2])),
    ):
        if not whole[0]:
            found.append(Finding(name, float("nan"), n=0, group=group))
            continue
        with np.errstate(invalid="ignore", divide="ignore"):
            low, high = np.nanquantile(parts[1] / whole[1], [0.025, 0.975])
        n = int(whole[0]) if name != "F1" else int(known)
        found.append(Finding(name, float(parts[0] / whole[0]), float(low), float(high), n, group=group))
    return found


def allowed(kinds: Sequence[str]) -> list[str]:
    """The tags of some types in IOB2, `O` first."""
    return [OUTSIDE, *(f"{prefix}-{kind}" for kind in kinds for prefix in "BI")]
