"""What all encoders of words share: the words, and the names of their rows."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from kinfold.core.columns import to_arrow
from kinfold.core.errors import BadData
from kinfold.core.keys import Keys, first_of_each
from kinfold.core.shapes import Items


def words_of(things: Items[str] | Iterable[str]) -> tuple[pa.LargeStringArray, Keys]:
    """The words and the names of their rows: each word once, or all of them where they have names of their own.

    Raises:
        BadData: One is no string, or there are not as many names as words.
    """
    items = Items.of(things)
    raw = list(items.raw)
    for place, word in enumerate(raw):
        if not isinstance(word, str):
            raise BadData(f"thing {place:,} is {type(word).__name__}; words are strings.")
    try:
        words = pa.array(raw, pa.large_string())
    except UnicodeEncodeError as error:
        raise BadData(f"a word cannot be written as UTF-8: {error}.") from error
    if items.keys is not None:
        if len(items.keys) != len(words):
            raise BadData(f"{len(items.keys):,} names do not go with {len(words):,} words.")
        return words, items.keys
    words = words.take(to_arrow(first_of_each(words)))
    return words, Keys.trusted(words, "word")
