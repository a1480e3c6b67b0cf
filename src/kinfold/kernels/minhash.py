"""Texts as sets of shingles, and which of them are likely to be alike: MinHash signatures, cut into bands.

Source:
    Broder 1997 (shingles, resemblance); Leskovec, Rajaraman, Ullman 2014, chapter 3 (bands).
"""

from __future__ import annotations

import numpy as np

_MIX1, _MIX2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_STEP = np.uint64(0x9E3779B97F4A7C15)
# Of a bucket, a text is compared with so many that follow it: a bucket of thousands is one crowd anyway.
_FOLLOWING = 200
_HASHES = 128
_MISSED = 0.005


def shingles(ids: np.ndarray, starts: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The sets of runs of `size` tokens of each text, as 64-bit hashes; a shorter text is one run of all its tokens.

    Args:
        ids: Tokens of all texts (total,) int32.
        starts: (texts + 1,) int64.
        size: Tokens of a run.

    Returns:
        Hashes (m,) uint64, ascending within each text and each once, and starts (texts + 1,) int64.
    """
    lengths = np.diff(starts)
    runs = np.where(lengths > 0, np.maximum(lengths - size + 1, 1), 0)
    owner = np.repeat(np.arange(len(lengths)), runs)
    firsts = np.concatenate([[0], np.cumsum(runs)])
    begin = starts[:-1][owner] + np.arange(firsts[-1]) - firsts[:-1][owner]
    stop = starts[1:][owner]
    hashes = np.zeros(len(owner), np.uint64)
    for step in range(size):
        inside = begin + step < stop
        token = ids[np.where(inside, begin + step, 0)].astype(np.uint64) + np.uint64(1) if len(ids) else hashes
        hashes = _mixed(hashes * np.uint64(31) + np.where(inside, token, np.uint64(0)) + _STEP)
    order = np.lexsort((hashes, owner))
    hashes, owner = hashes[order], owner[order]
    new = np.ones(len(hashes), np.bool_)
    new[1:] = (hashes[1:] != hashes[:-1]) | (owner[1:] != owner[:-1])
    hashes, owner = hashes[new], owner[new]
    return hashes, np.searchsorted(owner, np.arange(len(lengths) + 1)).astype(np.int64)


def bands(threshold: float, hashes: int = _HASHES) -> tuple[int, int]:
    """How many bands, and hashes of each, find two sets of a Jaccard similarity all but once in 200 times."""
    for each in range(16, 1, -1):
        count = hashes // each
        if (1 - threshold**each) ** count <= _MISSED:
            return count, each
    return hashes, 1


def candidates(hashes: np.ndarray, starts: np.ndarray, threshold: float, seed: int = 0) -> np.ndarray:
    """Pairs (m, 2) int64 of sets that agree in a band of their signatures, each once, the smaller number first.

    Args:
        hashes: Of all sets (total,) uint64.
        starts: (sets + 1,) int64; empty sets are in no pair.
        threshold: The Jaccard similarity that is looked for.
        seed: Of the hashes.
    """
    full = np.flatnonzero(np.diff(starts) > 0)
    count, each = bands(threshold)
    seeds = np.random.default_rng(seed).integers(0, 1 << 63, (count, each), dtype=np.uint64)
    found = [np.zeros(0, np.int64)]
    size = len(starts) - 1
    for band in seeds:
        key = np.zeros(len(full), np.uint64)
        for own in band:
            least = np.minimum.reduceat(_mixed(hashes ^ own), starts[full]) if len(full) else key
            key = _mixed(key * np.uint64(31) + least)
        found.append(_agreeing(key, full, size))
    every = np.unique(np.concatenate(found))
    return np.stack([every // max(size, 1), every % max(size, 1)], axis=1)


def agreeing(keys: np.ndarray) -> np.ndarray:
    """Pairs (m, 2) int64 of rows that agree in a column of keys (n, bands) uint64, each once, the smaller first."""
    size = len(keys)
    found = [_agreeing(column, np.arange(size), size) for column in keys.T]
    every = np.unique(np.concatenate([np.zeros(0, np.int64), *found]))
    return np.stack([every // max(size, 1), every % max(size, 1)], axis=1)


def _agreeing(key: np.ndarray, there: np.ndarray, size: int) -> np.ndarray:
    """Pairs of things, as first * size + second, that have the same key (n,); `there` ascends."""
    order = np.argsort(key, kind="stable")
    key, there = key[order], there[order]
    found = [np.zeros(0, np.int64)]
    for apart in range(1, _FOLLOWING + 1):
        same = np.flatnonzero(key[apart:] == key[:-apart])
        if not len(same):
            break
        found.append(there[same] * size + there[same + apart])
    return np.concatenate(found)


def jaccard(hashes: np.ndarray, starts: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """The exact Jaccard similarity (m,) float64 of pairs (m, 2) of sets."""
    import scipy.sparse as sparse

    _, columns = np.unique(hashes, return_inverse=True)
    shape = (len(starts) - 1, int(columns.max(initial=0)) + 1)
    sets = sparse.csr_array((np.ones(len(columns), np.int32), columns, starts), shape)
    sizes = np.diff(starts)
    found = np.zeros(len(pairs))
    for begin in range(0, len(pairs), 1 << 16):
        some = pairs[begin : begin + (1 << 16)]
        both = np.asarray(sets[some[:, 0]].multiply(sets[some[:, 1]]).sum(axis=1)).ravel()
        found[begin : begin + len(some)] = both / np.maximum(sizes[some].sum(axis=1) - both, 1)
    return found


def _mixed(values: np.ndarray) -> np.ndarray:
    """Numbers (n,) uint64 whose bits all depend on each other (splitmix64)."""
    values = (values ^ (values >> np.uint64(30))) * _MIX1
    values = (values ^ (values >> np.uint64(27))) * _MIX2
    mixed: np.ndarray = values ^ (values >> np.uint64(31))
    return mixed
