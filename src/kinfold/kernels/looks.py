"""What each text of a block is like, in one pass over its bytes.

Words, letters by script, words that tell a language, marks of damage, a hash of the whole, and keys under which texts
that share most runs of words are found.

Source:
    Broder 1997 (shingles, MinHash), as in `kernels.minhash`, but of 32 bits.
"""

from __future__ import annotations

import numpy as np

from kinfold.kernels._bytes import point_at, point_width
from kinfold.kernels._jit import inline, jit

# Columns of `counts`.
WORDS, CHARACTERS, CONTROL, INVISIBLE, REPLACED, MOJIBAKE, MARKS, COMPOSED, MARKUP = range(9)
COUNTS = 9

# What a code point is, in the table of ranges; scripts are numbered from here.
APART, MARK, LETTER = 0, 1, 2
# Words of a run that is hashed.
RUN = 3

_SEED = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xBF58476D1CE4E5B9)
_HALF = np.uint64(32)
_SHIFT = np.uint32(15)
_WHOLE = np.uint32(0xFFFFFFFF)
_FIRST, _SECOND = np.uint32(0x2C1B3C6D), np.uint32(0x297A2D39)
_MOST_MARKUP = 80
# Tags of HTML, the bytes of each as one number: what else stands between < and > is a placeholder or an address.
_TAGS = (
    "a abbr address article aside audio b big body br button canvas center cite code dd del div dl dt em embed "
    "fieldset figure font footer form frame h1 h2 h3 h4 h5 h6 head header hr html i iframe img input ins kbd "
    "label li link main map mark meta nav object ol option p param pre q script section select small source "
    "span strike strong style sub summary sup svg table tbody td textarea tfoot th thead title tr tt u ul var "
    "video"
)
_TAG_NUMBERS = np.array(sorted(int.from_bytes(each.encode(), "big") for each in _TAGS.split()), np.int64)


@inline
def _step(value, more):
    value = (value ^ more) * _MIX
    return value ^ (value >> _HALF)


@inline
def _lower(point):
    """A letter of the Latin, Greek and Cyrillic alphabets in lower case; all else as it is."""
    if point < 128:
        return point + 32 if 65 <= point <= 90 else point
    if (0xC0 <= point <= 0xDE and point != 0xD7) or 0x391 <= point <= 0x3A9 or 0x410 <= point <= 0x42F:
        return point + 32
    if 0x400 <= point <= 0x40F:
        return point + 80
    if 0x100 <= point <= 0x17F and point % 2 == 0 and not 0x138 <= point <= 0x148 and point < 0x178:
        return point + 1
    return point


@jit
def word_hash(points):
    """The hash of a word, of its code points (n,) int64."""
    value = _SEED
    for point in points:
        value = _step(value, np.uint64(_lower(point)))
    return value


@inline
def _kind(point, begins, kinds):
    """What a code point is: the entry of the last range that begins at or before it."""
    low, high = 0, len(begins)
    while high - low > 1:
        middle = (low + high) // 2
        if begins[middle] <= point:
            low = middle
        else:
            high = middle
    return kinds[low]


@inline
def _garbled(before, point, earlier):
    """Whether two characters are what UTF-8 looks like when it is read as Latin-1 or cp1252."""
    if before == 0xE2 and (point == 0x20AC or point == 0x80):
        return True
    if earlier == 0xEF and before == 0xBB and point == 0xBF:
        return True
    if before == 0xC3 and point in (0x192, 0x178, 0x160, 0x152, 0x153, 0x201E, 0x2C6, 0x2030, 0x2039, 0x17D, 0x161):
        return True
    if not 0x80 <= point <= 0xBF or point == 0xAB or point == 0xBB:
        return False
    if before == 0xC2 or before == 0xC3:
        return True
    return (before == 0xD0 or before == 0xD1) and point not in (0xA0, 0xAA, 0xB0, 0xB7, 0xBA)


@inline
def _is_tag(data, at, end):
    """Whether the name of a tag of HTML stands at a place, and ends there."""
    name = np.int64(0)
    while at < end and (97 <= data[at] | 32 <= 122 or 48 <= data[at] <= 57) and name < 1 << 55:
        name = name << 8 | (data[at] | 32)
        at += 1
    ends = at < end and (data[at] == 62 or data[at] == 47 or data[at] == 32 or 9 <= data[at] <= 13)
    place = np.searchsorted(_TAG_NUMBERS, name)
    return ends and place < len(_TAG_NUMBERS) and _TAG_NUMBERS[place] == name


@inline
def _markup(data, at, end):
    """Whether a tag or a named or numbered character of HTML begins at a place."""
    closing = 62 if data[at] == 60 else 59
    after = at + 1
    if closing == 62 and after < end and data[after] == 47:
        after += 1
    if closing == 59 and after < end and data[after] == 35:
        after += 1
    elif after >= end or not (97 <= data[after] | 32 <= 122) or (closing == 62 and not _is_tag(data, after, end)):
        return False
    last = min(end, at + (_MOST_MARKUP if closing == 62 else 10))
    found = 0
    while after < last:
        byte = data[after]
        if byte == closing:
            return found > (0 if closing == 62 else 1)
        if closing == 59 and not (97 <= byte | 32 <= 122 or 48 <= byte <= 57):
            return False
        if byte == 60 or (found == 0 and byte == 32):
            return False
        found += 1
        after += 1
    return False


@jit
def look(
    data, ends, begins, kinds, single, composed, slots, masks, seeds, each, least, counts, letters, spoken, exact, keys
):
    """Looks at the texts of a block.

    Args:
        data: UTF-8, (bytes,) uint8.
        ends: Where each text ends (n,) int64.
        begins: Code points at which ranges begin (r,) int32, ascending, the first 0.
        kinds: What those of each range are (r,) int32: APART, MARK, or LETTER + the number of their script.
        single: Of each script, whether each of its letters is a word (scripts,) bool.
        composed: Of code points below 8,192, whether they are a letter and a mark in one (8192,) bool.
        slots: Hash table of the words that tell a language (a power of two,) uint64, 0 where one is free.
        masks: The languages that have the word, one a bit (as many,) int64.
        seeds: Of the hashes (bands * each,) uint32; none where no keys are wanted.
        each: Hashes of a band.
        least: Words of a text that has keys.
        counts: (n, COUNTS) int32, zeros; out.
        letters: Of each script (n, scripts) int32, zeros; out.
        spoken: Words of each language (n, languages) int32, zeros; out.
        exact: The hash of each text (n,) uint64, but for case and white space, 0 where it is empty; out.
        keys: (n, bands) uint64, out; 0 for texts of fewer words.
    """
    mask = np.uint64(len(slots) - 1)
    languages = spoken.shape[1]
    wanted = len(seeds)
    least_hash = np.empty(wanted, np.uint32)
    start = 0
    for text in range(len(ends)):
        end = ends[text]
        for place in range(wanted):
            least_hash[place] = _WHOLE
        whole, word = _SEED, _SEED
        first, second = np.uint64(0), np.uint64(0)
        inside = waiting = some = False
        words = 0
        earlier = before = 0
        at = start
        while at <= end:
            point, width = 10, 1
            if at < end:
                point = np.int64(data[at])
                if point >= 128:
                    point, width = np.int64(point_at(data, at)), np.int64(point_width(data[at]))
                if point != 10 and point != 13:
                    counts[text, CHARACTERS] += 1
            if point < 128:
                letter = 97 <= point | 32 <= 122 or 48 <= point <= 57
                kind = LETTER if letter and point >= 65 else APART
                if (point < 32 and point not in (9, 10, 13)) or point == 127:
                    counts[text, CONTROL] += 1
                if (point == 60 or point == 38) and at < end and _markup(data, at, end):
                    counts[text, MARKUP] += 1
            else:
                kind = _kind(point, begins, kinds)
                letter = kind != APART
                if point < 0xA0:
                    counts[text, CONTROL] += 1
                elif point == 0xFFFD:
                    counts[text, REPLACED] += 1
                elif point == 0x200B or 0x202A <= point <= 0x202E or point == 0x2060 or point == 0xFEFF:
                    counts[text, INVISIBLE] += 1
                if point < 8192 and composed[point]:
                    counts[text, COMPOSED] += 1
                if 0x300 <= point <= 0x36F:
                    counts[text, MARKS] += 1
                if _garbled(before, point, earlier):
                    counts[text, MOJIBAKE] += 1
            if kind >= LETTER:
                letters[text, kind - LETTER] += 1
            alone = kind >= LETTER and single[kind - LETTER]
            if inside and (not letter or alone):
                # A word has ended.
                words += 1
                place = word & mask
                while slots[place] != 0:
                    if slots[place] == word:
                        for language in range(languages):
                            if masks[place] >> language & 1:
                                spoken[text, language] += 1
                        break
                    place = (place + np.uint64(1)) & mask
                if wanted and words >= RUN:
                    run = np.uint32(_step(_step(_step(_SEED, first), second), word) >> _HALF)
                    for hashed in range(wanted):
                        # Sums and products of 32 bits are of 64 to the compiler: each is cut back.
                        mixed = np.uint32(run ^ seeds[hashed])
                        mixed = np.uint32((mixed ^ (mixed >> _SHIFT)) * _FIRST)
                        mixed = np.uint32((mixed ^ (mixed >> _SHIFT)) * _SECOND)
                        least_hash[hashed] = min(least_hash[hashed], mixed)
                first, second = second, word
                inside = False
            lower = _lower(point)
            if letter:
                word = _step(word if inside else _SEED, np.uint64(lower))
                inside = True
            if point == 32 or 9 <= point <= 13 or point == 0xA0 or point == 0x3000:
                waiting = some
            elif at < end:
                if waiting:
                    whole = _step(whole, np.uint64(32))
                whole = _step(whole, np.uint64(lower))
                waiting, some = False, True
            earlier, before = before, point
            at += width
        counts[text, WORDS] = words
        exact[text] = whole if some else np.uint64(0)
        if words >= least:
            for band in range(keys.shape[1]):
                key = _SEED
                for hashed in range(band * each, (band + 1) * each):
                    key = _step(key, np.uint64(least_hash[hashed]))
                keys[text, band] = key
        else:
            for band in range(keys.shape[1]):
                keys[text, band] = np.uint64(0)
        start = end
