"""Retrofitting by its system of linear equations, solved at once: where all rounds lead."""

import numpy as np


def settled(rows, pairs, alpha, beta, weights=None):
    rows = np.asarray(rows, np.float64)
    weights = np.ones(len(pairs)) if weights is None else weights
    graph = np.zeros((len(rows), len(rows)))
    for (left, right), weight in zip(pairs, weights, strict=True):
        graph[left, right] += weight
        graph[right, left] += weight
    total = graph.sum(axis=1, keepdims=True)
    graph = np.divide(graph, total, out=np.zeros_like(graph), where=total > 0)
    linked = (total > 0).astype(float)
    # (alpha + beta) q = alpha q0 + beta · mean of partners, for rows that have some
    return np.linalg.solve(np.eye(len(rows)) * (alpha + beta * linked) - beta * graph, alpha * rows)
