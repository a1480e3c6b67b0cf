"""What a dimension is worth on data held out: a learner is fitted at each of several and judged by the rest."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from kinfold.choose.halving import Quality, Trial, best
from kinfold.choose.report import Search, told
from kinfold.core.columns import matrix_of
from kinfold.core.errors import BadData, BadOption, ShapeMismatch
from kinfold.core.intervals import of_difference, of_mean
from kinfold.core.metric import Metric, units
from kinfold.core.progress import Progress, quiet
from kinfold.core.report import Report
from kinfold.core.shapes import Counts, Sequences
from kinfold.core.space import Space
from kinfold.prepare.counting import Counting

METRIC = "pairs told apart"
# Pairs that a Space is judged by.
_PAIRS = 20_000
# Sequences are held out in runs of at most so many tokens, so that one long text can be parted too.
_RUN = 1000
_WINDOW = 5

# Of a matrix with few entries, each is compared with so many that were drawn.
_DRAWN = 20

# Rows and columns of pairs that were met (m, 2) int64, and columns (m, r) that were drawn instead, -1 for none.
Pairs = tuple[np.ndarray, np.ndarray]


class Refit(NamedTuple):
    """What learning anew has told.

    Args:
        report: Of the search: tables along the dimension, of what was held out and of what was learned from.
        best: The trial that did best.
        enough: The smallest dimension that the best is not better than, beyond chance.
        behind: How far that is behind the best, with its interval; both are judged by the same pairs.
    """

    report: Report
    best: Trial
    enough: Trial
    behind: tuple[float, float, float]


def refitted(
    learner: Any,
    data: Counts | Sequences,
    dims: Sequence[int],
    *,
    held: float = 0.1,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress = quiet,
) -> Refit:
    """Fits a learner at each dimension on a part of the data, and judges it by pairs of the rest.

    A pair is two keys near each other in a sequence, or an entry of a matrix. It is told apart where its score is above
    that of the same key with one that was drawn by frequency. The score is that by which the Space was learned: a row
    times the other's output row where these are kept, else that of the metric.

    Args:
        learner: With a field `dim`; of Sequences, or of Counts (which sequences are counted for as it wishes).
        data: What it learns from.
        dims: Dimensions that are tried.
        held: The share of the data that is held out.
        seed: Of the split, the pairs and the fits.
        threads: How many work at once; as many as there are processors by default.
        progress: Told of the fits that are done.

    Raises:
        BadOption: The learner has no `dim`, none of the dimensions can be learned, or `held` is not a share.
        BadData: There is too little to hold something out.
        ShapeMismatch: The data are neither Sequences nor Counts, or not what the learner takes.
    """
    if (
        isinstance(learner, type)
        or not dataclasses.is_dataclass(learner)
        or "dim" not in [field.name for field in dataclasses.fields(learner)]
    ):
        raise BadOption(f"{type(learner).__name__} has no dim to choose; give a learner that has, as kf.learn.SVD().")
    if not 0 < held < 1:
        raise BadOption(f"held is {held}; it is the share that is held out, between 0 and 1.")
    setting: Any = learner
    fit, judges = _parted(learner, data, held, seed, threads)
    dims = sorted({int(each) for each in dims})
    trials, failed = [], []
    told_apart: dict[int, np.ndarray] = {}
    progress.start("refit", len(dims), "fits")
    for dim in dims:
        try:
            space = fit(dataclasses.replace(setting, dim=dim))
            values, fitted = judges(space)
            low, high = of_mean(values, seed=seed)
            told_apart[dim] = values
            quality = Quality(float(values.mean()), low, high, len(values), float(fitted.mean()))
        except (BadOption, BadData) as error:
            failed.append(f"dim {dim}: {error}")
            quality = Quality(math.nan)
        trials.append(Trial({"dim": dim}, 1, 1, quality))
        progress.advance(1)
    if len(failed) == len(trials):
        raise BadOption(f"no dimension could be learned; {failed[-1] if failed else 'give at least one.'}")
    search = Search({"dim": dims}, METRIC, axis="dim")
    first = best(trials)
    # Without its interval, which is of pairs, and not of how dimensions differ on the same ones.
    bare = dataclasses.replace(first, quality=first.quality._replace(low=None, high=None))
    report = told(f"Refit · {type(learner).__name__}", search, trials, bare, [first.setting])
    of_best = told_apart[first.setting["dim"]]
    behind = {dim: of_difference(of_best, values, seed=seed) for dim, values in told_apart.items()}
    enough = next(each for each in trials if behind.get(each.setting["dim"], (1.0, 1.0))[0] <= 0)
    dim = enough.setting["dim"]
    apart = float(of_best.mean() - told_apart[dim].mean())
    return Refit(dataclasses.replace(report, notes=[*report.notes, *failed]), first, enough, (apart, *behind[dim]))


def _parted(
    learner: Any, data: Counts | Sequences, held: float, seed: int, threads: int | None
) -> tuple[Callable[[Any], Space], Callable[[Space], tuple[np.ndarray, np.ndarray]]]:
    """How a learner is fitted to the one part, and what a Space is worth on the other and on the one."""
    rng = np.random.default_rng(seed)
    how: dict[str, Any] = {"seed": seed, "threads": threads}
    if isinstance(data, Counts):
        known, hidden = _entries(data, held, rng)
        cells = [_of_entries(data, known, each, rng) for each in (hidden, known)]
        return lambda each: each.fit(known, **how), lambda space: _judged(space, data, cells)
    if not isinstance(data, Sequences):
        raise ShapeMismatch(f"a dimension is judged on Sequences or Counts, not on {type(data).__name__}.")
    train, rest = _runs(data, held, rng)
    window = int(getattr(learner, "window", _WINDOW))
    asked = [_of_runs(train, each, window, rng) for each in (rest, train)]
    shape: Any = train
    if type(learner).takes is Counts:
        shape = getattr(type(learner), "counting", Counting()).of(train, threads=threads)
    return lambda each: each.fit(shape, **how), lambda space: _judged(space, data, asked)


def _runs(data: Sequences, held: float, rng: np.random.Generator) -> tuple[Sequences, Sequences]:
    """The sequences in two parts, by runs of tokens that are drawn."""
    lengths = np.diff(data.starts)
    pieces = np.maximum(-(-lengths // _RUN), 1)
    first = np.repeat(data.starts[:-1], pieces)
    number = np.arange(len(first)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    starts = np.append(first + number * _RUN, data.starts[-1]).astype(np.int64)
    cut = dataclasses.replace(data, starts=starts, names=None)
    if len(cut) < 2:
        raise BadData("one short sequence cannot be parted; give more text to hold some of it out.")
    order = rng.permutation(len(cut))
    count = min(max(1, round(held * len(cut))), len(cut) - 1)
    return cut.take(np.sort(order[count:])), cut.take(np.sort(order[:count]))


def _of_runs(train: Sequences, part: Sequences, window: int, rng: np.random.Generator) -> Pairs:
    owner = np.repeat(np.arange(len(part)), np.diff(part.starts))
    ids = np.asarray(part.ids)
    if not len(ids) or not len(train.ids):
        raise BadData("there is too little text to hold some of it out; give more.")
    at = rng.integers(0, len(ids), 4 * _PAIRS)
    apart = rng.integers(1, window + 1, len(at)) * rng.choice([-1, 1], len(at))
    other = np.clip(at + apart, 0, len(ids) - 1)
    drawn = np.asarray(train.ids)[rng.integers(0, len(train.ids), len(at))]
    good = (owner[at] == owner[other]) & (ids[at] != ids[other]) & (drawn != ids[other]) & (drawn != ids[at])
    good = np.flatnonzero(good)[:_PAIRS]
    if not len(good):
        raise BadData("no two different keys stand near each other in what was held out; give more text.")
    return np.stack([ids[at[good]], ids[other[good]]], axis=1).astype(np.int64), drawn[good, None].astype(np.int64)


def _entries(data: Counts, held: float, rng: np.random.Generator) -> tuple[Counts, Counts]:
    """The entries in two parts; where rows and columns are the same, both entries of a pair are in one."""
    import scipy.sparse as sparse

    whole = data.values.tocoo()
    rows, columns = whole.row.astype(np.int64), whole.col.astype(np.int64)
    code = rows * whole.shape[1] + columns
    if data.row_keys == data.column_keys:
        code = np.minimum(rows, columns) * whole.shape[1] + np.maximum(rows, columns)
    pairs, owner = np.unique(code, return_inverse=True)
    out = (rng.random(len(pairs)) < held)[owner]
    if out.all() or not out.any():
        raise BadData(f"{len(pairs):,} entries are too few to hold some of them out; give more.")
    parts = [
        sparse.csr_array((whole.data[some], (rows[some], columns[some])), whole.shape, np.float32)
        for some in (~out, out)
    ]
    return dataclasses.replace(data, values=parts[0]), dataclasses.replace(data, values=parts[1])


def _of_entries(data: Counts, train: Counts, part: Counts, rng: np.random.Generator) -> Pairs:
    met = part.values.tocoo()
    some = rng.permutation(np.flatnonzero(met.data > 0))[:_PAIRS]
    rows, columns = met.row[some].astype(np.int64), met.col[some].astype(np.int64)
    often = np.asarray(train.values.indices)
    draws = min(_DRAWN, max(1, _PAIRS // max(1, len(rows))))
    drawn = often[rng.integers(0, len(often), (len(rows), draws))].astype(np.int64)
    known = np.asarray(data.values[np.repeat(rows, draws), drawn.ravel()]).reshape(drawn.shape) != 0
    if data.row_keys == data.column_keys:
        known |= (rows[:, None] == drawn) | (rows == columns)[:, None]
    drawn = np.where(known, -1, drawn)
    good = (drawn >= 0).any(axis=1)
    if not good.any():
        raise BadData("no entry of what was held out can be told from a cell that is empty; give more data.")
    return np.stack([rows[good], columns[good]], axis=1), drawn[good]


def _judged(space: Space, data: Counts | Sequences, asked: Sequence[Pairs]) -> tuple[np.ndarray, np.ndarray]:
    """How often each pair is told apart (m,), from 0 to 1; a half where both have one score, or one has no row."""
    keys = (data.keys, data.keys) if isinstance(data, Sequences) else (data.row_keys, data.column_keys)
    groups = [next(iter(each.groups)) for each in keys]
    for group in groups:
        if group not in space.groups:
            raise BadData(f"what was learned has no rows of '{group}', by which it would be judged.")
    parts = [space.group(group) for group in groups]
    places = [part.keys.rows(each.names) for part, each in zip(parts, keys, strict=True)]
    context = _context(parts[1]) if isinstance(data, Sequences) else None
    metric = space.metric if context is None else Metric.DOT

    def scored(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        at, to = places[0][rows], places[1][columns]
        right = parts[1].rows.take(to) if context is None else context[to]
        return np.where((at >= 0) & (to >= 0), _score(metric, parts[0].rows.take(at), right), np.nan)

    found = []
    for pairs, drawn in asked:
        met = scored(pairs[:, 0], pairs[:, 1])
        apart = np.full(drawn.shape, np.nan)
        for at, others in zip(apart.T, drawn.T, strict=True):
            score = scored(pairs[:, 0], others)
            values = np.where(met > score, 1.0, np.where(met < score, 0.0, 0.5))
            at[:] = np.where(others >= 0, values, np.nan)
        found.append(np.nanmean(apart, axis=1))
    return found[0], found[1]


def _context(space: Space) -> np.ndarray | None:
    if space.table is None or "context" not in space.table.column_names:
        return None
    column = space.attribute("context")
    if column.null_count or space.card.parameters.get("loss", "negative") != "negative":
        return None
    return matrix_of(column if isinstance(column, pa.Array) else column.combine_chunks(), space.dim)


def _score(metric: Metric, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    if metric is Metric.L2:
        # Minus their squared distance, which is in the same order.
        left, right = left - right, right - left
    if metric is Metric.COSINE:
        left, right = units(left), units(right)
    products: np.ndarray = np.einsum("ij,ij->i", left, right)
    return products
