"""Tiles and attention against what numpy says."""

import itertools

import numpy as np
import pytest
from scipy.special import erf, softmax

from kinfold.kernels import transformer as kernels
from kinfold.kernels._tiles import PANEL, ROWS


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def padded(x):
    return np.concatenate([x, np.full((PANEL, x.shape[1]), np.nan, np.float32)])


def gelu(x):
    return x * (1 + erf(x / np.sqrt(2))) / 2


def rounded(x):
    """To the eight bits of bfloat16's mantissa."""
    mantissa, exponent = np.frexp(x)
    return np.ldexp(np.rint(mantissa * 256) / 256, exponent).astype(np.float32)


@pytest.mark.parametrize("rows", [1, ROWS, 2 * ROWS + 5])
@pytest.mark.parametrize("act", [False, True])
class TestProducts:
    def test_of_floats(self, rows, act):
        x, weights, bias = numbers(rows, 64), numbers(3 * PANEL, 64, seed=1), numbers(3 * PANEL, seed=2)
        out = np.zeros((rows + PANEL, 3 * PANEL), np.float32)
        kernels.product(padded(x), rows, kernels.pack(weights), bias, act, out)
        wanted = x @ weights.T + bias
        np.testing.assert_allclose(out[:rows], gelu(wanted) if act else wanted, rtol=1e-4, atol=2e-5)

    def test_of_bfloats_is_that_of_rounded_floats(self, rows, act):
        if not kernels.BFLOATS:
            pytest.skip("this processor has no instructions for bfloat16")
        x, weights, bias = numbers(rows, 64), numbers(3 * PANEL, 64, seed=1), numbers(3 * PANEL, seed=2)
        out = np.zeros((rows + PANEL, 3 * PANEL), np.float32)
        held = np.zeros((rows + PANEL, 64), np.uint16)
        kernels.product_bfloats(padded(x), rows, kernels.pack_bfloats(weights), bias, act, held, out)
        wanted = rounded(x) @ rounded(weights).T + bias
        np.testing.assert_allclose(out[:rows], gelu(wanted) if act else wanted, rtol=1e-4, atol=2e-5)

    def test_of_bytes_is_near(self, rows, act):
        if not kernels.BYTES:
            pytest.skip("this processor has no VNNI instructions")
        x, weights, bias = numbers(rows, 256), numbers(3 * PANEL, 256, seed=1), numbers(3 * PANEL, seed=2)
        x[:, 7] *= 50  # one coordinate stands out, as it does in transformers
        out = np.zeros((rows + PANEL, 3 * PANEL), np.float32)
        held = np.zeros((rows + PANEL, 256), np.uint8)
        scales, line = np.zeros(rows + PANEL, np.float32), np.zeros(256, np.float32)
        packed = kernels.pack_bytes(weights, bias)
        kernels.product_bytes(padded(x), rows, *packed, act, held, scales, line, out)
        wanted = x @ weights.T + bias
        wanted = gelu(wanted) if act else wanted
        missed = np.linalg.norm(out[:rows] - wanted) / np.linalg.norm(wanted)
        assert missed < 0.02
        # Rounding all coordinates by the largest alone, without the turn, loses several times as much.
        step = np.abs(x).max(axis=1, keepdims=True) / 127
        plain = np.rint(x / step) * step @ weights.T + bias
        assert missed < np.linalg.norm((gelu(plain) if act else plain) - wanted) / np.linalg.norm(wanted)


@pytest.mark.parametrize("lengths", [[1], [5, 1, 40], [33, 17, 16, 64, 100]])
@pytest.mark.parametrize("relative", [False, True])
def test_attention_is_that_of_each_text_by_itself(lengths, relative):
    heads, size = 2, 2 * PANEL
    width = heads * size
    starts = np.concatenate([[0], np.cumsum(lengths)])
    qkv = numbers(starts[-1], 3 * width)
    qkv[:, :width] *= size**-0.5
    far = 128
    distances = numbers(heads, 2 * far + 1, seed=3) if relative else np.zeros((0, 0), np.float32)
    room = -(-max(lengths) // PANEL) * PANEL
    out = np.zeros((starts[-1] + PANEL, width), np.float32)
    keys, scores = (np.zeros(each * room, np.float32) for each in (size, PANEL))
    held = np.concatenate([qkv, np.zeros((PANEL, 3 * width), np.float32)])
    kernels.attend(held, starts, size, distances, keys, scores, np.zeros(PANEL, np.float32), out)
    for first, last in itertools.pairwise(starts):
        for head in range(heads):
            q, k, v = (
                qkv[first:last, part * width + head * size : part * width + (head + 1) * size] for part in range(3)
            )
            score = q @ k.T
            if relative:
                places = np.arange(last - first)
                score = score + distances[head, far + places[None] - places[:, None]]
            wanted = softmax(score, axis=1) @ v
            np.testing.assert_allclose(out[first:last, head * size : (head + 1) * size], wanted, rtol=1e-4, atol=1e-5)


def test_a_softmax_of_large_scores_is_finite():
    starts, size = np.array([0, 20]), PANEL
    qkv = np.zeros((20 + PANEL, 3 * size), np.float32)
    qkv[:20] = 40 * numbers(20, 3 * size)
    out = np.zeros((20 + PANEL, size), np.float32)
    room = -(-20 // PANEL) * PANEL
    keys, scores = (np.zeros(each * room, np.float32) for each in (size, PANEL))
    kernels.attend(qkv, starts, size, np.zeros((0, 0), np.float32), keys, scores, np.zeros(PANEL, np.float32), out)
    q, k, v = (qkv[:20, part * size : (part + 1) * size].astype(np.float64) for part in range(3))
    np.testing.assert_allclose(out[:20], softmax(q @ k.T, axis=1) @ v, rtol=1e-3, atol=1e-2)


def test_embedding_and_norm():
    words, places, kind = numbers(9, 40), numbers(5, 40, seed=1), numbers(40, seed=2)
    scale, shift = numbers(40, seed=3), numbers(40, seed=4)
    ids, at = np.array([3, 8, 3], np.int32), np.array([0, 1, 4])
    x = np.zeros((3, 40), np.float32)
    kernels.embed(ids, at, words, places, kind, scale, shift, np.float32(1e-5), x)

    def norm(rows):
        rows = rows - rows.mean(axis=1, keepdims=True)
        return rows / np.sqrt((rows**2).mean(axis=1, keepdims=True) + 1e-5) * scale + shift

    wanted = norm(words[ids] + places[at] + kind)
    np.testing.assert_allclose(x, wanted, rtol=1e-4, atol=1e-5)
    more = numbers(3, 40, seed=5)
    kernels.norm(more, x, 2, scale, shift, np.float32(1e-5))
    np.testing.assert_allclose(x[:2], norm(wanted + more)[:2], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(x[2], wanted[2], rtol=1e-4, atol=1e-5)
