import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinfold.sources.labeled import LabeledTexts
from kinfold.sources.strings import Strings

BLANKS = " \t\n\v\f\r\0"


def parted(text, prefix):
    """The labels and the other tokens of a text, one character at a time."""
    tokens = "".join(" " if each in BLANKS else each for each in text).split(" ")
    tokens = [each for each in tokens if each]
    if not prefix:
        return tokens[:1], tokens[1:]
    labels = [each for each in tokens if each.startswith(prefix) and each != prefix]
    return [each.removeprefix(prefix) for each in labels], [each for each in tokens if each not in labels]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.lists(
            st.sampled_from(["__label__", "__label__a", "_", "ü", "a\u00a0b", *BLANKS]) | st.text(max_size=3),
            max_size=9,
        ).map("".join)
    ),
    st.sampled_from(["__label__", "", "_", "ü"]),
)
def test_labels_are_taken_out_wherever_they_stand(texts, prefix):
    read = LabeledTexts(Strings(texts), prefix)
    expected = [parted(text, prefix) for text in texts]
    assert read.labels().to_pylist() == [labels for labels, _ in expected]
    assert [parted(text, "x" * 99)[1] for text in read] == [tokens for _, tokens in expected]


@pytest.mark.parametrize("prefix", ["__label__", "#"])
def test_a_text_keeps_all_but_its_labels(prefix):
    (text,) = LabeledTexts(Strings([f"{prefix}x  two  spaces\u00a0and {prefix}y an end\r"]), prefix)
    assert text == " two  spaces\u00a0and an end"


def test_nothing_in_nothing_out():
    assert list(LabeledTexts(Strings([]), "#")) == []
    assert LabeledTexts(Strings([]), "#").labels().to_pylist() == []
    assert np.shape(LabeledTexts(Strings([""]), "").labels()) == (1,)
