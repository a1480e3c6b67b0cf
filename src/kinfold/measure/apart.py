"""How far apart the groups that an attribute names are: what rows tell of who somebody is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kinfold.core.errors import BadData, BadOption
from kinfold.core.intervals import bootstrap, of_mean
from kinfold.core.kinds import kinds
from kinfold.core.metric import Metric, units
from kinfold.core.nearest import one_side
from kinfold.core.report import Finding, Report, Table, number
from kinfold.core.space import Space
from kinfold.kernels.topk import topk
from kinfold.learn.probe import Probe

_MOST_GROUPS, _MOST_COMPARED, _LEAST = 50, 12, 5
_LEVEL = 0.05


class Drawn(NamedTuple):
    """Rows that are compared, with the group of each.

    Args:
        rows: (n, dim) float32, of length 1 unless the metric is `l2` or `dot`.
        owners: (n,) int64.
        names: Of the groups.
        notes: What was left out.
    """

    rows: np.ndarray
    owners: np.ndarray
    names: list[str]
    notes: list[str]


def separation(
    space: Space,
    by: str,
    *,
    group: str | None = None,
    k: int = 10,
    sample: int = 4000,
    permutations: int = 999,
    seed: int = 0,
) -> Report:
    """How well the rows of a Space tell the groups that an attribute names, such as the gender of users.

    Args:
        space: The rows, of any modality.
        by: An attribute of names, whole numbers, or true and false; rows where it is missing take no part.
        group: The keys that are compared; by default the first group of keys that has the attribute.
        k: Nearest rows that are looked at.
        sample: Rows that are compared at most.
        permutations: Of the groups over the rows, for p.
        seed: Of all that is drawn.

    Returns:
        `spread between groups`: what share of the rows' variance is that of the groups' means, less what chance gives
        (adjusted R²), with the p of its pseudo-F; `told by a probe`: the balanced accuracy of a logistic regression on
        rows that it was not fitted on, beside `chance`; `neighbors of the same group`: their share among the k nearest
        rows, beside `when mixed`. Each p is how often groups that mean nothing are told as well. Tables of the groups,
        and of how far their means are apart.

    Raises:
        UnknownName: There is no such attribute or group.
        BadOption: The attribute tells no groups or too many, or a number is out of its range.
        BadData: Fewer than two groups have five rows that can be compared.

    Source:
        Anderson 2001 (pseudo-F); Gonen, Goldberg 2019 (probes and neighbors tell what projections hide).

    Example:
        >>> rows = np.random.default_rng(0).normal(size=(80, 4))
        >>> rows[40:, 0] += 4
        >>> space = Space.of([str(at) for at in range(80)], rows).with_attribute("side", ["a"] * 40 + ["b"] * 40)
        >>> separation(space, "side")["told by a probe"].value > 0.8
        True
    """
    for name, value in (("k", k), ("sample", sample), ("permutations", permutations)):
        if value < 1:
            raise BadOption(f"{name} is {value}; it is at least 1.")
    part, metric = holding(space, by, group)
    drawn = _drawn(part, metric, by, sample, seed)
    rng = np.random.default_rng(seed)
    mixed = [rng.permutation(drawn.owners) for _ in range(permutations)]
    spread, p_spread = _spread(drawn, mixed)
    told, chance, recalls, p_told = _probed(drawn, permutations, seed)
    same, expected, p_same = _neighbors(drawn, metric, k, mixed)
    low, high = of_mean(same, seed=seed)
    size = len(drawn.rows)
    findings = [
        Finding("spread between groups", spread, n=size),
        Finding("p", p_spread, n=permutations, group="spread between groups"),
        told,
        Finding("chance", chance, group="told by a probe"),
        Finding("p", p_told, n=permutations, group="told by a probe"),
        Finding("neighbors of the same group", float(same.mean()), low, high, size),
        Finding("when mixed", float(expected.mean()), n=size, group="neighbors of the same group"),
        Finding("p", p_same, n=permutations, group="neighbors of the same group"),
    ]
    reading = _says(by, told, chance, p_told, float(same.mean()), float(expected.mean()), p_same)
    lines = []
    for at, name in enumerate(drawn.names):
        own = drawn.owners == at
        lines.append([name, int(own.sum()), recalls[at], float(same[own].mean()), float(expected[own].mean())])
    tables = [Table("Groups", (by, "rows", "told by a probe", "neighbors of its own", "when mixed"), lines)]
    if len(drawn.names) <= _MOST_COMPARED:
        tables.append(Table("Cosine of the groups' means", ("", *drawn.names), _between(drawn)))
    return Report(f"Groups · {by}", findings, tables, [reading, *drawn.notes])


def holding(space: Space, by: str, group: str | None) -> tuple[Space, Metric]:
    """The group of keys that is named, or the first that has an attribute, and how its rows are compared.

    Two users, or two items, are compared by cosine, without their biases, as `Space.nearest` does.

    Raises:
        UnknownName: There is no such group or attribute.
        BadData: The attribute is missing everywhere.
    """
    column = space.attribute(by)
    told = (name for name, rows in space.groups.items() if column.slice(rows.start, len(rows)).null_count < len(rows))
    name = group or next(told, None)
    if name is None:
        raise BadData(f"the attribute '{by}' is missing for all {len(space):,} rows; name another one.")
    return space.group(name), Metric.COSINE if one_side(space, name, name) else space.metric


def _drawn(space: Space, metric: Metric, by: str, sample: int, seed: int) -> Drawn:
    owners, names = kinds(space, by)
    held = np.flatnonzero(owners >= 0)
    notes = []
    if len(held) < len(space):
        notes.append(f"{len(space) - len(held):,} of {len(space):,} rows have no '{by}' and take no part.")
    if len(held) > sample:
        held = np.sort(np.random.default_rng(seed).choice(held, sample, replace=False))
        notes.append(f"{sample:,} rows were drawn with seed {seed}; sample=… compares more.")
    biases = int(space.card.data.get("biases", 0)) if metric is not space.metric else 0
    rows = space.rows.take(held)[:, : space.dim - biases]
    good = np.isfinite(rows).all(axis=1)
    good &= np.where(good[:, None], rows, 0).any(axis=1) | (metric is Metric.L2)
    if not good.all():
        notes.append(f"{int((~good).sum()):,} rows are zero or not finite and take no part.")
    rows, owners = rows[good], owners[held[good]]
    sizes = np.bincount(owners, minlength=len(names))
    able = np.flatnonzero(sizes >= _LEAST)
    if len(able) < len(names):
        notes.append(f"{len(names) - len(able):,} groups of fewer than {_LEAST} rows take no part.")
    if len(able) < 2:
        raise BadData(f"'{by}' has {len(able)} groups of at least {_LEAST} rows; a comparison takes two.")
    if len(able) > _MOST_GROUPS:
        raise BadOption(
            f"'{by}' tells {len(able):,} groups; at most {_MOST_GROUPS} are compared. Name another attribute."
        )
    kept = np.isin(owners, able)
    rows = rows[kept]
    rows = units(rows.astype(np.float64)).astype(np.float32) if metric is Metric.COSINE else rows
    return Drawn(rows, np.searchsorted(able, owners[kept]), [names[at] for at in able.tolist()], notes)


def _spread(drawn: Drawn, mixed: Sequence[np.ndarray]) -> tuple[float, float]:
    """The adjusted share of the variance that is between groups, and its p."""
    size, groups = len(drawn.rows), len(drawn.names)
    rows = drawn.rows.astype(np.float64) - drawn.rows.mean(axis=0, dtype=np.float64)
    total = float(np.einsum("ij,ij->", rows, rows))
    if total == 0 or size <= groups:
        return float("nan"), 1.0
    sizes = np.bincount(drawn.owners)

    def between(owners: np.ndarray) -> float:
        shares = np.zeros((groups, size))
        shares[owners, np.arange(size)] = 1
        sums = shares @ rows
        return float((np.einsum("ij,ij->i", sums, sums) / sizes).sum())

    observed = between(drawn.owners)
    larger = sum(between(owners) >= observed * (1 - 1e-9) for owners in mixed)
    adjusted = 1 - (1 - observed / total) * (size - 1) / (size - groups)
    return adjusted, (larger + 1) / (len(mixed) + 1)


def _probed(drawn: Drawn, draws: int, seed: int) -> tuple[Finding, float, list[float], float]:
    """Balanced accuracy on the half that a probe was not fitted on, chance, recall of each group, and p."""
    rng = np.random.default_rng(seed)
    groups = len(drawn.names)
    order = rng.permutation(len(drawn.owners))
    # Every second row of each group, so that both halves have all groups.
    order = order[np.argsort(drawn.owners[order], kind="stable")]
    fitted, held = order[::2], order[1::2]
    probe = Probe(strengths="0.001,0.01,0.1,1", folds=3)
    weights = probe.fit(drawn.rows[fitted], drawn.owners[fitted], groups, seed=seed, threads=1)
    # A rare group is told as readily as a frequent one: what is judged is the mean over groups.
    rarity = np.log(np.bincount(drawn.owners[fitted], minlength=groups) / len(fitted))
    scores = drawn.rows[held] @ weights.rows.T + weights.bias - rarity
    guesses = scores.argmax(axis=1)
    truth = drawn.owners[held]
    over = (scores - scores.mean(axis=1, keepdims=True)).astype(np.float64)

    def balanced(owners: np.ndarray, told: np.ndarray) -> np.ndarray:
        hits, counts = np.zeros((2, len(owners), groups))
        for at in range(groups):
            own = owners == at
            hits[:, at], counts[:, at] = (own & (told == at)).sum(axis=1), own.sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            found: np.ndarray = np.nanmean(hits / counts, axis=1)
        return found

    value = float(balanced(truth[None], guesses[None])[0])
    low, high = bootstrap(balanced, truth, guesses, seed=seed)

    def clear(owners: np.ndarray) -> np.ndarray:
        """How far their own group is scored above the others, on the mean over groups."""
        found: np.ndarray = np.mean(
            [((owners == at) @ over[:, at]) / (owners == at).sum(axis=1) for at in range(groups)], axis=0
        )
        return found

    # Many partitions guess as many right; which of them is further out, the scores tell. Else p would be too large.
    shuffled = np.stack([rng.permutation(truth) for _ in range(draws)])
    right, least = balanced(shuffled, guesses[None]), clear(truth[None])[0]
    more, even = right > value + 1e-12, np.abs(right - value) <= 1e-12
    larger = int((more | (even & (clear(shuffled) >= least - 1e-12 * max(1.0, abs(least))))).sum())
    recalls = [float((guesses[truth == at] == at).mean()) for at in range(groups)]
    return Finding("told by a probe", value, low, high, len(held)), 1 / groups, recalls, (larger + 1) / (draws + 1)


def _neighbors(
    drawn: Drawn, metric: Metric, k: int, mixed: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray, float]:
    """The share of each row's nearest others that are of its group (n,), what it is when mixed (n,), and p."""
    size = len(drawn.rows)
    k = min(k, size - 1)
    norms = np.linalg.norm(drawn.rows, axis=1).astype(np.float32)
    rows = np.ascontiguousarray(drawn.rows, np.float32)
    found = topk(rows, rows, k + 1, metric.value, norms)[1]
    # A row is no neighbor of itself; where twins stand before it, the last one gives way.
    itself = found == np.arange(size)[:, None]
    itself[~itself.any(axis=1), -1] = True
    near = found[~itself].reshape(size, k)

    def same(owners: np.ndarray) -> np.ndarray:
        found: np.ndarray = (owners[near] == owners[:, None]).mean(axis=1)
        return found

    shares = same(drawn.owners)
    larger = sum(same(owners).mean() >= shares.mean() - 1e-12 for owners in mixed)
    expected = (np.bincount(drawn.owners)[drawn.owners] - 1) / (size - 1)
    return shares, expected, float((larger + 1) / (len(mixed) + 1))


def _between(drawn: Drawn) -> list[list[object]]:
    means = np.stack([drawn.rows[drawn.owners == at].mean(axis=0, dtype=np.float64) for at in range(len(drawn.names))])
    return [[name, *line] for name, line in zip(drawn.names, (units(means) @ units(means).T).tolist(), strict=True)]


def _says(by: str, told: Finding, chance: float, p_told: float, same: float, mixed: float, p_same: float) -> str:
    if p_told >= _LEVEL and p_same >= _LEVEL:
        return f"Rows are not shown to tell {by}: neither a probe nor neighbors do better than chance."
    parts = []
    if p_told < _LEVEL:
        clearer = "" if told.value > chance else ", but scores the right one higher than chance would"
        parts.append(f"a probe tells {by} in {told.value:.0%} of cases, where chance gives {chance:.0%}{clearer}")
    if p_same < _LEVEL:
        parts.append(
            f"{same:.0%} of the nearest rows are of the same {by}, where {number(100 * mixed)} % would be when mixed"
        )
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."
