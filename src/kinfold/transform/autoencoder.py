"""Features: directions of which each row is a sum of a few, found by a sparse autoencoder."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from kinfold.core.columns import lists_of, matrix_of, one_array, to_numpy
from kinfold.core.errors import BadData, BadOption
from kinfold.core.frequency import counts, most_frequent
from kinfold.core.keys import Keys
from kinfold.core.metric import Metric, units
from kinfold.core.nearest import alike, one_side
from kinfold.core.progress import Progress, quiet
from kinfold.core.report import Finding, Report
from kinfold.core.rows import Rows
from kinfold.core.space import Space
from kinfold.kernels.sparse_code import gradients, largest, made

FEATURE, TITLE = "feature", "Features"
# Rows that are learned from at most, and of which one in ten, but not more than so many, is held out.
_LEARNED, _HELD = 200_000, 5_000
# Rows of a step: a 64th of all, within these.
_LEAST, _BATCH, _BATCHES = 32, 1024, 64
# Of keys that have a count, features are named by the most frequent.
_FREQUENT = 20_000
# Keys that name a feature, and that are kept of it.
NAMED, _TOP = 3, 10
# Rows of which the first directions are drawn.
_FIRST = 4_096
# Part of the passes in which features that never fire begin anew.
_RENEWED = 0.6
_DECAYS = 0.9, 0.999


class Code(NamedTuple):
    """Which features rows have, a fixed number each.

    Args:
        features: (n, active) int32, the strongest first; -1 where a row has fewer.
        values: How strongly (n, active) float32; 0 there.
    """

    features: np.ndarray
    values: np.ndarray


@dataclass(frozen=True, slots=True)
class SparseAutoencoder:
    """Features as rows: directions in the frame of a Space, of which each of its rows is about a sum of a few.

    `space.beside(features)` puts them into one file, where a feature is asked about like any other row.

    A row x, at length 1 unless the metric is `l2`, is told by its few largest activations and made again from them:

        z = TopK(E x + e),  x' = D z + c

    with D of unit rows, learned by Adam on |x - x'|²; features that never fire begin anew at what is badly made. Each
    is called by the keys at which it is strongest, of the more frequent half, and of 20,000, where an attribute `count`
    tells.

    Args:
        k: How many features.
        active: How many of them a row has at most.
        epochs: Passes over the rows, or over 200,000 of them drawn by chance.
        learning_rate: Of Adam, for rows of a mean squared length of 1; falls to a tenth.
        seed: Of what is drawn.
        group: Whose rows; the first group where it is None.
        show: An attribute that names features in the place of keys, such as a title.

    Raises:
        BadOption: A field outside its range.
        BadData: There are fewer rows than features, or one holds a number that is not finite.
        UnknownName: There is no such group or attribute.

    Source:
        Gao et al. 2024 (arXiv 2406.04093; TopK); Bricken et al. 2023 (features begun anew).

    Example:
        >>> rng = np.random.default_rng(0)
        >>> rows = np.eye(4)[rng.integers(0, 4, 400)] * rng.uniform(1, 2, (400, 1))
        >>> found = SparseAutoencoder(k=4, active=1).apply(Space.of(range(400), rows))
        >>> found.groups, found.card.reports[-1]["reconstruction R²"].value > 0.95
        ({'feature': range(0, 4)}, True)
    """

    k: int = 256
    active: int = 8
    epochs: int = 20
    learning_rate: float = 0.005
    seed: int = 0
    group: str | None = None
    show: str | None = None

    def __post_init__(self) -> None:
        ranges = {"k": (2, 1 << 16), "active": (1, self.k), "epochs": (1, 10_000), "seed": (0, (1 << 31) - 1)}
        for field, (low, high) in ranges.items():
            value = getattr(self, field)
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or not low <= value <= high:
                raise BadOption(f"{field} is {value!r}; it is a whole number from {low} to {high:,}.")
        if not 0 < self.learning_rate < 1:
            raise BadOption(f"learning_rate is {self.learning_rate}; it is between 0 and 1, and 0.005 is usual.")

    def apply(self, space: Space, *, progress: Progress = quiet) -> Space:
        """A Space of the group `feature` in the same frame, strongest first, with what `activations` needs.

        Its attributes: `count` (rows that have it), `share` (of the squared activations of all), `top` (keys at which
        it is strongest), `encoder` and `bias`.
        """
        from threadpoolctl import threadpool_limits

        home = next(iter(space.groups)) if self.group is None else self.group
        part = space.group(home)
        if self.show is not None:
            part.attribute(self.show)
        part = alike(part) if one_side(space, home, home) else part
        if len(part) < self.k or not part.dim:
            raise BadData(
                f"{self.k:,} features are found in at least as many rows, and '{home}' has {len(part):,} of {part.dim} "
                "coordinates; take a smaller k."
            )
        part.rows.refuse_non_finite("features")
        rng = np.random.default_rng(self.seed)
        drawn = rng.permutation(len(part))[: _LEARNED + _HELD]
        held = drawn[: min(_HELD, len(drawn) // 10)]
        rows = _comparable(part, np.sort(drawn[len(held) :]))
        rows = rows[(rows != 0).any(axis=1)] if part.metric is not Metric.L2 else rows
        if len(np.unique(rows[:1000], axis=0)) < 2:
            raise BadData("features are of rows that differ, and these are all alike.")
        with threadpool_limits(1):  # more would wait for each other most of the time: the matrices are small
            weights = _learn(rows, self, rng, progress)
        made = self._space(space, part, weights)
        return made.with_report(_told(made, part, held, weights, len(drawn) < len(part)))

    def _space(self, space: Space, part: Space, weights: _Weights) -> Space:
        frequent = np.ones(len(part), np.bool_)
        if counts(part) is not None:
            frequent[:] = False
            frequent[most_frequent(part, min(_FREQUENT, -(-len(part) // 2)))[0]] = True
        often, energy, top = _strongest(part, weights, frequent)
        order = np.argsort(-energy, kind="stable")
        tops = [[part.keys[row] for row in top[at].tolist() if row >= 0] for at in order.tolist()]
        table = pa.table(
            {
                "count": pa.array(often[order]).cast(_kind_of_count(space)),
                "share": pa.array(energy[order] / max(float(energy.sum()), 1e-30)),
                "top": pa.array(tops, pa.large_list(pa.large_string())),
                "encoder": lists_of(weights.encoder[order]),
                "bias": pa.array(weights.bias[order].astype(np.float32)),
            }
        )
        called = tops
        if self.show is not None:
            told = part.attribute(self.show)
            called = [[str(told[part.keys.row(key)]) for key in some[:NAMED]] for some in tops]
        names = _apart([", ".join(some[:NAMED]) for some in called])
        directions = np.zeros((self.k, space.dim), np.float32)
        directions[:, : part.dim] = weights.decoder[order]
        card = space.card.then("autoencoder", **asdict(self))
        return Space(Keys(names, FEATURE), Rows(directions), Metric.COSINE, replace(card, reports=()), table)


def activations(features: Space, space: Space, rows: np.ndarray) -> Code:
    """Which features rows (n,) of a group have.

    Args:
        features: By `SparseAutoencoder`.
        space: The group that they were found in, or another of the same frame.
        rows: Of it.

    Raises:
        FrameMismatch: They are of different frames.
        BadData: The features are by something else.
    """
    features.same_frame(space)
    step = next((each for each in features.card.steps[::-1] if each["step"] == "autoencoder"), None)
    if step is None or FEATURE not in features.groups:
        raise BadData("these rows are no features by a sparse autoencoder; SparseAutoencoder finds some.")
    part = features.group(FEATURE)
    home = next(iter(space.groups), "")
    space = alike(space) if one_side(space, home, home) else space
    encoder = matrix_of(part.attribute("encoder"), space.dim)
    bias = to_numpy(one_array(part.attribute("bias")))
    return Code(*largest(_comparable(space, rows) @ encoder.T + bias, int(step["active"])))


class _Weights(NamedTuple):
    """A fitted autoencoder: x' = code(x E' + e) D + c."""

    encoder: np.ndarray
    bias: np.ndarray
    decoder: np.ndarray
    center: np.ndarray
    active: int

    def code(self, rows: np.ndarray) -> Code:
        """The code of rows (n, dim) float32."""
        return Code(*largest(rows @ self.encoder.T + self.bias, self.active))

    def made(self, rows: np.ndarray) -> np.ndarray:
        """What rows (n, dim) float32 are made to."""
        found: np.ndarray = made(*self.code(rows), self.decoder) + self.center
        return found


def _learn(rows: np.ndarray, how: SparseAutoencoder, rng: np.random.Generator, progress: Progress) -> _Weights:
    mean = rows.mean(axis=0, dtype=np.float64).astype(np.float32)
    rows = rows - mean
    scale = np.float32(np.sqrt((rows.astype(np.float64) ** 2).sum() / len(rows)))
    rows /= scale
    decoder = _first(rows, how.k, rng)
    encoder, center = decoder.copy(), np.zeros(rows.shape[1], np.float32)
    adam = _Adam(encoder, decoder, center)
    batch = min(_BATCH, max(_LEAST, len(rows) // _BATCHES))
    steps, step = how.epochs * -(-len(rows) // batch), 0
    progress.start("features", how.epochs, "passes")
    for epoch in range(how.epochs):
        order = rng.permutation(len(rows))
        fired, total = np.zeros(how.k, np.bool_), 0.0
        worst: list[np.ndarray] = []
        for start in range(0, len(rows), batch):
            some = rows[order[start : start + batch]] - center
            features, values = largest(some @ encoder.T, how.active)
            of_encoder, of_decoder, of_center, losses = gradients(some, features, values, decoder, encoder)
            fired[features[features >= 0]] = True
            total += float(losses.sum())
            bad = int(losses.argmax())
            worst.append(some[bad] - made(features[bad : bad + 1], values[bad : bad + 1], decoder)[0])
            # A step along a direction would only change its length, which is 1.
            of_decoder -= np.einsum("ij,ij->i", of_decoder, decoder)[:, None] * decoder
            size, rate = np.float32(2 / len(some)), how.learning_rate * (1 - 0.9 * step / steps)
            adam.step([of_encoder * size, of_decoder * size, of_center * size], rate)
            decoder /= np.maximum(np.linalg.norm(decoder, axis=1, keepdims=True), np.float32(1e-12))
            step += 1
        dead = np.flatnonzero(~fired)
        if len(dead) and epoch < _RENEWED * how.epochs:
            missed = units(np.stack(worst))[rng.permutation(len(worst))[: len(dead)]]
            dead = dead[: len(missed)]
            decoder[dead] = encoder[dead] = missed
            adam.forget(dead)
        progress.advance(1, loss=total / len(rows))
    center = mean + scale * center
    return _Weights(encoder, -encoder @ center, decoder, center, how.active)


def _first(rows: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """The directions (k, dim) of some rows that are far apart."""
    from sklearn.cluster import kmeans_plusplus

    some = units(rows[rng.permutation(len(rows))[: max(_FIRST, 2 * k)]])
    found = kmeans_plusplus(some, k, random_state=int(rng.integers(1 << 31)), n_local_trials=1)[0]
    # Where fewer rows are different, the same ones begin a little apart.
    return units(found + np.float32(1e-4) * rng.standard_normal(found.shape, np.float32))


class _Adam:
    """Adam on some matrices, in place (Kingma, Ba 2015)."""

    def __init__(self, *parts: np.ndarray) -> None:
        self._parts = parts
        self._moments = [(np.zeros_like(each), np.zeros_like(each)) for each in parts]
        self._steps = 0

    def step(self, gradients: list[np.ndarray], rate: float) -> None:
        """Moves all parts against their gradients."""
        self._steps += 1
        one, two = (1 - decay**self._steps for decay in _DECAYS)
        for part, gradient, (first, second) in zip(self._parts, gradients, self._moments, strict=True):
            first += np.float32(1 - _DECAYS[0]) * (gradient - first)
            second += np.float32(1 - _DECAYS[1]) * (gradient * gradient - second)
            part -= np.float32(rate / one) * first / (np.sqrt(second / np.float32(two)) + np.float32(1e-8))

    def forget(self, rows: np.ndarray) -> None:
        """Some rows of the first two parts begin anew."""
        for moments in self._moments[:2]:
            for each in moments:
                each[rows] = 0


def _strongest(part: Space, weights: _Weights, frequent: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each feature how many rows have it (k,), the sum of its squares (k,), its strongest rows (k, 10) or -1."""
    k = len(weights.decoder)
    often, energy = np.zeros(k, np.int64), np.zeros(k)
    best, rows = np.zeros((k, _TOP), np.float32), np.full((k, _TOP), -1, np.int64)
    for start, block in part.rows.blocks():
        code = weights.code(block if part.metric is Metric.L2 else units(block))
        line, place = np.nonzero(code.features >= 0)
        feature, value, row = code.features[line, place], code.values[line, place], line + start
        often += np.bincount(feature, minlength=k)
        energy += np.bincount(feature, value.astype(np.float64) ** 2, minlength=k)
        named = frequent[row]
        feature, value, row = (each[named] for each in (feature, value, row))
        # Those so far and those of the block, by feature and strength; the first of each feature stay.
        feature = np.concatenate([np.repeat(np.arange(k), _TOP), feature])
        value, row = np.concatenate([best.ravel(), value]), np.concatenate([rows.ravel(), row])
        order = np.lexsort((-value, feature))
        rank = np.arange(len(order)) - np.searchsorted(feature[order], feature[order])
        kept = order[rank < _TOP]
        best, rows = value[kept].reshape(k, _TOP), row[kept].reshape(k, _TOP)
    rows[best <= 0] = -1
    return often, energy, rows


def _told(made: Space, part: Space, held: np.ndarray, weights: _Weights, some: bool) -> Report:
    from kinfold.core.intervals import bootstrap

    often = to_numpy(one_array(made.attribute("count")))
    findings = [
        Finding("features", len(made), n=len(part)),
        Finding("features of a row", float(often.sum() / max(1, len(part))), n=len(part)),
        Finding("dead", int((often == 0).sum()), n=len(made)),
    ]
    notes = []
    if len(held) > 1:
        rows = _comparable(part, np.sort(held))
        apart = ((rows - weights.made(rows)).astype(np.float64) ** 2).sum(axis=1)
        spread = ((rows - rows.mean(axis=0, dtype=np.float64)) ** 2).sum(axis=1)
        value = 1 - apart.sum() / max(float(spread.sum()), 1e-30)
        low, high = bootstrap(lambda a, b: 1 - a.sum(axis=1) / b.sum(axis=1), apart, spread, samples=500)
        findings.insert(0, Finding("reconstruction R²", float(value), low, high, len(rows)))
        notes.append(f"R² is of {len(rows):,} rows that were held out.")
    if some:
        notes.append(f"Learned from {_LEARNED:,} of {len(part):,} rows, drawn by chance.")
    return Report(TITLE, findings, (), notes)


def _comparable(part: Space, rows: np.ndarray) -> np.ndarray:
    taken = part.rows.take(rows)
    return taken if part.metric is Metric.L2 else units(taken)


def _kind_of_count(space: Space) -> pa.DataType:
    """Of the attribute `count`, so that both fit beside each other."""
    if counts(space) is None or space.table is None:
        return pa.int64()
    return space.table.schema.field("count").type


def _apart(names: list[str]) -> list[str]:
    """Names that are each there once; a feature that no row has is called by its number."""
    seen: dict[str, int] = {}
    found = []
    for at, name in enumerate(names):
        name = name or f"feature {at}"
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return found
