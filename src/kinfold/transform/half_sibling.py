"""Half-sibling regression: what words of a concept tell of all others is taken out of these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kinfold.core.errors import BadData, BadOption
from kinfold.core.metric import Metric, units
from kinfold.core.space import Space
from kinfold.transform.concept import rows_of
from kinfold.transform.hard import described
from kinfold.transform.moved import Moving


@dataclass(frozen=True, slots=True)
class HalfSibling:
    """All rows but those of a concept lose what ridge regression on those of the concept tells of them.

    Coordinates are the observations, and words the variables: a word is regressed on those of the concept, and keeps
    its residual. What they share is taken to be the concept, since a neutral word has no other reason to be told by
    them. For a row x that is x - x D'(D D' + αI)⁻¹D, with the rows D of the concept: each of their principal directions
    is shrunk, the strongest ones most. Where the metric is cosine, directions of rows are what is changed, and each
    keeps its length. The frame is a new one.

    Args:
        specific: Words whose meaning is the concept; they stay as they are.
        regularization: The penalty α, relative to the mean of the squared lengths of the words' rows. The paper's 60 is
            for vectors of GloVe as they are, whose rows are some 6 long.
        group: Whose rows; the first group where it is None.
        lower: Whether words are lower-cased; by default where all keys are in lower case.

    Raises:
        BadOption: A field outside its range.
        BadData: None of the words has a row, or a row is not finite.
        UnknownName: There is no such group.

    Source:
        Yang, Feng 2020 (AAAI; arXiv 1911.10787).

    Example:
        >>> space = Space.of(["she", "he", "nurse"], [[1, 0, 0], [-1, 0, 0], [0.5, 1, 0]])
        >>> fair = HalfSibling(specific=("she", "he"), regularization=0.1).apply(space)
        >>> fair.similarity("nurse", "she") < 0.1 * space.similarity("nurse", "she")
        True
    """

    specific: Sequence[str]
    regularization: float = 2.0
    group: str | None = None
    lower: bool | None = None

    def __post_init__(self) -> None:
        if not 0 < self.regularization < np.inf:
            raise BadOption(f"regularization is {self.regularization!r}; it is a finite number above 0.")

    def apply(self, space: Space) -> Space:
        """The Space with moved rows."""
        moving = Moving(space, self.group)
        specific = rows_of(moving.part, self.specific, self.lower)
        rows, unit = moving.rows, space.metric is Metric.COSINE
        known = (units(rows[specific]) if unit else rows[specific]).astype(np.float64)
        if not known.any():
            raise BadData(
                f"none of the {len(self.specific):,} words of the concept has a row that is not zero. Give words of "
                "this Space, see that they are written as its keys are, or name another group."
            )
        products = known.T @ known
        penalty = self.regularization * np.trace(products) / len(known)
        kept = np.eye(moving.dim) - np.linalg.solve(products + penalty * np.eye(moving.dim), products)
        narrow = kept.astype(np.float32)
        stays = np.zeros(len(rows), bool)
        stays[specific] = True
        for some in moving.blocks():
            others = np.flatnonzero(~stays[some]) + some.start
            made = rows[others]
            lengths = np.linalg.norm(made, axis=1)[:, None]
            made = (units(made) if unit else made) @ narrow
            rows[others] = units(made) * lengths if unit else made
        return moving.done("half-sibling", **described(self), specific_found=len(specific))
