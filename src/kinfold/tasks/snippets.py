"""The part of a text that a question is about."""

from __future__ import annotations

import re

_WORD = re.compile(r"\w+(?:['’]\w+)*")
# Places of words that are looked at, from the beginning of a text.
_LOOKED_AT = 2000


def snippet(text: str, question: str, length: int = 160) -> str:
    """Some `length` characters of a text, around as many words of the question as are near each other.

    Long words among these count more, since they say more.

    Example:
        >>> snippet("It was dark. " * 20 + "Then the dog barked. " + "Nobody slept. " * 20, "a barking dog", 40)
        '… dark. Then the dog barked. Nobody …'
    """
    text = " ".join(text.split())
    if len(text) <= length:
        return text
    wanted = {each.lower() for each in _WORD.findall(question)}
    places = []
    for match in _WORD.finditer(text):
        if match.group().lower() in wanted:
            places.append((match.start(), match.end(), match.group().lower()))
            if len(places) == _LOOKED_AT:
                break
    best, span = -1, (0, 0)
    for at, (start, end, _) in enumerate(places):
        seen: set[str] = set()
        last = end
        for _, stop, word in places[at : at + length]:
            if stop - start > length:
                break
            seen.add(word)
            last = stop
        worth = sum(map(len, seen))
        if worth > best:
            best, span = worth, (start, last)
    begin = max(0, min(span[0] - (length - (span[1] - span[0])) // 2, len(text) - length))
    stop = min(len(text), begin + length)
    # No half words at the ends.
    if begin:
        begin = text.find(" ", begin, span[0]) + 1 or span[0]
    if stop < len(text):
        cut = text.rfind(" ", max(span[1], begin), stop + 1)
        stop = cut if cut > 0 else stop
    return ("… " if begin else "") + text[begin:stop] + (" …" if stop < len(text) else "")
