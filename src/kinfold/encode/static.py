"""Texts as means of the rows of their tokens, as model2vec and sentence-transformers have it."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kinfold.core.errors import BadData, MissingExtra
from kinfold.core.keys import Keys
from kinfold.core.progress import Progress, quiet
from kinfold.core.rows import Rows
from kinfold.core.shapes import Items
from kinfold.core.space import Space
from kinfold.core.threads import many
from kinfold.encode.over import OverSpace
from kinfold.encode.terms import Terms
from kinfold.io.static_write import tokenizer_of
from kinfold.prepare.tokenized import Tokenized

# Texts that are cut into tokens at a time, at most.
_TEXTS = 1 << 16
# And characters: long texts are fewer.
_CHARACTERS = 1 << 24


@dataclass(frozen=True, eq=False)
class Static(OverSpace):
    """Rows for texts from a Space of tokens with their tokenizer (model2vec, sentence-transformers' StaticEmbedding).

    A text is the mean of its tokens' rows, brought to unit length where the model does so. As in model2vec, tokens of a
    text beyond the model's longest are not read, and unknown ones are left out; sentence-transformers counts those.

    Args:
        space: As `kinfold.open` reads it from the folder of such a model.

    Raises:
        BadData: The Space has no tokenizer, or a damaged one.
        MissingExtra: The tokenizers library is not installed.

    Source:
        model2vec 0.10; sentence-transformers 6.2.
    """

    methods: ClassVar[tuple[str, ...]] = ("static",)

    def __post_init__(self) -> None:
        self._tokenizer  # noqa: B018 - what is wrong with it is said here

    def encode(
        self, items: Items[str] | Iterable[str], *, threads: int | None = None, progress: Progress = quiet
    ) -> Space:
        """Rows of some texts, in the frame of the tokens; those without a known token are left out and counted.

        Args:
            items: Texts; their names, or numbers from 0, become the keys.
            threads: How many add up rows at once; as many as there are processors by default.
            progress: Told of how many texts are done.

        Returns:
            A Space of the group `document`.

        Raises:
            BadData: One of the things is no string, or no text has a known token.
        """
        items = Items.of(items)
        progress.start("encode", None, "texts")
        parts: list[np.ndarray] = []
        full: list[np.ndarray] = []
        texts = 0
        for batch in _batches(items.raw):
            rows, known = self._means(batch, threads)
            parts.append(rows)
            full.append(known + texts)
            texts += len(batch)
            progress.advance(len(batch))
        kept = np.concatenate([np.zeros(0, np.int64), *full])
        if texts and not len(kept):
            raise BadData(f"none of the {texts:,} texts has a token that this Space knows.")
        if items.keys is not None and len(items.keys) != texts:
            raise BadData(f"{len(items.keys):,} names do not go with {texts:,} texts.")
        names = (
            Keys([str(place) for place in kept.tolist()], "document") if items.keys is None else items.keys.take(kept)
        )
        rows = np.concatenate([np.zeros((0, self.dim), np.float32), *parts])
        card = self.space.card.then("encode", texts=texts, skipped=texts - len(kept))
        return Space(Keys.trusted(names.names, "document"), Rows(rows), self.space.metric, card)

    def terms(self, thing: str) -> Terms:
        """What a text's row is the sum of: the rows of its tokens."""
        ids, _ = self.tokenized.ids([thing[: self._longest] if self._longest else thing], 1)
        rows = self.space.rows.take(ids.astype(np.int64)) / np.float64(max(len(ids), 1))
        if self.space.card.parameters.get("normalize"):
            rows /= np.linalg.norm(rows.sum(axis=0)) + 1e-32
        return Terms([self.space.keys[each] for each in ids.tolist()], rows)

    @property
    def _trims(self) -> bool:
        """Whether unknown tokens and what is too long are left out as model2vec does it."""
        return self.space.card.parameters.get("format") == "model2vec"

    @functools.cached_property
    def _longest(self) -> int | None:
        """Characters of a text that are looked at: model2vec reckons with tokens of the median length."""
        most = self.space.card.parameters.get("max_length")
        lengths = [len(token) for token in self.space.keys]
        return most * int(np.median(lengths)) if self._trims and most and lengths else None

    @functools.cached_property
    def _tokenizer(self) -> Any:
        import json

        try:
            from tokenizers import Tokenizer
        except ModuleNotFoundError as error:
            raise MissingExtra(
                "texts are cut by tokenizers, which is not installed: pip install 'kinfold[deep]'."
            ) from error
        try:
            made = Tokenizer.from_str(json.dumps(tokenizer_of(self.space), ensure_ascii=False))
        except BadData:
            raise
        except Exception as error:  # the library's own errors have no other class
            raise BadData(f"the tokenizer of this Space cannot be used: {error}.") from error
        return made

    @functools.cached_property
    def _unknown(self) -> int:
        """The row of the token that stands for unknown ones, where it is left out; else -1."""
        model = tokenizer_of(self.space)["model"]
        if not self._trims:
            return -1
        found = model["unk_id"] if "unk_id" in model else self._tokenizer.token_to_id(model.get("unk_token") or "")
        return -1 if found is None else int(found)

    @functools.cached_property
    def tokenized(self) -> Tokenized:
        """What cuts texts into tokens."""
        most = self.space.card.parameters.get("max_length") if self._trims else None
        return Tokenized(self._tokenizer, tokenizer_of(self.space), most, self._unknown)

    @functools.cached_property
    def _rows(self) -> np.ndarray:
        """All rows as float32, once there are so many texts that most of them occur."""
        rows: np.ndarray = self.space.rows.dense()
        return rows

    def _means(self, texts: list[str], threads: int | None) -> tuple[np.ndarray, np.ndarray]:
        """Means of the texts that have a token, and which those are."""
        from kinfold.kernels.sparse import product

        cut = [text[: self._longest] for text in texts] if self._longest else texts
        columns, starts = self.tokenized.ids(cut, threads)
        lengths = np.diff(starts)
        full = np.flatnonzero(lengths)
        if len(columns) >= len(self.space):
            held = self._rows
        else:
            # Only the rows that occur: what is mapped or coded is not unfolded for a few texts.
            some, columns = np.unique(columns, return_inverse=True)
            held = self.space.rows.take(some)
        starts = np.concatenate([[0], starts[1:][full]])
        shares = np.repeat((1 / np.maximum(lengths[full], 1)).astype(np.float32), lengths[full])
        rows = product(starts, columns.astype(np.int32, copy=False), shares, held, many(threads))
        if self.space.card.parameters.get("normalize"):
            rows /= np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None] + np.float32(1e-32)
        return rows, full


def _batches(raw: Iterable[str]) -> Iterator[list[str]]:
    """Texts, some megabytes at a time.

    Raises:
        BadData: One of the things is no string.
    """
    batch: list[str] = []
    size = done = 0
    for text in raw:
        if not isinstance(text, str):
            raise BadData(f"text {done + len(batch):,} is {type(text).__name__}; texts are strings.")
        batch.append(text)
        size += len(text)
        if len(batch) >= _TEXTS or size >= _CHARACTERS:
            yield batch
            done += len(batch)
            batch, size = [], 0
    if batch:
        yield batch
