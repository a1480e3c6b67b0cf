"""Tokens and vocabularies by Python's own strings, one character at a time."""

from __future__ import annotations

import itertools
import unicodedata
from collections import Counter

JOINERS = "'’_\u200c\u200d"


def lower(text: str) -> str:
    return "".join(each.lower()[0] for each in text)


def words(text: str) -> list[str]:
    """A letter or digit, then letters, digits, marks, and joiners that a letter or digit follows."""
    found: list[str] = []
    at = 0
    while at < len(text):
        if not text[at].isalnum():
            at += 1
            continue
        start = at
        while at < len(text):
            here = text[at]
            inside = here.isalnum() or unicodedata.category(here)[0] == "M"
            if here in JOINERS:
                inside = at + 1 < len(text) and text[at + 1].isalnum()
            if not inside:
                break
            at += 1
        found.append(text[start:at])
    return found


def sequences(
    lists: list[list[str]], min_count: int = 1, max_size: int | None = None
) -> tuple[list[str], list[list[str]]]:
    """Keys by falling count, of equals the first one; and the lists without other tokens, but for empty ones."""
    counts = Counter(token for tokens in lists for token in tokens)
    keys = [token for token, count in counts.most_common() if count >= min_count][:max_size]
    kept = set(keys)
    cut = [[token for token in tokens if token in kept] for tokens in lists]
    return keys, [tokens for tokens in cut if tokens]


def joined(
    lists: list[list[str]], min_count: int, threshold: float, scoring: str, joiner: str = "_"
) -> list[list[str]]:
    """Lists whose pairs with a high score are one token, from left to right."""
    from math import log

    single = Counter(token for tokens in lists for token in tokens)
    pairs = Counter(pair for tokens in lists for pair in itertools.pairwise(tokens))
    total = sum(single.values())

    def score(a: str, b: str) -> float:
        both = pairs[a, b]
        if scoring == "word2vec":
            return (both - min_count) / (single[a] * single[b]) * total
        return log(both * total / (single[a] * single[b])) / -log(both / total) if both < total else 1.0

    found = []
    for tokens in lists:
        out, at = [], 0
        while at < len(tokens):
            a, b = tokens[at], tokens[at + 1] if at + 1 < len(tokens) else None
            often = b is not None and min(pairs[a, b], single[a], single[b]) >= min_count
            if often and score(a, b) > threshold:
                out.append(f"{a}{joiner}{b}")
                at += 2
            else:
                out.append(a)
                at += 1
        found.append(out)
    return found
