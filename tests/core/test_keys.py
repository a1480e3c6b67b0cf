import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinfold.core import keys as module
from kinfold.core.errors import BadData, UnknownKey, UnknownName
from kinfold.core.keys import Keys, first_of_each


@settings(deadline=None, max_examples=60)
@given(
    names=st.lists(st.text(max_size=4), max_size=30, unique=True), others=st.lists(st.text(max_size=4)), data=st.data()
)
def test_rows_are_those_of_a_dictionary_scanned_or_indexed(names, others, data):
    rows = {name: row for row, name in enumerate(names)}
    wanted = others + names
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_SCANS_BEFORE_INDEX", data.draw(st.sampled_from([0, 10**9])))
        keys = Keys(names)
        for _ in range(3):
            assert keys.rows(wanted).tolist() == [rows.get(name, -1) for name in wanted]
            for name in wanted:
                assert (name in keys) == (name in rows)
                if name in rows:
                    assert keys.row(name) == rows[name]
                    assert keys[rows[name]] == name


def test_groups_are_ranges_with_their_own_names():
    keys = Keys(["ann", "bob", "ann", "7"], {"user": 2, "item": 2})
    assert keys.groups == {"user": range(2), "item": range(2, 4)}
    assert keys.row("bob") == 1
    assert keys.row("item:ann") == 2
    assert keys.row("ann", "item") == 2
    assert keys.rows(["ann", "7", "x"]).tolist() == [0, 3, -1]
    assert keys.rows(["ann"], "item").tolist() == [2]
    assert keys.group_of(3) == "item"
    assert list(keys.group("item")) == ["ann", "7"]
    with pytest.raises(UnknownKey, match=r"several groups.*user:ann, item:ann"):
        keys.row("ann")
    with pytest.raises(UnknownName, match="Did you mean 'user'"):
        keys.group("usr")


def test_an_unknown_key_suggests_the_nearest():
    with pytest.raises(UnknownKey, match=r"'quen' among 3 .*Did you mean 'queen'"):
        Keys(["king", "queen", "man"]).row("quen")
    with pytest.raises(KeyError):
        Keys([]).row("anything")


def test_a_name_twice_is_refused_within_a_group_only():
    with pytest.raises(BadData, match="'b' stands more than once"):
        Keys(["a", "b", "b"])
    assert len(Keys(["a", "a"], {"user": 1, "item": 1})) == 2


def test_names_come_from_anything_that_arrow_reads():
    import pandas
    import polars

    expected = Keys(["1", "2"])
    for names in ([1, 2], np.array([1, 2]), pa.array([1, 2]), pa.chunked_array([[1], [2]]), (str(i) for i in (1, 2))):
        assert Keys(names) == expected
    assert Keys(pandas.Series(["1", "2"])) == expected
    assert Keys(polars.Series(["1", "2"])) == expected


@pytest.mark.parametrize("names", ["word", ["a", None], [["a"], ["b"]], ["\ud800"]])
def test_what_is_no_list_of_names_is_refused(names):
    with pytest.raises(BadData):
        Keys(names)


def test_a_lone_surrogate_names_nothing():
    assert "\ud800" not in Keys(["a"])


def test_take_keeps_groups_and_refuses_what_would_mix_them():
    keys = Keys(["a", "b", "c", "d"], {"user": 2, "item": 2})
    some = keys.take(np.array([1, 3, 2]))
    assert list(some) == ["b", "d", "c"]
    assert some.groups == {"user": range(1), "item": range(1, 3)}
    with pytest.raises(BadData, match="together"):
        keys.take(np.array([2, 0]))
    with pytest.raises(BadData, match="twice"):
        keys.take(np.array([0, 0]))
    for outside in (4, -1):
        with pytest.raises(BadData, match="outside"):
            keys.take(np.array([outside]))


def test_sizes_that_do_not_add_up_are_refused():
    with pytest.raises(BadData, match="hold 3 rows, but there are 2"):
        Keys(["a", "b"], {"user": 1, "item": 2})


@given(names=st.lists(st.sampled_from(list("abcde"))))
def test_first_of_each(names):
    rows = first_of_each(pa.array(names, pa.large_string()))
    assert [names[row] for row in rows] == list(dict.fromkeys(names))
    assert rows.tolist() == [names.index(name) for name in dict.fromkeys(names)]


def test_equality_is_of_names_and_groups():
    assert Keys(["a", "b"]) == Keys(["a", "b"])
    assert Keys(["a", "b"]) != Keys(["b", "a"])
    assert Keys(["a", "b"]) != Keys(["a", "b"], {"x": 1, "y": 1})
    assert list(Keys([str(i) for i in range(70_000)]))[-1] == "69999"


def test_a_word_is_meant_before_the_number_of_an_ngram():
    keys = Keys(["1984", "word", "7", "1984"], {"word": 2, "ngram": 2})
    assert keys.row("1984") == 0
    assert keys.row("ngram:1984") == 3
    assert keys.row("7") == 2
