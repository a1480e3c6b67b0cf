"""Alternating least squares, one row at a time, in float64: the exact solution of every half epoch."""

import numpy as np


def half(matrix, others, unobserved, less, penalties, toward=None):
    """Rows (n, d) that minimize the objective while `others` (m, d) stand still; zeros where there is no entry."""
    dim = others.shape[1]
    met = others[np.abs(others).sum(axis=1) > 0]
    gramian = unobserved * met.T @ met
    rows = np.zeros((matrix.shape[0], dim))
    for row in range(matrix.shape[0]):
        some = slice(matrix.indptr[row], matrix.indptr[row + 1])
        weights, own = matrix.data[some].astype(np.float64), others[matrix.indices[some]]
        if not len(weights):
            continue
        system = gramian + penalties[row] * np.eye(dim) + (own.T * (weights - less)) @ own
        wanted = weights @ own
        if toward is not None:
            wanted = wanted + penalties[row] * toward[row]
        rows[row] = np.linalg.solve(system, wanted)
    return rows


def objective(matrix, rows, others, unobserved, less, penalties, other_penalties):
    """The whole of it, pair by pair."""
    scores = rows @ others.T
    dense = matrix.toarray()
    there = dense > 0
    total = (dense * (scores - 1) ** 2)[there].sum() - less * (scores**2)[there].sum()
    total += unobserved * (scores**2).sum()
    return total + penalties @ (rows**2).sum(axis=1) + other_penalties @ (others**2).sum(axis=1)
