"""Raw things become rows of a frame that exists: new words, new texts. To add an encoder: one file, one line here."""

from __future__ import annotations

from kinfold.core.catalogue import Catalogue, Entry

ENCODERS = Catalogue(
    "encode",
    Entry("bag", "kinfold.encode.bag:Bag", "texts as the mean of their words and n-grams, by supervised"),
)
