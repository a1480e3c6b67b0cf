"""What a text is like, character by character with Python's own strings."""

from __future__ import annotations

import unicodedata


def words(text: str) -> list[str]:
    """Runs of letters and digits; a letter of a script without spaces is a word by itself."""
    found: list[str] = []
    inside = False
    for character in text:
        part = character.isalnum() or "\u0300" <= character <= "\u036f"
        alone = "\u3041" <= character <= "\u30ff" or "\u4e00" <= character <= "\u9fff"
        if part and inside and not alone:
            found[-1] += character
        elif part:
            found.append(character)
        inside = part
    return found


def plain(text: str) -> str:
    """Without case, and each run of white space one space."""
    return " ".join(text.lower().split())


def composed(text: str) -> int:
    """Letters that are a letter and a mark in one."""
    return sum(len(unicodedata.normalize("NFD", each)) > 1 for each in text)
