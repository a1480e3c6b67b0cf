"""floret's hash and n-grams, letter by letter."""

from __future__ import annotations

ALL = (1 << 64) - 1


def turn(value: int, bits: int) -> int:
    return (value << bits | value >> (64 - bits)) & ALL


def end(value: int) -> int:
    value = (value ^ value >> 33) * 0xFF51AFD7ED558CCD & ALL
    value = (value ^ value >> 33) * 0xC4CEB9FE1A85EC53 & ALL
    return value ^ value >> 33


def murmur(data: bytes, seed: int) -> list[int]:
    """The four 32-bit hashes."""
    c1, c2 = 0x87C37B91114253D5, 0x4CF5AD432745937F
    h1 = h2 = seed
    whole = len(data) // 16 * 16
    for at in range(0, whole, 16):
        k1, k2 = (int.from_bytes(data[at + part : at + part + 8], "little") for part in (0, 8))
        h1 ^= turn(k1 * c1 & ALL, 31) * c2 & ALL
        h1 = ((turn(h1, 27) + h2) * 5 + 0x52DCE729) & ALL
        h2 ^= turn(k2 * c2 & ALL, 33) * c1 & ALL
        h2 = ((turn(h2, 31) + h1) * 5 + 0x38495AB5) & ALL
    k1, k2 = (int.from_bytes(data[whole + part : whole + part + 8], "little") for part in (0, 8))
    h2 ^= turn(k2 * c2 & ALL, 33) * c1 & ALL
    h1 ^= turn(k1 * c1 & ALL, 31) * c2 & ALL
    h1, h2 = h1 ^ len(data), h2 ^ len(data)
    h1 = (h1 + h2) & ALL
    h2 = (h2 + h1) & ALL
    h1, h2 = end(h1), end(h2)
    h1 = (h1 + h2) & ALL
    h2 = (h2 + h1) & ALL
    return [h1 & 0xFFFFFFFF, h1 >> 32, h2 & 0xFFFFFFFF, h2 >> 32]


def parts(word: str, shortest: int, longest: int, opens: str = "<", closes: str = ">") -> list[str]:
    if word == "</s>":
        return []
    whole = opens + word + closes
    found = [whole]
    for first in range(len(whole)):
        for length in range(1, longest + 1):
            stop = first + length
            if stop <= len(whole) and length >= shortest and not (length == 1 and (first == 0 or stop == len(whole))):
                found.append(whole[first:stop])
    return found
