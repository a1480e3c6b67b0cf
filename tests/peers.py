"""Libraries beside which we are tested, and what they learned as Spaces of ours.

`pip install --group peers` installs them; a test that needs one is skipped without it.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from kinfold.core.card import Card, born
from kinfold.core.columns import lists_of, to_arrow
from kinfold.core.keys import Keys
from kinfold.core.metric import Metric
from kinfold.core.rows import Rows
from kinfold.core.space import Space
from kinfold.kernels.sparse import product
from kinfold.kernels.supervised import label_tree

# Nothing is looked for on the network, whatever a library would do by itself.
os.environ["HF_HUB_OFFLINE"] = "1"

LOSSES = {"softmax": "softmax", "ova": "one-vs-all", "ns": "negative", "hs": "hierarchical"}


def peer(name: str) -> Any:
    """The library, or a skipped test that says why."""
    return pytest.importorskip(name, reason=f"{name} is not installed; pip install --group peers")


def fasttext() -> Any:
    """The original library, or a skipped test."""
    return peer("fasttext")


def supervised_space(model, *, loss: str, word_ngrams: int = 1, min_n: int = 0, max_n: int = 0, buckets: int = 0):
    """A model that fastText trained on labels, in the layout of the house, with all of its buckets."""
    inner, outer = model.get_input_matrix(), model.get_output_matrix()
    words, word_counts = model.get_words(include_freq=True)
    labels, label_counts = model.get_labels(include_freq=True)
    label_counts = label_counts.astype(np.int64)
    composed = np.array([inner[model.get_subwords(word)[1]].mean(axis=0) for word in words])
    rows = outer
    if loss == "hs":
        starts, nodes, turns = label_tree(label_counts)
        rows = product(starts, nodes, turns.astype(np.float32) - np.float32(0.5), outer)
    sizes = {"word": len(words), "ngram": len(inner) - len(words), "label": len(labels)}
    total = len(inner) + len(labels)
    names = [*words, *map(str, range(sizes["ngram"])), *labels]
    table = {
        "count": pa.concat_arrays(
            [to_arrow(word_counts.astype(np.int64)), pa.nulls(sizes["ngram"], pa.int64()), to_arrow(label_counts)]
        ),
        "context": lists_of(outer, len(inner), total),
    }
    matrix = np.concatenate([composed, inner[len(words) :], rows]).astype(np.float32)
    parameters = {"loss": LOSSES[loss], "word_ngrams": word_ngrams, "min_n": min_n, "max_n": max_n, "buckets": buckets}
    keys = Keys(names, {name: size for name, size in sizes.items() if size})
    card = Card(born("supervised", matrix), "supervised", parameters)
    return Space(keys, Rows(matrix), Metric.DOT, card, pa.table(table))
