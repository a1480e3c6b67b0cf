import numpy as np
import pytest
from oracles.analogies import answer

from kinfold import Space, measure
from kinfold.core.errors import BadData, BadFile, BadOption
from kinfold.measure import analogy
from kinfold.measure.analogy import solve


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "questions.txt"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


def pairs(count=6, dim=8, extra=0, seed=0):
    """Words x0.. and y0..: each y is its x plus one offset, so that every question has its answer."""
    rng = np.random.default_rng(seed)
    base = rng.normal(size=(count, dim))
    offset = rng.normal(size=dim)
    rows = np.concatenate([base, base + offset, rng.normal(size=(extra, dim))])
    names = [f"x{i}" for i in range(count)] + [f"y{i}" for i in range(count)] + [f"z{i}" for i in range(extra)]
    return Space.of(names, rows, group="word")


def all_questions(count=6):
    return "".join(f"x{i} y{i} x{j} y{j}\n" for i in range(count) for j in range(count) if i != j)


@pytest.mark.parametrize("method", ["3cosadd", "3cosmul"])
def test_answers_are_those_of_the_oracle(monkeypatch, method):
    monkeypatch.setattr(analogy, "_QUESTIONS", 7)
    monkeypatch.setattr(analogy, "_COLUMNS", 50)
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(230, 5)).astype("f4")
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    questions = rng.integers(0, 230, (120, 3))
    expected = [answer(vectors, *question, method) for question in questions]
    assert solve(vectors, questions, method).tolist() == expected


@pytest.mark.parametrize("method", ["3cosadd", "3cosmul"])
def test_planted_pairs_are_found(written, method):
    report = measure.analogies(pairs(), written(": capitals\n" + all_questions()), method=method)
    assert report["accuracy"].value > 0.6  # of ten words that are left
    assert report["accuracy"].n == 30
    assert report["accuracy"].low <= report["accuracy"].value <= report["accuracy"].high


def test_the_three_words_are_never_the_answer(written):
    # Without the rule, x0 itself would be nearest to y0 - y0 + x0.
    space = Space.of(["a", "b", "c"], [[1, 0], [0.9, 0.1], [0, 1]], group="word")
    assert measure.analogies(space, written("a a a b\n"))["accuracy"].value == 1


def test_sections_and_totals(written):
    text = ": capitals\n" + all_questions(3) + ": gram1-plural\nx0 y0 x1 y1\nx0 y0 x1 z0\n: empty\n"
    report = measure.analogies(pairs(extra=1), written(text))
    assert report["capitals/accuracy"].n == report["semantic/accuracy"].n == 6
    assert report["gram1-plural/accuracy"].n == report["syntactic/accuracy"].n == 2
    assert report["syntactic/accuracy"].value <= 0.5
    assert report["accuracy"].n == 8
    assert [row[:3] for row in report.tables[0].rows] == [["capitals", 6, 6], ["gram1-plural", 2, 2]]


def test_missing_words_are_counted_and_listed(written):
    text = "x0 y0 x1 y1\nx0 y0 x1 paris\nx0 y0 rome paris\nparis x0 x1 y1\n"
    report = measure.analogies(pairs(), written(text))
    assert report["coverage"].value == 0.25
    assert report["coverage"].n == 4
    assert report["accuracy"].n == 1
    assert [list(row) for row in report.tables[1].rows] == [["paris", 3], ["rome", 1]]


def test_nothing_covered_is_said(written):
    report = measure.analogies(pairs(), written("a b c d\n"))
    assert np.isnan(report["accuracy"].value)
    assert report["accuracy"].n == 0
    assert any("No question is covered" in note for note in report.notes)


def test_only_frequent_rows_take_part(written):
    space = pairs()
    path = written("x0 y0 x1 y1\nx2 y2 x3 y3\n")
    assert measure.analogies(space, path, restrict=None)["accuracy"].n == 2
    assert measure.analogies(space, path, restrict=8)["accuracy"].n == 1
    # By count where there is one: x0, x1, y0, y1 are the rarest.
    counts = [1 if key[1] in "01" else 9 for key in space.keys]
    report = measure.analogies(space.with_attribute("count", counts), path, restrict=8)
    assert report["accuracy"].n == 1
    assert {row[0] for row in report.tables[1].rows} == {"x0", "y0", "x1", "y1"}


def test_case_follows_the_keys(written):
    path = written("X0 Y0 X1 Y1\n")
    assert measure.analogies(pairs(), path)["accuracy"].n == 1
    assert measure.analogies(pairs(), path, lower=False)["accuracy"].n == 0
    space = pairs()
    mixed = Space.of(["King" if key == "x5" else key for key in space.keys], space.rows.values, group="word")
    assert measure.analogies(mixed, path)["accuracy"].n == 0
    assert measure.analogies(mixed, path, lower=True)["accuracy"].n == 1


def test_only_the_words_of_a_space_take_part(written):
    from kinfold.core.keys import Keys

    rows = np.random.default_rng(0).normal(size=(4, 3))
    path = written("a b c d\n")
    both = Space.of(Keys(["p", "q", "a", "b"], {"ngram": 2, "word": 2}), rows)
    assert measure.analogies(both, path)["coverage"].n == 1
    taught = Space.of(Keys(["p", "q", "a", "b"], {"user": 2, "item": 2}), rows)
    with pytest.raises(BadOption, match="group=…"):
        measure.analogies(taught, path)
    report = measure.analogies(taught, path, group="item")
    assert {row[0] for row in report.tables[1].rows} == {"c", "d"}
    assert "of 2 rows" in report.notes[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a b c d\na b c\n", "line 2: 3 words"),
        ("a b c d e\n", "line 1: 5 words"),
        ("\n: only a heading\n", "no questions"),
        ("", "no questions"),
        (b"a b c d\nfa\xffke b c d\n", "line 2: byte 2 is not UTF-8"),
    ],
)
def test_bad_files_name_the_line(written, text, message):
    path = written(text)
    with pytest.raises(BadData, match=message) as caught:
        measure.analogies(pairs(), path)
    assert str(path) in str(caught.value)


def test_bad_options_and_missing_files_are_refused(written, tmp_path):
    path = written("a b c d\n")
    with pytest.raises(BadOption, match="3cosadd, 3cosmul"):
        measure.analogies(pairs(), path, method="4cos")
    with pytest.raises(BadOption, match="restrict"):
        measure.analogies(pairs(), path, restrict=0)
    with pytest.raises(BadFile):
        measure.analogies(pairs(), tmp_path / "nothing")
    with pytest.raises(BadFile):
        measure.analogies(pairs(), tmp_path)
