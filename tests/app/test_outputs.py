"""What could not be written is said before the work, not after it."""

import numpy as np
import pytest

import kinfold as kf


@pytest.fixture
def words(tmp_path):
    rows = np.random.default_rng(0).normal(size=(40, 6))
    kf.Space.of([f"w{i}" for i in range(40)], rows, group="word").save(tmp_path / "words.arrow")
    return tmp_path / "words.arrow"


@pytest.mark.parametrize(
    "asked", [("health",), ("audit", "--lists", "weat"), ("debias",), ("dimension",), ("explain",)]
)
def test_a_page_or_a_space_in_no_folder_is_refused_first(kinfold, words, tmp_path, monkeypatch, asked):
    def never(*given, **options):
        raise AssertionError("the rows were read before the place was looked at")

    monkeypatch.setattr(kf.Space, "open", never)
    ending = "arrow" if asked[0] in ("health", "audit", "debias") else "html"
    ran = kinfold(asked[0], words, *asked[1:], "-o", tmp_path / "nowhere" / f"out.{ending}")
    assert ran.code == 2
    assert "nowhere" in ran.err


def test_why_refuses_it_too(kinfold, words, tmp_path):
    ran = kinfold("why", words, "w1", "w2", "-o", tmp_path / "nowhere" / "out.html")
    assert ran.code == 2
    assert "nowhere" in ran.err
