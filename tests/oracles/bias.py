"""The measures of bias as their papers write them, word by word."""

import itertools

import numpy as np


def cosine(a, b):
    return a @ b / np.sqrt((a @ a) * (b @ b))


def s(w, first, second):
    return np.mean([cosine(w, a) for a in first]) - np.mean([cosine(w, b) for b in second])


def weat(x, y, a, b):
    """The statistic, the effect size, and both exact p values."""
    values = [s(w, a, b) for w in (*x, *y)]
    n, m = len(x), len(y)
    apart = np.mean(values[:n]) - np.mean(values[n:])
    found = []
    for chosen in itertools.combinations(range(n + m), n):
        rest = [at for at in range(n + m) if at not in chosen]
        found.append(np.mean([values[at] for at in chosen]) - np.mean([values[at] for at in rest]))
    found = np.array(found)
    either = np.mean(np.abs(found) >= abs(apart) - 1e-12)
    upper = np.mean(found >= apart - 1e-12)
    return sum(values[:n]) - sum(values[n:]), apart / np.std(values), either, upper


def rnd(x, y, a):
    first, second = np.mean(x, axis=0), np.mean(y, axis=0)
    return np.mean([np.linalg.norm(w - first) - np.linalg.norm(w - second) for w in a])


def mac(targets, attributes):
    return np.mean([np.mean([1 - cosine(t, w) for w in a]) for each in targets for t in each for a in attributes])


def ripa(x, y, words):
    return np.mean([np.mean([w @ (a - b) / np.linalg.norm(a - b) for a, b in zip(x, y, strict=True)]) for w in words])


def same(targets, a, b):
    """Its mean size, and its mean with the sign."""
    leaning = np.mean([w / np.linalg.norm(w) for w in a], axis=0) - np.mean([w / np.linalg.norm(w) for w in b], axis=0)
    found = [cosine(w, leaning) for w in targets]
    return np.mean(np.abs(found)), np.mean(found)


def direction(x, y):
    """The first principal component of the halves of pairs, without a sign."""
    x, y = (np.array([w / np.linalg.norm(w) for w in each]) for each in (x, y))
    middles = (x + y) / 2
    halves = np.concatenate([x - middles, y - middles])
    values, vectors = np.linalg.eigh(halves.T @ halves)
    return vectors[:, -1], values[-1] / values.sum()


def beta(w, v, g):
    """What share of the similarity of two words is along g."""
    w, v = w / np.linalg.norm(w), v / np.linalg.norm(v)
    w_out, v_out = w - (w @ g) * g, v - (v @ g) * g
    return (w @ v - cosine(w_out, v_out)) / (w @ v)
