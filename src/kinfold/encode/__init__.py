"""Raw things become rows of a frame that exists: new words, texts, users. To add an encoder: one file, one line here.

An encoder over a Space is a class that takes it; its `methods` are those whose Spaces it is for without being asked,
and its `things` what it takes: texts, words, or histories.

Example:
    >>> from kinfold.core.space import Space
    >>> space = Space.of(["cat", "sat"], [[1, 0], [0, 1]], group="word", method="fasttext")
    >>> encoder(space).encode(["sat", "zat"]).attribute("seen").to_pylist()
    [True, False]
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from kinfold.core.catalogue import Catalogue, Entry
from kinfold.core.errors import MissingExtra, UnknownName

if TYPE_CHECKING:
    from kinfold.core.protocols import Encoder
    from kinfold.core.space import Space

# Of several for one method, the first is taken where none is named.
ENCODERS = Catalogue(
    "encode",
    Entry("subword", "kinfold.encode.subword:Subword", "words, seen or not, from the rows of their n-grams"),
    Entry("bag", "kinfold.encode.bag:Bag", "texts as the mean of their words and n-grams, by supervised"),
    Entry("pooled", "kinfold.encode.pooled:Pooled", "texts as the weighted mean of the rows of their words"),
    Entry("inferred", "kinfold.encode.inferred:Inferred", "texts as doc2vec would have learned them"),
    Entry(
        "static", "kinfold.encode.static:Static", "texts as means of their tokens, as model2vec has it", extra="deep"
    ),
    Entry("foldin", "kinfold.encode.foldin:FoldIn", "users from what they met, items from who met them, by als"),
    Entry("transformer", "kinfold.encode.transformer:Transformer", "texts by BERT and its descendants", extra="deep"),
    Entry("floret", "kinfold.encode.floret:Floret", "any words, from the rows that floret hashes their n-grams to"),
)


def encoder(thing: Space | str | os.PathLike[str], name: str | None = None) -> Encoder[Any]:
    """What gives new things rows in the frame of a Space.

    Args:
        thing: The Space, a file of any format, or the folder of a transformer.
        name: Of `ENCODERS`; by default the first that is for the Space's method.

    Raises:
        BadFile: Nothing is there, or it cannot be read.
        BadData: It is of no known format, damaged, or not a Space that the encoder can use.
        UnknownName: There is no encoder of this name, or none for the Space's method.
    """
    from kinfold.core.space import Space

    if name is not None:
        ENCODERS.entry(name)
    if not isinstance(thing, Space):
        from kinfold.io import open
        from kinfold.io.checkpoint import is_checkpoint

        if is_checkpoint(thing):
            transformer: Encoder[Any] = ENCODERS[name or "transformer"](thing)
            return transformer
        thing = open(thing)
    made: Encoder[Any] = (_of_method(thing.card.method) if name is None else ENCODERS[name])(thing)
    return made


def _of_method(method: str) -> Any:
    known: dict[str, tuple[str, ...]] = {}
    for entry in ENCODERS:
        try:
            kind = entry.load()
        except MissingExtra:
            continue
        known[entry.name] = getattr(kind, "methods", ())
        if method in known[entry.name]:
            return kind
    offered = "; ".join(f"{name} for {', '.join(methods) or 'those that name it'}" for name, methods in known.items())
    raise UnknownName(
        f"no encoder is for vectors by '{method}' without being asked: only what has a row in them has one. "
        f"There are: {offered}. Learn with one of these methods, or name an encoder."
    )
