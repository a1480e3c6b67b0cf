import struct

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import entries as oracle

from kinfold.kernels.entries import take_entries

ENTRY = st.builds(
    lambda name, count, kind: name.replace(b"\0", b"") + b"\0" + struct.pack("<qb", count, kind),
    st.binary(max_size=12),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-128, 127),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(ENTRY, max_size=6), st.binary(max_size=15), st.integers(0, 8))
def test_entries_are_those_of_the_obvious_reader(entries, rest, most):
    data = b"".join(entries) + rest
    *columns, used = take_entries(np.frombuffer(data, np.uint8), most, 10)
    found = list(zip(*(column.tolist() for column in columns), strict=True))
    assert (found, used) == oracle.taken(data, most, 10)


def test_nothing_in_nothing_out():
    *columns, used = take_entries(np.zeros(0, np.uint8), 5, 10)
    assert [len(column) for column in columns] == [0, 0, 0, 0]
    assert used == 0
