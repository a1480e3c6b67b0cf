import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import conlleval

import kinfold as kf
from kinfold.core.errors import BadData, BadFile, BadOption
from kinfold.core.tags import is_tag, scheme_of, spans_of, tags_of
from kinfold.sources.conll import read, words_of

KINDS = st.sampled_from(["PER", "LOC", "creative-work"])
TAGS = st.lists(st.one_of(st.just("O"), st.builds("{}-{}".format, st.sampled_from("BIESLU"), KINDS)), max_size=12)


@given(st.lists(st.one_of(st.just("O"), st.builds("{}-{}".format, st.sampled_from("BI"), KINDS)), max_size=12))
@settings(max_examples=200, deadline=None)
def test_spans_are_those_of_conlleval(tags):
    assert [tuple(span) for span in spans_of(tags)] == conlleval.chunks(tags)


@given(TAGS)
@settings(max_examples=200, deadline=None)
def test_every_scheme_comes_to_iob2_and_stays_there(tags):
    clean = tags_of(spans_of(tags), len(tags))
    assert spans_of(clean) == spans_of(tags)
    assert tags_of(spans_of(clean), len(clean)) == clean
    assert [tag == "O" for tag in clean] == [tag == "O" for tag in tags]
    assert scheme_of([clean]) == "IOB2"


def test_schemes_are_recognized():
    marked = {
        "IOB1": ["I-PER", "I-PER", "O", "I-LOC", "B-LOC"],
        "IOB2": ["B-PER", "I-PER", "O", "B-LOC", "B-LOC"],
        "BIOES": ["B-PER", "E-PER", "O", "S-LOC", "S-LOC"],
        "mixed": ["I-PER", "I-PER", "O", "B-LOC", "B-LOC"],
    }
    for scheme, tags in marked.items():
        found = read([(["a", "b", "c", "d", "e"], tags)])
        assert found.scheme == scheme
        assert found.tags == [["B-PER", "I-PER", "O", "B-LOC", "B-LOC"]]


@pytest.mark.parametrize("split", ["\t", " "])
def test_lines_are_sentences(tmp_path, split):
    lines = [
        "-DOCSTART- -X- O O",
        "",
        "# id = 3",
        f"en:New{split}NNP{split}B-LOC",
        f"en:York{split}NNP{split}I-LOC\r",
        f"#{split}x{split}O",
        "",
        "",
        f"en:Hi{split}x{split}O",
    ]
    path = tmp_path / "a.conll"
    path.write_text("\n".join(lines))
    found = kf.sources.conll.read(path, prefix="en:")
    assert found.words == [["New", "York", "#"], ["Hi"]]
    assert found.tags == [["B-LOC", "I-LOC", "O"], ["O"]]
    assert (found.scheme, found.skipped) == ("IOB2", 0)


def test_json_has_tokens_or_spans(tmp_path):
    records = [
        {"tokens": ["New", "York"], "tags": ["B-LOC", "I-LOC"]},
        {"text": "In NewYork's sun", "spans": [{"start": 3, "end": 6, "label": "A"}, [6, 10, "B"]]},
        {"text": "nothing", "spans": []},
    ]
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in records))
    found = read(path)
    assert found.words[1] == ["In", "New", "York", "'s", "sun"]
    assert found.tags == [["B-LOC", "I-LOC"], ["O", "B-A", "B-B", "O", "O"], ["O"]]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.conll", "a\tO\nword\nb\tO\n", "line 2: 'word' is not a word and its tag"),
        ("a.conll", "a\tO\n\tB-X\n", "line 2"),
        ("a.conll", "a\tO\nb\tNOUN\n", "line 2"),
        ("a.jsonl", '{"tokens": ["a"], "tags": ["O"]}\n{"tokens": ["a"], "tags": []}\n', "line 2: .*1 words do not"),
        ("a.jsonl", '{"tokens": ["a"], "tags": ["O"]}\nx\n', "line 2"),
        ("a.jsonl", '{"tokens": ["a"], "tags": ["O"]}\n{"text": "a", "spans": [[0, 9, "X"]]}\n', "from 0 to 9"),
        ("a.jsonl", '{"tokens": ["a"], "tags": ["O"]}\n{"text": "abc", "spans": [[0, 2, "X"], [1, 3, "Y"]]}', "share"),
        ("a.jsonl", '{"tokens": ["a"], "tags": ["O"]}\n{"tokens": ["a"]}\n', "it has no 'tags'"),
    ],
)
def test_a_broken_line_is_named_or_counted(tmp_path, name, text, said):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(BadData, match=said) as caught:
        read(path)
    assert str(path) in str(caught.value)
    assert "on_bad='skip'" in str(caught.value)
    found = read(path, on_bad="skip")
    assert found.skipped == 1
    assert found.words[0][0] == "a"


def test_what_cannot_be_read_is_said(tmp_path):
    with pytest.raises(BadFile, match="no such file"):
        read(tmp_path / "none")
    with pytest.raises(BadFile, match="is a folder"):
        read(tmp_path)
    (tmp_path / "empty").write_text("\n\n# nothing\n")
    with pytest.raises(BadData, match="holds no sentence"):
        read(tmp_path / "empty")
    with pytest.raises(BadOption, match="on_bad"):
        read([], on_bad="ignore")
    with pytest.raises(BadData, match="cannot be read from int"):
        read(3)
    with pytest.raises(BadData, match="not one string"):
        read([("ab", ["O", "O"])])


@given(st.text(alphabet="aB-_IOX#\t \n\r\u3000é", max_size=80))
@settings(max_examples=200, deadline=None)
def test_no_text_breaks_the_reader(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "fuzz.conll"
    path.write_text(text, newline="")
    try:
        found = read(path, on_bad="skip")
    except BadData:
        return
    for words, tags in zip(found.words, found.tags, strict=True):
        assert len(words) == len(tags) > 0
        assert all(words)
        assert all(map(is_tag, tags))


@given(st.binary(max_size=80))
@settings(max_examples=100, deadline=None)
def test_no_line_of_json_breaks_the_reader(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "fuzz.jsonl"
    path.write_bytes(b'{"tokens": ["a"], "tags": ["O"]}\n' + data)
    try:
        assert len(read(path, on_bad="skip")) >= 1
    except BadData as error:
        assert "UTF-16" in str(error) or "NUL" in str(error)  # noqa: PT017 - bytes that are no text at all


@given(st.text(max_size=60))
@settings(deadline=None)
def test_words_stand_where_they_say(text):
    for word in words_of(text):
        assert text[word.begin : word.end] == word.text
