"""LEACE: the least change of rows after which no linear probe tells a concept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from kinfold.core.rows import Rows
from kinfold.core.space import Space
from kinfold.transform.erasure import Erasure, Labels, labels_of, room_for
from kinfold.transform.hard import described
from kinfold.transform.moments import Spread, moments_of
from kinfold.transform.moved import movable

# Directions that vary less, relative to the one that varies most, hold rounding alone.
_FLAT = 1e-10
_LABELED = 8192


@dataclass(frozen=True, slots=True)
class LEACE:
    """Least-squares concept erasure: all kinds get the same mean, and rows move as little as that allows.

    With equal means, no linear classifier is better than the share of the most frequent kind, on the rows that it was
    fitted to. Among all affine maps with that property this one moves the rows of the group least, in the mean square:
    x goes to x - Σ^½ P Σ^-½ (x - μ), where μ and Σ are mean and covariance of the group's rows, and P projects onto the
    differences of the kinds' means, times Σ^-½. Kinds are known of some rows or of all; all rows of the group move. It
    holds of rows as they are: at length 1, their means are nearly equal, not exactly. The frame is a new one.

    Args:
        attribute: An attribute whose kinds are erased; None where words alone say it.
        words: Lists of words, one for each kind, under the names of the kinds; with an attribute, both are erased.
        group: Whose rows; the first group where it is None.
        lower: Whether words are lower-cased; by default where all keys are in lower case.

    Raises:
        BadOption: Neither an attribute nor words are given, or the attribute tells no kinds.
        BadData: There are fewer than two kinds, or as many as dimensions, or a row is not finite.
        UnknownName: There is no such group or attribute.

    Source:
        Belrose et al. 2023 (arXiv 2306.03819, theorem 4.3).

    Example:
        >>> rows = [[1, 0.1], [1, 2], [-1, 0.3], [-1, 1.9]]
        >>> space = Space.of(["a", "b", "c", "d"], rows).with_attribute("kind", ["x", "x", "y", "y"])
        >>> fair = LEACE(attribute="kind").apply(space)
        >>> bool(np.allclose(fair.rows.dense()[:2].mean(axis=0), fair.rows.dense()[2:].mean(axis=0), atol=1e-6))
        True
    """

    attribute: str | None = None
    words: Mapping[str, Sequence[str]] = field(default_factory=dict)
    group: str | None = None
    lower: bool | None = None

    def apply(self, space: Space) -> Space:
        """The Space with moved rows."""
        return self.fit(space).apply(space)

    def fit(self, space: Space, labels: Sequence[Labels] | None = None) -> Erasure:
        """The map itself, which can be applied to every Space of the same frame.

        Args:
            space: Whose rows are to be changed least.
            labels: In the place of those that the attribute and the words tell.
        """
        part, dim = movable(space, self.group)
        labels = labels_of(part, self.attribute, self.words, self.lower) if labels is None else labels
        room_for(labels, dim)
        spread = moments_of(block[:, :dim] for _, block in part.rows.blocks())
        apart = np.concatenate([differences(part.rows, each)[:, :dim] for each in labels])
        matrix, offset, rank = eraser(spread, apart)
        details = {**described(self), **told(labels), "rank": rank}
        return Erasure("leace", space.frame, self.group, matrix, offset, details)


def eraser(spread: Spread, apart: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """The matrix (dim, dim) and the offset (dim,) of the map x · matrix + offset, and how many directions are lost.

    Args:
        spread: Of all rows.
        apart: Differences of means (m, dim) that become 0.
    """
    values, vectors = np.linalg.eigh(spread.covariance)
    held = values > _FLAT * max(values[-1], 0.0)
    roots, vectors = np.sqrt(values[held]), vectors[:, held]
    white = apart @ vectors / roots
    _, strengths, found = np.linalg.svd(white, full_matrices=False)
    found = found[strengths > 1e-6 * max(strengths.max(initial=0.0), 1e-30)]
    lost = (vectors / roots) @ found.T @ found @ (vectors * roots).T
    return np.eye(len(lost)) - lost, spread.mean @ lost, len(found)


def differences(rows: Rows, labels: Labels) -> np.ndarray:
    """How far the mean of each kind is from that of all labeled rows (kinds, dim) float64."""
    import scipy.sparse as sparse

    sums = np.zeros((len(labels.names), rows.dim))
    for start in range(0, len(labels.rows), _LABELED):
        kinds = labels.kinds[start : start + _LABELED]
        member = sparse.csr_array((np.ones(len(kinds)), (kinds, np.arange(len(kinds)))), (len(sums), len(kinds)))
        sums += member @ rows.take(labels.rows[start : start + _LABELED]).astype(np.float64)
    sizes = np.bincount(labels.kinds, minlength=len(labels.names))[:, None]
    apart: np.ndarray = sums / sizes - sums.sum(axis=0) / len(labels.rows)
    return apart


def told(labels: Sequence[Labels]) -> dict[str, list[dict[str, int]]]:
    """How many rows each kind has, for a card."""
    return {
        "kinds": [
            dict(zip(each.names, np.bincount(each.kinds, minlength=len(each.names)).tolist(), strict=True))
            for each in labels
        ]
    }
