import dataclasses

import numpy as np
import pytest
from oracles.csls import csls as oracle
from worlds import accents

import kinfold as kf
from kinfold.core.errors import BadOption, FrameMismatch, UnknownKey
from kinfold.core.keys import Keys
from kinfold.core.rows import Rows
from kinfold.search import csls


def two(noise=0.3):
    here, there = accents(noise=noise)
    return kf.align(here, to=there, dictionary=[(f"a{i}", f"b{i}") for i in range(240)]), there


def test_hits_are_those_of_the_formula():
    here, there = two()
    scores = oracle(there.rows.values, here.vectors(["a3", "a90"]), here.rows.values, 10)
    for hits, key, line in zip(csls(here, there, ["a3", "a90"], 4), ("a3", "a90"), scores, strict=True):
        best = np.argsort(-line)[:4]
        assert hits.keys == [there.keys[row] for row in best.tolist()]
        assert hits.query == key
        np.testing.assert_allclose(hits.scores, line[best], atol=1e-5)
        np.testing.assert_array_equal(hits.rows, best)


def test_it_finds_more_partners_than_the_cosine():
    here, there = two(noise=0.6)
    keys = list(here.keys)
    by_csls = np.mean([each.keys[0][1:] == each.query[1:] for each in csls(here, there, keys, 1)])
    plain = there.nearest_many(here.rows.values, 1)
    by_cosine = np.mean([each.keys[0][1:] == key[1:] for key, each in zip(keys, plain, strict=True)])
    assert by_csls > by_cosine > 0.2


def test_rare_rows_take_no_part_where_the_vocabulary_is_restricted():
    here, there = two()
    (hits,) = csls(here, there, ["a200"], 300, restrict=50)
    assert sorted(hits.keys) == sorted(f"b{i}" for i in range(50))
    rare = np.r_[0:50, 200]
    scores = oracle(there.rows.values[:50], here.rows.values[rare][-1:], here.rows.values[:50], 10)
    np.testing.assert_allclose(hits.scores, -np.sort(-scores[0]), atol=1e-5)


def test_only_one_group_is_searched():
    here, there = two()
    keys = Keys([*there.keys, *map(str, range(9))], {"word": 240, "ngram": 9})
    rows = Rows(np.concatenate([there.rows.values, here.rows.values[:9]]))
    parts = dataclasses.replace(there, keys=keys, rows=rows, table=None)
    assert csls(here, parts, ["a3"], 3)[0].keys == csls(here, there, ["a3"], 3)[0].keys


def test_bad_questions_are_refused():
    here, there = two()
    with pytest.raises(UnknownKey, match="a999"):
        csls(here, there, ["a1", "a999"])
    for options in ({"k": 0}, {"neighbors": 0}, {"restrict": 0}):
        with pytest.raises(BadOption):
            csls(here, there, ["a1"], **options)
    with pytest.raises(BadOption, match="in a list"):
        csls(here, there, "a1")
    with pytest.raises(FrameMismatch):
        csls(accents()[0], there, ["a1"])
    assert csls(here, there, []) == []
