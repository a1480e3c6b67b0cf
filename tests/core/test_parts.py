"""The n-grams of words, and the rows that they have."""

import numpy as np
import pytest
from oracles import subwords as oracle

from kinfold import Space
from kinfold.core.columns import to_arrow
from kinfold.core.errors import BadData
from kinfold.core.keys import Keys, utf8
from kinfold.core.parts import Parts, mean
from kinfold.core.rows import Rows

WORDS = ["ship", "naïve", "日本", "", "</s>", "a", "whale" * 30]


def parts_of(buckets, share=0.5, pruned=False, dtype=np.float32, shuffled=False):
    rng = np.random.default_rng(0)
    ids = {oracle.fnv(part.encode()) % buckets for word in WORDS for part in oracle.ngrams(word, 2, 4)}
    numbers = np.array(sorted(ids), np.int64)
    numbers = numbers[rng.random(len(numbers)) < share]
    if shuffled:
        numbers = rng.permutation(numbers)
    rows = rng.normal(size=(len(numbers), 3)).astype(dtype)
    return Parts(numbers, Rows(rows), 2, 4, buckets, pruned), dict(
        zip(numbers.tolist(), rows.astype(np.float64), strict=True)
    )


def names(words):
    return utf8(Keys(words, "word").names)


@pytest.mark.parametrize("buckets", [50, 2_000_000, 2**31 - 1])
@pytest.mark.parametrize("pruned", [False, True])
@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_sums_are_those_of_the_rows_that_there_are(buckets, pruned, shuffled, dtype):
    parts, rows = parts_of(buckets, pruned=pruned, shuffled=shuffled, dtype=dtype)
    (sums,) = parts.sums(*names(WORDS))
    assert (sums.start, sums.stop) == (0, len(WORDS))
    for place, word in enumerate(WORDS):
        ids = [oracle.fnv(part.encode()) % buckets for part in oracle.ngrams(word, 2, 4)]
        held = [rows[each] for each in ids if each in rows]
        np.testing.assert_allclose(sums.rows[place], np.sum(held, axis=0) if held else 0, rtol=1e-4, atol=1e-4)
        assert sums.held[place] == len(held)
        assert sums.counted[place] == (len(held) if pruned else len(ids))
    own = np.ones((len(WORDS), 3), np.float32)
    np.testing.assert_allclose(mean(own, sums), (own + sums.rows) / (1 + sums.counted[:, None]), rtol=1e-5)


def test_many_words_come_in_blocks_that_follow_each_other():
    parts, _ = parts_of(1000)
    words = [f"word{number}" for number in range(120_000)]
    data, offsets = names(words)
    whole = list(parts.sums(data, offsets, 2))
    assert len(whole) > 1
    assert [sums.start for sums in whole] == [0, *(sums.stop for sums in whole[:-1])]
    assert whole[-1].stop == len(words)
    (few,) = parts.sums(*names(words[70_000:70_010]))
    rows = np.concatenate([sums.rows for sums in whole])
    np.testing.assert_array_equal(rows[70_000:70_010], few.rows)


def test_no_words_and_no_rows():
    parts, _ = parts_of(50)
    assert not list(parts.sums(*names([])))
    none = Parts(np.zeros(0, np.int64), Rows(np.zeros((0, 3))), 2, 4, 2**31 - 1)
    (sums,) = none.sums(*names(["ship"]))
    assert sums.rows.tolist() == [[0, 0, 0]]
    assert sums.counted.tolist() == [len(oracle.ngrams("ship", 2, 4))]


@pytest.mark.parametrize(
    ("numbers", "options", "message"),
    [
        ([3, 3], (2, 4, 50), "each once"),
        ([-1, 3], (2, 4, 50), "from 0 to 49"),
        ([3, 50], (2, 4, 50), "from 0 to 49"),
        ([], (2, 4, 0), "from 1 to"),
        ([], (2, 4, 2**31), "from 1 to"),
        ([], (2, 101, 50), "at most 100"),
        ([], (2, -1, 50), "at most 100"),
    ],
)
def test_what_can_be_no_ngrams_is_refused(numbers, options, message):
    with pytest.raises(BadData, match=message):
        Parts(np.array(numbers, np.int64), Rows(np.zeros((len(numbers), 2))), *options)


def space(keys, groups, **parameters):
    import dataclasses

    made = Space.of(Keys(keys, groups), np.eye(len(keys), dtype=np.float32))
    return dataclasses.replace(made, card=dataclasses.replace(made.card, parameters=parameters))


def test_a_space_tells_its_own():
    made = Parts.of(space(["a", "7", "3"], {"word": 1, "ngram": 2}, min_n=2, max_n=4, buckets=9, pruned=True))
    assert made.numbers.tolist() == [3, 7]
    assert made.rows.take(made.order).tolist() == [[0, 0, 1], [0, 1, 0]]
    assert (made.shortest, made.longest, made.buckets, made.pruned) == (2, 4, 9, True)
    assert Parts.of(space(["a"], "word")).longest == 0


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: space(["a"], "word", min_n=2, max_n=4, buckets=9), "no group 'ngram'"),
        (lambda: space(["a", "x"], {"word": 1, "ngram": 1}, max_n=4, buckets=9), "numbers of buckets"),
        (lambda: space(["a", "9"], {"word": 1, "ngram": 1}, max_n=4, buckets=9), "from 0 to 8"),
        (lambda: space(["a", "1"], {"word": 1, "ngram": 1}, max_n="4", buckets=9), "max_n='4'"),
        (lambda: space(["a", "1"], {"word": 1, "ngram": 1}, max_n=True, buckets=9), "max_n=True"),
    ],
)
def test_a_space_whose_parts_make_no_sense_is_refused(made, message):
    with pytest.raises(BadData, match=message):
        Parts.of(made())


def test_a_slice_of_names_is_taken_where_it_stands():
    parts, _ = parts_of(50)
    cut = Keys(WORDS, "word").names.slice(2, 3)
    (sums,) = parts.sums(*utf8(cut))
    (whole,) = parts.sums(*names(WORDS))
    np.testing.assert_array_equal(sums.rows, whole.rows[2:5])
    assert len(to_arrow(sums.held)) == 3
