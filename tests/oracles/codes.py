"""Rows of product codes, one coordinate at a time."""

from __future__ import annotations

import numpy as np


def decoded(codes) -> np.ndarray:
    width = codes.codebooks.shape[2]
    rows = np.empty((len(codes.codes), codes.dim), np.float32)
    for row in range(len(rows)):
        for column in range(codes.dim):
            book = column // width
            value = codes.codebooks[book, codes.codes[row, book], column - book * width]
            rows[row, column] = value * (1 if codes.norm_codes is None else codes.norm_book[codes.norm_codes[row]])
    for place, row in zip(codes.places, codes.exact, strict=True):
        rows[place] = row
    return rows
