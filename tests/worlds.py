"""Data with a known answer."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sparse

from kinfold.core.keys import Keys
from kinfold.core.shapes import Counts, Labeled, Sequences
from kinfold.core.space import Space


def blocks(groups=4, size=12, sentences=1500, length=8, seed=0) -> Sequences:
    """Keys of a block stand together in sequences, keys of different blocks never do: `b2_7` is number 7 of block 2."""
    rng = np.random.default_rng(seed)
    names = [f"b{block}_{number}" for block in range(groups) for number in range(size)]
    ids = [block * size + rng.integers(0, size, length) for block in rng.integers(0, groups, sentences)]
    starts = np.arange(sentences + 1, dtype=np.int64) * length
    return Sequences(Keys(names, "word"), np.concatenate(ids).astype(np.int32), starts)


def labeled_blocks(groups=4, size=12, sentences=1500, length=8, seed=0) -> Labeled:
    """The sequences of the same world, each with the name of its block as its label."""
    texts = blocks(groups, size, sentences, length, seed)
    labels = Keys([f"b{block}" for block in range(groups)], "label")
    ids = (texts.ids[texts.starts[:-1]] // size).astype(np.int32)
    return Labeled(texts, Sequences(labels, ids, np.arange(sentences + 1, dtype=np.int64)))


def block_counts(groups=4, size=12, seed=0) -> Counts:
    """Counts of the same world: dense within a block, with some noise between blocks (GloVe sees no zeros)."""
    rng = np.random.default_rng(seed)
    keys = blocks(groups, size, 1).keys
    block = np.repeat(np.arange(groups), size)
    values = np.where(
        block[:, None] == block, rng.poisson(20, (len(keys), len(keys))), rng.random((len(keys), len(keys))) < 0.2
    )
    values = np.triu(values) + np.triu(values, 1).T
    return Counts(keys, keys, sparse.csr_array(values.astype(np.float32)))


def same_block(space, k=5) -> float:
    """Share of the k nearest rows to each key that are of its block."""
    hits = space.nearest_many(list(space.keys), k)
    return float(np.mean([key.split("_")[0] == each.query.split("_")[0] for each in hits for key in each.keys]))


def crowds(kinds=5, size=200, dim=8, metric="cosine", seed=0) -> Space:
    """Rows around far-apart centers, row i of the kind i % kinds; `k2_17` is row 17, of the kind 2."""
    rng = np.random.default_rng(seed)
    kind = np.arange(size) % kinds
    centers, _ = np.linalg.qr(rng.normal(size=(dim, kinds)))
    rows = 4 * centers.T[kind] + 0.3 * rng.normal(size=(size, dim))
    keys = [f"k{each}_{number}" for number, each in enumerate(kind)]
    return Space.of(keys, rows, metric=metric).with_attribute("kind", kind)
