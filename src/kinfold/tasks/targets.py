"""Labels of texts as numbers: their names, which texts have them, what is held out, and what was learned of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from kinfold.core.errors import BadData
from kinfold.core.report import Finding, Report, Table
from kinfold.core.shapes import Items
from kinfold.learn.calibrate import chances
from kinfold.sources.labeled import lists
from kinfold.tasks.verdict import calibration

_SHARE, _MOST = 0.1, 2000  # of what is held out where nothing is given


class Targets(NamedTuple):
    """Texts and their labels as numbers.

    Args:
        texts: Those that have a label.
        names: The labels (L,), frequent ones first.
        wanted: The label of each text (n,) int64; where a text has several, which each has (n, L) bool.
        counts: How many texts have each label (L,) int64.
        read: How many texts there were.
        notes: What is to be said about them.
    """

    texts: list[str]
    names: list[str]
    wanted: np.ndarray
    counts: np.ndarray
    read: int
    notes: list[str]

    @property
    def several(self) -> bool:
        """Whether a text may have several labels."""
        return self.wanted.ndim == 2


def targets(items: Items[Any], names: Sequence[str] | None = None, several: bool | None = None) -> Targets:
    """The labels of texts as numbers.

    Args:
        items: Texts with labels.
        names: The labels that there are, for texts beside those of training: others are left out, and counted.
        several: Whether texts may have several; by default whether one has.

    Raises:
        BadData: There are not two labels.
    """
    told = lists(items.labels, "the labels").to_pylist()
    texts = list(items.raw)
    if len(texts) != len(told):
        raise BadData(f"{len(texts):,} texts do not go with labels of {len(told):,}; give one each.")
    notes = []
    if names is None:
        counted = Counter(name for each in told for name in set(each))
        names = sorted(counted, key=lambda each: (-counted[each], each))
        if len(names) < 2:
            raise BadData(
                f"all texts have the label '{names[0]}'; there is nothing to tell apart, give texts of two labels."
            )
        alone = [name for name in names if counted[name] == 1]
        if alone:
            some = ", ".join(f"'{name}'" for name in alone[:5]) + (" …" if len(alone) > 5 else "")
            notes.append(
                f"{len(alone):,} of {len(names):,} labels have one example only ({some}): they are learned, but "
                "nothing says how well."
            )
    ids = {name: at for at, name in enumerate(names)}
    known = [sorted({ids[name] for name in each if name in ids}) for each in told]
    several = max((len(each) for each in known), default=0) > 1 if several is None else several
    kept = [at for at, each in enumerate(known) if each]
    marks = np.zeros((len(kept), len(names)), bool)
    for row, at in enumerate(kept):
        marks[row, known[at]] = True
    if len(kept) < len(texts):
        notes.append(f"{len(texts) - len(kept):,} of {len(texts):,} texts have no label, and were passed over.")
    wanted = marks if several else marks.argmax(axis=1) if len(kept) else np.zeros(0, np.int64)
    return Targets([texts[at] for at in kept], list(names), wanted, marks.sum(axis=0), len(texts), notes)


def parted(wanted: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """What is learned from and what is held out (m,) int64: a tenth of each label, and never its only text."""
    rng = np.random.default_rng(seed)
    strata = wanted.argmax(axis=1) if wanted.ndim == 2 else wanted
    share = min(_SHARE, _MOST / max(1, len(wanted)))
    held = []
    for label in np.unique(strata).tolist():
        some = rng.permutation(np.flatnonzero(strata == label))
        held.append(some[: min(len(some) - 1, max(1, round(share * len(some))))])
    out = np.sort(np.concatenate(held))
    return np.setdiff1d(np.arange(len(wanted)), out), out


def judged(scores: np.ndarray, wanted: np.ndarray) -> float:
    """The share of texts whose label is told; where they may have several, F1 over all of what is above one half."""
    if wanted.ndim == 2:
        told = scores > 0
        return float(2 * (told & wanted).sum() / max(1, told.sum() + wanted.sum()))
    return float((scores.argmax(axis=1) == wanted).mean()) if len(wanted) else 0.0


def training(
    scores: np.ndarray, wanted: np.ndarray, temperature: float, tables: Sequence[Table], notes: Sequence[str], seed: int
) -> Report:
    """What is told of training: how well held-out texts are labeled, and calibration before and after.

    Args:
        scores: Of texts that were held out (m, L), not divided by the temperature.
        wanted: Their labels, as of `Targets`.
        temperature: What scores are divided by.
        tables: What was tried, or the epochs.
        notes: What is to be said besides.
        seed: Of the intervals.
    """
    said, findings = list(notes), []
    if len(wanted):
        each = wanted.ndim == 2
        findings.append(Finding("held-out F1" if each else "held-out accuracy", judged(scores, wanted), n=len(wanted)))
        for name, divisor in (("before", 1.0), ("after", temperature)):
            found = chances(scores / divisor, each)
            best = found.argmax(axis=1)
            right = wanted[np.arange(len(best)), best] if each else best == wanted
            error = calibration(found.max(axis=1), right, seed)
            findings.append(Finding(f"calibration error {name}", error.value, error.low, error.high, error.n))
        findings.append(Finding("temperature", temperature, n=len(wanted)))
    else:
        said.append("nothing could be held out: probabilities are as the model has them.")
    return Report("training", findings, tables, said)
