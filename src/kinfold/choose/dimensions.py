"""How many dimensions rows need: what fewer of them keep, and what more of them are worth on data held out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kinfold.choose.refit import METRIC, Refit, refitted
from kinfold.choose.report import HELD
from kinfold.core.errors import BadData, BadOption
from kinfold.core.intervals import of_mean
from kinfold.core.metric import Metric
from kinfold.core.nearest import compared
from kinfold.core.progress import Progress, quiet
from kinfold.core.report import Finding, Report, Table, number, percent
from kinfold.core.shapes import Counts, Sequences
from kinfold.core.space import Space
from kinfold.measure.spectrum import Spectrum, drawn, kept
from kinfold.measure.survey import Survey, survey

TABLE = "By dimension"
_KEPT, _VARIANCE, _PIP = "neighbors kept", "variance", "PIP loss"
_PIP_BESIDE = "PIP loss to the other run"


def dimension(
    space: Space,
    *,
    group: str | None = None,
    dims: Sequence[int] | None = None,
    k: int = 10,
    keep: float = 0.95,
    beside: Space | None = None,
    learner: Any = None,
    data: Counts | Sequences | None = None,
    held: float = 0.1,
    sample: int = 50_000,
    queries: int = 1000,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress = quiet,
) -> Report:
    """Recommends how many dimensions to take, by rows that are there and, where it can be, by learning again.

    Rows are shortened along their principal axes. With fewer of these, the nearest rows change (`neighbors kept`), a
    part of the variance is lost, and the products of all pairs of rows move (`PIP loss`, relative to their size). The
    loss to another run, whose noise is its own, has its least where further dimensions are more noise than signal.

    Rows that are there cannot say whether more dimensions than they have would do better, or whether some were learned
    by heart. With a learner and its data, that is measured on a part held out.

    Args:
        space: Rows of any kind.
        group: Whose rows; the first group where it is None.
        dims: Dimensions to try; by default 2, 3, 4, 6, 8, 12 … and all, and an eighth of all to twice as many to learn.
        k: Neighbors that are compared.
        keep: The share of neighbors that the recommended dimension keeps at least.
        beside: Another run: the same data and method, another seed.
        learner: What is fitted again, with a field `dim`: `kf.learn.SVD()`.
        data: What it learns from.
        held: The share of the data that is held out.
        sample: Most rows that neighbors are looked for among.
        queries: Rows that are asked for their neighbors.
        seed: Of samples, intervals and fits.
        threads: Of the fits.
        progress: Told of the stages.

    Returns:
        `recommended dimension`, with what it keeps; a table `By dimension`, and, of a learner, tables of what was held
        out and of what was learned from. The first note is the recommendation in words, with its reason.

    Raises:
        BadData: Fewer than three different rows can be compared, or the other run shares none of them.
        BadOption: A dimension is not between 1 and the width of the rows, an option is out of range, or of learner and
            data one is missing.
        UnknownName: There is no such group.

    Source:
        Yin, Shen 2018 (arXiv 1812.04224).

    Example:
        >>> rows = np.random.default_rng(0).normal(size=(300, 3)) @ np.random.default_rng(1).normal(size=(3, 20))
        >>> int(dimension(Space.of(range(300), rows))["recommended dimension"].value)
        3
    """
    if k < 1 or sample < 10 or queries < 1 or not 0 < keep <= 1:
        raise BadOption(
            f"k is {k}, sample {sample}, queries {queries} and keep {keep}; they are at least 1, 10 and 1, "
            "and a share above 0."
        )
    if (learner is None) != (data is None):
        raise BadOption("a learner is fitted again from its data; give both of learner and data, or neither.")
    part = compared(space, group)
    if not part.dim:
        raise BadData("there is nothing to shorten: the rows have no coordinates.")
    surveyed = survey(part, progress=progress)
    taking = surveyed.taking
    if len(taking) < 3:
        raise BadData(f"{len(taking):,} different rows can be compared; a dimension is chosen for at least 3.")
    grid = _grid(dims, part.dim)
    progress.start("shorten", None)
    spectrum = Spectrum.of(surveyed, seed=seed)
    at = drawn(taking, sample, seed)
    asked = drawn(np.arange(len(at)), queries, seed)
    k = min(k, len(at) - 1)
    shares = kept(spectrum, surveyed.points(at), asked, grid, k, part.metric)
    apart = (
        None if beside is None else _beside(surveyed, spectrum, compared(beside, _home(beside, group)), grid, sample)
    )
    rows = []
    for place, dim in enumerate(grid):
        low, high = of_mean(shares[place], seed=seed)
        own = [dim, float(shares[place].mean()), low, high, spectrum.explained(dim), spectrum.pip_loss(dim)]
        rows.append(own if apart is None else [*own, apart[place]])
    columns = ("dim", _KEPT, "low", "high", _VARIANCE, _PIP, *(() if apart is None else (_PIP_BESIDE,)))
    tables, notes, findings = [Table(TABLE, columns, rows)], [], []
    chosen, why = _enough(rows, part.dim, k, keep)
    if apart is not None:
        notes.append(_least(rows, apart))
    if learner is not None and data is not None:
        wanted = list(dims) if dims is not None else _doubling(part.dim)
        refit = refitted(learner, data, wanted, held=held, seed=seed, threads=threads, progress=progress)
        chosen, why = _learned(refit)
        tables += refit.report.tables
        notes += refit.report.notes
        judged = refit.enough.quality
        findings = [Finding(METRIC, judged.value, judged.low, judged.high, judged.n, group=HELD)]
    findings = [Finding("recommended dimension", chosen, n=part.dim), *_of_chosen(rows, chosen, len(asked)), *findings]
    sampled = f", drawn with seed {seed}" if len(at) < len(taking) or len(asked) < len(at) else ""
    notes = [
        f"{_told(chosen, part.dim)}: {why}.",
        *notes,
        f"Neighbors: the {k} nearest to {len(asked):,} rows among {len(at):,} of {len(taking):,}{sampled}, "
        f"by {part.metric.value}.",
    ]
    if surveyed.products is None:
        notes.append(f"Axes are those of {spectrum.count:,} rows, drawn with seed {seed}, since rows are so wide.")
    return Report("Dimension", findings, tables, notes)


def _grid(dims: Sequence[int] | None, dim: int) -> list[int]:
    """Ascending, and all of them last."""
    if dims is None:
        steps = sorted({each for power in range(1, 17) for each in (2**power, 3 * 2 ** (power - 1))})
        return [*(each for each in steps if each < dim), dim]
    bad = [each for each in dims if not isinstance(each, int | np.integer) or isinstance(each, bool) or each < 1]
    if bad or not dims:
        raise BadOption(f"dims are {list(dims)}; they are whole numbers of at least 1, at least one of them.")
    return [*sorted({int(each) for each in dims if each < dim}), dim]


def _doubling(dim: int) -> list[int]:
    return sorted({max(2, dim // 8), max(2, dim // 4), max(2, dim // 2), dim, 2 * dim})


def _enough(rows: Sequence[Sequence[Any]], dim: int, k: int, keep: float) -> tuple[int, str]:
    """The smallest dimension that keeps enough neighbors, and why."""
    found = next((row for row in rows if row[1] >= keep), rows[-1])
    if found[0] == dim:
        before = rows[-2] if len(rows) > 1 else None
        said = (
            f"with {before[0]:,}, {percent(before[1])} of the {k} nearest would be left"
            if before
            else "there is but one"
        )
        return dim, f"{said}, and at least {percent(keep, 0)} are wanted"
    share, low, high, variance, loss = (percent(each) for each in found[1:6])
    return found[0], (
        f"they keep {share} [{low} to {high}] of the {k} nearest, carry {variance} of the variance and move the "
        f"products of pairs by {loss}, in {percent(found[0] / dim, 0)} of the room"
    )


def _told(chosen: int, dim: int) -> str:
    if chosen == dim:
        return f"Keep all {dim:,} dimensions"
    return f"Take {chosen:,} of {dim:,} dimensions" if chosen < dim else f"Take {chosen:,} dimensions, not {dim:,}"


def _of_chosen(rows: Sequence[Sequence[Any]], chosen: int, asked: int) -> list[Finding]:
    row = next((each for each in rows if each[0] == chosen), None)
    if row is None:
        return []
    return [
        Finding(_KEPT, row[1], row[2], row[3], asked),
        Finding(_VARIANCE, row[4]),
        Finding(_PIP, row[5]),
    ]


def _home(other: Space, group: str | None) -> str | None:
    return group if group is not None and group in other.groups else None


def _beside(one: Survey, spectrum: Spectrum, part: Space, dims: Sequence[int], sample: int) -> list[float]:
    """|YYᵀ - X'X'ᵀ| / |YYᵀ|, of rows X' shortened to each dimension and those Y of the same keys in another run."""
    other = survey(part)
    places = part.keys.rows(one.space.keys.names)
    usable = np.zeros(len(part) + 1, np.bool_)
    usable[other.taking] = True
    taking = one.taking
    taking = drawn(taking[usable[places[taking]]], sample, 0)
    if len(taking) < 3:
        raise BadData("the other run shares fewer than 3 keys whose rows can be compared; give one of the same data.")
    axes = spectrum.axes
    inner = np.zeros((axes.shape[1], axes.shape[1]))
    cross = np.zeros((axes.shape[1], part.dim))
    square = np.zeros((part.dim, part.dim))
    for start in range(0, len(taking), 4096):
        some = taking[start : start + 4096]
        mine = one.points(some).astype(np.float64) @ axes
        yours = other.points(places[some]).astype(np.float64)
        inner += mine.T @ mine
        cross += mine.T @ yours
        square += yours.T @ yours
    whole = float((square**2).sum())
    both = np.cumsum((cross**2).sum(axis=1))
    lengths = np.cumsum(np.cumsum(inner**2, axis=0), axis=1).diagonal()
    # Directions have one size; else runs may differ in theirs, and the whole of both is brought to one.
    size = 1.0 if one.space.metric is Metric.COSINE else both[-1] / lengths[-1]
    found = [whole - 2 * size * both[dim - 1] + size**2 * lengths[dim - 1] for dim in np.minimum(dims, len(both))]
    return [float(np.sqrt(max(each, 0) / whole)) for each in found]


def _least(rows: Sequence[Sequence[Any]], apart: Sequence[float]) -> str:
    place = int(np.argmin(apart))
    first = next(row[0] for row, loss in zip(rows, apart, strict=True) if loss <= 1.01 * apart[place])
    ends = f"the PIP loss to it is {number(apart[place])}, and {number(apart[-1])} with all"
    if apart[-1] > 1.01 * apart[place]:
        return f"Beyond {rows[place][0]:,} dimensions the other run differs more than it agrees: {ends}."
    if first == rows[-1][0]:
        return "Each further dimension brings the products of pairs nearer to those of the other run."
    return f"Dimensions beyond {first:,} bring the products of pairs hardly nearer to those of the other run: {ends}."


def _learned(refit: Refit) -> tuple[int, str]:
    """The smallest dimension that does as well as the best when learned anew, and why."""
    chosen, top = (each.setting["dim"] for each in (refit.enough, refit.best))
    said = f"learned anew, it tells {percent(refit.enough.quality.value)} of pairs that were held out from drawn ones"
    if chosen == top:
        return chosen, f"{said}, and no smaller dimension does as well"
    behind, low, high = (percent(each, 2) for each in refit.behind)
    return chosen, f"{said}; the best, {top:,}, is ahead by {behind} [{low} to {high}], which is no more than chance"
