from __future__ import annotations

import gc
import itertools
import os
import random
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import tokens as oracle

from kinfold.core.errors import BadData, BadOption
from kinfold.core.shapes import Items
from kinfold.prepare import spill
from kinfold.prepare.tokens import sequences
from kinfold.sources import lines, strings
from kinfold.sources.text import read


def some_texts(count: int, seed: int = 0) -> list[str]:
    draw = random.Random(seed)
    return [" ".join(f"w{int(draw.paretovariate(0.7)) % 500}" for _ in range(draw.randrange(12))) for _ in range(count)]


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.lists(st.sampled_from(["a", "b", "c", "dd", "é", "x y", ""]), max_size=6), max_size=12),
    st.integers(1, 4),
    st.integers(1, 5) | st.none(),
)
def test_vocabulary_and_sequences_are_those_of_the_oracle(lists, min_count, max_size):
    keys, expected = oracle.sequences(lists, min_count, max_size)
    if not keys:
        with pytest.raises(BadData):
            sequences(Items(lists), min_count=min_count)
        return
    data = sequences(Items(lists), min_count=min_count, max_size=max_size)
    assert list(data.keys) == keys
    assert list(data) == expected
    assert data.total == sum(map(len, lists))
    assert data.counts.tolist() == sorted(data.counts, reverse=True)


def test_the_result_does_not_depend_on_threads_or_blocks(monkeypatch, tmp_path):
    texts = some_texts(3000)
    path = tmp_path / "corpus.txt"
    path.write_text("\n".join(texts))
    whole = sequences(read(path), min_count=2, threads=1)
    monkeypatch.setattr(lines, "_BLOCK", 1000)
    monkeypatch.setattr(strings, "_BLOCK", 700)
    for source in (path, texts):
        for threads in (1, 3):
            data = sequences(read(source), min_count=2, threads=threads)
            assert data.keys == whole.keys
            np.testing.assert_array_equal(data.ids, whole.ids)
            np.testing.assert_array_equal(data.starts, whole.starts)
            assert data.total == whole.total


@pytest.mark.parametrize("threads", [1, 2])
def test_large_sequences_lie_in_a_file_that_vanishes(monkeypatch, tmp_path, threads):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(spill.Spill.__init__, "__defaults__", (1000,))
    monkeypatch.setattr(strings, "_BLOCK", 2000)
    texts = some_texts(500)
    data = sequences(read(texts), min_count=1, threads=threads)
    assert list(data) == [text.split() for text in texts if text]
    assert not data.ids.flags.owndata
    data.ids[0] = 0  # a learner may be given writeable memory
    open_files = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    del data
    gc.collect()
    assert os.listdir(tmp_path) == []
    if open_files:
        assert len(os.listdir("/proc/self/fd")) < open_files


def test_a_failing_source_leaves_no_file(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(spill.Spill.__init__, "__defaults__", (10,))
    monkeypatch.setattr(strings, "_BLOCK", 50)

    def texts():
        yield from ["some words here"] * 100
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sequences(read(texts()), threads=2)
    assert os.listdir(tmp_path) == []


def test_lower_case_is_the_default_of_words_only():
    texts = Items(["Ab aB"])
    assert list(sequences(texts, min_count=1).keys) == ["ab"]
    assert list(sequences(texts, min_count=1, lower=False).keys) == ["Ab", "aB"]
    assert list(sequences(texts, min_count=1, tokenizer="whitespace").keys) == ["Ab", "aB"]
    assert list(sequences(texts, min_count=1, tokenizer=str.split).keys) == ["Ab", "aB"]
    assert list(sequences(texts, min_count=1, tokenizer=str.split, lower=True).keys) == ["ab"]
    assert list(sequences(Items([["Ab", "aB"]]), min_count=1).keys) == ["ab"]


def test_a_tokenizer_of_ones_own_sees_lines_without_their_end(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"one,two\r\nthree\n\nfour")
    seen = []

    def split(text):
        seen.append(text)
        return text.split(",")

    assert list(sequences(read(path), tokenizer=split, min_count=1)) == [["one", "two"], ["three"], [""], ["four"]]
    assert seen == ["one,two", "three", "", "four"]


def test_generators_are_read_once():
    made = iter(["a b", "a"])
    items = read(made)
    assert list(sequences(items, min_count=1)) == [["a", "b"], ["a"]]
    with pytest.raises(BadData, match="has been read already"):
        sequences(items, min_count=1)
    assert list(sequences(read(iter([["a", "b"], ["a"]])), min_count=1)) == [["a", "b"], ["a"]]


def test_any_string_can_be_a_token():
    lists = [["New York", "", "a\nb", "\ud800x"], ["New York"]]
    assert list(sequences(Items(lists), min_count=1, lower=False)) == [["New York", "", "a\nb", "?x"], ["New York"]]


def test_group_and_progress():
    class Told:
        def __init__(self):
            self.started, self.done = [], 0

        def start(self, stage, total=None, unit=""):
            self.started.append((stage, total, unit))

        def advance(self, amount, **numbers):
            self.done += amount

    told = Told()
    data = sequences(Items(["äb c"] * 3), min_count=1, progress=told, group="item")
    assert list(data.keys.groups) == ["item"]
    assert told.started[0][2] == "B"
    assert told.done == 15


@pytest.mark.parametrize(
    ("texts", "options", "text"),
    [
        ([], {}, "no token at all"),
        (["", " .,!"], {}, "no token at all"),
        (
            ["b a a b a"],
            {"min_count": 4},
            r"none of the 2 different tokens \(5 in all\) occurs 4 times; .*'a' 3×, 'b' 2×",
        ),
        ([["a"], "b"], {}, "item 1 is str"),
        ([["a", 3]], {}, "not all str"),
        ([["a", None]], {}, "is None"),
        (["a"], {"tokenizer": len}, "item 0 is int"),
    ],
)
def test_what_cannot_be_used_is_said(texts, options, text):
    with pytest.raises(BadData, match=text):
        sequences(Items(texts), **options)


@pytest.mark.parametrize("options", [{"tokenizer": "nltk"}, {"min_count": 0}, {"max_size": 0}, {"threads": 0}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(BadOption, match=next(iter(options))):
        sequences(Items(["a"]), **options)


def test_full_disk_is_an_error_with_a_way_out(monkeypatch):
    class Full:
        def write(self, data):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(spill, "_temporary", Full)
    with pytest.raises(OSError, match="TMPDIR"):
        spill.Spill(np.int32, 10).append(np.zeros(100, np.int32))
    with pytest.raises(OSError, match="TMPDIR"):
        spill.empty(100, np.int32, 10)


def test_a_spill_keeps_numbers_of_another_kind_in_its_own():
    for limit in (0, 1 << 20):
        with spill.Spill(np.float32, limit) as some:
            some.append(np.arange(5, dtype=np.float64))
            some.append(np.arange(3, dtype=np.int64))
            assert some.join().tolist() == [0, 1, 2, 3, 4, 0, 1, 2]


@pytest.mark.data
def test_real_speeches_give_the_words_of_the_oracle():
    folder = Path(os.environ.get("KINFOLD_DATA", Path(__file__).parents[3] / "shared" / "data"))
    path = folder / "text" / "state_of_the_union.jsonl.gz"
    if not path.exists():
        pytest.skip(f"{path} is not there; set KINFOLD_DATA")
    texts = list(itertools.islice(read(path, column="text").raw, 10))
    keys, expected = oracle.sequences([[oracle.lower(word) for word in oracle.words(text)] for text in texts], 3)
    data = sequences(Items(texts), min_count=3)
    assert list(data.keys) == keys
    assert list(data) == expected
