"""Analogies, one question at a time."""

import numpy as np


def answer(vectors, a, b, c, method):
    unit = np.asarray(vectors, np.float64)
    unit = unit / np.linalg.norm(unit, axis=1, keepdims=True)
    to_a, to_b, to_c = (unit @ unit[word] for word in (a, b, c))
    scores = to_b - to_a + to_c
    if method == "3cosmul":
        scores = (1 + to_b) / 2 * (1 + to_c) / 2 / ((1 + to_a) / 2 + 1e-3)
    scores[[a, b, c]] = -np.inf
    return int(np.argmax(scores))
