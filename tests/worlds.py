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


def accents(words=240, dim=12, noise=0.1, seed=0) -> tuple[Space, Space]:
    """One world in two accents: row i is `a<i>` here, and turned, moved a little and with noise `b<i>` there.

    The rows stand in crowds of six; lengths differ, and the more frequent a word is, the longer is its row.
    """
    rng = np.random.default_rng(seed)
    rows = np.repeat(rng.normal(size=(words // 6, dim)), 6, axis=0) + 0.6 * rng.normal(size=(words, dim)) + 0.3
    rows *= np.linspace(2, 0.5, words)[:, None]
    turn, _ = np.linalg.qr(rng.normal(size=(dim, dim)))
    there = rows @ turn + noise * np.linalg.norm(rows, axis=1)[:, None] * rng.normal(size=rows.shape) / np.sqrt(dim)
    counts = np.arange(words, 0, -1)
    return (
        Space.of([f"a{i}" for i in range(words)], rows, group="word").with_attribute("count", counts),
        Space.of([f"b{i}" for i in range(words)], 3 * there, group="word").with_attribute("count", counts),
    )


def partners(source, target) -> float:
    """Share of the rows of one accent, in the frame of the other, whose nearest row there is their own."""
    hits = target.nearest_many(source.vectors(list(source.keys)), 1)
    return float(np.mean([each.keys[0][1:] == key[1:] for key, each in zip(source.keys, hits, strict=True)]))


def leaning(words=400, pairs=10, dim=16, hidden=0.8, metric="cosine", seed=0) -> Space:
    """Pairs `she<i>` and `he<i>` that differ along the first coordinate; words `w<i>` lean along it, and so do others.

    What a word leans by (attribute `leans`) is also in its second coordinate, `hidden` times, where no pair differs.
    The kind is `she` or `he` by the side, missing for the pairs.
    """
    rng = np.random.default_rng(seed)
    base = 0.5 * rng.normal(size=(pairs, dim))
    base[:, 0] = 0
    across = np.eye(dim)[0]
    leans = rng.uniform(-1, 1, words)
    rows = 0.4 * rng.normal(size=(words, dim)) + np.outer(leans, across + hidden * np.eye(dim)[1])
    keys = [*(f"she{i}" for i in range(pairs)), *(f"he{i}" for i in range(pairs)), *(f"w{i}" for i in range(words))]
    space = Space.of(keys, np.concatenate([base + across, base - across, rows]), group="word", metric=metric)
    missing = [None] * 2 * pairs
    space = space.with_attribute("leans", [*missing, *leans.tolist()])
    return space.with_attribute("side", [*missing, *("she" if each > 0 else "he" for each in leans)])


PAIRS = [(f"she{i}", f"he{i}") for i in range(10)]
MEANT = [word for pair in PAIRS for word in pair]
