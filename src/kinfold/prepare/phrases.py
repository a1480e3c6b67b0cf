"""Words that stand together more often than chance has it become one: new york, new_york."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kinfold.core.errors import BadData, BadOption
from kinfold.core.keys import Keys
from kinfold.core.shapes import Sequences
from kinfold.core.spill import empty

_THRESHOLDS = {"npmi": 0.5, "word2vec": 100.0}
_FIRST_SLOTS = 1 << 16


def join(
    data: Sequences,
    *,
    min_count: int = 5,
    threshold: float | None = None,
    scoring: Literal["npmi", "word2vec"] = "npmi",
    rounds: int = 1,
    joiner: str = "_",
) -> Sequences:
    """Joins pairs of neighbors with a high score to one key, from left to right.

    With a, b, ab the counts of two words and of the pair, and N that of all tokens:

        npmi        ln(ab N / (a b)) / -ln(ab / N)      from -1 to 1, which is always together
        word2vec    (ab - min_count) / (a b) N

    A pair whose joined name is a key already becomes that key.

    Args:
        data: Is not changed.
        min_count: A rarer pair is not joined, nor is one of rarer words.
        threshold: The score that a pair has to exceed; by default 0.5 for npmi and 100 for word2vec.
        scoring: npmi or word2vec.
        rounds: How often; each can join what the one before has joined, so that 2 find up to four words.
        joiner: Stands between the words.

    Returns:
        New sequences; their keys are sorted by their new counts, of equals the one that comes first, and keys that are
        always part of a phrase are gone.

    Raises:
        BadOption: An option is out of its range.
        BadData: `data` has keys of several groups.

    Source:
        Bouma 2009, Normalized (pointwise) mutual information in collocation extraction; Mikolov et al. 2013,
        Distributed representations of words and phrases.

    Example:
        >>> from kinfold.core.shapes import Items
        >>> from kinfold.prepare.tokens import sequences
        >>> texts = ["new york is new", "a new york is a york", "is a new york"] * 5
        >>> list(join(sequences(Items(texts))))[0]
        ['new_york', 'is', 'new']
    """
    if scoring not in _THRESHOLDS:
        raise BadOption(f"scoring={scoring!r} is not known; it is 'npmi' or 'word2vec'.")
    if min_count < 1 or rounds < 1:
        raise BadOption(f"min_count={min_count} and rounds={rounds} are at least 1.")
    if len(data.keys.groups) != 1:
        raise BadData(f"phrases join keys of one group, not of {', '.join(data.keys.groups)}.")
    least = _THRESHOLDS[scoring] if threshold is None else threshold
    for _ in range(rounds):
        pairs = _pairs(data, min_count, least, scoring)
        if not len(pairs):
            break
        data = _joined(data, pairs, joiner)
    return data


def _pairs(data: Sequences, min_count: int, threshold: float, scoring: str) -> np.ndarray:
    """The pairs to join (m,) int64: first << 32 | second."""
    from kinfold.kernels._jit import plain
    from kinfold.kernels.phrases import count_pairs, put_pairs

    single = data.counts
    keys, counts = np.zeros(_FIRST_SLOTS, np.int64), np.zeros(_FIRST_SLOTS, np.int64)
    state = np.zeros(3, np.int64)
    while not count_pairs(plain(data.ids), plain(data.starts), single >= min_count, state, keys, counts):
        larger = np.zeros(2 * len(keys), np.int64), np.zeros(2 * len(keys), np.int64)
        put_pairs(keys, counts, *larger)
        keys, counts = larger
    often = np.flatnonzero(counts >= min_count)
    pairs = np.sort(keys[often] - 1)
    both = counts[often][np.argsort(keys[often])].astype(np.float64)
    total = float(len(data.ids))
    product = single[pairs >> 32].astype(np.float64) * single[pairs & 0xFFFFFFFF]
    if scoring == "word2vec":
        score = (both - min_count) / product * total
    else:
        # A pair that is all there is has ln 1 = 0 below: always together.
        with np.errstate(divide="ignore", invalid="ignore"):
            score = np.where(both < total, np.log(both * total / product) / -np.log(both / total), 1.0)
    chosen: np.ndarray = pairs[score > threshold]
    return chosen


def _joined(data: Sequences, pairs: np.ndarray, joiner: str) -> Sequences:
    from kinfold.kernels._jit import plain
    from kinfold.kernels.phrases import join_pairs, put_pairs, rename

    names = data.keys.names
    firsts, seconds = names.take(pa.array(pairs >> 32)), names.take(pa.array(pairs & 0xFFFFFFFF))
    new = pc.binary_join_element_wise(firsts, seconds, pa.scalar(joiner, pa.large_string()))
    # Two pairs may have one name, and it may be the name of a word.
    known = pa.concat_arrays([names, new]).dictionary_encode()
    becomes = known.indices.to_numpy(zero_copy_only=False)[len(names) :].astype(np.int64)
    every = known.dictionary.cast(pa.large_string())
    slots = 1 << max(4, (2 * len(pairs)).bit_length())
    keys, values = np.zeros(slots, np.int64), np.zeros(slots, np.int64)
    put_pairs(pairs + 1, becomes, keys, values)
    out, starts = empty(len(data.ids), np.int32), empty(len(data.starts), np.int64)
    counts, places = np.zeros(len(every), np.int64), np.zeros(len(every), np.int64)
    made = join_pairs(plain(data.ids), plain(data.starts), keys, values, out, starts, counts, places)
    used = np.flatnonzero(counts)
    order = used[np.lexsort((places[used], -counts[used]))]
    numbers = np.full(len(every), -1, np.int32)
    numbers[order] = np.arange(len(order), dtype=np.int32)
    rename(out[:made], numbers)
    group = next(iter(data.keys.groups))
    return Sequences(Keys.trusted(every.take(pa.array(order)), group), out[:made], starts, data.total, data.texts)
