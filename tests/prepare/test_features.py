import pyarrow as pa
import pytest

from kinfold.core.errors import BadData, BadOption, UnknownName
from kinfold.core.keys import Keys
from kinfold.prepare.features import features, members

KNOWN = pa.table(
    {
        "genres": ["Drama|War", "Drama", None, "War| Drama |"],
        "title": ["The War (1994)", "A war story", "Story", ""],
        "tags": [["old", "new"], ["old"], [], None],
        "year": [1990.0, 1992.0, None, 1994.0],
        "seen": [True, False, True, None],
        "when": pa.array([0, 1, 2, 3], pa.timestamp("s")),
        "same": [5, 5, 5, 5],
    }
)
THINGS = Keys(["a", "b", "c", "d"], "item")


def of(*columns):
    found = features(THINGS, KNOWN, columns, "item_feature")
    assert found.row_keys == THINGS
    assert list(found.column_keys.groups) == ["item_feature"]
    return {name: values.tolist() for name, values in zip(found.column_keys, found.values.toarray().T, strict=True)}


def test_texts_are_cut_and_what_only_one_thing_has_is_left_out():
    assert of("genres:|") == {"*": [1, 1, 1, 1], "genres=Drama": [1, 1, 0, 1], "genres=War": [1, 0, 0, 1]}
    assert of("title:words") == {"*": [1, 1, 1, 1], "title=war": [1, 1, 0, 0], "title=story": [0, 1, 1, 0]}
    assert of("tags") == {"*": [1, 1, 1, 1], "tags=old": [1, 1, 0, 0]}
    assert of("seen") == {"*": [1, 1, 1, 1], "seen=true": [1, 0, 1, 0]}


def test_numbers_count_in_deviations_and_a_missing_one_is_in_the_middle():
    years = of("year")["year"]
    assert years == pytest.approx([-1.2247, 0, 0, 1.2247], abs=1e-4)


def test_columns_go_side_by_side():
    assert list(of("year", "genres:|", "seen")) == ["*", "year", "genres=Drama", "genres=War", "seen=true"]


def test_categories_for_groups():
    assert members(KNOWN, "genres:|") == [["Drama", "War"], ["Drama"], [], ["War", "Drama"]]
    assert members(KNOWN, "same") == [["5"]] * 4


@pytest.mark.parametrize(
    ("columns", "error", "told"),
    [
        ([], BadOption, "name at least one column; there are: genres"),
        (["genre:|"], UnknownName, "no column 'genre'. Did you mean 'genres'"),
        (["when"], BadOption, "'when' holds timestamp"),
        (["same"], BadData, "'same' holds the same number for all"),
        (["genres"], BadData, "no two of the 4 have anything in common"),
    ],
)
def test_what_is_no_feature_is_told(columns, error, told):
    with pytest.raises(error, match=told.replace("(", r"\(")):
        of(*columns)
