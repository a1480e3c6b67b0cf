"""Exact search, one query at a time, in float64."""

import numpy as np


def topk(rows, queries, k, metric="dot", among=None, offsets=None):
    rows, queries = np.asarray(rows, np.float64), np.asarray(queries, np.float64)
    among = np.arange(len(rows)) if among is None else among
    offsets = np.zeros(len(rows)) if offsets is None else offsets
    scores = np.full((len(queries), k), -np.inf)
    found = np.full((len(queries), k), -1)
    for number, query in enumerate(queries):
        best = sorted((offsets[row] - score_of(rows[row], query, metric), row) for row in among)[:k]
        for rank, (score, row) in enumerate(best):
            scores[number, rank], found[number, rank] = -score, row
    return scores, found


def score_of(row, query, metric):
    if metric == "l2":
        return -np.sqrt(((row - query) ** 2).sum())
    if metric == "dot":
        return row @ query
    lengths = np.linalg.norm(row) * np.linalg.norm(query)
    return row @ query / lengths if lengths else 0.0
