"""What the features of a sparse autoencoder are worth: how much they tell, whether each is one thing, and which."""

from __future__ import annotations

from typing import Any

import numpy as np

from kinfold.core.columns import one_array, to_numpy
from kinfold.core.errors import BadData
from kinfold.core.intervals import of_mean
from kinfold.core.metric import units
from kinfold.core.nearest import compared
from kinfold.core.report import Finding, Report, Table
from kinfold.core.space import Space
from kinfold.measure.kinds import values_told
from kinfold.measure.members import called, directions
from kinfold.transform.autoencoder import FEATURE, NAMED, TITLE, activations

# Two features are the same where the cosine of their directions is above this.
_SAME = 0.9
_KEYS = 5
# Pairs of rows by which it is told how alike any two are.
_PAIRS = 2_000
# Rows of one block of activations.
_BLOCK = 8_192


def features(
    space: Space,
    found: Space,
    *,
    by: str | None = None,
    other: Space | None = None,
    group: str | None = None,
    show: str | None = None,
    seed: int = 0,
) -> Report:
    """What features are: their names and keys, and how far each is one thing.

    Args:
        space: The rows that they are features of.
        found: By `transform.SparseAutoencoder`, from these rows.
        by: An attribute of names: each feature is told by its value that is most over-represented among the rows that
            have it, each counted as strongly as it has it.
        other: Features found with another seed: what only one of two seeds finds is no trait of the rows.
        group: Whose rows they are of; the first group where it is None.
        show: An attribute that rows are called by.
        seed: Of the intervals.

    Returns:
        What the autoencoder told (`reconstruction R²`, `features of a row`, `dead`), `coherence` (how much more alike
        the ten keys of a feature are than any two rows, by cosine), `found again` (the share of features that the other
        seed has too, at a cosine above 0.9) and a table of the features, the strongest first.

    Raises:
        FrameMismatch: They are of different frames.
        BadData: `found` holds no features by a sparse autoencoder.
        UnknownName: There is no such attribute or group.
        BadOption: The attribute tells no kinds.

    Source:
        Gao et al. 2024 (arXiv 2406.04093); Paulo, Belrose 2025 (arXiv 2501.16615; other seeds, other features).

    Example:
        >>> from kinfold.transform import SparseAutoencoder
        >>> rows = np.repeat(np.eye(3), 40, axis=0)
        >>> space = Space.of(range(120), rows).with_attribute("kind", ["ant"] * 40 + ["bee"] * 40 + ["cat"] * 40)
        >>> report = features(space, SparseAutoencoder(k=3, active=1).apply(space), by="kind")
        >>> sorted(row[6] for row in report.tables[0].rows)
        ['ant', 'bee', 'cat']
    """
    home = next(iter(space.groups)) if group is None else group
    part = compared(space, home)
    found.same_frame(space)
    if FEATURE not in found.groups or found.table is None or "top" not in found.table.column_names:
        raise BadData("these are no features by a sparse autoencoder; transform.SparseAutoencoder finds some.")
    tops = [part.keys.rows(keys) if keys else np.zeros(0, np.int64) for keys in found.attribute("top").to_pylist()]
    coherent = np.array([_alike(part, rows) for rows in tops]) - _chance(part, seed)
    told = next((each for each in found.card.reports if each.title == TITLE), Report(""))
    findings = [*told.findings]
    known = coherent[np.isfinite(coherent)]
    if len(known):
        findings.append(Finding("coherence", float(known.mean()), *of_mean(known, seed=seed), len(known)))
    if other is not None:
        found.same_frame(other)
        cosines = units(found.group(FEATURE).rows.dense()) @ units(other.group(FEATURE).rows.dense()).T
        again = (cosines.max(axis=1) > _SAME).astype(float)
        findings.append(Finding("found again", float(again.mean()), *of_mean(again, seed=seed), len(again)))
    often, share = (to_numpy(one_array(found.attribute(name))) for name in ("count", "share"))
    # A feature is called by its first keys already.
    columns = [
        "feature",
        "more keys" if show is None else f"more by {show}",
        "rows",
        "of them all",
        "share",
        "coherence",
    ]
    lines: list[list[Any]] = [
        [
            name,
            ", ".join(called(part, rows[NAMED : NAMED + _KEYS], show)),
            int(often[at]),
            float(often[at] / max(1, len(part))),
            float(share[at]),
            float(coherent[at]) if np.isfinite(coherent[at]) else None,
        ]
        for at, (name, rows) in enumerate(zip(found.keys.group(FEATURE), tops, strict=True))
    ]
    if by is not None:
        columns += [by, "lift"]
        for line, (value, lift) in zip(lines, _values(part, found, by), strict=True):
            line += [value, lift]
    notes = [
        *told.notes,
        "A share is of the squared activations of all features; coherence is above what is by chance.",
    ]
    return Report(TITLE, findings, [Table("Features", columns, lines)], notes)


def _alike(part: Space, rows: np.ndarray) -> float:
    """The mean cosine of some rows with each other."""
    if len(rows) < 2:
        return float("nan")
    some = units(directions(part, rows))
    count = len(some)
    return float(((some @ some.T).sum() - (some**2).sum()) / (count * (count - 1)))


def _chance(part: Space, seed: int) -> float:
    """The mean cosine of pairs of rows drawn by chance."""
    rng = np.random.default_rng(seed)
    one, other = (units(directions(part, rng.integers(0, len(part), _PAIRS))) for _ in range(2))
    return float((one * other).sum(axis=1).mean())


def _values(part: Space, found: Space, by: str) -> list[tuple[str | None, float | None]]:
    """The value of an attribute that each feature has more of than all rows, and how many times as much."""
    rows, owners, weights = [], [], []
    for start in range(0, len(part), _BLOCK):
        some = np.arange(start, min(start + _BLOCK, len(part)))
        code = activations(found, part, some)
        line, place = np.nonzero(code.features >= 0)
        rows.append(some[line])
        owners.append(code.features[line, place])
        weights.append(code.values[line, place])
    return values_told(
        part, by, np.concatenate(rows), np.concatenate(owners), np.concatenate(weights), len(found.groups[FEATURE])
    )
