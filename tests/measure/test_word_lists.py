from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from kinfold.core.errors import BadData, BadFile, KinfoldError, UnknownName
from kinfold.measure.word_lists import read_lists, shipped

GOOD = """
[words]
women = ["she", "her"]
men = ["he", "his"]
work = ["office"]
home = ["kitchen"]
[pairs]
gender = [["she", "he"]]
[[query]]
targets = ["women", "men"]
attributes = ["work", "home"]
[[axis]]
pairs = "gender"
words = "work"
"""


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "mine.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_lists_that_ship_can_be_read_and_cite_their_sources():
    assert shipped() == ["gender", "race", "religion", "sentences", "weat"]
    for name in shipped():
        lists = read_lists(name)
        assert lists.source
        assert lists.queries or lists.templates
    weat = read_lists("weat")
    assert [each.name for each in weat.queries] == [f"WEAT {number}" for number in range(1, 11)]
    sizes = [[len(each.words) for each in (*query.targets, *query.attributes)] for query in weat.queries]
    assert sizes[:3] == [[25, 25, 25, 25], [25, 25, 25, 25], [32, 32, 25, 25]]
    assert sizes[5:] == [[8, 8, 8, 8], [8, 8, 8, 8], [8, 8, 8, 8], [6, 6, 7, 7], [8, 8, 8, 8]]
    gender = read_lists("gender")
    assert len(gender.pairs["definitional"]) == 10
    # What is neutral is not specific to a gender.
    assert not set(gender["occupations"]) & set(gender["specific"])
    with pytest.raises(UnknownName, match="Did you mean 'occupations'"):
        gender["ocupations"]


def test_own_lists_are_read(written):
    lists = read_lists(written(GOOD))
    assert lists.title == "mine"
    assert lists.queries[0].name == "women and men, work and home"
    assert lists.axes[0].name == "She and He in work"
    assert lists.axes[0].ends == ("She", "He")
    assert read_lists(written(GOOD.encode("utf-8-sig"))).words["men"] == ("he", "his")


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('men = ["he", "his"]', 'men = ["he", "he"]', "line 4: 'men' holds 'he' twice"),
        ('men = ["he", "his"]', "men = []", "line 4: 'men' is a list of words"),
        ('men = ["he", "his"]', "men = [3]", "line 4: 'men' is a list of words"),
        ('men = ["he", "his"]', 'men = ["he" "his"]', "is no TOML: .*line 4"),
        ('[["she", "he"]]', '[["she"]]', "line 8: 'gender' is a list of pairs"),
        ('[["she", "he"]]', '[["she", "she"]]', "line 8: 'gender' is a list of pairs"),
        ('targets = ["women", "men"]', 'targets = ["women", "man"]', "line 9: .words. has no set 'man'. Did you mean"),
        ('targets = ["women", "men"]', 'goals = ["women", "men"]', "line 10: a query has no 'goals'"),
        ('targets = ["women", "men"]', "", "line 9: a query names sets of words as its targets"),
        ('men = ["he", "his"]', 'men = ["he", "her"]', "line 9: 'her' is a target of two sets"),
        ('pairs = "gender"', 'pairs = "gendr"', "line 12: an axis names pairs of .pairs., not 'gendr'. Did you mean"),
        ("[words]", "[wörds]", "is no TOML"),
        ("[words]", "[word]", "line 2: a file of lists has no 'word'. Did you mean 'words'"),
        ("[words]", 'templates = ["no place"]\n[words]', "line 2: the template 'no place' has no place for a word"),
    ],
)  # fmt: skip
def test_errors_name_file_and_line(written, before, after, message):
    path = written(GOOD.replace(before, after, 1))
    with pytest.raises(BadData, match=message) as caught:
        read_lists(path)
    assert str(path) in str(caught.value)


def test_two_questions_of_one_name_nothing_and_other_files_are_refused(written, tmp_path):
    twice = GOOD + '[[query]]\nname = "again"\ntargets = ["women"]\nattributes = ["work"]\n' * 2
    with pytest.raises(BadData, match="'again' is the name of two questions"):
        read_lists(written(twice))
    with pytest.raises(BadData, match="there is nothing in it"):
        read_lists(written(""))
    with pytest.raises(BadData, match="byte 0 is not UTF-8"):
        read_lists(written(b"\xff\xfe"))
    with pytest.raises(UnknownName, match="Did you mean 'weat'"):
        read_lists("waet")
    with pytest.raises(BadFile, match="no such file"):
        read_lists(tmp_path / "none.toml")
    with pytest.raises(BadFile, match="is a folder"):
        read_lists(tmp_path)


@given(some.text(max_size=40), some.integers(0, len(GOOD)), some.integers(0, 30))
@settings(max_examples=150, deadline=None)
def test_damaged_files_are_read_or_refused(tmp_path_factory, inserted, at, cut):
    path = tmp_path_factory.mktemp("lists") / "mine.toml"
    path.write_bytes((GOOD[:at] + inserted + GOOD[at + cut :]).encode("utf-8", "replace"))
    said = refusal(path)
    assert said is None or str(path) in said


def refusal(path):
    """What an error says, None where the lists are read."""
    try:
        read_lists(path)
    except KinfoldError as error:
        return str(error)
    return None


def test_what_the_page_shows_can_be_read(written):
    page = (Path(__file__).parents[2] / "docs" / "trust.md").read_text()
    lists = read_lists(written(page.partition("```toml\n")[2].partition("```")[0]))
    assert [each.name for each in (*lists.queries, *lists.axes)] == ["women and men, home and work", "gender of jobs"]
