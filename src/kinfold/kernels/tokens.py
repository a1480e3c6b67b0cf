"""Text bytes to word ids: tokens are cut and lower-cased in a copy of the text, then counted in a hash table.

A vocabulary is four arrays: `slots`, a table with open addressing (the high half of a slot is the hash's, the low half
the word's number + 1; 0 is free), `words` with a row for each word, their bytes one after another in `arena`, and
`firsts`, where each was first met. `enter` stops where the table is half full; the caller grows it and calls again.

Arrays that are read eight bytes at a time have eight more than they need.
"""

from __future__ import annotations

import numpy as np

from kinfold.kernels._bytes import eight, point_at, point_width, put_point, trailing_zeros
from kinfold.kernels._jit import inline, jit
from kinfold.kernels._simd import prefetch

# Columns of `words`: the first eight bytes, where it begins in the arena, its bytes, how often it was met.
HEAD, START, SIZE, COUNT = 0, 1, 2, 3

# Places in `state`: words known, bytes of the arena in use, tokens done.
WORDS, USED, DONE = 0, 1, 2

# What a character is, in the low bits of its entry: between tokens, a part of any, of one that has begun, or of one
# that goes on behind it.
APART, LETTER, MARK, JOINER = 0, 1, 2, 3

# In place of a letter: no letter, or a character that has to be looked up.
_NONE, _LOOK = 0, 1

# Tokens between asking for a slot and using it.
_AHEAD = 8

_SEED = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xBF58476D1CE4E5B9)
_HALF = np.uint64(32)
_ONE = np.uint64(1)
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_BELOW_TWO = np.uint64(0x0202020202020202)
_TOPS = np.uint64(0x8080808080808080)


@inline
def _some(data, at, size):
    """The first `size` bytes at a place, at least 1; at most eight, and zeros behind them."""
    # A shift and no branch: how long a word is cannot be foreseen.
    return eight(data, at) & (_ALL >> np.uint64(64 - 8 * min(size, 8)))


@inline
def _hash(data, start, stop):
    value = _SEED
    for at in range(start, stop, 8):
        value = (value ^ _some(data, at, stop - at)) * _MIX
        value ^= value >> _HALF
    return value


@inline
def _same(a, a_at, b, b_at, size):
    for step in range(0, size, 8):
        if _some(a, a_at + step, size - step) != _some(b, b_at + step, size - step):
            return False
    return True


@jit
def enter(data, starts, stops, order, state, slots, words, firsts, arena, ids):
    """Counts tokens and gives their words' numbers: token t is `data[starts[t]:stops[t]]`.

    Args:
        data: uint8, and eight more.
        starts: (tokens,) int64.
        stops: (tokens,) int64.
        order: int64; the rank of the first token in the corpus.
        state: (3,) int64; where to go on, and how far it came.
        slots: (a power of two,) int64.
        words: (room for half as many as there are slots, 4) int64.
        firsts: int64, `order` + the token's number where the word was first met.
        arena: uint8, with room for all of the tokens' bytes and eight more.
        ids: (tokens,) int32, out.

    Returns:
        Whether all was read; if not, the table is half full.
    """
    mask = np.uint64(len(slots) - 1)
    room = len(slots) // 2
    known, used = state[WORDS], state[USED]
    for token in range(state[DONE], len(starts)):
        if known >= room:
            state[WORDS], state[USED], state[DONE] = known, used, token
            return False
        # The slot of a token a little ahead is asked for now: the wait for memory is over when its turn comes.
        ahead = token + _AHEAD
        if ahead < len(starts):
            prefetch(slots, np.int64(_hash(data, starts[ahead], stops[ahead]) & mask))
        start = starts[token]
        size = stops[token] - start
        value = _hash(data, start, start + size)
        head = np.int64(_some(data, start, size)) if size > 0 else np.int64(0)
        tag = np.int64(value >> _HALF)
        at = value & mask
        word = np.int64(-1)
        while True:
            slot = slots[at]
            if slot == 0:
                break
            if slot >> 32 & 0xFFFFFFFF == tag:
                other = (slot & 0xFFFFFFFF) - 1
                if (
                    words[other, HEAD] == head
                    and words[other, SIZE] == size
                    and (size <= 8 or _same(data, start + 8, arena, words[other, START] + 8, size - 8))
                ):
                    word = other
                    break
            at = (at + _ONE) & mask
        if word < 0:
            word = known
            slots[at] = tag << 32 | (word + 1)
            words[word, HEAD] = head
            words[word, START] = used
            words[word, SIZE] = size
            words[word, COUNT] = 0
            firsts[word] = order + token
            for step in range(size):
                arena[used + step] = data[start + step]
            known += 1
            used += size
        words[word, COUNT] += 1
        ids[token] = word
    state[WORDS], state[USED], state[DONE] = known, used, len(starts)
    return True


@inline
def _entry(point, pages, points):
    return points[pages[point >> 8] + (point & 255)]


@jit
def _rewrite(data, at, end, pages, points, out, to):
    """Writes the token that begins at a LETTER; returns the places behind it in `data` and in `out`."""
    while at < end:
        point = point_at(data, at)
        entry = _entry(point, pages, points)
        kind = entry & 3
        after = at + point_width(data[at])
        if kind == APART:
            break
        if kind == JOINER and (after >= end or _entry(point_at(data, after), pages, points) & 3 != LETTER):
            break
        to = put_point(point + (entry >> 2), out, to)
        at = after
    return at, to


@jit
def simplify(data, letters, low):
    """Writes what `letters` (256,) uint8 says of each byte, and eight zeros."""
    for at in range(len(data)):
        low[at] = letters[data[at]]
    low[len(data) : len(data) + 8] = _NONE


@jit
def cut(data, low, ends, pages, points, starts, stops, made):
    """Finds the tokens of texts.

    A token is a LETTER, then any LETTER, MARK, or JOINER that a LETTER follows at once.

    Args:
        data: Valid UTF-8, uint8.
        low: As `simplify` makes it of `data`: 0 is APART, 1 has to be looked up, all else is the byte below 128 that a
            LETTER becomes; then eight zeros, and room for 2 * len(data) bytes of tokens that have to be rewritten.
        ends: Where each text ends (texts,) int64.
        pages: (4352,) int32; where in `points` the entries of 256 code points begin.
        points: int32; what is added to a code point << 2 | its class.
        starts: int64, out, with room for (len(data) + texts) // 2 tokens; where in `low` each begins.
        stops: int64, out; where it ends.
        made: (texts,) int64, out; tokens up to the end of each text.
    """
    at = count = 0
    spare = len(data) + 8
    for text in range(len(ends)):
        end = ends[text]
        while at < end:
            if low[at] == _NONE:
                at += 1
                continue
            if low[at] == _LOOK and _entry(point_at(data, at), pages, points) & 3 != LETTER:
                at += point_width(data[at])
                continue
            start = at
            while True:
                value = eight(low, at)
                # The top bit of the first byte below 2 is set, and none of a byte before it.
                found = (value - _BELOW_TWO) & ~value & _TOPS
                if found != 0:
                    at += trailing_zeros(found) >> 3
                    break
                at += 8
            if at < end and low[at] == _LOOK:
                at, stop = _rewrite(data, start, end, pages, points, low, spare)
                start = spare
                spare = stop
            else:
                at = min(at, end)
                stop = at
            starts[count] = start
            stops[count] = stop
            count += 1
        made[text] = count


@jit
def rewrite(data, starts, pages, points, out, out_starts):
    """Replaces each character by what the tables say: token t of (tokens + 1,) `out_starts` is made of t of `starts`.

    `out` has room for twice the bytes.
    """
    to = 0
    out_starts[0] = 0
    for token in range(len(starts) - 1):
        at = starts[token]
        while at < starts[token + 1]:
            point = point_at(data, at)
            to = put_point(point + (_entry(point, pages, points) >> 2), out, to)
            at += point_width(data[at])
        out_starts[token + 1] = to


@jit
def refill(count, words, arena, slots):
    """Puts words 0..count - 1 into an empty table."""
    mask = np.uint64(len(slots) - 1)
    for word in range(count):
        value = _hash(arena, words[word, START], words[word, START] + words[word, SIZE])
        at = value & mask
        while slots[at] != 0:
            at = (at + _ONE) & mask
        slots[at] = np.int64(value >> _HALF) << 32 | (word + 1)


@jit
def renumber(ids, starts, first, last, begin, numbers, keep_empty, tokens, texts):
    """Gives the ids of some texts their final numbers, in place; words without one and texts left empty are dropped.

    Args:
        ids: (total,) int32.
        starts: (texts + 1,) int64; `starts[t + 1]` is the end of text t until that is renumbered.
        first: The first of these texts.
        last: The one behind the last of them.
        begin: Where the first one begins in `ids`.
        numbers: (words,) int32, -1 for a word that is left out.
        keep_empty: Whether texts left empty stay.
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
        if tokens > kept or keep_empty:
            texts += 1
            starts[texts] = tokens
    return at, tokens, texts
