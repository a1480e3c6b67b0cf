"""fastText's hash and n-grams, letter by letter."""

from __future__ import annotations


def fnv(data: bytes) -> int:
    value = 2166136261
    for byte in data:
        signed = byte - 256 if byte >= 128 else byte
        value = ((value ^ (signed & 0xFFFFFFFF)) * 16777619) & 0xFFFFFFFF
    return value


def ngrams(word: str, shortest: int, longest: int) -> list[str]:
    if word == "</s>" or longest == 0:
        return []
    whole = f"<{word}>"
    found = []
    for first in range(len(whole)):
        for length in range(shortest, longest + 1):
            if first + length <= len(whole) and whole[first : first + length] not in ("<", ">"):
                found.append(whole[first : first + length])
            elif first + length <= len(whole) and 0 < first < len(whole) - 1:
                found.append(whole[first : first + length])  # a < or > within the word is an n-gram like any other
    return found
