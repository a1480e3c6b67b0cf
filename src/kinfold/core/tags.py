"""Tags of words: what marks spans in a sentence, and the spans that they mark.

Tags are `O`, or a prefix and a type: `B-` begins a span, `I-` goes on with it. A span of another type, and one behind
`O`, begins with either.

Source:
    Ramshaw, Marcus 1995 (IOB1); Tjong Kim Sang, Buchholz 2000 (conlleval).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

OUTSIDE = "O"
# What a prefix says: whether a span begins with such a word, and whether it ends with it.
_BEGINS, _ENDS = "BSU", "ESLU"
PREFIXES = "BIESLU"


class Marked(NamedTuple):
    """Words in a sentence that belong together.

    Args:
        type: What they are.
        first: The first word.
        last: Past the last word.
    """

    type: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Tagged:
    """Sentences with a tag for each word.

    Args:
        words: The words of each sentence.
        tags: Their tags, in IOB2.
        scheme: How they were marked: IOB1, IOB2, BIOES, or mixed.
        skipped: Lines that were left out.
    """

    words: Sequence[Sequence[str]]
    tags: Sequence[Sequence[str]]
    scheme: str = "IOB2"
    skipped: int = 0

    def __len__(self) -> int:
        return len(self.words)


def is_tag(text: str) -> bool:
    """Whether a text is a tag: `O`, or one of the prefixes, a hyphen or an underscore, and a type."""
    return text == OUTSIDE or (len(text) > 2 and text[0] in PREFIXES and text[1] in "-_")


def spans_of(tags: Sequence[str]) -> list[Marked]:
    """The spans that tags mark, in any of the schemes.

    Example:
        >>> spans_of(["I-PER", "I-PER", "O", "B-LOC", "B-LOC"])
        [Marked(type='PER', first=0, last=2), Marked(type='LOC', first=3, last=4), Marked(type='LOC', first=4, last=5)]
    """
    found: list[Marked] = []
    first, kind, ended = 0, "", True
    for place, tag in enumerate(tags):
        prefix, told = tag[:1], tag[2:]
        inside = tag != OUTSIDE
        if not ended and (not inside or prefix in _BEGINS or told != kind):
            found.append(Marked(kind, first, place))
            ended = True
        if inside:
            if ended:
                first, kind, ended = place, told, False
            if prefix in _ENDS:
                found.append(Marked(kind, first, place + 1))
                ended = True
    if not ended:
        found.append(Marked(kind, first, len(tags)))
    return found


def tags_of(spans: Iterable[Marked], words: int) -> list[str]:
    """Tags in IOB2 of so many words, of spans that share none of them.

    Example:
        >>> tags_of([Marked("PER", 0, 2)], 3)
        ['B-PER', 'I-PER', 'O']
    """
    tags = [OUTSIDE] * words
    for kind, first, last in spans:
        tags[first:last] = [f"B-{kind}", *[f"I-{kind}"] * (last - first - 1)]
    return tags


def scheme_of(sentences: Iterable[Sequence[str]]) -> str:
    """How sentences are marked: IOB1, IOB2, BIOES, or mixed; IOB2 where nothing tells it from IOB1."""
    inside = needless = False
    for tags in sentences:
        before = OUTSIDE
        for tag in tags:
            prefix, continues = tag[:1], before != OUTSIDE and before[2:] == tag[2:]
            if tag != OUTSIDE and prefix not in "BI":
                return "BIOES"
            inside |= prefix == "I" and not continues
            needless |= prefix == "B" and not continues
            before = tag
    return "mixed" if inside and needless else "IOB1" if inside else "IOB2"
