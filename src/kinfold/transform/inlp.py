"""INLP: what a linear classifier sees of a concept is taken out, and again, until none sees it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from kinfold.core.errors import BadOption
from kinfold.core.options import whole
from kinfold.core.rows import Rows
from kinfold.core.space import Space
from kinfold.transform.erasure import Erasure, Labels, labels_of, room_for
from kinfold.transform.hard import described
from kinfold.transform.leace import told
from kinfold.transform.moved import movable

# A classifier need not be the best to show what it sees.
_STEPS, _SETTLED = 100, 1e-3
# Every fifth row is held out, to see when classifiers see no more.
_HELD = 5


@dataclass(frozen=True, slots=True)
class INLP:
    """Iterative nullspace projection: directions that tell a concept go, one classifier after another.

    A linear classifier learns the kinds from rows, its directions are taken out of all of them, and another learns from
    what is left, until the kinds of rows that were held out are told no better than by chance, or rounds are used up.
    All rows of the group are projected. The frame is a new one.

    Args:
        attribute: An attribute whose kinds are erased; None where words alone say it.
        words: Lists of words, one for each kind, under the names of the kinds; with an attribute, both are erased.
        rounds: Most classifiers for each of the two.
        most: Labeled rows that classifiers learn from, at most, drawn at random.
        strength: The inverse penalty of a classifier, for rows of unit variance.
        group: Whose rows; the first group where it is None.
        lower: Whether words are lower-cased; by default where all keys are in lower case.
        seed: Of what is drawn and held out.

    Raises:
        BadOption: A field outside its range, neither an attribute nor words are given, or the attribute tells no kinds.
        BadData: There are fewer than two kinds, or as many as dimensions, or a row is not finite.
        UnknownName: There is no such group or attribute.

    Source:
        Ravfogel et al. 2020 (arXiv 2004.07667).

    Example:
        >>> rows = [[1, 0.1], [1, 2], [-1, 0.3], [-1, 1.9]]
        >>> space = Space.of(["a", "b", "c", "d"], rows).with_attribute("kind", ["x", "x", "y", "y"])
        >>> fair = INLP(attribute="kind", rounds=1).apply(space)
        >>> int(np.linalg.matrix_rank(fair.rows.dense(), tol=1e-4))
        1
    """

    attribute: str | None = None
    words: Mapping[str, Sequence[str]] = field(default_factory=dict)
    rounds: int = 35
    most: int = 10_000
    strength: float = 1.0
    group: str | None = None
    lower: bool | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        whole(self, rounds=(1, 10_000), most=(10, 1 << 31), seed=(0, (1 << 31) - 1))
        if not 0 < self.strength < np.inf:
            raise BadOption(f"strength is {self.strength!r}; it is a finite number above 0.")

    def apply(self, space: Space) -> Space:
        """The Space with moved rows."""
        return self.fit(space).apply(space)

    def fit(self, space: Space, labels: Sequence[Labels] | None = None) -> Erasure:
        """The map itself, which can be applied to every Space of the same frame.

        Args:
            space: Whose rows classifiers learn from.
            labels: In the place of those that the attribute and the words tell.
        """
        part, dim = movable(space, self.group)
        labels = labels_of(part, self.attribute, self.words, self.lower) if labels is None else labels
        room_for(labels, dim)
        basis = np.zeros((0, dim))
        accuracies: list[float] = []
        for each in labels:
            basis, seen = self._without(part.rows, each, basis)
            accuracies += seen
        matrix = np.eye(dim) - basis.T @ basis
        details = {**described(self), **told(labels), "rank": len(basis), "accuracies": accuracies}
        return Erasure("inlp", space.frame, self.group, matrix, np.zeros(dim), details)

    def _without(self, rows: Rows, labels: Labels, basis: np.ndarray) -> tuple[np.ndarray, list[float]]:
        """The directions (m, dim) that are out, with those of classifiers of these labels, and how well each told."""
        rng = np.random.default_rng(self.seed)
        drawn = np.sort(rng.permutation(len(labels.rows))[: self.most])
        seen, kinds = rows.take(labels.rows[drawn])[:, : basis.shape[1]].astype(np.float64), labels.kinds[drawn]
        held = _held(kinds, rng)
        scale = float(seen.std()) or 1.0
        seen /= scale
        accuracies: list[float] = []
        for _ in range(self.rounds):
            left = seen - (seen @ basis.T) @ basis
            normals, intercepts = _classifier(left[~held], kinds[~held], self.strength)
            if held.any():
                said = (left[held] @ normals.T + intercepts).argmax(axis=1)
                accuracies.append(_balanced(said, kinds[held], len(labels.names)))
                if len(accuracies) > 1 and accuracies[-1] <= 1 / len(labels.names):
                    break
            basis = _added(basis, normals)
            if len(basis) >= basis.shape[1] - 1:
                break
        return basis, accuracies


def _classifier(rows: np.ndarray, kinds: np.ndarray, strength: float) -> tuple[np.ndarray, np.ndarray]:
    """The weights (kinds, dim) and intercepts (kinds,) of a logistic regression in which every kind counts alike."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    model = LogisticRegression(C=strength, class_weight="balanced", max_iter=_STEPS, tol=_SETTLED)
    with warnings.catch_warnings(), threadpool_limits(1):  # steps so small that threads would wait for each other
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(rows, kinds)
    weights, intercepts = model.coef_, model.intercept_
    if len(weights) == 1:  # scikit-learn keeps one line for both
        weights, intercepts = np.concatenate([-weights, weights]), np.concatenate([-intercepts, intercepts])
    found = np.zeros((int(kinds.max()) + 1, rows.shape[1]))
    found[model.classes_] = weights
    shift = np.full(len(found), -np.inf)
    shift[model.classes_] = intercepts
    return found, shift


def _held(kinds: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Which rows are held out (m,) bool: every fifth of each kind; none of a kind that has fewer than five."""
    held = np.zeros(len(kinds), bool)
    for kind in np.unique(kinds).tolist():
        members = rng.permutation(np.flatnonzero(kinds == kind))
        held[members[: len(members) // _HELD]] = True
    return held


def _balanced(said: np.ndarray, kinds: np.ndarray, count: int) -> float:
    """The mean of the kinds' shares of right answers."""
    often = np.bincount(kinds, minlength=count)
    right = np.bincount(kinds[said == kinds], minlength=count)
    return float(np.mean(right[often > 0] / often[often > 0]))


def _added(basis: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """An orthogonal basis (m, dim) of what was taken out and of the normals."""
    left = normals - (normals @ basis.T) @ basis
    _, strengths, found = np.linalg.svd(left, full_matrices=False)
    found = found[strengths > 1e-6 * max(strengths.max(initial=0.0), 1e-30)]
    # Orthogonal to what there was, but for rounding.
    whole_basis: np.ndarray = np.linalg.qr(np.concatenate([basis, found]).T)[0].T
    return whole_basis
