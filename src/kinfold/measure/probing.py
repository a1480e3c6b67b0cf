"""Whether rows know of an attribute: a linear probe, beside the same probe on random labels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kinfold.core.columns import one_array, to_numpy
from kinfold.core.errors import BadData, BadOption
from kinfold.core.intervals import bootstrap, of_difference, of_mean
from kinfold.core.kinds import kinds
from kinfold.core.nearest import compared
from kinfold.core.progress import Progress, quiet
from kinfold.core.report import Finding, Report, Table
from kinfold.core.space import Space
from kinfold.learn.probe import Probe
from kinfold.measure.judgment import spearman
from kinfold.measure.members import directions, having

_STRENGTHS = "0.001,0.01,0.1,1"
_PENALTIES = (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0, 1e4)
# Whole numbers that take more values than this are a quantity.
_VALUES = 10
_LISTED = 30


class _Asked(NamedTuple):
    """What is to be told of rows.

    Args:
        rows: Of the group (m,) int64.
        targets: A label (m,) int64, or a number (m,) float64.
        names: Of the labels; none for numbers.
        notes: What was left out or changed.
    """

    rows: np.ndarray
    targets: np.ndarray
    names: list[str]
    notes: list[str]


def probe(
    space: Space,
    attribute: str,
    *,
    group: str | None = None,
    types: str | None = None,
    controls: int = 3,
    folds: int = 5,
    sample: int = 5_000,
    seed: int = 0,
    progress: Progress = quiet,
) -> Report:
    """How well an attribute can be told from rows by a linear probe, and how much of that is the rows' own.

    Names are told by logistic regression (accuracy), numbers by ridge regression (R² and rank correlation), each on
    rows that were held out. A control task has the same labels, given to rows by chance: what a probe makes of it is
    what it learns by heart, or gets by the labels' frequencies. Selectivity is what is left.

    Args:
        space: The rows.
        attribute: Of names, true and false, or numbers; or `genre=Comedy`: whether rows have the value.
        group: Whose rows; the first group where it is None.
        types: An attribute of what rows are of (the word of a token, the speaker of a recording): rows of one type have
            one control label, so that a probe that knows the type by heart passes the control task.
        controls: Control tasks, whose mean counts.
        folds: Parts of the rows, each held out once. The penalty is chosen by them, too, for every task by itself.
        sample: Rows, at most.
        seed: Of the sample, the folds, the control tasks and the intervals.
        progress: Told of the tasks.

    Returns:
        `accuracy` (or `R²` and `spearman`), `control`, `selectivity` (their difference, paired by row), and `majority`,
        the share of the most frequent label; and a table of the labels with the accuracy on each.

    Raises:
        UnknownName: There is no such attribute or group.
        BadOption: The attribute is of another kind, or an option outside its range.
        BadData: Fewer than two labels have as many rows as there are folds, or a row is not finite.

    Source:
        Alain, Bengio 2016 (arXiv 1610.01644); Hewitt, Liang 2019 (arXiv 1909.03368; control tasks, selectivity).

    Example:
        >>> rng = np.random.default_rng(0)
        >>> kind = np.arange(100) % 2
        >>> space = Space.of(range(100), rng.normal(size=(100, 3)) + 3 * kind[:, None]).with_attribute("kind", kind)
        >>> probe(space, "kind")["selectivity"].low > 0.2
        True
    """
    if controls < 1 or folds < 2 or sample < 2 * folds:
        raise BadOption(
            f"controls is {controls}, folds is {folds} and sample is {sample}; there are at least 1 control task, 2 "
            "folds, and two rows a fold."
        )
    home = next(iter(space.groups)) if group is None else group
    part = compared(space, home)
    rng = np.random.default_rng(seed)
    asked = _asked(part, attribute, folds, sample, rng)
    part.rows.refuse_non_finite("probe")
    rows = directions(part, asked.rows).astype(np.float32)
    owners = np.arange(len(rows)) if types is None else _codes(part, types, asked.rows)
    tasks = [asked.targets, *(_control(asked.targets, owners, rng) for _ in range(controls))]
    if asked.names:
        return _of_labels(attribute, rows, asked, tasks, folds, seed, progress)
    return _of_numbers(attribute, rows, asked, tasks, folds, seed, rng)


def _asked(part: Space, attribute: str, folds: int, sample: int, rng: np.random.Generator) -> _Asked:
    notes = []
    names: list[str] = []
    name, equals, value = attribute.partition("=")
    if equals:
        targets = np.zeros(len(part), np.int64)
        targets[having(part, name, value)] = 1
        names = [f"not {value}", value]
        rows = np.arange(len(part))
    elif (numbers := _numbers(part, attribute)) is not None:
        rows = np.flatnonzero(np.isfinite(numbers))
        targets = numbers
    else:
        targets, names = kinds(part, attribute)
        rows = np.flatnonzero(targets >= 0)
    if len(rows) < len(part):
        notes.append(f"{len(part) - len(rows):,} rows have no '{attribute}' and take no part.")
    if len(rows) > sample:
        notes.append(f"From {sample:,} of {len(rows):,} rows, drawn by chance.")
        rows = np.sort(rng.choice(rows, sample, replace=False))
    targets = targets[rows]
    if not names:
        positive = targets[targets > 0]
        if len(positive) == len(targets) > 0 and positive.max() > 1000 * positive.min():
            targets = np.log(targets)
            notes.append("The numbers span more than three powers of ten: their logarithms are told.")
        if len(targets) < 2 * folds or targets.std() == 0:
            raise BadData(f"'{attribute}' has {len(targets):,} numbers here, too few or all alike; a probe needs more.")
        return _Asked(rows, targets, names, notes)
    counts = np.bincount(targets, minlength=len(names))
    kept = np.flatnonzero(counts >= folds)
    if len(kept) < 2:
        raise BadData(
            f"fewer than two values of '{attribute}' have {folds} rows or more, so that none can be told from another; "
            "take fewer folds, or another attribute."
        )
    if len(kept) < len(names):
        few = len(names) - len(kept)
        notes.append(
            f"{few:,} values with fewer than {folds} rows, {counts.sum() - counts[kept].sum():,} in all, are left out."
        )
    good = counts[targets] >= folds
    return _Asked(rows[good], np.searchsorted(kept, targets[good]), [names[at] for at in kept.tolist()], notes)


def _numbers(part: Space, attribute: str) -> np.ndarray | None:
    """The attribute as a quantity (n,) float64, NaN where it is missing; None where it tells kinds."""
    column = one_array(part.attribute(attribute))
    kind = column.type
    if pa.types.is_integer(kind) and pc.count_distinct(column).as_py() <= _VALUES:
        return None
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        return None
    return np.asarray(pc.fill_null(column.cast(pa.float64()), np.nan))


def _codes(part: Space, types: str, rows: np.ndarray) -> np.ndarray:
    column = one_array(part.attribute(types)).take(pa.array(rows)).cast(pa.large_string())
    return to_numpy(pc.fill_null(column, "").dictionary_encode().indices).astype(np.int64)


def _control(targets: np.ndarray, owners: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The same targets in the order of chance; rows of one owner have one."""
    names, first, ids = np.unique(owners, return_index=True, return_inverse=True)
    found: np.ndarray = targets[first][rng.permutation(len(names))][ids]
    return found


def _of_labels(
    attribute: str,
    rows: np.ndarray,
    asked: _Asked,
    tasks: list[np.ndarray],
    folds: int,
    seed: int,
    progress: Progress,
) -> Report:
    learner = Probe(strengths=_STRENGTHS, folds=folds)
    right = np.zeros((len(tasks), len(rows)))
    for at, targets in enumerate(tasks):
        # More threads than one would wait for each other most of the time: the matrices are small.
        fitted = learner.fit(rows, targets, len(asked.names), seed=seed, threads=1, progress=progress)
        right[at, fitted.held] = fitted.scores.argmax(axis=1) == targets[fitted.held]
    task, control = right[0], right[1:].mean(axis=0)
    counts = np.bincount(asked.targets, minlength=len(asked.names))
    findings = [
        Finding("accuracy", float(task.mean()), *of_mean(task, seed=seed), len(task)),
        Finding("control", float(control.mean()), *of_mean(control, seed=seed), len(task)),
        Finding("selectivity", float((task - control).mean()), *of_difference(task, control, seed=seed), len(task)),
        Finding("majority", float(counts.max() / counts.sum()), n=len(task)),
    ]
    order = np.argsort(-counts, kind="stable")[:_LISTED]
    lines = [[asked.names[at], int(counts[at]), float(task[asked.targets == at].mean())] for at in order.tolist()]
    return Report(
        f"Probe · {attribute}",
        findings,
        [Table("Labels", (attribute, "rows", "accuracy"), lines)],
        [*asked.notes, _note(len(tasks) - 1, folds)],
    )


def _of_numbers(
    attribute: str,
    rows: np.ndarray,
    asked: _Asked,
    tasks: list[np.ndarray],
    folds: int,
    seed: int,
    rng: np.random.Generator,
) -> Report:
    wanted = np.stack(tasks, axis=1)
    wanted = (wanted - wanted.mean(axis=0)) / np.maximum(wanted.std(axis=0), 1e-30)
    told = _ridge(rows.astype(np.float64), wanted, rng.permutation(len(rows)) % folds)
    errors = (told - wanted) ** 2
    task, control, spread = errors[:, 0], errors[:, 1:].mean(axis=1), wanted[:, 0] ** 2
    findings = []
    for name, values in (("R²", spread - task), ("control", spread - control), ("selectivity", control - task)):
        low, high = bootstrap(lambda a, b: a.sum(axis=1) / b.sum(axis=1), values, spread, seed=seed)
        findings.append(Finding(name, float(values.sum() / spread.sum()), low, high, len(rows)))
    low, high = bootstrap(spearman, told[:, 0], wanted[:, 0], seed=seed)
    findings.append(Finding("spearman", float(spearman(told[:, 0], wanted[:, 0])), low, high, len(rows)))
    return Report(f"Probe · {attribute}", findings, (), [*asked.notes, _note(len(tasks) - 1, folds)])


def _ridge(rows: np.ndarray, wanted: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """What ridge regression tells of rows that were held out (n, tasks), with the best penalty for each task."""
    told = np.zeros((len(_PENALTIES), *wanted.shape))
    for fold in np.unique(folds):
        inside = folds != fold
        mean, middle = rows[inside].mean(axis=0), wanted[inside].mean(axis=0)
        centered = rows[inside] - mean
        values, vectors = np.linalg.eigh(centered.T @ centered)
        values = np.maximum(values, 0)
        turned = vectors.T @ (centered.T @ (wanted[inside] - middle))
        across = (rows[~inside] - mean) @ vectors
        scale = values.mean() or 1.0
        for at, penalty in enumerate(_PENALTIES):
            told[at, ~inside] = across @ (turned / (values + penalty * 0.01 * scale)[:, None]) + middle
    best = ((told - wanted) ** 2).sum(axis=1).argmin(axis=0)
    return told[best, :, np.arange(wanted.shape[1])].T


def _note(controls: int, folds: int) -> str:
    return (
        f"All numbers are of rows held out, in {folds} folds; control is the mean of {controls} tasks with the same "
        "labels, given by chance."
    )
