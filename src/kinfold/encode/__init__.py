"""Raw things become rows of a frame that exists: new words, new texts. To add an encoder: one file, one line here."""

from __future__ import annotations

from kinfold.core.catalogue import Catalogue, Entry

ENCODERS = Catalogue(
    "encode",
    Entry(
        "static", "kinfold.encode.static:Static", "texts as means of their tokens, as model2vec has it", extra="deep"
    ),
    Entry("floret", "kinfold.encode.floret:Floret", "any words, from the rows that floret hashes their n-grams to"),
)
