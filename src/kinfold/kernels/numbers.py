"""Decimal numbers in lines of bytes, and what the names beside them are.

A number of up to 19 digits is taken as integer · 10^exponent in float64, whose relative error is below 2^-51. Where
both ends of an interval 2^-50 around it round to the same float32, that is what the exact value rounds to, since
rounding is monotone; elsewhere (about one number in 30 million) the line is left to the caller, as is every line that
is not `name number … number`. So results equal `np.float32(float(text))`, always.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from kinfold.kernels._jit import jit, plain

_SMALLEST: Final = -345
_LARGEST: Final = 309
# 10^-345 … 10^309: the first ones are 0 and the last one is infinite, as float32 of any 19 digits times them is.
_POWERS: Final = np.array([float(f"1e{exponent}") for exponent in range(_SMALLEST, _LARGEST + 1)])
_BELOW: Final = 1.0 - 2.0**-50
_ABOVE: Final = 1.0 + 2.0**-50


@jit
def _parse(
    data: np.ndarray,
    dim: int,
    separator: int,
    named: bool,
    powers: np.ndarray,
    rows: np.ndarray,
    starts: np.ndarray,
    middles: np.ndarray,
    stops: np.ndarray,
    lines: np.ndarray,
) -> tuple[int, int]:
    """Fills rows with clean lines; the others have middle -1. Returns (lines that are not blank, all lines)."""
    at = 0
    records = 0
    row = 0
    line = 0
    while at < len(data):
        start = at
        middle = at
        clean = True
        if named:
            while data[at] != separator and data[at] != 10:
                at += 1
            middle = at
            clean = data[at] == separator
            at += 1 if clean else 0
        place = 0
        while clean and place < dim:
            if place > 0 or not named:
                if place > 0 and data[at] != separator:
                    clean = False
                    break
                at += 1 if place > 0 else 0
            negative = data[at] == 45
            if negative or data[at] == 43:
                at += 1
            mantissa = np.uint64(0)
            digits = 0
            exponent = 0
            seen = 0
            while 48 <= data[at] <= 57:
                if digits < 19:
                    mantissa = mantissa * np.uint64(10) + np.uint64(data[at] - 48)
                    digits += 1 if mantissa > 0 else 0
                else:
                    exponent += 1
                seen += 1
                at += 1
            if data[at] == 46:
                at += 1
                while 48 <= data[at] <= 57:
                    if digits < 19:
                        mantissa = mantissa * np.uint64(10) + np.uint64(data[at] - 48)
                        digits += 1 if mantissa > 0 else 0
                        exponent -= 1
                    seen += 1
                    at += 1
            clean = seen > 0
            if data[at] == 101 or data[at] == 69:
                at += 1
                down = data[at] == 45
                if down or data[at] == 43:
                    at += 1
                power = 0
                seen = 0
                while 48 <= data[at] <= 57:
                    power = min(power * 10 + (data[at] - 48), 100_000)
                    seen += 1
                    at += 1
                exponent += -power if down else power
                clean = clean and seen > 0
            scale = powers[min(max(exponent, _SMALLEST), _LARGEST) - _SMALLEST]
            value = np.float64(mantissa) * scale if mantissa > 0 else 0.0
            low = np.float32(value * _BELOW)
            high = np.float32(value * _ABOVE)
            # Infinite, or too near to the middle between two float32 to be sure.
            clean = clean and bool(low == high and high <= 3.4028235e38)
            rows[row, place] = -low if negative else low
            place += 1
        while clean and (data[at] == 32 or data[at] == 13 or data[at] == separator):
            at += 1
        clean = clean and data[at] == 10
        while data[at] != 10:
            at += 1
        blank = at == start or (at == start + 1 and data[start] == 13)
        if not blank:
            starts[records] = start
            stops[records] = at
            middles[records] = middle if clean else -1
            lines[records] = line
            records += 1
            row += 1 if clean else 0
        at += 1
        line += 1
    return records, line


def parse_lines(
    data: np.ndarray, dim: int, *, separator: int = 32, named: bool = True
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, int]:
    """Reads lines of `name number … number`.

    Args:
        data: uint8 (bytes,); the last one is a line feed.
        dim: Numbers a line.
        separator: The byte between them.
        named: Whether a name stands before the numbers; it has no separator in it.

    Returns:
        Rows float32 (clean, dim); for each line that is not blank (m,) int64 its start, the end of its name (-1 where
        the line is not clean and has no row), its stop and its number from 0; and how many lines there are in all.
    """
    most = int(np.count_nonzero(data == 10))
    # A number and what divides it from the next take two bytes at least: short lines ask for no long rows.
    rows = np.empty((min(most, len(data) // (2 * dim)) + 1, dim), np.float32)
    places = [np.empty(most, np.int64) for _ in range(4)]
    records, lines = _parse(plain(data), dim, separator, named, _POWERS, rows, *places)
    starts, middles, stops, numbers = (each[:records] for each in places)
    return rows[: int(np.count_nonzero(middles >= 0))], starts, middles, stops, numbers, int(lines)


@jit
def _gather(data: np.ndarray, starts: np.ndarray, offsets: np.ndarray, out: np.ndarray) -> None:
    for piece in range(len(starts)):
        shift = starts[piece] - offsets[piece]
        for at in range(offsets[piece], offsets[piece + 1]):
            out[at] = data[at + shift]


def gather(data: np.ndarray, starts: np.ndarray, stops: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pieces of bytes (uint8) one after another, with their offsets (n + 1,) int64."""
    offsets = np.zeros(len(starts) + 1, np.int64)
    np.cumsum(stops - starts, out=offsets[1:])
    out = np.empty(int(offsets[-1]), np.uint8)
    _gather(plain(data), plain(starts), offsets, out)
    return out, offsets
