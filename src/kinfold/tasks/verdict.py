"""How good told labels are: accuracy, precision and recall at k, F1 of each label, confusion, calibration."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kinfold.core.columns import to_numpy
from kinfold.core.errors import BadData, BadOption
from kinfold.core.intervals import bootstrap, of_mean
from kinfold.core.report import Finding, Report, Table
from kinfold.core.shapes import Items
from kinfold.sources.labeled import lists

_LISTED = 200  # labels of the table
_CONFUSED = 20  # labels of a table of confusions
_BINS = 10
_SAMPLES = 1000
# Numbers drawn at a time, some 30 MB.
_DRAWN = 1 << 22


class Ranked(NamedTuple):
    """The likeliest labels of texts.

    Args:
        ids: (texts, k) int64, best first, equal ones in the order of the labels; -1 fills up.
        scores: Their probabilities (texts, k) float32.
        texts: (m,) int64, with `labels` every pair of a text and a label of at least the threshold.
        labels: (m,) int64.
    """

    ids: np.ndarray
    scores: np.ndarray
    texts: np.ndarray
    labels: np.ndarray


def ranked(blocks: Iterable[np.ndarray], k: int, threshold: float | None = None) -> Ranked:
    """The k likeliest labels of each text.

    Args:
        blocks: Probabilities (texts, labels) float32, some texts at a time.
        k: Labels wanted.
        threshold: For `texts` and `labels`, which are empty without one.

    Raises:
        BadOption: `k` below 1, or a threshold outside 0..1.
        BadData: A probability is NaN.
    """
    from kinfold.kernels._scan import keep_best

    check(k, threshold)
    ids, scores, pairs, done = [], [], [], 0
    for block in blocks:
        if np.isnan(block).any():
            first = done + int(np.isnan(block).any(axis=1).argmax())
            raise BadData(
                f"the probabilities of text {first:,} are no numbers; the classifier is damaged, train it again."
            )
        best = np.full((len(block), min(k, block.shape[1])), -np.inf, np.float32)
        found = np.full(best.shape, -1, np.int64)
        keep_best(np.ascontiguousarray(block, np.float32), 0, best, found)
        ids.append(found)
        scores.append(best)
        if threshold is not None:
            text, label = np.nonzero(block >= threshold)
            pairs.append((text + done, label))
        done += len(block)
    none = (np.zeros(0, np.int64), np.zeros(0, np.int64))
    texts, labels = (np.concatenate(each) for each in zip(none, *pairs, strict=True))
    if not ids:
        return Ranked(np.zeros((0, k), np.int64), np.zeros((0, k), np.float32), texts, labels)
    return Ranked(np.concatenate(ids), np.concatenate(scores), texts, labels)


def check(k: int, threshold: float | None) -> None:
    """Does nothing where so many labels of at least that probability can be asked for.

    Raises:
        BadOption: `k` below 1, or a threshold outside 0..1.
    """
    if k < 1:
        raise BadOption(f"k is {k}; it is a number of labels, at least 1.")
    if threshold is not None and not 0 <= threshold <= 1:
        raise BadOption(f"threshold is {threshold}; it is a probability from 0 to 1.")


def judge(
    labels: Sequence[str],
    items: Items[Any],
    chances: Iterable[np.ndarray],
    *,
    name: str = "",
    k: Sequence[int] = (1, 5),
    threshold: float | None = None,
    seed: int = 0,
) -> Report:
    """Compares told labels with known ones.

    Texts without a label take no part, and are counted. A label that the classifier does not know is never told: it
    counts as missed.

    Args:
        labels: Those that can be told (L,).
        items: Texts with their labels.
        chances: Probabilities (texts, L) float32 of all texts, some at a time.
        name: Of the test, for the title.
        k: Depths; those above L are left out.
        threshold: Only labels of at least this probability count as told; by default the likeliest one does.
        seed: Of the intervals, which resample the texts.

    Returns:
        `accuracy` (the likeliest label is one of the text's), beside `majority` (what the commonest label of the test
        would give); `precision` and `recall` at each depth, over all told and all known labels; `macro F1`, the mean
        over labels; `calibration error`, the mean distance between the probability of the likeliest label and how often
        it is right, over ten bins. Tables of the labels and, where they are few, of what is taken for what.

    Raises:
        BadOption: A depth below 1, or a threshold outside 0..1.
        BadData: No text has a label, or there is not one list of labels a text.
    """
    depths = sorted(set(k))
    if not depths or depths[0] < 1:
        raise BadOption(f"k is {list(k)}; it is one depth or more, each at least 1.")
    names, known_labels = list(labels), lists(items.labels, "the labels")
    owners, ids, names = _known(known_labels, names)
    told = ranked(chances, max(depths), threshold)
    if len(told.ids) != len(known_labels):
        raise BadData(f"{len(told.ids):,} texts do not go with labels of {len(known_labels):,}; give one each.")
    counts = np.bincount(owners, minlength=len(told.ids))
    taking = np.flatnonzero(counts)
    if not len(taking):
        raise BadData("no text of the test has a label.")
    size = len(names)
    known = owners * size + ids
    hits = np.isin(np.arange(len(told.ids))[:, None] * size + told.ids, known) & (told.ids >= 0)
    if threshold is None:
        pairs = np.arange(len(told.ids)) * size + told.ids[:, 0]
        allowed = told.ids >= 0
    else:
        pairs = told.texts * size + told.labels
        allowed = told.scores >= threshold
    pairs = pairs[counts[pairs // size] > 0]
    right = hits[taking, 0]
    commonest = int(np.bincount(ids, minlength=size).argmax())
    findings = [
        _share("accuracy", right, seed),
        _share("majority", np.isin(taking * size + commonest, known), seed),
    ]
    for depth in depths:
        if depth <= len(labels):
            hit = (hits & allowed)[taking, :depth].sum(axis=1)
            out = allowed[taking, :depth].sum(axis=1)
            findings.append(_ratio(f"precision@{depth}", hit, out, seed))
            findings.append(_ratio(f"recall@{depth}", hit, counts[taking], seed))
    findings.append(_macro_f1(known, pairs, size, len(taking), seed))
    findings.append(calibration(told.scores[taking, 0], right, seed))
    tables = [_labels(known, pairs, names)]
    if size <= _CONFUSED and len(known) == len(pairs) == len(taking):
        tables.append(_confusion(known, pairs, names))
    notes = _notes(known_labels, counts, names[len(labels) :], owners, ids, len(labels))
    return Report(f"Classification · {name}" if name else "Classification", findings, tables, notes)


def _known(known: pa.LargeListArray, names: list[str]) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Texts and ids (m,) int64 of known labels, each once a text, and all names: unknown ones stand behind."""
    flat = known.flatten()
    told = pa.array(names, pa.large_string())
    unknown = pc.unique(flat.filter(pc.invert(pc.is_in(flat, told))))
    every = pa.concat_arrays([told, unknown])
    ids = to_numpy(pc.index_in(flat, every)).astype(np.int64)
    owners = np.repeat(np.arange(len(known)), to_numpy(pc.list_value_length(known)))
    codes = np.unique(owners * len(every) + ids)
    return codes // len(every), codes % len(every), every.to_pylist()


def _share(name: str, right: np.ndarray, seed: int) -> Finding:
    return Finding(name, float(right.mean()), *of_mean(right, seed=seed), n=len(right))


def _ratio(name: str, part: np.ndarray, whole: np.ndarray, seed: int) -> Finding:
    """Sum of parts over sum of wholes, which rest on texts."""
    total = int(whole.sum())
    if not total:
        return Finding(name, float("nan"), n=0)
    if (whole == whole[0]).all():
        low, high = of_mean(part / whole[0], seed=seed)
    else:
        low, high = bootstrap(_sums_ratio, part, whole, seed=seed)
    return Finding(name, float(part.sum() / total), low, high, total)


def _sums_ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    ratio: np.ndarray = part.sum(axis=1) / np.maximum(whole.sum(axis=1), 1)
    return ratio


def _f1(hits: np.ndarray, told: np.ndarray, known: np.ndarray) -> np.ndarray:
    """F1 (…, labels) of counts; NaN for labels that are neither told nor known."""
    with np.errstate(invalid="ignore", divide="ignore"):
        f1: np.ndarray = 2 * hits / (told + known)
    return f1


def _macro_f1(known: np.ndarray, told: np.ndarray, size: int, texts: int, seed: int) -> Finding:
    """The mean F1 of labels; `known` and `told` are pairs text * size + label.

    How often each text is drawn is drawn at once, for all texts that are alike.
    """
    import scipy.sparse as sparse

    owners, rows = np.unique(np.concatenate([known, told]) // size, return_inverse=True)
    pairs = np.concatenate([known, told]) % size
    kinds = np.where(np.arange(len(pairs)) < len(known), 0, size) + pairs
    marks = sparse.csr_array((np.ones(len(pairs)), (rows, kinds)), (len(owners), 2 * size))
    # A hit is a label that a text has on both sides.
    hits = marks[:, :size].multiply(marks[:, size:])
    every = sparse.hstack([hits, marks[:, size:], marks[:, :size]], format="csr")
    totals = np.asarray(every.sum(axis=0)).reshape(3, size)
    value = float(np.nanmean(_f1(*totals)))
    rng = np.random.default_rng(seed)
    lengths = np.diff(every.indptr)
    alike: dict[bytes, list[int]] = {}
    every.sort_indices()
    for row in range(len(owners)):
        columns = every.indices[every.indptr[row] : every.indptr[row] + lengths[row]]
        alike.setdefault(columns.tobytes(), []).append(row)
    firsts = every[[each[0] for each in alike.values()]]
    weights = np.array([len(each) for each in alike.values()]) / len(owners)
    values = []
    step = max(1, _DRAWN // max(len(weights), 3 * size))
    for start in range(0, _SAMPLES, step):
        drawn = rng.multinomial(len(owners), weights, min(step, _SAMPLES - start))
        sums = (drawn @ firsts).reshape(-1, 3, size)
        values.append(np.nanmean(_f1(sums[:, 0], sums[:, 1], sums[:, 2]), axis=1))
    low, high = np.quantile(np.concatenate(values), [0.025, 0.975])
    return Finding("macro F1", value, float(low), float(high), texts)


def calibration(scores: np.ndarray, right: np.ndarray, seed: int) -> Finding:
    """How far the probability of the likeliest label is from how often it is right (Guo et al. 2017)."""
    bins = np.minimum((scores * _BINS).astype(np.int64), _BINS - 1)
    gaps = scores.astype(np.float64) - right

    def error(bins: np.ndarray, gaps: np.ndarray) -> np.ndarray:
        flat = bins + _BINS * np.arange(len(bins))[:, None]
        sums = np.bincount(flat.ravel(), gaps.ravel(), _BINS * len(bins)).reshape(len(bins), _BINS)
        mean: np.ndarray = np.abs(sums).sum(axis=1) / gaps.shape[1]
        return mean

    value = float(error(bins[None], gaps[None])[0])
    return Finding("calibration error", value, *bootstrap(error, bins, gaps, seed=seed), n=len(scores))


def _labels(known: np.ndarray, told: np.ndarray, names: list[str]) -> Table:
    size = len(names)
    counts = np.bincount(known % size, minlength=size)
    out = np.bincount(told % size, minlength=size)
    hits = np.bincount(np.intersect1d(known, told) % size, minlength=size)
    f1 = _f1(hits, out, counts)
    shown = [at for at in np.argsort(-counts, kind="stable").tolist() if counts[at] or out[at]]
    rows = [
        [
            names[at],
            int(counts[at]),
            int(out[at]),
            float(hits[at] / out[at]) if out[at] else None,
            float(hits[at] / counts[at]) if counts[at] else None,
            float(f1[at]),
        ]
        for at in shown[:_LISTED]
    ]
    title = "Labels" if len(shown) <= _LISTED else f"The {_LISTED} commonest of {len(shown):,} labels"
    return Table(title, ("label", "texts", "told", "precision", "recall", "F1"), rows)


def _confusion(known: np.ndarray, told: np.ndarray, names: list[str]) -> Table:
    """Texts by known and told label; every text has one of each."""
    size = len(names)
    counts = np.zeros((size, size), np.int64)
    np.add.at(counts, (np.sort(known) % size, np.sort(told) % size), 1)
    rows = [[name, *line] for name, line in zip(names, counts.tolist(), strict=True)]
    return Table("Known (lines) and told labels", ("", *names), rows)


def _notes(
    known: pa.LargeListArray, counts: np.ndarray, unknown: list[str], owners: np.ndarray, ids: np.ndarray, told: int
) -> list[str]:
    notes = []
    without = int((counts == 0).sum())
    if without:
        notes.append(f"{without:,} of {len(known):,} texts have no label, and take no part.")
    if unknown:
        spoilt = len(np.unique(owners[ids >= told]))
        some = ", ".join(f"'{name}'" for name in unknown[:5]) + (" …" if len(unknown) > 5 else "")
        notes.append(f"{spoilt:,} texts have a label that training had none of ({some}): these count as missed.")
    return notes
