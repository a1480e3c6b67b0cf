"""Texts as ids of a transformer's tokens, by the tokenizer in its folder."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from kinfold.core.errors import BadData, BadFile, MissingExtra
from kinfold.io.checkpoint import Checkpoint

# Of a text that will be cut, no more characters are looked at than this many a token.
_CHARACTERS = 64
_LEAST_CHARACTERS = 100_000


class Pieces:
    """The tokenizer of a model.

    Args:
        checkpoint: The model.
        max_length: Tokens of a text that are kept, with the special ones.

    Raises:
        BadFile: The folder has no tokenizer.
        BadData: The tokenizer is damaged, or is that of another model.
        MissingExtra: The tokenizers library is not installed.
    """

    def __init__(self, checkpoint: Checkpoint, max_length: int) -> None:
        self._checkpoint = checkpoint
        self.max_length = max_length
        self._tokenizer = _tokenizer(checkpoint)
        most = checkpoint.config.get("vocab_size")
        if isinstance(most, int):
            last = max(self._tokenizer.get_vocab(with_added_tokens=True).values(), default=0)
            if last >= most:
                raise BadData(
                    f"{checkpoint.body}: the tokenizer does not match the model: it gives ids up to {last:,}, and the "
                    f"model has rows for {most:,}. Put the tokenizer that the model was trained with beside it."
                )
        self._tokenizer.no_padding()

    def ids(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Ids (L,) int32 of each text, with special tokens, at most `max_length`."""
        self._tokenizer.enable_truncation(self.max_length)
        most = max(_LEAST_CHARACTERS, _CHARACTERS * self.max_length)
        # Leading white space is no token; a text of megabytes is not read to its end to keep its beginning.
        cut = [text.lstrip()[:most] if len(text) > most else text for text in texts]
        return [np.array(each.ids, np.int32) for each in self._encoded(cut)]

    def whole(self, texts: Sequence[str]) -> list[tuple[np.ndarray, np.ndarray]]:
        """Ids (L,) int32 and places (L, 2) int64 in the text of all tokens, without special ones."""
        self._tokenizer.no_truncation()
        found = self._encoded(texts, add_special_tokens=False, offsets=True)
        return [(np.array(each.ids, np.int32), np.array(each.offsets, np.int64).reshape(-1, 2)) for each in found]

    def of_words(self, words: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Ids (L,) int32 of a text that is cut into words, without special ones, and the word (L,) int64 of each."""
        self._tokenizer.no_truncation()
        clean = [_plain(word) for word in words]
        found = self._tokenizer.encode(clean, is_pretokenized=True, add_special_tokens=False)
        return np.array(found.ids, np.int32), np.array([-1 if at is None else at for at in found.word_ids], np.int64)

    def pairs(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[np.ndarray, np.ndarray]]:
        """Ids (L,) int32 of pairs of texts, read one after the other, and which of the two (L,) int32 each is of.

        Of a pair that is too long the longer text is cut.
        """
        self._tokenizer.enable_truncation(self.max_length, strategy="longest_first")
        clean = [(_plain(a), _plain(b)) for a, b in pairs]
        found = self._tokenizer.encode_batch_fast(clean)
        return [(np.array(each.ids, np.int32), np.array(each.type_ids, np.int32)) for each in found]

    @functools.cached_property
    def special(self) -> tuple[np.ndarray, np.ndarray]:
        """The ids that stand before and behind every text: (b,) and (e,) int32."""
        self._tokenizer.no_truncation()
        found = self._tokenizer.encode("a")
        mask = np.array(found.special_tokens_mask, bool)
        ids = np.array(found.ids, np.int32)
        inner = np.flatnonzero(~mask)
        if not len(inner):
            return ids, ids[:0]
        return ids[: inner[0]], ids[inner[-1] + 1 :]

    @functools.cached_property
    def padding(self) -> int:
        """The id that fills up."""
        told = self._checkpoint.config.get("pad_token_id")
        return told if isinstance(told, int) else 0

    @property
    def told(self) -> dict[str, Any]:
        """The tokenizer as its file says it."""
        found: dict[str, Any] = json.loads(self._tokenizer.to_str())
        return found

    def tokens(self, ids: np.ndarray) -> list[str]:
        """The tokens of some ids."""
        return [self._tokenizer.id_to_token(each) or "" for each in ids.tolist()]

    def _encoded(self, texts: Sequence[str], *, offsets: bool = False, **how: Any) -> list[Any]:
        many = self._tokenizer.encode_batch if offsets else self._tokenizer.encode_batch_fast
        try:
            found: list[Any] = many(list(texts), **how)
        except (TypeError, UnicodeEncodeError):  # half a surrogate pair is no character
            found = many([_plain(text) for text in texts], **how)
        return found


def _plain(text: str) -> str:
    """The text with U+FFFD where it has half a surrogate pair."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _tokenizer(checkpoint: Checkpoint) -> Any:
    try:
        from tokenizers import Tokenizer
    except ModuleNotFoundError as error:
        raise MissingExtra(
            "texts are cut by tokenizers, which is not installed: pip install 'kinfold[deep]'."
        ) from error
    place = checkpoint.body / "tokenizer.json"
    if place.exists():
        try:
            return Tokenizer.from_file(str(place))
        except Exception as error:  # the library's own errors have no other class
            raise BadData(f"{place}: no tokenizer, or a damaged one ({error}).") from error
    older = [
        name
        for name in ("vocab.txt", "vocab.json", "sentencepiece.bpe.model", "spiece.model")
        if (checkpoint.body / name).exists()
    ]
    if not older:
        raise BadFile(f"{place}: no such file; a model needs the tokenizer that it was trained with.")
    try:
        from transformers import AutoTokenizer

        made = AutoTokenizer.from_pretrained(checkpoint.body, local_files_only=True, trust_remote_code=False)
        return made.backend_tokenizer
    except ModuleNotFoundError as error:
        raise MissingExtra("a tokenizer of the old form needs transformers: pip install 'kinfold[deep]'.") from error
    except Exception as error:  # what can be wrong with such files has no common class
        raise BadData(f"{checkpoint.body / older[0]}: cannot be used as a tokenizer ({error}).") from error
