"""All ways to tag a sentence, one after the other."""

import itertools
import math


def ways(scores, first, step):
    """Every sequence of tags with its score."""
    words, tags = scores.shape
    for path in itertools.product(range(tags), repeat=words):
        total = float(first[path[0]]) + sum(float(scores[at, tag]) for at, tag in enumerate(path))
        yield path, total + sum(float(step[a, b]) for a, b in itertools.pairwise(path))


def best(scores, first, step):
    return max(ways(scores, first, step), key=lambda each: each[1])[0]


def span_chance(scores, first, step, tags, kind, begin, end):
    """How probable exactly this span is: the share of all ways that have it."""
    wanted = total = 0.0
    for path, score in ways(scores, first, step):
        weight = math.exp(score)
        total += weight
        names = [tags[tag] for tag in path]
        held = names[begin:end] == [f"B-{kind}", *[f"I-{kind}"] * (end - begin - 1)]
        if held and (end == len(names) or names[end] != f"I-{kind}"):
            wanted += weight
    return wanted / total
