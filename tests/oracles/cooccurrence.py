"""Window co-occurrence and PPMI, pair by pair."""

import math
from collections import Counter


def count(sequences, window, weighting):
    """{(key, key): weight} of a list of lists of keys."""
    found = Counter()
    for sequence in sequences:
        for i, one in enumerate(sequence):
            for j, other in enumerate(sequence):
                if i != j and abs(i - j) <= window:
                    found[one, other] += 1 if weighting == "flat" else 1 / abs(i - j)
    return dict(found)


def ppmi(counts, shift, smoothing):
    """{(row, column): weight} of {(row, column): count}."""
    total = sum(counts.values())
    rows, columns = Counter(), Counter()
    for (row, column), value in counts.items():
        rows[row] += value
        columns[column] += value
    smooth = sum(value**smoothing for value in columns.values())
    found = {}
    for (row, column), value in counts.items():
        expected = rows[row] / total * columns[column] ** smoothing / smooth
        weight = math.log(value / total / expected / shift)
        if weight > 0:
            found[row, column] = weight
    return found
