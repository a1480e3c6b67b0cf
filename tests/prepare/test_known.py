import pytest

from kinfold.core.keys import Keys
from kinfold.core.shapes import Items
from kinfold.prepare.tokens import sequences

TEXTS = Items(["often often often often rare", "often seldom seldom seldom"])


def test_known_tokens_are_kept_however_rare():
    assert list(sequences(TEXTS, min_count=3).keys) == ["often", "seldom"]
    data = sequences(TEXTS, min_count=3, known=Keys(["rare", "absent"]))
    assert list(data.keys) == ["often", "seldom", "rare"]
    assert list(data) == [["often"] * 4 + ["rare"], ["often"] + ["seldom"] * 3]


@pytest.mark.parametrize(("size", "kept"), [(1, ["rare"]), (2, ["often", "rare"]), (3, ["often", "seldom", "rare"])])
def test_known_tokens_come_first_where_there_is_room_for_few(size, kept):
    assert list(sequences(TEXTS, min_count=1, max_size=size, known=Keys(["rare"])).keys) == kept


def test_texts_without_a_word_are_counted():
    data = sequences(Items(["often often", "", "rare", None, "often"]), min_count=2)
    assert len(data) == 2
    assert data.texts == 5
