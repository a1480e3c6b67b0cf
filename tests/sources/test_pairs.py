import gzip
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinfold.core.errors import BadData, BadFile, BadOption, KinfoldError
from kinfold.core.keys import Keys
from kinfold.core.shapes import Pairs
from kinfold.sources.pairs import read

DATA = Path(os.environ.get("KINFOLD_DATA", Path(__file__).parents[3] / "shared" / "data"))
DICTIONARY = DATA / "text" / "bilingual_dictionaries" / "en-de" / "yacle.train.freq.5k.en-de.tsv"
WANTED = [("dog", "Hund"), ("dog", "Hündin"), ("cat", "Katze")]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.tsv", "dog\tHund\ndog\tHündin\ncat\tKatze\n"),
        ("a.txt", "dog Hund\ndog   Hündin\n cat Katze"),
        ("a.txt", "dog Hund Hündin\ncat Katze\n"),
        ("a.txt", "# a dictionary\n#\n\ndog\tHund\tHündin\t\ncat\tKatze\n"),
        ("a.csv", 'dog,Hund,Hündin\ncat,"Katze"\n'),
        ("a.CSV", "dog;Hund\ndog;Hündin\ncat;Katze\n"),
        ("a.txt", "\ufeffdog Hund\r\ndog Hündin\r\ncat Katze\r\n"),
        ("a.txt", "dog Hund\ndog Hündin\ndog Hund\ncat Katze\n"),
        ("a.tsv.gz", "dog\tHund\ndog\tHündin\ncat\tKatze\n"),
    ],
)
def test_every_layout_is_read(tmp_path, name, text):
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    for source in (path, str(path)):
        pairs = read(source)
        assert list(pairs) == WANTED
        assert list(pairs.left) == ["dog", "cat"]
        assert pairs.skipped == 0


def test_words_of_a_dictionary_with_tabs_may_hold_spaces_and_hashes(tmp_path):
    (tmp_path / "a.tsv").write_text("New York\tNova Iorque\n#love\t#amor\nnon\u00a0breaking\tx\n")
    assert list(read(tmp_path / "a.tsv")) == [
        ("New York", "Nova Iorque"),
        ("#love", "#amor"),
        ("non\u00a0breaking", "x"),
    ]
    (tmp_path / "b.csv").write_text('"salt, pepper","sal, ""pimenta"""\n')
    assert list(read(tmp_path / "b.csv")) == [("salt, pepper", 'sal, "pimenta"')]


def test_pairs_come_from_python_too():
    assert list(read(WANTED)) == WANTED
    assert list(read({"dog": ["Hund", "Hündin"], "cat": "Katze"})) == WANTED
    assert list(read(each for each in [(1193, 661)])) == [("1193", "661")]
    pairs = read(WANTED)
    assert read(pairs) is pairs


def test_weights_are_the_last_field(tmp_path):
    (tmp_path / "a.txt").write_text("dog hound puppy 0.5\ncat kitten 2\n")
    pairs = read(tmp_path / "a.txt", weighted=True)
    assert list(pairs) == [("dog", "hound"), ("dog", "puppy"), ("cat", "kitten")]
    assert pairs.weights.tolist() == [0.5, 0.5, 2]
    assert read([("dog", "hound", 0.25)], weighted=True).weights.tolist() == [0.25]
    assert read(tmp_path / "a.txt").weights is None


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("dog\tHund\nNew York\n", {}, "line 2: 'New York' is no pair: it has not two words"),
        ("dog\tHund\n\tHund\n", {}, "line 2"),
        ("dog Hund\n# fine\ncat\n", {}, "line 3: 'cat'"),
        ("dog hound 1\ncat kitten much\n", {"weighted": True}, "line 2: .*'much' is not a weight"),
        ("dog hound 1\ncat kitten -1\n", {"weighted": True}, "line 2: .*'-1' is not a weight"),
        ("dog hound 1\ncat kitten nan\n", {"weighted": True}, "line 2: .*'nan' is not a weight"),
        ("dog hound 1\ncat 1\n", {"weighted": True}, "line 2: .*two words and a weight"),
        (b"dog Hund\nca\xfft Katze\n", {}, "line 2: the byte 0xff"),
        ("", {}, "holds no pair"),
        ("# nothing\n\n", {}, "holds no pair"),
        ("a\x00b\x00" * 20, {}, "NUL"),
    ],
)
def test_bad_files_name_the_line(tmp_path, text, options, message):
    path = tmp_path / "a.txt"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(BadData, match=message) as caught:
        read(path, **options)
    assert "a.txt" in str(caught.value)


def test_bad_lines_are_counted_where_they_may_be_skipped(tmp_path):
    (tmp_path / "a.txt").write_text("dog Hund\nalone\ncat Katze\nlonely\n")
    pairs = read(tmp_path / "a.txt", on_bad="skip")
    assert len(pairs) == pairs.skipped == 2
    assert read([("a",), ("b", None), ("c", "d"), "ef"], on_bad="skip").skipped == 3


@pytest.mark.parametrize("source", [[("a",)], [("a", None)], [(float("nan"), "b")], {"a": None}, 5, b"ab", [], ["ab"]])
def test_what_is_no_list_of_pairs_is_refused(source):
    with pytest.raises(BadData):
        read(source)


def test_missing_files_and_options(tmp_path):
    for path in (tmp_path / "nothing", tmp_path):
        with pytest.raises(BadFile):
            read(path)
    with pytest.raises(BadOption, match="on_bad"):
        read([("a", "b")], on_bad="ignore")


@settings(deadline=None, max_examples=200)
@given(
    data=st.one_of(
        st.binary(max_size=80), st.text("ab \t,;\"#\n\r1.5-é\u2028\u3000", max_size=80).map(str.encode)
    ),
    name=st.sampled_from(["a.txt", "a.csv", "a.tsv", "a.txt.gz"]),
    weighted=st.booleans(),
    on_bad=st.sampled_from(["raise", "skip"]),
)  # fmt: skip
def test_any_bytes_are_pairs_or_an_error(tmp_path_factory, data, name, weighted, on_bad):
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(data)
    try:
        pairs = read(path, weighted=weighted, on_bad=on_bad)
    except KinfoldError:
        return
    assert len(pairs) > 0
    assert all(left and right for left, right in pairs)
    assert len(set(pairs)) == len(pairs)


def test_the_shape_refuses_parts_that_do_not_fit():
    left, right = Keys(["a", "b"]), Keys(["c"])
    good = np.array([[0, 0], [1, 0]], np.int32)
    assert list(Pairs(left, right, good)) == [("a", "c"), ("b", "c")]
    for links in (good.astype(np.int64), good[:, :1], np.array([[0, 1]], np.int32), np.array([[-1, 0]], np.int32)):
        with pytest.raises(BadData):
            Pairs(left, right, links)
    for weights in ([1.0], [1.0, np.nan], [1.0, -1.0]):
        with pytest.raises(BadData, match="weight"):
            Pairs(left, right, good, np.array(weights, np.float32))


@pytest.mark.data
@pytest.mark.skipif(not DICTIONARY.exists(), reason=f"no bilingual dictionaries in {DATA}")
def test_a_real_dictionary():
    pairs = read(DICTIONARY)
    assert len(pairs) == 5000
    assert next(iter(pairs)) == ("of", "von")
