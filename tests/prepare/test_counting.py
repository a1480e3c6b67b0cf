import numpy as np
import pytest
from worlds import blocks

from kinfold.core.errors import BadOption
from kinfold.learn import LEARNERS
from kinfold.prepare.cooccurrence import count
from kinfold.prepare.counting import Counting
from kinfold.prepare.weighting import ppmi


def test_counts_are_what_the_fields_say():
    data = blocks(sentences=100)
    raw = count(data, window=3, weighting="harmonic")
    for asked, expected in (
        (Counting(3, "harmonic", ppmi=False), raw),
        (Counting(3, "harmonic"), ppmi(raw)),
        (Counting(), ppmi(count(data, window=5))),
    ):
        np.testing.assert_array_equal(asked.of(data).values.toarray(), expected.values.toarray())


def test_glove_wants_harmonic_counts_and_svd_ppmi():
    assert LEARNERS["glove"].counting == Counting(window=10, weighting="harmonic", ppmi=False)
    assert LEARNERS["svd"].counting == Counting(window=5, weighting="flat", ppmi=True)


@pytest.mark.parametrize("option", [{"window": 0}, {"window": True}, {"weighting": "square"}])
def test_what_cannot_be_counted_is_refused_before_a_text_is_read(option):
    with pytest.raises(BadOption, match=next(iter(option))):
        Counting(**option)
