"""A transformer's tokenizer made ready for a static model: without what texts never have, and with whole words.

Source: model2vec 0.10 (tokenizer), which does the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

_UNUSED = re.compile(r"\[unused\d+\]")
# Kinds of models that find a word as soon as they have it as a token.
TAKES_WORDS = ("WordPiece", "WordLevel")


def left_out(tokenizer: Mapping[str, Any]) -> set[str]:
    """Tokens that no text has: special ones and those that were never used, but not the unknown one."""
    model = tokenizer["model"]
    vocabulary = model["vocab"]
    names = [token for token, _ in vocabulary] if isinstance(vocabulary, list) else vocabulary
    special = {each["content"] for each in tokenizer.get("added_tokens") or () if each.get("special")}
    return (special | {name for name in names if _UNUSED.fullmatch(name)}) - {unknown_of(tokenizer)}


def unknown_of(tokenizer: Mapping[str, Any]) -> str | None:
    """The token that stands for unknown ones."""
    model = tokenizer["model"]
    number = model.get("unk_id")
    if isinstance(model["vocab"], list):
        return None if number is None else str(model["vocab"][number][0])
    name = model.get("unk_token")
    return None if name is None else str(name)


def bare(tokenizer: Mapping[str, Any]) -> dict[str, Any]:
    """The tokenizer without what puts special tokens around a text, fills it up or cuts it."""
    return {**tokenizer, "post_processor": None, "padding": None, "truncation": None}


def whole_words(tokenizer: Any, words: Iterable[str], most: int, known: set[str]) -> list[str]:
    """The first words that the tokenizer would cut into several tokens, as they stand in its vocabulary.

    Args:
        tokenizer: Of the tokenizers library.
        words: The frequent ones first.
        most: How many are wanted.
        known: Tokens that there are.
    """
    found: dict[str, None] = {}
    for word in words:
        if len(found) >= most:
            break
        plain = tokenizer.normalizer.normalize_str(word) if tokenizer.normalizer else word
        parts = tokenizer.pre_tokenizer.pre_tokenize_str(plain) if tokenizer.pre_tokenizer else [(plain, None)]
        if len(parts) == 1 and parts[0][0] not in known:
            found[parts[0][0]] = None
    return list(found)
