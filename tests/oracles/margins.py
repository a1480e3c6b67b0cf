"""Mining by margin, one pair at a time, in float64."""

import numpy as np


def mine(a, b, k, margin, select):
    """[((row of a, row of b), score)], the best first."""
    cosines = np.array([[x @ y / (np.linalg.norm(x) * np.linalg.norm(y)) for y in b] for x in np.float64(a)])
    near_a = [sorted(range(len(b)), key=lambda j: (-cosines[i, j], j))[:k] for i in range(len(a))]
    near_b = [sorted(range(len(a)), key=lambda i: (-cosines[i, j], i))[:k] for j in range(len(b))]

    def score(i, j):
        around = (np.mean([cosines[i, z] for z in near_a[i]]) + np.mean([cosines[z, j] for z in near_b[j]])) / 2
        if margin == "ratio":
            return cosines[i, j] / around if around > 0 else -np.inf
        return cosines[i, j] - around if margin == "distance" else cosines[i, j]

    forward = [(i, max(near_a[i], key=lambda j: score(i, j))) for i in range(len(a))]
    backward = [(max(near_b[j], key=lambda i: score(i, j)), j) for j in range(len(b))]
    pairs = {
        "forward": set(forward),
        "backward": set(backward),
        "intersect": set(forward) & set(backward),
        "max": set(forward) | set(backward),
    }[select]
    ranked = sorted(((pair, score(*pair)) for pair in pairs), key=lambda each: -each[1])
    ranked = [each for each in ranked if each[1] > -np.inf]
    if select != "max":
        return ranked
    used, kept = set(), []
    for (i, j), value in ranked:
        if ("a", i) not in used and ("b", j) not in used:
            used |= {("a", i), ("b", j)}
            kept.append(((i, j), value))
    return kept
