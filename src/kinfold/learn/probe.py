"""A linear probe: labels from frozen rows by logistic regression, its penalty chosen by cross-validation."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from kinfold.core.errors import BadData, BadOption
from kinfold.core.progress import Progress, quiet
from kinfold.core.threads import many
from kinfold.learn.calibrate import loss, temperature

_ITERATIONS = 300
# How far below all others a label is scored that a part of the data has not.
_UNMET = 20.0


class Weights(NamedTuple):
    """What was learned.

    Args:
        rows: (L, dim) float32; the scores of a text are its row times these, and the bias.
        bias: (L,) float32.
        strength: The inverse penalty that was chosen, for rows of unit variance.
        temperature: What scores were divided by; rows and bias are so already.
        tried: Each inverse penalty and the logarithmic loss on what was held out.
        held: Places of what was held out in turn (m,) int64.
        scores: Their scores by those that did not learn from them (m, L) float32, not divided.
    """

    rows: np.ndarray
    bias: np.ndarray
    strength: float
    temperature: float
    tried: list[tuple[float, float]]
    held: np.ndarray
    scores: np.ndarray


@dataclass(frozen=True, slots=True)
class Probe:
    """Multinomial logistic regression on rows that stay as they are; of several labels a text, each by itself.

    Rows are brought to a variance of 1 on the whole, so that one grid of penalties serves all models. Scores are
    divided by a temperature that was fitted on what each fold held out.

    Args:
        strengths: Inverse penalties that are tried, weakest last; as a text, numbers between commas.
        folds: Parts of the data, each held out once.
        most: Rows that the choice rests upon, at most; what is learned in the end is learned from all.

    Raises:
        BadOption: There is no strength, one is not above 0, or there are fewer than two folds.

    Source:
        Alain, Bengio 2016 (arXiv 1610.01644); Guo et al. 2017 (temperature).
    """

    strengths: str = "0.0001,0.001,0.003,0.01,0.03,0.1,1"
    folds: int = 5
    most: int = 20_000

    def __post_init__(self) -> None:
        if not self.grid or min(self.grid) <= 0:
            raise BadOption(f"strengths={self.strengths!r} are no numbers above 0 between commas.")
        if self.folds < 2:
            raise BadOption(f"folds={self.folds}; there are at least 2, each of which is held out once.")
        if self.most < 1:
            raise BadOption(f"most={self.most}; a choice rests on at least one row.")

    @property
    def grid(self) -> list[float]:
        """The inverse penalties, strongest penalty first; none where the text is not of numbers."""
        try:
            return sorted(float(each) for each in self.strengths.split(",") if each.strip())
        except ValueError:
            return []

    def fit(
        self,
        rows: np.ndarray,
        targets: np.ndarray,
        labels: int,
        owners: np.ndarray | None = None,
        *,
        seed: int = 0,
        threads: int | None = None,
        progress: Progress = quiet,
    ) -> Weights:
        """Learns weights.

        Args:
            rows: (n, dim) float32.
            targets: The label of each (n,) int64, or which labels each has (n, labels) bool.
            labels: How many there are.
            owners: (n,) int64; rows of one owner, such as the words of a sentence, are held out together.
            seed: Of the folds.
            threads: How many work at once; as many as there are processors by default.
            progress: Told of every fit.

        Raises:
            BadData: All have the same label, or a row is not finite.
        """
        from threadpoolctl import threadpool_limits

        if not np.isfinite(rows).all():
            raise BadData("a row is not finite; what made the rows is damaged.")
        rng = np.random.default_rng(seed)
        spread = float(rows.std()) or 1.0
        scaled = np.ascontiguousarray(rows / np.float32(spread), np.float32)
        part = np.arange(len(rows)) if len(rows) <= self.most else _some(len(rows), owners, self.most, rng)
        folds = _folds(targets[part], None if owners is None else owners[part], self.folds, rng)
        with threadpool_limits(many(threads)):
            progress.start("penalty", len(self.grid) * self.folds, "fits")
            tried, scores = self._tried(scaled[part], targets[part], labels, folds, progress)
            held = np.flatnonzero(folds >= 0)
            losses = {strength: value for strength, value, _ in tried}
            strength = min(losses, key=lambda each: losses[each]) if losses else self.grid[len(self.grid) // 2]
            weights, bias = _fitted(scaled, targets, labels, [strength])[0]
        warm = 1.0 if scores is None else temperature(scores, targets[part][held])
        return Weights(
            (weights / (spread * warm)).astype(np.float32),
            (bias / warm).astype(np.float32),
            strength,
            warm,
            [(strength, value) for strength, value, _ in tried],
            part[held],
            np.zeros((0, labels), np.float32) if scores is None else scores,
        )

    def _tried(
        self, rows: np.ndarray, targets: np.ndarray, labels: int, folds: np.ndarray, progress: Progress
    ) -> tuple[list[tuple[float, float, np.ndarray]], np.ndarray | None]:
        """Each strength with its loss and held-out scores, and the scores of the best."""
        held = np.flatnonzero(folds >= 0)
        if not len(held):
            return [], None
        every = np.zeros((len(self.grid), len(rows), labels), np.float32)
        for fold in range(self.folds):
            out = folds == fold
            if not out.any():
                continue
            for at, (weights, bias) in enumerate(_fitted(rows[~out], targets[~out], labels, self.grid)):
                every[at, out] = rows[out] @ weights.T + bias
                progress.advance(1)
        tried = [(each, loss(every[at, held], targets[held]), every[at, held]) for at, each in enumerate(self.grid)]
        return tried, min(tried, key=lambda each: each[1])[2]


def _fitted(
    rows: np.ndarray, targets: np.ndarray, labels: int, strengths: list[float]
) -> Iterator[tuple[np.ndarray, np.ndarray]] | list[tuple[np.ndarray, np.ndarray]]:
    """Weights (labels, dim) and bias (labels,) at each strength, each fit begun where the one before it ended."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    several = targets.ndim == 2
    models: dict[int, Any] = {}
    made = []
    with warnings.catch_warnings():
        # What has not settled after so many steps is held out all the same, and judged by that.
        warnings.simplefilter("ignore", ConvergenceWarning)
        for strength in strengths:
            weights, bias = np.zeros((labels, rows.shape[1])), np.zeros(labels)
            if several:
                for label in range(labels):
                    has = targets[:, label]
                    if has.all() or not has.any():
                        bias[label] = _UNMET if has.all() else -_UNMET
                        continue
                    model = models.setdefault(label, LogisticRegression(max_iter=_ITERATIONS, warm_start=True))
                    model.set_params(C=strength).fit(rows, has)
                    weights[label], bias[label] = model.coef_[0], model.intercept_[0]
            else:
                met = np.unique(targets)
                bias[np.setdiff1d(np.arange(labels), met)] = -_UNMET
                if len(met) > 1:
                    model = models.setdefault(0, LogisticRegression(max_iter=_ITERATIONS, warm_start=True))
                    model.set_params(C=strength).fit(rows, targets)
                    if len(met) == 2:  # scikit-learn keeps one line for both
                        weights[met] = np.stack([-model.coef_[0], model.coef_[0]]) / 2
                        bias[met] = np.array([-model.intercept_[0], model.intercept_[0]]) / 2
                    else:
                        weights[met], bias[met] = model.coef_, model.intercept_
            made.append((weights, bias))
    return made


def _folds(targets: np.ndarray, owners: np.ndarray | None, count: int, rng: np.random.Generator) -> np.ndarray:
    """Which fold each row is in (n,) int64, every label spread over all; -1 for the only one of its label."""
    drawn = rng.permutation(len(targets))
    if owners is not None:
        names, ids = np.unique(owners, return_inverse=True)
        found: np.ndarray = (rng.permutation(len(names)) % count)[ids]
        return found
    strata = targets.argmax(axis=1) if targets.ndim == 2 else targets
    folds = np.empty(len(targets), np.int64)
    order = drawn[np.argsort(strata[drawn], kind="stable")]
    folds[order] = np.arange(len(targets)) % count
    alone = np.bincount(strata)[strata] == 1
    folds[alone] = -1
    return folds


def _some(count: int, owners: np.ndarray | None, most: int, rng: np.random.Generator) -> np.ndarray:
    """At most so many rows (m,) int64 in order, those of an owner together."""
    if owners is None:
        return np.sort(rng.permutation(count)[:most])
    names, ids, sizes = np.unique(owners, return_inverse=True, return_counts=True)
    drawn = rng.permutation(len(names))
    kept = drawn[: max(1, int(np.searchsorted(np.cumsum(sizes[drawn]), most, side="right")))]
    return np.flatnonzero(np.isin(ids, kept))
