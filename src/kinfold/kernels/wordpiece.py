"""Words of ASCII to the ids of their pieces, greedily from the left, as BERT cuts them.

A table of tokens is a hash table with open addressing: `slots` has a token's number, or -1. A token stands in it as
what begins a word, and once more, without its prefix (`##`), as what goes on with one.

Source: Wu et al. 2016 (arXiv 1609.08144); Hugging Face tokenizers (WordPiece, BertPreTokenizer).
"""

from __future__ import annotations

import numpy as np

from kinfold.kernels._jit import inline, jit

_SEED = np.uint64(0xCBF29CE484222325)
_MORE = np.uint64(0x9E3779B97F4A7C15)  # another beginning for what goes on with a word
_PRIME = np.uint64(0x100000001B3)
_FOLD = np.uint64(29)

# Whole words, those with control characters or beyond ASCII, that are not cut here.
FOREIGN = -1


@inline
def _slot(value, mask):
    return np.int64((value ^ (value >> _FOLD)) & mask)


@jit
def enter(data, starts, stops, more, slots):
    """Puts tokens into an empty table: token t is `data[starts[t]:stops[t]]`, and goes on with a word from `more` on.

    Args:
        data: uint8.
        starts: (tokens,) int64.
        stops: (tokens,) int64.
        more: int64; tokens before it begin words.
        slots: (a power of two, larger than the tokens,) int32, all -1.
    """
    mask = np.uint64(len(slots) - 1)
    for token in range(len(starts)):
        value = _SEED if token < more else _MORE
        for at in range(starts[token], stops[token]):
            value = (value ^ np.uint64(data[at])) * _PRIME
        place = _slot(value, mask)
        while slots[place] >= 0:
            place = (place + 1) & np.int64(mask)
        slots[place] = token


@inline
def _found(data, start, stop, value, first, last, tokens, begins, ends, slots):
    """The token that is `data[start:stop]`, of those from `first` to `last`, or -1."""
    mask = np.uint64(len(slots) - 1)
    place = _slot(value, mask)
    while slots[place] >= 0:
        token = slots[place]
        if first <= token < last and ends[token] - begins[token] == stop - start:
            same = True
            for step in range(stop - start):
                if tokens[begins[token] + step] != data[start + step]:
                    same = False
                    break
            if same:
                return token
        place = (place + 1) & np.int64(mask)
    return np.int32(-1)


@inline
def _is_sign(byte):
    return 33 <= byte <= 47 or 58 <= byte <= 64 or 91 <= byte <= 96 or 123 <= byte <= 126


@jit
def pieces(data, starts, tokens, begins, ends, more, slots, longest, most, unknown, out, made):
    """Cuts words; each sign stands by itself, and what cannot be cut wholly is the unknown token.

    Args:
        data: Words one after another, lower-cased where the tokens are, uint8.
        starts: (words + 1,) int64.
        tokens: Bytes of the table's tokens, uint8.
        begins: (tokens,) int64.
        ends: (tokens,) int64.
        more: int64; as of `enter`.
        slots: The table.
        longest: Bytes of the longest token.
        most: Letters of a word; what is longer is unknown.
        unknown: Its number.
        out: int32, with room for as many as there are bytes; numbers of the table's tokens.
        made: (words,) int64, out; how many pieces each has, or FOREIGN.
    """
    values = np.empty(longest + 1, np.uint64)
    count = 0
    for word in range(len(starts) - 1):
        before = count
        at, end = starts[word], starts[word + 1]
        foreign = False
        for place in range(at, end):
            if not 32 < data[place] < 127:
                foreign = True
        if foreign:
            made[word] = FOREIGN
            continue
        while at < end:
            stop = at + 1
            if not _is_sign(data[at]):
                while stop < end and not _is_sign(data[stop]):
                    stop += 1
            first_piece = count
            whole = stop - at <= most
            start = at
            while whole and start < stop:
                begun = start == at
                value = _SEED if begun else _MORE
                size = min(stop - start, longest)
                for step in range(size):
                    value = (value ^ np.uint64(data[start + step])) * _PRIME
                    values[step] = value
                token = np.int32(-1)
                while size > 0 and token < 0:
                    first, last = (0, more) if begun else (more, len(begins))
                    token = _found(
                        data, start, start + size, values[size - 1], first, last, tokens, begins, ends, slots
                    )
                    size -= 1
                if token < 0:
                    whole = False
                else:
                    out[count] = token
                    count += 1
                    start += size + 1
            if not whole:
                out[first_piece] = unknown
                count = first_piece + 1
            at = stop
        made[word] = count - before


@jit
def spread(words, begins, counts, pieces, starts, most, skipped, out, made):
    """Texts of words become texts of pieces.

    Args:
        words: (total,) int32.
        begins: (words,) int64; where a word's pieces begin in `pieces`.
        counts: (words,) int64; how many it has.
        pieces: int32.
        starts: (texts + 1,) int64, of texts in `words`.
        most: Pieces of a text that are looked at.
        skipped: A piece that is left out, or -1.
        out: int32, with room for all.
        made: (texts + 1,) int64, out; where each text begins in `out`.
    """
    count = 0
    made[0] = 0
    for text in range(len(starts) - 1):
        left = most
        for at in range(starts[text], starts[text + 1]):
            word = words[at]
            for place in range(begins[word], begins[word] + min(counts[word], left)):
                if pieces[place] != skipped:
                    out[count] = pieces[place]
                    count += 1
            left -= min(counts[word], left)
        made[text + 1] = count
