"""A transformer of BERT's kind on tokens of several texts at once, one text after another, without padding.

Rows of all arrays are padded to whole tiles: what stands behind the last token is computed and never read. Matrices are
packed as `_tiles` says. One thread works on a batch; several batches run side by side.

    x = norm(x + W_o attention(W_qkv x));  x = norm(x + W_2 gelu(W_1 x))
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kinfold.kernels._bfloat_tiles import BFLOATS, bfloat_tile_gelu, bfloat_tile_plain, to_bfloats
from kinfold.kernels._jit import inline, jit
from kinfold.kernels._simd import LANES
from kinfold.kernels._tiles import (
    BLOCK,
    BYTES,
    PANEL,
    ROWS,
    byte_tile_gelu,
    byte_tile_plain,
    float_tile_gelu,
    float_tile_plain,
    float_tile_scaled,
    soften,
    to_bytes,
    turn,
    turn_over,
)

__all__ = [
    "BFLOATS",
    "BLOCK",
    "BYTES",
    "PANEL",
    "attend",
    "embed",
    "norm",
    "pack",
    "pack_bfloats",
    "pack_bytes",
    "product",
    "product_bfloats",
    "product_bytes",
]


def pack(weights: np.ndarray) -> np.ndarray:
    """A matrix (out, in) float32 in panels, flat; `out` is whole panels."""
    out, depth = weights.shape
    return np.ascontiguousarray(weights.reshape(out // PANEL, PANEL, depth).transpose(0, 2, 1)).reshape(-1)


def pack_bfloats(weights: np.ndarray) -> np.ndarray:
    """As `pack`, in bfloat16 (uint16): two numbers of a column side by side; `in` is even."""
    out, depth = weights.shape
    bits = np.ascontiguousarray(weights, np.float32).view(np.uint32)
    # To the nearest, of two that are as near to the even one.
    halves = ((bits + np.uint32(0x7FFF) + ((bits >> 16) & 1)) >> 16).astype(np.uint16)
    return np.ascontiguousarray(halves.reshape(out // PANEL, PANEL, depth // 2, 2).transpose(0, 2, 1, 3)).reshape(-1)


def pack_bytes(weights: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A matrix (out, in) float32 as bytes in panels, turned as `product_bytes` turns rows; `in` is whole blocks.

    Turning spreads what stands out in a few coordinates over all of them, so that eight bits are enough for each row.

    Returns:
        The panels, flat int8, and for each panel the scales, the biases and 128 times the sums of its columns, flat
        float32.

    Source:
        Ashkboos et al. 2024 (arXiv 2404.00456), rotations; Dettmers et al. 2022 (arXiv 2208.07339), a scale a row.
    """
    out, depth = weights.shape
    turned = (weights.reshape(-1, BLOCK) @ _hadamard(BLOCK)).reshape(out, depth)
    turned /= BLOCK
    scales = np.maximum(np.abs(turned).max(axis=1), np.float32(1e-30)) / np.float32(127)
    whole = np.rint(turned / scales[:, None]).astype(np.int8)
    sums = 128 * whole.sum(axis=1, dtype=np.int64)
    columns = np.stack([scales, bias, sums.astype(np.float32)])
    panels = whole.reshape(out // PANEL, PANEL, depth // 4, 4).transpose(0, 2, 1, 3)
    told = columns.reshape(3, out // PANEL, PANEL).transpose(1, 0, 2).astype(np.float32)
    return np.ascontiguousarray(panels).reshape(-1), np.ascontiguousarray(told).reshape(-1)


def _hadamard(size: int) -> np.ndarray:
    found = np.ones((1, 1), np.float32)
    while len(found) < size:
        found = np.block([[found, found], [found, -found]])
    return found


@jit
def embed(ids, places, words, positions, kind, scale, shift, eps, x):
    """x[t] = norm(words[ids[t]] + positions[places[t]] + kind)."""
    width = x.shape[1]
    for token in range(len(ids)):
        word, position = ids[token], places[token]
        for each in range(width):
            x[token, each] = words[word, each] + positions[position, each] + kind[each]
        _norm(x[token], scale, shift, eps)


@jit
def norm(y, x, rows, scale, shift, eps):
    """Adds y to x and brings every row to its norm: mean 0 and deviation 1, then scale and shift."""
    for row in range(rows):
        for each in range(x.shape[1]):
            x[row, each] += y[row, each]
        _norm(x[row], scale, shift, eps)


@inline
def _norm(row: Any, scale: Any, shift: Any, eps: Any) -> None:
    width = len(row)
    mean = np.float32(0)
    for each in range(width):
        mean += row[each]
    mean /= np.float32(width)
    spread = np.float32(0)
    for each in range(width):
        spread += (row[each] - mean) * (row[each] - mean)
    inverse = np.float32(1) / np.sqrt(spread / np.float32(width) + eps)
    for each in range(width):
        row[each] = (row[each] - mean) * inverse * scale[each] + shift[each]


@jit
def product(x, rows, panels, bias, gelu, out):
    """out[:rows] = act(x[:rows] Wᵀ + bias)."""
    depth, wide = x.shape[1], out.shape[1]
    flat, to = x.reshape(-1), out.reshape(-1)
    for column in range(0, wide, PANEL):
        for row in range(0, rows, ROWS):
            at, place = row * depth, row * wide + column
            if gelu:
                float_tile_gelu(flat, at, depth, panels, column * depth, PANEL, depth, bias, column, to, place, wide)
            else:
                float_tile_plain(flat, at, depth, panels, column * depth, PANEL, depth, bias, column, to, place, wide)


@jit
def product_bfloats(x, rows, panels, bias, gelu, held, out):
    """As `product`, of numbers in bfloat16, to which rows are rounded in `held` (uint16); sums are float32."""
    depth, wide = x.shape[1], out.shape[1]
    flat, halves, to = x.reshape(-1), held.reshape(-1), out.reshape(-1)
    to_bfloats(flat, 0, rows * depth, halves, 0)
    for column in range(0, wide, PANEL):
        for row in range(0, rows, ROWS):
            at, place = row * depth, row * wide + column
            if gelu:
                bfloat_tile_gelu(halves, at, depth, panels, column * depth, depth, bias, column, to, place, wide)
            else:
                bfloat_tile_plain(halves, at, depth, panels, column * depth, depth, bias, column, to, place, wide)


@jit
def product_bytes(x, rows, panels, columns, gelu, held, scales, line, out):
    """As `product`, in bytes: rows are turned and rounded to `held` (uint8), each by a scale of its own."""
    depth, wide = x.shape[1], out.shape[1]
    flat, whole, to = x.reshape(-1), held.reshape(-1), out.reshape(-1)
    for row in range(rows):
        most = max(turn(flat, row * depth, depth, line, 0), np.float32(1e-30))
        to_bytes(line, 0, depth, np.float32(127) / most, whole, row * depth)
        scales[row] = most / np.float32(127)
    for column in range(0, wide, PANEL):
        for row in range(0, rows, ROWS):
            at, place = row * depth, row * wide + column
            if gelu:
                byte_tile_gelu(
                    whole, at, depth, panels, column * depth, depth, scales, row, columns, column, to, place, wide
                )
            else:
                byte_tile_plain(
                    whole, at, depth, panels, column * depth, depth, scales, row, columns, column, to, place, wide
                )


@jit
def attend(qkv, starts, size, distances, keys, scores, zeros, out):
    """Out = softmax(Q Kᵀ + distances) V of every text and head; Q holds the factor 1/√size already.

    Rows of a tile that stand behind a text are written over the next one, which comes later.

    Args:
        qkv: (rows, 3 width): queries, keys and values of a token side by side, head by head.
        starts: (texts + 1,) int64.
        size: Coordinates of a head, whole panels.
        distances: (heads, 2 n + 1): added to the score of a key that stands d behind its query at n + d; (0, 0) where
            nothing is added.
        keys: Room for size times the longest text, filled up to whole panels.
        scores: Room for ROWS times the longest text, filled up to whole panels.
        zeros: (PANEL,) of them.
        out: (rows, width).
    """
    wide, width = qkv.shape[1], out.shape[1]
    flat, to = qkv.reshape(-1), out.reshape(-1)
    shares = np.zeros(PANEL, np.float32)
    middle = distances.shape[1] // 2
    for text in range(len(starts) - 1):
        first, length = starts[text], starts[text + 1] - starts[text]
        room = (length + PANEL - 1) // PANEL * PANEL
        for head in range(width // size):
            begin = first * wide + head * size
            for panel in range(0, room, LANES):
                line = panel // PANEL * PANEL * size + panel % PANEL
                for each in range(0, size, LANES):
                    turn_over(flat, begin + panel * wide + width + each, wide, keys, line + each * PANEL, PANEL)
            for row in range(0, length, ROWS):
                at = begin + row * wide
                for column in range(0, room, PANEL):
                    float_tile_plain(flat, at, wide, keys, column * size, PANEL, size, zeros, 0, scores, column, room)
                if middle:
                    _add_distances(scores, room, length, distances[head], middle - row)
                soften(scores, room, length, shares)
                place = (first + row) * width + head * size
                for column in range(0, size, PANEL):
                    values = begin + 2 * width + column
                    float_tile_scaled(scores, 0, room, flat, values, wide, length, shares, 0, to, place + column, width)


@inline
def _add_distances(scores: Any, room: Any, length: Any, distances: Any, middle: Any) -> None:
    for each in range(ROWS):
        for key in range(length):
            scores[each * room + key] += distances[max(middle - each, 0) + key]
