import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from kinfold import Space, measure
from kinfold.core.errors import BadData, BadFile
from kinfold.core.keys import Keys
from kinfold.measure.judgment import spearman


def circle(count=30):
    """Words w0, w1 … at growing angles from w0: the farther the number, the less alike."""
    angles = np.linspace(0, 3, count)
    return Space.of([f"w{i}" for i in range(count)], np.stack([np.cos(angles), np.sin(angles)], axis=1), group="word")


def scored(separator="\t", head="", count=30):
    return head + "".join(separator.join(["w0", f"w{i}", str(10 - i / 10)]) + "\n" for i in range(1, count))


@settings(deadline=None, max_examples=60)
@given(pairs=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=3, max_size=40))
def test_correlation_is_that_of_scipy(pairs):
    x, y = np.array(pairs, float).T
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        assert np.isnan(spearman(x, y))
    else:
        np.testing.assert_allclose(spearman(x, y), spearmanr(x, y).statistic, atol=1e-12)


@pytest.mark.parametrize(
    "text",
    [
        scored("\t"),
        scored(","),
        scored(" "),
        scored(";"),
        scored("\t", "word1\tword2\tscore\n"),
        scored(",", "Word 1,Word 2,Human (mean)\n"),
        scored(" ", "# a remark\n\n"),
        scored("\t").replace("\n", "\r\n"),
        "\ufeff" + scored("\t"),
        "word1\tword2\tPOS\tscore\tother\n" + "".join(f"w0\tw{i}\tA\t{9 - i / 10}\t{i}\n" for i in range(1, 30)),
    ],
)
def test_every_layout_is_read(text, tmp_path):
    (tmp_path / "pairs.txt").write_text(text, encoding="utf-8", newline="")
    report = measure.similarity(circle(), tmp_path / "pairs.txt")
    assert report["spearman"].value == pytest.approx(1)
    assert report["spearman"].n == 29
    assert report["coverage"].value == 1


def test_pairs_without_a_row_are_counted(tmp_path):
    (tmp_path / "pairs.txt").write_text(scored() + "w0\tmissing\t3\nW0\tmissing\t2\n")
    report = measure.similarity(circle(), tmp_path / "pairs.txt")
    assert report["spearman"].n == 29
    assert report["coverage"].n == 31
    assert [list(row) for row in report.tables[1].rows] == [["missing", 2]]
    assert measure.similarity(circle(), tmp_path / "pairs.txt", lower=False).tables[1].rows[1] == ["W0", 1]


def test_the_interval_narrows_with_pairs(tmp_path):
    rng = np.random.default_rng(0)
    space = circle()
    widths = []
    for count in (20, 200):
        left, right = rng.integers(0, 30, (2, count))
        lines = [f"w{a} w{b} {-abs(a - b) + 4 * rng.normal():.3f}" for a, b in zip(left, right, strict=True)]
        (tmp_path / "pairs.txt").write_text("\n".join(lines))
        found = measure.similarity(space, tmp_path / "pairs.txt")["spearman"]
        assert found.low <= found.value <= found.high
        widths.append(found.high - found.low)
    assert widths[1] < widths[0] / 2


def test_several_files_and_folders(tmp_path):
    (tmp_path / "one.txt").write_text(scored())
    (tmp_path / "two.csv").write_text(scored(",", count=12))
    (tmp_path / "notes.md").write_text("not a test")
    for path in (tmp_path, [tmp_path / "one.txt", str(tmp_path / "two.csv")]):
        report = measure.similarity(circle(), path)
        assert report["one/spearman"].n == 29
        assert report["two/spearman"].n == 11


def test_pairs_are_of_one_group(tmp_path):
    (tmp_path / "pairs.txt").write_text("a b 3\n")
    space = Space.of(Keys(["x", "a", "a", "b"], {"word": 2, "name": 2}), np.eye(4))
    assert measure.similarity(space, tmp_path / "pairs.txt")["coverage"].value == 0
    assert measure.similarity(space, tmp_path / "pairs.txt", group="name")["coverage"].value == 1


def test_too_few_pairs_are_said(tmp_path):
    (tmp_path / "pairs.txt").write_text("w0 w1 3\nx y 4\n")
    report = measure.similarity(circle(), tmp_path / "pairs.txt")
    assert np.isnan(report["spearman"].value)
    assert any("too few" in note for note in report.notes)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("w0 w1 3\nw0 w2\n", "line 2"),
        ("w0 w1 3\nw0 w2 high\n", "line 2"),
        ("w0 w1 3\nw0 w2 nan\n", "line 2"),
        ("one two three\nfour five six\n", "line 2"),
        ("only a head\n", "no scored pairs"),
        ("", "no scored pairs"),
    ],
)
def test_bad_files_name_the_line(text, message, tmp_path):
    (tmp_path / "pairs.txt").write_text(text)
    with pytest.raises(BadData, match=message) as caught:
        measure.similarity(circle(), tmp_path / "pairs.txt")
    assert "pairs.txt" in str(caught.value)


def test_nothing_there_is_refused(tmp_path):
    with pytest.raises(BadFile):
        measure.similarity(circle(), tmp_path / "nothing.txt")
    with pytest.raises(BadData, match="no files"):
        measure.similarity(circle(), tmp_path)
