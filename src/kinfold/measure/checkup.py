"""Whether the rows of a Space are fit for use: what is broken, idle, crowded or unsteady, in numbers and in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kinfold.core.errors import BadData, BadOption
from kinfold.core.keys import PARTS
from kinfold.core.layers import LAYERS
from kinfold.core.nearest import compared
from kinfold.core.progress import Progress, quiet
from kinfold.core.report import Report, Table
from kinfold.core.space import Space
from kinfold.measure import symptoms
from kinfold.measure.spectrum import Spectrum, drawn
from kinfold.measure.survey import survey
from kinfold.measure.symptoms import FINE, Told

# Rows that moments and neighbors need at least.
_FEWEST = 3
# Neighbors of a row: of all of them the tables would take minutes and gigabytes, and tell nothing.
_MOST_NEAR = 1000


def health(
    space: Space,
    *,
    beside: Space | Sequence[Space] | Mapping[str, Space] = (),
    group: str | None = None,
    k: int = 10,
    sample: int = 20_000,
    near: float = 0.99,
    seed: int = 0,
    progress: Progress = quiet,
) -> Report:
    """Looks at every row once, and at the neighbors of a sample.

    Rows are looked at as they are compared: at length 1 where the metric is cosine, and rows of users and of items,
    each among themselves, by cosine too. Rows that are not finite, or the same as another, take no part in what is said
    of neighbors, and by cosine those of zeros neither.

    Args:
        space: Rows of any kind.
        beside: Other runs of the same: other seeds, epochs, data. What is near is compared by keys that both have.
        group: Whose rows; by default each group but n-grams and layers of networks.
        k: Neighbors of which hubs and other runs are told.
        sample: Most rows that are compared with each other.
        near: Cosine from which two rows are nearly the same; by the other metrics, a squared distance of at most
            1 - near times that of two random rows.
        seed: Of samples and intervals.
        progress: Told of the rows that are read.

    Returns:
        Of each group: rows not finite, of zeros, like another, never trained; `effective rank`, `participation ratio`,
        dimensions that carry 90 and 99 % of the variance, and neighbors that fewer would keep; `intrinsic dimension`;
        `isoscore` and the mean cosine; skewness of the k-occurrence and antihubs, as they are and by CSLS; norm against
        count; near-duplicates; what other runs share. The first table says in words what each means and what to do.

    Raises:
        BadData: There is no row, or rows have no coordinates.
        BadOption: `k` or `sample` is too small, or `near` is not between 0 and 1.
        UnknownName: There is no such group.

    Source:
        Roy, Vetterli 2007 (effective rank); Facco et al. 2017 (TwoNN); Levina, Bickel 2004; Rudman et al. 2022
        (IsoScore); Radovanović et al. 2010 (hubs).

    Example:
        >>> import numpy as np
        >>> circle = [[np.cos(at), np.sin(at), 0.0, 0.0] for at in range(200)]
        >>> report = health(Space.of(range(200), circle))
        >>> report["dimensions with 99 % of variance"].value
        2.0
        >>> report.tables[0].rows[0][2]
        'All rows are finite, none is zero; 2 of 4 coordinates are the same in every row.'
    """
    if k < 1 or sample < 10:
        raise BadOption(f"health takes at least one neighbor and a sample of 10, not k={k} and sample={sample}.")
    if k > _MOST_NEAR:
        raise BadOption(f"k={k} neighbors are too many to compare; at most {_MOST_NEAR:,} are.")
    if not 0 < near < 1:
        raise BadOption(f"near is {near}; it is a cosine between 0 and 1.")
    others = _named(beside)
    names = [group] if group is not None else _groups(space)
    parts = {name: compared(space, name) for name in names}
    if not space.dim or not any(len(part) for part in parts.values()):
        raise BadData("there is nothing to look at: the Space has no rows, or rows without coordinates.")
    every = []
    for name, part in parts.items():
        told = Told(name if len(parts) > 1 else "", seed)
        every.append(told)
        if not len(part):
            told.note("There is no row.")
            continue
        _looked_at(told, part, {at: _partner(other, name) for at, other in others.items()}, k, sample, near, progress)
    readings = [line for told in every for line in told.readings]
    wanting = [f"{about} ({verdict})" for about, verdict, *_ in readings if verdict != FINE]
    summary = (
        f"{len(wanting)} of {len(readings)} parts want attention: {', '.join(wanting)}."
        if wanting
        else "Everything that could be looked at is fine."
    )
    return Report(
        "Health",
        [each for told in every for each in told.findings],
        [
            Table("In words", ("part", "verdict", "what it means", "what to do"), readings),
            *(each for told in every for each in told.tables),
        ],
        [summary, *(each for told in every for each in told.notes)],
    )


def _looked_at(
    told: Told, part: Space, others: Mapping[str, Space], k: int, sample: int, near: float, progress: Progress
) -> None:
    surveyed = survey(part, progress=progress)
    symptoms.broken(told, surveyed)
    symptoms.untrained(told, surveyed)
    taking = surveyed.taking
    if len(taking) < _FEWEST:
        told.note(f"{len(taking):,} different rows can be compared, so that nothing more is said; 3 would do.")
        return
    progress.start("compare", None)
    spectrum = Spectrum.of(surveyed, seed=told.seed)
    if surveyed.products is None:
        told.note(
            f"Dimensions: rows are wider than 2,048, so that {spectrum.count:,} drawn with seed {told.seed} tell."
        )
    at = drawn(taking, sample, told.seed)
    points = surveyed.points(at)
    k = min(k, len(at) - 1)
    symptoms.dimension(told, surveyed, spectrum, points, k)
    symptoms.neighbors(told, surveyed, near)
    symptoms.isotropy(told, surveyed, spectrum, points)
    symptoms.hubs(told, surveyed, points, at, k)
    symptoms.norms(told, surveyed)
    for name, other in others.items():
        symptoms.beside(told, surveyed, name, survey(other), k, sample)


def _groups(space: Space) -> list[str]:
    return [name for name in space.groups if name not in (PARTS, LAYERS)] or list(space.groups)[:1]


def _named(beside: Space | Sequence[Space] | Mapping[str, Space]) -> dict[str, Space]:
    if isinstance(beside, Space):
        beside = [beside]
    if isinstance(beside, Mapping):
        return dict(beside)
    return {f"run {at}": other for at, other in enumerate(beside, 2)}


def _partner(other: Space, group: str) -> Space:
    """The same group of another Space, or its first where it has none of this name."""
    return compared(other, group if group in other.groups else None)
