import json

import pytest


@pytest.fixture
def texts(tmp_path):
    path = tmp_path / "texts.txt"
    lines = [f"this is the text of number {at} and of nothing else at all, {at * 7919 % 1000}" for at in range(200)]
    lines[7] = lines[5]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_findings_places_and_ways_out_are_shown(kinfold, texts):
    ran = kinfold("check", "data", texts)
    assert ran.code == 0, ran.err
    assert "warning · texts that stand twice" in ran.out
    assert f"{texts} line 8 = {texts} line 6" in ran.out
    assert "kinfold dedup FILE --exact" in ran.out
    told = kinfold("check", "data", texts, "--json").json
    assert told["findings"][0]["name"] == "texts that stand twice"
    assert (told["findings"][0]["value"], told["findings"][0]["group"]) == (1, "warning")
    assert {each["title"] for each in told["tables"]} >= {"Examples", "Ways out", "Files"}


def test_strict_ends_with_1_where_something_is_serious(kinfold, texts, tmp_path):
    assert kinfold("check", "data", texts, "--strict").code == 0
    other = tmp_path / "test.txt"
    other.write_text(texts.read_text().splitlines()[3] + "\n")
    assert kinfold("check", "data", texts, other).code == 0
    ran = kinfold("check", "data", texts, other, "--strict", "--json")
    assert ran.code == 1
    assert any(each["group"] == "serious" for each in ran.json["findings"])
    assert kinfold("check", "data", texts, other, "--strict", "--together").code == 0


def test_a_page_is_written_that_shows_what_is_dangerous_as_text(kinfold, texts, tmp_path):
    with open(texts, "a") as file:
        file.write("<script>alert(1)</script> is no text\n")
    out = tmp_path / "page.html"
    ran = kinfold("check", "data", texts, "-o", out)
    assert ran.code == 0, ran.err
    assert str(out) in ran.out
    page = out.read_text()
    assert "texts that stand twice" in page
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_what_is_wrong_is_one_line(kinfold, texts, tmp_path):
    for words, told in (
        (["none.txt"], "no such file"),
        ([texts, "--kind", "poem"], "one of: text"),
        ([texts, "-o", tmp_path / "page.pdf"], "ends in .html"),
        ([texts, "-o", tmp_path / "no" / "page.html"], "page.html"),
        ([texts, "--kind", "table"], "no columns"),
        ([texts, "--threads", "0"], "at least 1"),
    ):
        ran = kinfold("check", "data", *words)
        assert ran.code == 2, words
        assert told in ran.err
        assert len(ran.err.splitlines()) == 1


def test_columns_are_named_on_the_command_line(kinfold, tmp_path):
    path = tmp_path / "a.jsonl"
    rows = [{"body": f"the words of the text {at}", "kind": "ab"[at % 2], "n": at} for at in range(40)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    told = kinfold("check", "data", path, "--kind", "labeled", "--text", "body", "--label", "kind", "--json").json
    classes = next(each for each in told["tables"] if each["title"] == "Classes")
    assert classes["rows"] == [["a", 20, 0.5], ["b", 20, 0.5]]
    missing = kinfold("check", "data", path, "--kind", "labeled", "--text", "words")
    assert missing.code == 2
    assert "no column 'words'" in missing.err
