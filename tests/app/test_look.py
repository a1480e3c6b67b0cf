import json

import numpy as np
import pytest

from kinfold import Space


@pytest.fixture
def spaces(tmp_path):
    """Two Spaces of the same words; two of them have changed places, one is gone and one is new."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(120, 6))
    Space.of([f"w{i}" for i in range(120)], rows, group="word").save(tmp_path / "old.arrow")
    rows = rows @ np.linalg.qr(rng.normal(size=(6, 6)))[0]
    rows[[3, 4]] = rows[[4, 3]]
    Space.of([*(f"w{i}" for i in range(119)), "late"], rows, group="word").save(tmp_path / "new.arrow")
    return tmp_path


def test_compare_prints_what_is_different_and_writes_a_page(kinfold, spaces):
    ran = kinfold("compare", spaces / "old.arrow", spaces / "new.arrow")
    assert ran.code == 0, ran.err
    for expected in ("119", "Moved most", "near in old", "near in new", "Keys gone", "late"):
        assert expected in ran.out, expected
    page = spaces / "page.html"
    told = kinfold(
        "compare", spaces / "old.arrow", spaces / "new.arrow", "-k", "5", "-o", page, "--method", "pca", "--json"
    ).json
    assert told["path"] == str(page)
    moved = next(each for each in told["tables"] if each["title"] == "Moved most")
    assert {row[0] for row in moved["rows"][:2]} == {"w3", "w4"}
    text = page.read_text("utf-8")
    assert "old and new, side by side" in text
    assert '"trails":[[' in text


def test_compare_refuses_what_has_nothing_in_common_and_what_is_not_there(kinfold, spaces):
    Space.of(["a", "b", "c"], np.eye(3)).save(spaces / "other.arrow")
    ran = kinfold("compare", spaces / "old.arrow", spaces / "other.arrow")
    assert ran.code == 2
    assert "at least 3" in ran.err
    ran = kinfold("compare", spaces / "old.arrow", spaces / "lost.arrow")
    assert ran.code == 2
    assert "lost.arrow" in ran.err
    (spaces / "broken.arrow").write_bytes(b"ARROW1 but no more")
    assert kinfold("compare", spaces / "old.arrow", spaces / "broken.arrow").code == 2


def test_report_says_what_to_know_and_writes_the_page(kinfold, spaces):
    page = spaces / "report.html"
    command = ("report", spaces / "old.arrow", "-o", page, "--method", "pca", "--title", "Mine", "--without", "bias")
    ran = kinfold(*command)
    assert ran.code == 0, ran.err
    assert "clusters" in ran.out
    assert "<h1>Mine</h1>" in page.read_text("utf-8")
    told = kinfold(*command, "--json").json
    assert told["sections"][0]["title"] == "Health"
    assert json.dumps(told)
    ran = kinfold(*command, "--without", "maps")
    assert ran.code == 2
    assert "Did you mean 'map'?" in ran.err
