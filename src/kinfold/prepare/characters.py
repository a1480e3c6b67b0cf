"""What each Unicode character is to a tokenizer, as two-stage tables that a kernel reads."""

from __future__ import annotations

import functools
import unicodedata
from typing import Literal, NamedTuple

import numpy as np

_CODE_POINTS = 0x110000
# Behind these planes there are private characters and variation selectors only.
_ASSIGNED = 0x40000
# No letter behind these has a case, and no space stands there.
_CASED = 0x20000
_SELECTORS = range(0xE0100, 0xE01F0)
# The apostrophe in both its forms, the underscore, and the joiners that Indic scripts and Persian write inside words.
_JOINERS = "'’_\u200c\u200d"


class Characters(NamedTuple):
    """Tables for `kernels.tokens`.

    Args:
        letters: (256,) uint8; what a letter below 128 becomes, 0 where a byte is none, 1 where it has to be looked up.
        pages: (4352,) int32; where in `points` the entries of 256 code points begin.
        points: int32; what is added to a code point << 2 | its class.
    """

    letters: np.ndarray
    pages: np.ndarray
    points: np.ndarray


_ASCII = " \t\n\v\f\r\0"


@functools.cache
def characters(tokenizer: Literal["words", "whitespace", "ascii"], lower: bool) -> Characters:
    """The tables of a tokenizer.

    For `words`, letters and digits are what `str.isalnum` says and marks are Unicode's category M; for `whitespace`,
    all is a letter but what `str.isspace` says, and for `ascii` all but what fastText parts words at. A character is
    lower-cased by itself: as `str.lower` does, but for İ (U+0130), which becomes i, and Σ, which becomes σ at a word's
    end too.
    """
    from kinfold.kernels.tokens import APART, JOINER, LETTER, MARK

    becomes = np.arange(_CODE_POINTS, dtype=np.int32)
    if lower:
        becomes[:_CASED] = [ord(each.lower()[0]) for each in map(chr, range(_CASED))]
    if tokenizer == "words":
        kinds = np.full(_CODE_POINTS, APART, np.int32)
        every = list(map(chr, range(_ASSIGNED)))
        kinds[:_ASSIGNED][[unicodedata.category(each)[0] == "M" for each in every]] = MARK
        kinds[_SELECTORS.start : _SELECTORS.stop] = MARK
        kinds[:_ASSIGNED][[each.isalnum() for each in every]] = LETTER
        kinds[[ord(each) for each in _JOINERS]] = JOINER
    else:
        kinds = np.full(_CODE_POINTS, LETTER, np.int32)
        apart = _ASCII if tokenizer == "ascii" else [each for each in map(chr, range(_CASED)) if each.isspace()]
        kinds[[ord(each) for each in apart]] = APART
    letters = np.ones(256, np.uint8)
    letters[:128][kinds[:128] == APART] = 0
    plain = np.flatnonzero((kinds[:128] == LETTER) & (becomes[:128] > 1))
    letters[plain] = becomes[plain]
    # Differences, so that the pages of unchanged characters are alike and kept once.
    entries = (becomes - np.arange(_CODE_POINTS, dtype=np.int32)) * 4 + kinds
    places: dict[bytes, int] = {}
    pages = [places.setdefault(page.tobytes(), 256 * len(places)) for page in entries.reshape(-1, 256)]
    return Characters(letters, np.array(pages, np.int32), np.frombuffer(b"".join(places), np.int32).copy())
