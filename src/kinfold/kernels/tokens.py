"""Text bytes to word ids in one pass: characters are classed, lower-cased and hashed as they are read.

A vocabulary is a set of arrays: `slots` (open addressing; the high half is the hash's, the low half the word's id + 1),
`hashes`, `counts` and `firsts` of each word, and its bytes `arena[offsets[word]:offsets[word + 1]]`.
A word that is being read is written behind the last one of the arena, so that a new word is already in its place.
The kernels stop where the table is half full; the caller grows it and calls again.
"""

from __future__ import annotations

import numpy as np

from kinfold.kernels._jit import inline, jit

# Places in `state`: the next byte (or token), tokens made, the text being read, and words known.
AT, MADE, TEXT, WORDS = 0, 1, 2, 3

# What a character is, in the low bits of its entry: between words, a part of any, of one that has begun, or of one
# that goes on behind it.
APART, LETTER, MARK, JOINER = 0, 1, 2, 3

_SEED = np.uint64(14695981039346656037)
_PRIME = np.uint64(1099511628211)
_MIX = np.uint64(0xBF58476D1CE4E5B9)


@inline
def _finish(value):
    value ^= value >> np.uint64(31)
    value *= _MIX
    return value ^ (value >> np.uint64(29))


@inline
def _width(byte):
    """Bytes of the character that this byte begins."""
    if byte < 0x80:
        return 1
    if byte < 0xE0:
        return 2
    return 3 if byte < 0xF0 else 4


@inline
def _point(data, at):
    """The code point at a place of valid UTF-8."""
    byte = np.int64(data[at])
    if byte < 0x80:
        return byte
    if byte < 0xE0:
        return (byte & 0x1F) << 6 | (np.int64(data[at + 1]) & 0x3F)
    if byte < 0xF0:
        return (byte & 0x0F) << 12 | (np.int64(data[at + 1]) & 0x3F) << 6 | (np.int64(data[at + 2]) & 0x3F)
    return (
        (byte & 0x07) << 18
        | (np.int64(data[at + 1]) & 0x3F) << 12
        | (np.int64(data[at + 2]) & 0x3F) << 6
        | (np.int64(data[at + 3]) & 0x3F)
    )


@jit
def _put(point, arena, tail):
    """Writes a code point as UTF-8; returns the place behind it."""
    if point < 0x80:
        arena[tail] = point
        return tail + 1
    if point < 0x800:
        arena[tail] = 0xC0 | point >> 6
        arena[tail + 1] = 0x80 | (point & 0x3F)
        return tail + 2
    if point < 0x10000:
        arena[tail] = 0xE0 | point >> 12
        arena[tail + 1] = 0x80 | (point >> 6 & 0x3F)
        arena[tail + 2] = 0x80 | (point & 0x3F)
        return tail + 3
    arena[tail] = 0xF0 | point >> 18
    arena[tail + 1] = 0x80 | (point >> 12 & 0x3F)
    arena[tail + 2] = 0x80 | (point >> 6 & 0x3F)
    arena[tail + 3] = 0x80 | (point & 0x3F)
    return tail + 4


@jit
def _enter(value, tail, words, slots, hashes, counts, firsts, arena, offsets):
    """The id of the word `arena[offsets[words]:tail]`; equal to `words` where it is new."""
    mask = np.uint64(len(slots) - 1)
    start = offsets[words]
    size = tail - start
    tag = np.int64(value >> np.uint64(32))
    at = value & mask
    while slots[at] != 0:
        if slots[at] >> 32 & 0xFFFFFFFF == tag:
            word = (slots[at] & 0xFFFFFFFF) - 1
            there = offsets[word]
            if offsets[word + 1] - there == size:
                same = True
                for step in range(size):
                    if arena[there + step] != arena[start + step]:
                        same = False
                        break
                if same:
                    counts[word] += 1
                    return word
        at = (at + np.uint64(1)) & mask
    slots[at] = tag << 32 | (words + 1)
    hashes[words] = value
    counts[words] = 1
    offsets[words + 1] = tail
    return words


@jit
def scan(
    data, ends, ascii_letters, pages, points, order, state, slots, hashes, counts, firsts, arena, offsets, ids, id_ends
):
    """Finds the tokens of texts and their ids.

    A token is a LETTER, then any LETTER, MARK, or JOINER that a LETTER follows at once.

    Args:
        data: Valid UTF-8, uint8.
        ends: Where each text ends (texts,) int64.
        ascii_letters: (256,) uint8; what a LETTER below 128 becomes, 0 for all else.
        pages: (4352,) int32; where in `points` the entries of 256 code points begin.
        points: int32; what is added to a code point << 2 | its class.
        order: int64 before all tokens of this block, after those of earlier ones.
        state: (4,) int64; where to go on, and how far it came.
        slots: (a power of two,) int64.
        hashes: uint64; with `counts`, `firsts`, `offsets` it has room for half as many words as there are slots.
        counts: int64.
        firsts: int64; `order` + the token's number where the word was first seen.
        arena: uint8, with room for two times `data`.
        offsets: int64.
        ids: int32, out, with room for (len(data) + 1) // 2 tokens.
        id_ends: (texts,) int64, out; tokens up to the end of each text.

    Returns:
        Whether all was read; if not, the table is half full.
    """
    at, made, words = state[AT], state[MADE], state[WORDS]
    room = len(slots) // 2
    complete = True
    while state[TEXT] < len(ends):
        end = ends[state[TEXT]]
        while at < end:
            if ascii_letters[data[at]] == 0:
                if data[at] < 0x80:
                    at += 1
                    continue
                entry = points[pages[_point(data, at) >> 8] + (_point(data, at) & 255)]
                if entry & 3 != LETTER:
                    at += _width(data[at])
                    continue
            if words >= room:
                complete = False
                break
            value = _SEED
            tail = offsets[words]
            while at < end:
                letter = ascii_letters[data[at]]
                if letter != 0:
                    arena[tail] = letter
                    tail += 1
                    value = (value ^ np.uint64(letter)) * _PRIME
                    at += 1
                    continue
                point = _point(data, at)
                entry = points[pages[point >> 8] + (point & 255)]
                kind = entry & 3
                if kind == APART:
                    break
                after = at + _width(data[at])
                became = point + (entry >> 2)
                if kind == JOINER:
                    if after >= end:
                        break
                    point = _point(data, after)
                    if points[pages[point >> 8] + (point & 255)] & 3 != LETTER:
                        break
                at = after
                stop = _put(became, arena, tail)
                while tail < stop:
                    value = (value ^ np.uint64(arena[tail])) * _PRIME
                    tail += 1
            word = _enter(_finish(value), tail, words, slots, hashes, counts, firsts, arena, offsets)
            if word == words:
                firsts[word] = order + made
                words += 1
            ids[made] = word
            made += 1
        if not complete:
            break
        id_ends[state[TEXT]] = made
        state[TEXT] += 1
    state[AT], state[MADE], state[WORDS] = at, made, words
    return complete


@jit
def enter(data, starts, pages, points, order, state, slots, hashes, counts, firsts, arena, offsets, ids):
    """The ids of tokens that are cut already.

    Args:
        data: Valid UTF-8, uint8.
        starts: (tokens + 1,) int64 into `data`.
        pages: As of `scan`; empty where the tokens are to be taken as they are.
        points: As of `scan`; classes are ignored.
        order: As of `scan`.
        state: As of `scan`; AT and MADE are both the token's number, TEXT is not used.
        slots: As of `scan`, and so the rest.
        hashes: As of `scan`.
        counts: As of `scan`.
        firsts: As of `scan`.
        arena: As of `scan`.
        offsets: As of `scan`.
        ids: (tokens,) int32, out.

    Returns:
        Whether all was read; if not, the table is half full.
    """
    words = state[WORDS]
    room = len(slots) // 2
    while state[MADE] < len(starts) - 1:
        if words >= room:
            break
        token = state[MADE]
        value = _SEED
        tail = offsets[words]
        at, end = starts[token], starts[token + 1]
        while at < end:
            if len(pages) == 0:
                stop = tail + 1
                arena[tail] = data[at]
                at += 1
            else:
                point = _point(data, at)
                stop = _put(point + (points[pages[point >> 8] + (point & 255)] >> 2), arena, tail)
                at += _width(data[at])
            while tail < stop:
                value = (value ^ np.uint64(arena[tail])) * _PRIME
                tail += 1
        word = _enter(_finish(value), tail, words, slots, hashes, counts, firsts, arena, offsets)
        if word == words:
            firsts[word] = order + token
            words += 1
        ids[token] = word
        state[MADE] += 1
    state[AT], state[WORDS] = state[MADE], words
    return state[MADE] == len(starts) - 1


@jit
def refill(hashes, words, slots):
    """Puts words 0..words - 1 into an empty table."""
    mask = np.uint64(len(slots) - 1)
    for word in range(words):
        at = hashes[word] & mask
        while slots[at] != 0:
            at = (at + np.uint64(1)) & mask
        slots[at] = np.int64(hashes[word] >> np.uint64(32)) << 32 | (word + 1)


@jit
def renumber(ids, starts, first, last, begin, numbers, tokens, texts):
    """Gives the ids of some texts their final numbers, in place; words without one are dropped, and texts left empty.

    Args:
        ids: (total,) int32.
        starts: (texts + 1,) int64; `starts[t + 1]` is the end of text t until that is renumbered.
        first: The first of these texts.
        last: The one behind the last of them.
        begin: Where the first one begins in `ids`.
        numbers: (words,) int32, -1 for a word that is left out.
        tokens: Tokens of earlier texts that were kept; at most `begin`.
        texts: Earlier texts that were kept; at most `first`.

    Returns:
        Where the last one ended in `ids`; tokens and texts kept so far, with these.
    """
    at = begin
    for text in range(first, last):
        end = starts[text + 1]
        kept = tokens
        while at < end:
            number = numbers[ids[at]]
            at += 1
            if number >= 0:
                ids[tokens] = number
                tokens += 1
        if tokens > kept:
            texts += 1
            starts[texts] = tokens
    return at, tokens, texts
