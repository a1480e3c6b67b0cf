"""Texts cut a word at a time: the ids are those of the tokenizers library, whatever the texts and the tokenizer."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from models import tokenizer as bert
from peers import peer

from kinfold.prepare.tokenized import Tokenized

WORDS = [
    "The", "ship", "shipwave", "SEA", "hay,farm", "a.b.c", "naïve", "[SEP]", "x[MASK]y", "[mask]", "don't", "日本語",
    "e\u0301", "\u0301a", "a\u200bb", "tab\there", "line\nend", "\x7f", "a" * 99, "a" * 100, "a" * 101, "z" * 300,
    "\u2009thin",
    "日", "\u00a0", "wave-barn", "##a", "#", "!?!", "1234", "İstanbul", "ΣΑΣ", "\ufffd", "a\ufffdb", "—", "“green”",
]  # fmt: skip


def texts(seed: int = 0, count: int = 1500) -> list[str]:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, 12, count)
    return [" " * int(n % 3) + " ".join(rng.choice(WORDS, n)) for n in lengths]


def expected(tokenizer: Any, given: list[str]) -> list[list[int]]:
    return [each.ids for each in tokenizer.encode_batch(given, add_special_tokens=False)]


def cut(made: Tokenized, given: list[str], threads: int = 2) -> list[list[int]]:
    ids, starts = made.ids(given, threads)
    return [part.tolist() for part in np.split(ids, starts[1:-1])]


def changed(tokenizer: Any, **parts: Any) -> Any:
    """The tokenizer with other parts of its file."""
    told = json.loads(tokenizer.to_str()) | parts
    return peer("tokenizers").Tokenizer.from_str(json.dumps(told))


def made(tokenizer: Any, **how: Any) -> Tokenized:
    return Tokenized(tokenizer, json.loads(tokenizer.to_str()), **how)


@pytest.mark.parametrize("lower", [True, False])
def test_bert(lower: bool) -> None:
    tokenizer = changed(
        bert(),
        normalizer={
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": True,
            "strip_accents": None,
            "lowercase": lower,
        },
    )
    tokenizer.add_special_tokens(["[SEP]", "[MASK]"])
    given = texts()
    assert cut(made(tokenizer), given) == expected(tokenizer, given)
    assert cut(made(tokenizer), given, 1) == cut(made(tokenizer), given, 3)
    assert cut(made(tokenizer), given[:20]) == expected(tokenizer, given[:20])


@pytest.mark.parametrize(
    "parts",
    [
        {"pre_tokenizer": {"type": "Whitespace"}},
        {"pre_tokenizer": {"type": "WhitespaceSplit"}, "normalizer": {"type": "NFKD"}},
        {"pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}},
        {"pre_tokenizer": None},
        {
            "added_tokens": [
                {
                    "id": 5,
                    "content": "the ship",
                    "single_word": False,
                    "lstrip": False,
                    "rstrip": False,
                    "normalized": True,
                    "special": False,
                }
            ]
        },
    ],
)
def test_other_parts(parts: dict[str, Any]) -> None:
    tokenizer = changed(bert(), **parts)
    given = [*texts(1), *["the ship"] * 5]
    assert cut(made(tokenizer), given) == expected(tokenizer, given)


def test_what_a_normalizer_takes_out_of_words() -> None:
    given = [*texts(2), "sea\x0bship a\0b", "a\x0cb"]
    assert cut(made(bert()), given) == expected(bert(), given)


def test_long_texts_are_cut_before_the_unknown_is_left_out() -> None:
    tokenizer = bert()
    unknown = tokenizer.token_to_id("[UNK]")
    given = texts(3)
    found = [[id for id in ids[:7] if id != unknown] for ids in expected(tokenizer, given)]
    assert cut(made(tokenizer, most=7, skipped=unknown), given) == found
    assert cut(made(tokenizer, most=7, skipped=unknown), given[:50]) == found[:50]


def test_halves_of_surrogate_pairs_are_no_characters() -> None:
    given = [*texts(4), "sea \ud800 ship"]
    whole = [*given[:-1], "sea \ufffd ship"]
    assert cut(made(bert()), given) == expected(bert(), whole)
    assert cut(made(bert()), given[-3:]) == expected(bert(), whole[-3:])
