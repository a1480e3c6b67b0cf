"""A linear probe: labels from frozen rows by logistic regression, its penalty chosen by cross-validation."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from kinfold.core.errors import BadData, BadOption
from kinfold.core.progress import Progress, quiet
from kinfold.core.threads import many
from kinfold.learn.calibrate import loss, temperature

_ITERATIONS, _SETTLED = 200, 1e-3
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

    strengths: str = "0.0001,0.001,0.003,0.01,0.03,0.1,1,10"
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
        spread = float(rows.std(dtype=np.float64)) or 1.0  # rows may be longer than float32 can square
        scaled = np.ascontiguousarray(rows / np.float32(spread), np.float32)
        part = np.arange(len(rows)) if len(rows) <= self.most else _some(len(rows), owners, self.most, rng)
        folds = _folds(targets[part], None if owners is None else owners[part], self.folds, rng)
        with threadpool_limits(many(threads)):
            progress.start("penalty", len(self.grid) * self.folds, "fits")
            tried, scores = self._tried(scaled[part], targets[part], labels, folds, progress)
            held = np.flatnonzero(folds >= 0)
            strength = min(tried, key=lambda each: each[1])[0] if tried else self.grid[len(self.grid) // 2]
            weights, bias = _Fit(scaled, targets, labels).at(strength)
        warm = 1.0 if scores is None else temperature(scores, targets[part][held])
        return Weights(
            (weights / (spread * warm)).astype(np.float32),
            (bias / warm).astype(np.float32),
            strength,
            warm,
            tried,
            part[held],
            np.zeros((0, labels), np.float32) if scores is None else scores,
        )

    def _tried(
        self, rows: np.ndarray, targets: np.ndarray, labels: int, folds: np.ndarray, progress: Progress
    ) -> tuple[list[tuple[float, float]], np.ndarray | None]:
        """Each strength with its loss on what was held out, until it rises twice, and the scores of the best."""
        held = np.flatnonzero(folds >= 0)
        parts = [fold for fold in range(self.folds) if (folds == fold).any()]
        fits = [_Fit(rows[folds != fold], targets[folds != fold], labels) for fold in parts]
        tried: list[tuple[float, float]] = []
        best: np.ndarray | None = None
        for strength in self.grid if len(held) else ():
            scores = np.zeros((len(rows), labels), np.float32)
            for fold, fit in zip(parts, fits, strict=True):
                weights, bias = fit.at(strength)
                scores[folds == fold] = rows[folds == fold] @ weights.T + bias
                progress.advance(1)
            value = loss(scores[held], targets[held])
            if not tried or value < min(each for _, each in tried):
                best = scores[held]
            tried.append((strength, value))
            if len(tried) > 2 and tried[-1][1] > tried[-2][1] > tried[-3][1]:
                break
        return tried, best


class _Fit:
    """Logistic regressions on the same rows with a penalty that falls, each begun where the one before it ended."""

    def __init__(self, rows: np.ndarray, targets: np.ndarray, labels: int) -> None:
        self._rows, self._targets, self._labels = rows, targets, labels
        self._models: dict[int, Any] = {}

    def at(self, strength: float) -> tuple[np.ndarray, np.ndarray]:
        """Weights (labels, dim) and bias (labels,) at an inverse penalty."""
        weights, bias = np.zeros((self._labels, self._rows.shape[1])), np.zeros(self._labels)
        if self._targets.ndim == 2:
            for label in range(self._labels):
                has = self._targets[:, label]
                if has.all() or not has.any():
                    bias[label] = _UNMET if has.all() else -_UNMET
                    continue
                model = self._model(label, strength, has)
                weights[label], bias[label] = model.coef_[0], model.intercept_[0]
            return weights, bias
        met = np.unique(self._targets)
        bias[np.setdiff1d(np.arange(self._labels), met)] = -_UNMET
        if len(met) > 1:
            model = self._model(0, strength, self._targets)
            if len(met) == 2:  # scikit-learn keeps one line for both
                weights[met] = np.stack([-model.coef_[0], model.coef_[0]]) / 2
                bias[met] = np.array([-model.intercept_[0], model.intercept_[0]]) / 2
            else:
                weights[met], bias[met] = model.coef_, model.intercept_
        return weights, bias

    def _model(self, at: int, strength: float, targets: np.ndarray) -> Any:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression

        if at not in self._models:
            self._models[at] = LogisticRegression(max_iter=_ITERATIONS, tol=_SETTLED, warm_start=True)
        with warnings.catch_warnings():
            # What has not settled after so many steps is held out all the same, and judged by that.
            warnings.simplefilter("ignore", ConvergenceWarning)
            return self._models[at].set_params(C=strength).fit(self._rows, targets)


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
