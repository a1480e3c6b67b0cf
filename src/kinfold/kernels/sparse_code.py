"""Sparse codes: the few largest scores of each row, what they make of it, and how that changes with its parts.

Source: Gao et al. 2024 (arXiv 2406.04093; TopK).
"""

from __future__ import annotations

import numpy as np

from kinfold.kernels._jit import jit, plain


@jit
def _largest(scores, features, values):
    active = features.shape[1]
    for row in range(len(scores)):
        held = 0
        for feature in range(scores.shape[1]):
            score = scores[row, feature]
            if not score > 0 or (held == active and not score > values[row, held - 1]):
                continue
            place = held if held < active else active - 1
            while place > 0 and values[row, place - 1] < score:
                values[row, place] = values[row, place - 1]
                features[row, place] = features[row, place - 1]
                place -= 1
            values[row, place] = score
            features[row, place] = feature
            held = min(held + 1, active)
        for place in range(held, active):
            features[row, place] = -1
            values[row, place] = 0


@jit
def _gradients(rows, features, values, decoder, encoder, of_decoder, of_encoder, of_center, apart, losses):
    dim = rows.shape[1]
    for row in range(len(rows)):
        for at in range(dim):
            apart[at] = -rows[row, at]
        for place in range(features.shape[1]):
            feature = features[row, place]
            if feature < 0:
                break
            for at in range(dim):
                apart[at] += values[row, place] * decoder[feature, at]
        total = np.float32(0)
        for at in range(dim):
            total += apart[at] * apart[at]
            of_center[at] += apart[at]
        losses[row] = total
        for place in range(features.shape[1]):
            feature = features[row, place]
            if feature < 0:
                break
            back = np.float32(0)
            for at in range(dim):
                back += apart[at] * decoder[feature, at]
            for at in range(dim):
                of_decoder[feature, at] += values[row, place] * apart[at]
                of_encoder[feature, at] += back * rows[row, at]
                of_center[at] -= back * encoder[feature, at]


@jit
def _made(features, values, decoder, out):
    for row in range(len(features)):
        for place in range(features.shape[1]):
            feature = features[row, place]
            if feature < 0:
                break
            for at in range(out.shape[1]):
                out[row, at] += values[row, place] * decoder[feature, at]


def largest(scores: np.ndarray, active: int) -> tuple[np.ndarray, np.ndarray]:
    """The largest scores above 0 of each row, so many at most, largest first.

    Args:
        scores: (n, k) float32.
        active: From 1 to k.

    Returns:
        Features (n, active) int32, -1 where there are fewer, and their scores (n, active) float32, 0 there.
    """
    features, values = np.empty((len(scores), active), np.int32), np.empty((len(scores), active), np.float32)
    _largest(plain(np.ascontiguousarray(scores, np.float32)), features, values)
    return features, values


def made(features: np.ndarray, values: np.ndarray, decoder: np.ndarray) -> np.ndarray:
    """The sums (n, dim) float32 of the rows of a decoder (k, dim) float32, by `largest`."""
    out = np.zeros((len(features), decoder.shape[1]), np.float32)
    _made(features, values, plain(decoder), out)
    return out


def gradients(
    rows: np.ndarray, features: np.ndarray, values: np.ndarray, decoder: np.ndarray, encoder: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Half the gradients of the sum of |x' - x|² over rows, where x' is what `made` gives.

    The codes are of scores (x - c) E', with the rows x less the center c here.

    Args:
        rows: (n, dim) float32.
        features: (n, active) int32, by `largest`.
        values: (n, active) float32.
        decoder: (k, dim) float32.
        encoder: (k, dim) float32.

    Returns:
        Those by the encoder and the decoder (k, dim), by the center (dim,), and the squares (n,); all float32.
    """
    of_encoder, of_decoder = np.zeros_like(encoder), np.zeros_like(decoder)
    of_center, apart = np.zeros(rows.shape[1], np.float32), np.empty(rows.shape[1], np.float32)
    losses = np.empty(len(rows), np.float32)
    _gradients(
        plain(rows), features, values, plain(decoder), plain(encoder), of_decoder, of_encoder, of_center, apart, losses
    )
    return of_encoder, of_decoder, of_center, losses
