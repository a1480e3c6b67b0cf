"""What all encoders of texts share: how texts were cut into words, and the Space of those that have a known one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from kinfold.core.errors import BadData
from kinfold.core.keys import Keys
from kinfold.core.metric import Metric
from kinfold.core.rows import Rows
from kinfold.core.shapes import Items, Sequences
from kinfold.core.space import Space


def documents(space: Space, items: Items[Any], data: Sequences, rows: Callable[[Sequences], np.ndarray]) -> Space:
    """The Space of those texts that have a known word.

    Args:
        space: Whose frame the rows are in.
        items: The texts, with names and attributes.
        data: Their words.
        rows: `rows(data)` gives (sequences, dim) float32.

    Raises:
        BadData: No text has a known word.
    """
    texts = len(data)
    full = np.flatnonzero(np.diff(data.starts) > 0)
    if texts and not len(full):
        raise none_known(texts)
    data = data.named("document").take(full)
    assert data.names is not None
    keys = Keys.trusted(data.names.names, "document")
    card = space.card.then("encode", texts=texts, skipped=texts - len(full))
    table = None if items.table is None else items.table.take(pa.array(full))
    return Space(keys, Rows(rows(data)), Metric.COSINE, card, table)


def none_known(texts: int) -> BadData:
    """The error where no text has a known word."""
    return BadData(f"none of the {texts:,} texts has a word that this Space knows; were its words cut in another way?")
