"""Neighbors in sequences: how often each pair occurs, and sequences in which chosen pairs are one."""

from __future__ import annotations

import numpy as np

from kinfold.kernels._jit import inline, jit

# Places in `state`: the sequence, the place in `ids`, the pairs known.
SEQUENCE, AT, KNOWN = 0, 1, 2

_MIX = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)


@inline
def _slot(key, size):
    value = np.uint64(key) * _MIX
    return np.int64((value ^ (value >> _HALF)) & np.uint64(size - 1))


@jit
def count_pairs(ids, starts, frequent, state, keys, counts):
    """Counts neighbors of which both are frequent.

    Args:
        ids: (total,) int32.
        starts: (sequences + 1,) int64.
        frequent: (words,) bool.
        state: (3,) int64, zeros at first; where to go on.
        keys: (a power of two,) int64; first word << 32 | second + 1, 0 is free.
        counts: int64, as long.

    Returns:
        Whether all was read; if not, the table is half full.
    """
    room = len(keys) // 2
    at, known = state[AT], state[KNOWN]
    for sequence in range(state[SEQUENCE], len(starts) - 1):
        at = max(at, starts[sequence])
        while at < starts[sequence + 1] - 1:
            first, second = np.int64(ids[at]), np.int64(ids[at + 1])
            if frequent[first] and frequent[second]:
                key = first << 32 | (second + 1)
                slot = _slot(key, len(keys))
                while keys[slot] != 0 and keys[slot] != key:
                    slot = (slot + 1) & (len(keys) - 1)
                if keys[slot] == 0:
                    if known >= room:
                        state[SEQUENCE], state[AT], state[KNOWN] = sequence, at, known
                        return False
                    keys[slot] = key
                    known += 1
                counts[slot] += 1
            at += 1
    return True


@jit
def put_pairs(keys, values, to_keys, to_values):
    """Puts pairs (0 is none) and what belongs to them into an empty table."""
    for at in range(len(keys)):
        if keys[at] != 0:
            slot = _slot(keys[at], len(to_keys))
            while to_keys[slot] != 0:
                slot = (slot + 1) & (len(to_keys) - 1)
            to_keys[slot] = keys[at]
            to_values[slot] = values[at]


@jit
def join_pairs(ids, starts, keys, values, out, out_starts, counts, firsts):
    """Replaces pairs that are in a table by one id, from left to right; a word is used once.

    Args:
        ids: (total,) int32.
        starts: (sequences + 1,) int64.
        keys: As of `count_pairs`.
        values: The id that a pair becomes, int64.
        out: (total,) int32.
        out_starts: (sequences + 1,) int64, out.
        counts: (ids,) int64 zeros, out; how often each id is in `out`.
        firsts: (ids,) int64, out; where each id is first in `out`, if it is.

    Returns:
        How many ids were written.
    """
    made = 0
    out_starts[0] = 0
    for sequence in range(len(starts) - 1):
        at, end = starts[sequence], starts[sequence + 1]
        while at < end:
            word = np.int64(ids[at])
            at += 1
            if at < end:
                key = word << 32 | (np.int64(ids[at]) + 1)
                slot = _slot(key, len(keys))
                while keys[slot] != 0 and keys[slot] != key:
                    slot = (slot + 1) & (len(keys) - 1)
                if keys[slot] == key:
                    word = values[slot]
                    at += 1
            if counts[word] == 0:
                firsts[word] = made
            counts[word] += 1
            out[made] = word
            made += 1
        out_starts[sequence + 1] = made
    return made


@jit
def rename(ids, numbers):
    """Replaces each id by its number, in place."""
    for at in range(len(ids)):
        ids[at] = numbers[ids[at]]
