"""A sparse autoencoder of one row at a time, and the gradient of its error by differences."""

import numpy as np


def code(scores, active):
    found = np.zeros_like(scores)
    for row, line in enumerate(scores):
        for at in sorted(range(len(line)), key=lambda at: -line[at])[:active]:
            found[row, at] = max(line[at], 0)
    return found


def error(rows, encoder, decoder, center, active):
    inside = rows - center
    return float(((code(inside @ encoder.T, active) @ decoder + center - rows) ** 2).sum())


def gradient(function, at, step=1e-6):
    found = np.zeros_like(at)
    for place in np.ndindex(*at.shape):
        up, down = at.copy(), at.copy()
        up[place] += step
        down[place] -= step
        found[place] = (function(up) - function(down)) / (2 * step)
    return found
