"""States of tokens become rows of texts: pooling, and the steps behind it.

Source: sentence-transformers 6.2 (Pooling, Dense, Normalize).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kinfold.core.errors import BadData
from kinfold.core.metric import units
from kinfold.io.checkpoint import Checkpoint, Dense


def pooled(states: np.ndarray, starts: np.ndarray, checkpoint: Checkpoint, passed: int = 0) -> np.ndarray:
    """Rows (n, dim) float32 of texts from the states of their tokens.

    Args:
        states: (total, hidden) float32, one text after another.
        starts: (n + 1,) int64; every text has a token.
        checkpoint: Says how.
        passed: Tokens at the beginning of each text that are left out (a prompt that does not count).
    """
    first = np.minimum(starts[:-1] + passed, starts[1:] - 1) if passed else starts[:-1]
    parts = [_POOLINGS[name](states, first, starts) for name in checkpoint.pooling]
    return after(np.concatenate(parts, axis=1) if len(parts) > 1 else parts[0], checkpoint)


def terms(states: np.ndarray, checkpoint: Checkpoint, passed: int, dim: int) -> tuple[np.ndarray, np.ndarray]:
    """What the row of one text is the sum of: (L, dim) float64 of its tokens, and (dim,) of what is added to all texts.

    Args:
        states: Of its tokens (L, hidden) float32.
        checkpoint: Says how they become a row.
        passed: Tokens at the beginning that are left out.
        dim: The first so many coordinates are kept.

    Raises:
        BadData: A layer behind the pooling is not linear.
    """
    starts, every = np.array([0, len(states)]), np.eye(len(states))
    first = np.minimum(starts[:-1] + passed, starts[1:] - 1)
    parts = []
    for name in checkpoint.pooling:
        if name == "max":
            inner = states[first[0] :]
            largest = np.zeros(states.shape)
            largest[first[0] + inner.argmax(axis=0), np.arange(states.shape[1])] = 1
            parts.append(largest * states)
        else:  # these are linear: what they make of the identity is how much each token counts
            parts.append(_POOLINGS[name](every, first, starts)[0][:, None] * states)
    rows = np.concatenate(parts, axis=1)
    constant = np.zeros(rows.shape[1])
    for step in checkpoint.after:
        if isinstance(step, str):
            length = max(float(np.linalg.norm(rows.sum(axis=0) + constant)), 1e-30)
            rows, constant = rows / length, constant / length
        elif step.activation != "Identity":
            raise BadData(
                f"{checkpoint.path}: a layer of this model ends in {step.activation}, so that its rows are no sums "
                "over tokens; dimensions can be told, and tokens cannot."
            )
        else:
            rows = rows @ step.weight.T
            constant = constant @ step.weight.T + (0 if step.bias is None else step.bias)
    rows, constant = rows[:, :dim], constant[:dim]
    if checkpoint.normalized:
        length = max(float(np.linalg.norm(rows.sum(axis=0) + constant)), 1e-30)
        rows, constant = rows / length, constant / length
    return rows, constant


def after(rows: np.ndarray, checkpoint: Checkpoint) -> np.ndarray:
    """The steps behind the pooling."""
    for step in checkpoint.after:
        rows = units(rows) if isinstance(step, str) else _dense(rows, step)
    return rows


def _mean(states: np.ndarray, first: np.ndarray, starts: np.ndarray, power: float = 1.0) -> np.ndarray:
    counts = (starts[1:] - first).astype(np.float32)[:, None]
    found: np.ndarray = _sums(states, first, starts) / np.power(counts, np.float32(power))
    return found


def _sums(states: np.ndarray, first: np.ndarray, starts: np.ndarray) -> np.ndarray:
    found: np.ndarray
    if (first == starts[:-1]).all():
        found = np.add.reduceat(states, starts[:-1], axis=0)
        return found
    found = np.stack([states[begin:end].sum(axis=0) for begin, end in zip(first, starts[1:], strict=True)])
    return found


def _cls(states: np.ndarray, first: np.ndarray, starts: np.ndarray) -> np.ndarray:
    found: np.ndarray = states[first]
    return found


def _last(states: np.ndarray, first: np.ndarray, starts: np.ndarray) -> np.ndarray:
    found: np.ndarray = states[starts[1:] - 1]
    return found


def _max(states: np.ndarray, first: np.ndarray, starts: np.ndarray) -> np.ndarray:
    return np.stack([states[begin:end].max(axis=0) for begin, end in zip(first, starts[1:], strict=True)])


def _weighted(states: np.ndarray, first: np.ndarray, starts: np.ndarray) -> np.ndarray:
    place = np.arange(len(states)) - np.repeat(starts[:-1], np.diff(starts)) + 1
    weights = place.astype(np.float32) * (place > np.repeat(first - starts[:-1], np.diff(starts)))
    sums = np.add.reduceat(states * weights[:, None], starts[:-1], axis=0)
    found: np.ndarray = sums / np.maximum(np.add.reduceat(weights, starts[:-1]), np.float32(1e-9))[:, None]
    return found


_POOLINGS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = {
    "mean": _mean,
    "cls": _cls,
    "max": _max,
    "lasttoken": _last,
    "weightedmean": _weighted,
    "mean_sqrt_len_tokens": lambda states, first, starts: _mean(states, first, starts, 0.5),
}


def _dense(rows: np.ndarray, layer: Dense) -> np.ndarray:
    made: np.ndarray = rows @ layer.weight.T
    if layer.bias is not None:
        made += layer.bias
    if layer.activation == "Tanh":
        np.tanh(made, out=made)
    elif layer.activation == "ReLU":
        np.maximum(made, 0, out=made)
    elif layer.activation in ("GELU", "Sigmoid"):
        from scipy.special import erf, expit

        made = expit(made) if layer.activation == "Sigmoid" else made * (1 + erf(made / np.sqrt(2))) / 2
        made = made.astype(np.float32)
    return made
