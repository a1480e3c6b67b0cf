import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from kinfold.core.keys import utf8
from kinfold.kernels.names import build_index, lookup

words = st.lists(st.text(max_size=6), max_size=60, unique=True)


@settings(deadline=None, max_examples=60)
@given(names=words, others=words, low=st.integers(0, 30), cut=st.integers(0, 5))
def test_finds_what_a_dictionary_finds(names, others, low, cut):
    array = pa.array(["out"] * cut + names, pa.large_string()).slice(cut)
    wanted = pa.array(others + names, pa.large_string())
    found = lookup(*utf8(array), build_index(*utf8(array)), *utf8(wanted), low, len(names))
    rows = {name: row for row, name in enumerate(names) if row >= low}
    assert found.tolist() == [rows.get(name, -1) for name in wanted.to_pylist()]


def test_a_name_of_two_groups_is_found_in_either():
    array = pa.array(["a", "b", "a", "c"], pa.large_string())
    index = build_index(*utf8(array))
    wanted = utf8(pa.array(["a", "b"], pa.large_string()))
    assert lookup(*utf8(array), index, *wanted, 0, 2).tolist() == [0, 1]
    assert lookup(*utf8(array), index, *wanted, 2, 4).tolist() == [2, -1]


def test_many_names_with_one_ending_do_not_collide():
    names = pa.array([f"{number:07d}" for number in range(50_000)], pa.large_string())
    found = lookup(*utf8(names), build_index(*utf8(names)), *utf8(names), 0, 50_000)
    np.testing.assert_array_equal(found, np.arange(50_000))
