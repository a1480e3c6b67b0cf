"""Many texts as ids of a tokenizer's tokens: a word that comes again is cut once, most of them without the library."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kinfold.core.shapes import Items
from kinfold.core.threads import many

# Of fewer texts, words do not come again often enough.
_FEW = 512
# What some normalizers take out of the middle of a word, where `sequences` parts it.
_ODD = "\0\v\f"
# More tokens than these that are looked for before the words are not looked for one by one.
_MOST_ADDED = 64

# Parts of tokenizers that treat what is between two spaces by itself.
_NORMALIZERS = ("BertNormalizer", "Lowercase", "NFC", "NFD", "NFKC", "NFKD", "StripAccents")
_CUTTERS = ("BertPreTokenizer", "Whitespace", "WhitespaceSplit")
_FURTHER_CUTTERS = (*_CUTTERS, "Punctuation", "Digits", "Split")
_MODELS = ("WordPiece", "WordLevel", "BPE", "Unigram")


class Tokenized:
    """A tokenizer over many texts.

    The ids are those that the library gives, without special tokens. Where no part of a tokenizer looks beyond a space,
    texts are parted at spaces, and each word is cut once; words of ASCII are cut by a kernel where the tokenizer is
    BERT's.

    Args:
        tokenizer: Of the tokenizers library.
        told: The same as its file says it.
        most: Tokens of a text that are looked at; all by default.
        skipped: An id that is left out, or -1.

    Source:
        Hugging Face tokenizers 0.23.
    """

    def __init__(self, tokenizer: Any, told: Mapping[str, Any], most: int | None = None, skipped: int = -1) -> None:
        self._tokenizer, self._told, self._skipped = tokenizer, told, skipped
        self._most = most or np.iinfo(np.int64).max
        tokenizer.no_padding()
        if most:
            tokenizer.enable_truncation(most)
        else:
            tokenizer.no_truncation()

    def ids(self, texts: Sequence[str], threads: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Ids (total,) int32 of the tokens of all texts, and where each text begins (texts + 1,) int64."""
        if len(texts) < _FEW or not self._parts or any(sign in text for text in texts for sign in _ODD):
            ids, lengths = self._by_library(texts)
            starts = np.concatenate([[0], np.cumsum(lengths)])
            if self._skipped < 0:
                return ids, starts
            kept = ids != self._skipped
            return ids[kept], np.concatenate([[0], np.cumsum(kept)])[starts]
        from kinfold.kernels._jit import plain
        from kinfold.kernels.wordpiece import spread
        from kinfold.prepare.tokens import sequences

        data = sequences(
            Items(texts), tokenizer="ascii", lower=False, min_count=1, keep_empty=True, threads=many(threads)
        )
        pieces, begins, counts = self._pieces(data.keys.names)
        out = np.empty(int(counts[data.ids].sum()), np.int32)
        starts = np.empty(len(texts) + 1, np.int64)
        spread(plain(data.ids), begins, counts, pieces, plain(data.starts), self._most, self._skipped, out, starts)
        return out[: starts[-1]], starts

    @functools.cached_property
    def _parts(self) -> bool:
        """Whether a text's tokens are those of its words, parted at spaces."""
        told, model = self._told, self._told["model"]
        cutters = _flat(told.get("pre_tokenizer"), "pretokenizers")
        return (
            all(each.get("type") in _NORMALIZERS for each in _flat(told.get("normalizer"), "normalizers"))
            and bool(cutters)
            and cutters[0].get("type") in _CUTTERS
            and all(each.get("type") in _FURTHER_CUTTERS for each in cutters)
            and model.get("type") in _MODELS
            and not model.get("dropout")
            and not any(each["content"].split() != [each["content"]] for each in told.get("added_tokens") or ())
        )

    @functools.cached_property
    def _table(self) -> _Table | None:
        """What the kernel needs, where the tokenizer is of BERT's kind."""
        told = self._told
        model, normalizers = told["model"], _flat(told.get("normalizer"), "normalizers")
        cutters = _flat(told.get("pre_tokenizer"), "pretokenizers")
        added = told.get("added_tokens") or ()
        bert = model.get("type") == "WordPiece" and [each["type"] for each in cutters] == ["BertPreTokenizer"]
        if not bert or len(added) > _MOST_ADDED or model.get("unk_token") not in model["vocab"]:
            return None
        lower = any(each.get("lowercase", each["type"] == "Lowercase") for each in normalizers)
        return _Table.of(model, lower)

    def _pieces(self, words: pa.LargeStringArray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Ids of all words' tokens, where each word's begin and how many there are."""
        from kinfold.kernels.wordpiece import FOREIGN

        table = self._table
        if table is None or not len(words):
            ids, counts = self._by_library(words.to_pylist())
            return ids, np.cumsum(counts) - counts, counts
        ids, counts = table.cut(words)
        begins = np.cumsum(np.maximum(counts, 0)) - np.maximum(counts, 0)
        foreign = counts == FOREIGN
        for each in self._told.get("added_tokens") or ():
            found = pc.match_substring(words, each["content"], ignore_case=each.get("normalized", True))
            foreign |= found.to_numpy(zero_copy_only=False)
        places = np.flatnonzero(foreign)
        more, lengths = self._by_library(words.take(pa.array(places)).to_pylist())
        counts[places] = lengths
        begins[places] = len(ids) + np.cumsum(lengths) - lengths
        return np.concatenate([ids, more]), begins, counts

    def _by_library(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        try:
            found = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        except (TypeError, UnicodeEncodeError):  # half a surrogate pair is no character
            whole = [text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for text in texts]
            found = self._tokenizer.encode_batch_fast(whole, add_special_tokens=False)
        lists = [each.ids for each in found]
        lengths = np.fromiter(map(len, lists), np.int64, len(lists))
        return np.fromiter(itertools.chain.from_iterable(lists), np.int32, int(lengths.sum())), lengths


class _Table(NamedTuple):
    """WordPiece's tokens for the kernel.

    Args:
        data: Their bytes.
        begins: Where each begins, of those that begin words, and behind them of those that go on with one.
        ends: Where each ends.
        more: How many begin words.
        slots: The hash table.
        numbers: The id of each.
        unknown: The place of the unknown token.
        letters: (256,) uint8; what becomes of each byte of a word.
        most: Letters of a word, at most.
    """

    data: np.ndarray
    begins: np.ndarray
    ends: np.ndarray
    more: int
    slots: np.ndarray
    numbers: np.ndarray
    unknown: int
    letters: np.ndarray
    most: int

    @classmethod
    def of(cls, model: Mapping[str, Any], lower: bool) -> _Table:
        from kinfold.kernels.wordpiece import enter

        vocabulary, prefix = model["vocab"], model.get("continuing_subword_prefix", "##")
        more = [token for token in vocabulary if token.startswith(prefix) and len(token) > len(prefix)]
        names = [token.encode() for token in vocabulary] + [token[len(prefix) :].encode() for token in more]
        ends = np.cumsum([len(name) for name in names], dtype=np.int64)
        begins = np.concatenate([[0], ends[:-1]])
        data = np.frombuffer(b"".join(names) + b"\0", np.uint8).copy()
        slots = np.full(1 << (3 * len(names)).bit_length(), -1, np.int32)
        enter(data, begins, ends, len(vocabulary), slots)
        numbers = np.array([*vocabulary.values(), *(vocabulary[token] for token in more)], np.int32)
        letters = np.arange(256, dtype=np.uint8)
        if lower:
            letters[65:91] += 32
        unknown = list(vocabulary).index(model["unk_token"])
        most = int(model.get("max_input_chars_per_word", 100))
        return cls(data, begins, ends, len(vocabulary), slots, numbers, unknown, letters, most)

    def cut(self, words: pa.LargeStringArray) -> tuple[np.ndarray, np.ndarray]:
        """Ids (total,) int32 of words, and how many each has (words,) int64, FOREIGN where it was not cut."""
        from kinfold.kernels.wordpiece import pieces

        _, offsets, data = words.buffers()
        starts = np.frombuffer(offsets, np.int64, len(words) + 1, 8 * words.offset).copy()
        letters = self.letters[np.frombuffer(data, np.uint8)[starts[0] : starts[-1]]]
        starts -= starts[0]
        out, made = np.empty(len(letters), np.int32), np.empty(len(words), np.int64)
        longest = int((self.ends - self.begins).max())
        known = (self.data, self.begins, self.ends, self.more, self.slots, longest, self.most, self.unknown)
        pieces(letters, starts, *known, out, made)
        return self.numbers[out[: np.maximum(made, 0).sum()]], made


def _flat(part: Any, name: str) -> list[Mapping[str, Any]]:
    """The parts of a part of a tokenizer, which may be a sequence of them."""
    if part is None:
        return []
    return [inner for each in part[name] for inner in _flat(each, name)] if part.get("type") == "Sequence" else [part]
