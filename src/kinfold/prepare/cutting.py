"""How the texts of a Space were cut into words, remembered on its card, so that other texts are cut alike."""

from __future__ import annotations

import dataclasses
from typing import Any

from kinfold.core.columns import lower_cased
from kinfold.core.errors import BadOption
from kinfold.core.space import Space
from kinfold.prepare.tokens import Tokenizer


def cut_as(
    space: Space | None, tokenizer: Tokenizer | None = None, lower: bool | None = None, otherwise: Tokenizer = "words"
) -> dict[str, Any]:
    """The options `tokenizer` and `lower` of `tokens.sequences` for texts that are compared with a Space's words.

    Args:
        space: The words, or None where there are none yet.
        tokenizer: What was asked for; None for what the card tells.
        lower: What was asked for; None for what the card tells, or else, for the tokenizer `words`, whether all keys
            are in lower case.
        otherwise: The tokenizer where the card tells none.

    Raises:
        BadOption: The words were cut by a function, which no file can hold: it must be given again.

    Example:
        >>> cut_as(Space.of(["Cat", "dog"], [[1, 0], [0, 1]]))
        {'tokenizer': 'words', 'lower': False}
    """
    told = {} if space is None else dict(space.card.data).get("text", {})
    if tokenizer is None:
        tokenizer = told.get("tokenizer", otherwise)
        if tokenizer == "own":
            raise BadOption(
                "these words were cut out of texts by a function, which no file can hold; pass it again: tokenizer=…"
            )
    if lower is None and told:
        lower = told.get("lower")
    elif lower is None and space is not None and tokenizer == "words":
        lower = lower_cased(space.keys.names)
    return {"tokenizer": tokenizer, "lower": tokenizer == "words" if lower is None else lower}


def remembered(space: Space, cut: dict[str, Any]) -> Space:
    """The Space with a card that says how its texts were cut: the options `tokenizer` and `lower`."""
    tokenizer = cut["tokenizer"]
    text = {"tokenizer": tokenizer if isinstance(tokenizer, str) else "own", "lower": cut["lower"]}
    return dataclasses.replace(space, card=dataclasses.replace(space.card, data={**space.card.data, "text": text}))
