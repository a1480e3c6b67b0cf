"""The tokenizer of a static model, `tokenizer.json`, taken apart into its tokens and the rest, and put together again.

Tokens are the keys of a Space, in the order of their ids. What else the file says is kept without them, so that it is a
few lines and not megabytes; merges of byte-pair encodings stay in it.

Source: Hugging Face tokenizers, the format of `Tokenizer.to_str`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from kinfold.core.errors import BadData

UNKNOWN = "[UNK]"

# A word as Kinfold's own tokenizer cuts it: letters, digits and their marks, joined by apostrophes and the like; and
# any other character by itself. Once for the tokenizers library, once for the look at the keys.
_WORD = r"[\p{L}\p{N}][\p{L}\p{N}\p{M}]*(?:['’_\x{200c}\x{200d}][\p{L}\p{N}\p{M}]+)*"
_PIECES = _WORD + r"|\S"
_WHOLE = rf"^(?:{_WORD}|[^\s\p{{Z}}])$"


class Tokens(NamedTuple):
    """What a tokenizer knows.

    Args:
        ids: Of each token.
        scores: Of each token, where the model is of Unigram's kind, else None.
    """

    ids: dict[str, int]
    scores: dict[str, float] | None


def parsed(data: bytes, place: str) -> dict[str, Any]:
    """The file's content, once it can be one.

    Args:
        data: Of the file.
        place: For errors.

    Raises:
        BadData: It is no JSON, or has no model with a vocabulary.
    """
    try:
        found = json.loads(data)
        vocabulary, added = found["model"]["vocab"], found.get("added_tokens") or []
        good = isinstance(vocabulary, dict | list) and isinstance(added, list)
        good = good and all(isinstance(each["content"], str) and _is_id(each["id"]) for each in added)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise BadData(f"{place}: no tokenizer, or a damaged one ({error!r}).") from error
    if not good:
        raise BadData(f"{place}: no tokenizer, or a damaged one (its model has no vocabulary).")
    tokenizer: dict[str, Any] = found
    return tokenizer


def tokens_of(tokenizer: dict[str, Any], place: str) -> Tokens:
    """The tokens with their ids; those that were added to the model's own count like them.

    Raises:
        BadData: The vocabulary is damaged, or two tokens have one id.
    """
    vocabulary = tokenizer["model"]["vocab"]
    scores: dict[str, float] | None = None
    try:
        if isinstance(vocabulary, list):
            scores = {token: float(score) for token, score in vocabulary}
            ids = {token: number for number, (token, _) in enumerate(vocabulary)}
        else:
            ids = dict(vocabulary)
        ids.update({each["content"]: each["id"] for each in tokenizer.get("added_tokens") or ()})
        good = all(map(_is_id, ids.values())) and len(set(ids.values())) == len(ids)
    except (TypeError, ValueError) as error:
        raise BadData(f"{place}: the vocabulary is damaged ({error!r}).") from error
    if not good:
        raise BadData(f"{place}: the vocabulary is damaged: ids are whole numbers, and no two tokens have the same.")
    return Tokens(ids, scores)


def without_tokens(tokenizer: dict[str, Any]) -> str:
    """The tokenizer as one line of JSON, without its vocabulary and without numbers of tokens."""
    rest = {**tokenizer, "model": {**tokenizer["model"]}}
    vocabulary = rest["model"]["vocab"]
    own = {token for token, _ in vocabulary} if isinstance(vocabulary, list) else set(vocabulary)
    unknown = rest["model"].get("unk_id")
    if isinstance(vocabulary, list) and _is_id(unknown) and unknown < len(vocabulary):
        rest["model"]["unk_id"] = vocabulary[unknown][0]
    rest["model"]["vocab"] = type(vocabulary)()
    rest["added_tokens"] = [
        {**each, "id": None, "own": each["content"] in own} for each in tokenizer.get("added_tokens") or ()
    ]
    return json.dumps(rest, ensure_ascii=False, separators=(",", ":"))


def with_tokens(rest: str, tokens: Sequence[str], scores: Sequence[float] | None) -> dict[str, Any]:
    """The inverse of `without_tokens`, for these tokens: rows of a Space, of which some may be gone.

    Args:
        rest: The tokenizer without its vocabulary.
        tokens: In the order of their ids.
        scores: One a token, or None.

    Raises:
        BadData: It is no tokenizer, or its kind needs scores and there are none.
    """
    try:
        tokenizer = json.loads(rest)
        model, added = tokenizer["model"], tokenizer["added_tokens"]
        ids = {token: number for number, token in enumerate(tokens)}
        # Tokens that the model itself does not know stand behind those that it does.
        foreign = {each["content"] for each in added if not each.get("own", True)}
        known = len(ids)
        while known and tokens[known - 1] in foreign:
            known -= 1
        if isinstance(model["vocab"], list):
            if scores is None:
                raise BadData("a tokenizer of Unigram's kind needs the attribute `score` of its tokens, which is gone.")
            model["vocab"] = [[token, score] for token, score in zip(tokens[:known], scores[:known], strict=True)]
            model["unk_id"] = ids.get(model.get("unk_id"))
        else:
            model["vocab"] = {token: ids[token] for token in tokens if token not in foreign}
        if "merges" in model:
            model["merges"] = [each for each in model["merges"] if _known(each, ids)]
        tokenizer["added_tokens"] = [
            {**{name: value for name, value in each.items() if name != "own"}, "id": ids[each["content"]]}
            for each in added
            if each["content"] in ids
        ]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        if isinstance(error, BadData):
            raise
        raise BadData(f"the tokenizer on this Space's card is damaged ({error!r}).") from error
    return dict(tokenizer)


def made_for(names: pa.LargeStringArray) -> dict[str, Any]:
    """A tokenizer that finds the words of a Space in texts: whole words, lower-cased where all of them are.

    Texts are cut as Kinfold's own tokenizer cuts them, and other characters stand by themselves; keys that are none of
    that (`New York`, `...`) are looked for before. What is not found becomes `[UNK]`, which is added where it is none
    of the keys.
    """
    lower = bool(pc.all(pc.equal(names, pc.utf8_lower(names))).as_py())
    odd = names.filter(pc.invert(pc.match_substring_regex(names, _WHOLE))).to_pylist()
    ids = {token: number for number, token in enumerate(names.to_pylist())}
    ids.setdefault(UNKNOWN, len(ids))
    added = [
        {
            "id": ids[token],
            "content": token,
            # Within other words it is none; signs may stand anywhere.
            "single_word": any(map(str.isalnum, token)),
            "lstrip": False,
            "rstrip": False,
            "normalized": True,
            "special": False,
        }
        for token in odd
        if token and token != UNKNOWN
    ]
    pieces = {"type": "Split", "pattern": {"Regex": _PIECES}, "behavior": "Removed", "invert": True}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": {"type": "Lowercase"} if lower else None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, pieces]},
        "post_processor": None,
        "decoder": None,
        "model": {"type": "WordLevel", "vocab": ids, "unk_token": UNKNOWN},
    }


def _is_id(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 31


def _known(merge: Any, ids: dict[str, int]) -> bool:
    """Whether both parts of a merge, and what they make, are tokens."""
    parts = merge.split(" ") if isinstance(merge, str) else merge
    return len(parts) == 2 and all(part in ids for part in (*parts, "".join(parts)))
