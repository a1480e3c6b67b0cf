import json

import numpy as np
import pytest

from kinfold import Space
from kinfold.core.errors import BadData, BadOption
from kinfold.core.keys import Keys
from kinfold.tasks import dedup as task
from kinfold.tasks.dedup import dedup, of_texts

WORDS = [f"word{number}" for number in range(3000)]


def rows_with_copies(count=300, copies=40, noise=0.05, seed=0):
    """Rows far from each other, the last ones nearly those of the first; texts that are all different."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(count, 24)).astype(np.float32)
    near = rows[:copies] * rng.uniform(0.5, 2, (copies, 1)) + noise * rng.normal(size=(copies, 24))
    space = Space.of([f"d{at}" for at in range(count + copies)], np.concatenate([rows, near]), group="document")
    return space.with_attribute("text", [f"text {at} {'long ' * (at >= count)}" for at in range(count + copies)])


def test_planted_copies_are_dropped_and_nothing_else():
    space = rows_with_copies()
    found = dedup(space, threshold=0.95)
    assert found.kept.tolist() == list(range(300))
    assert found.owners[300:].tolist() == list(range(40))
    assert len(found.space) == 300
    assert found.space.frame == space.frame
    cosines = [space.similarity(f"d{300 + at}", f"d{at}") for at in range(40)]
    np.testing.assert_allclose(found.similarities[300:], np.minimum(cosines, 1), atol=1e-5)
    assert found.report["kept"].value == 300
    assert found.report["groups"].value == 40
    step = found.space.card.steps[-1]
    assert (step["step"], step["kept"], step["of"]) == ("dedup", 300, 340)
    assert step["dropped"][0] == ["d300", "d0"]
    shares = {row[0]: row[1] for row in found.report.tables[-1].rows}
    assert shares[0.95] == 80
    assert shares[0.5] >= 80


def test_the_longest_stays_where_it_is_asked_for():
    found = dedup(rows_with_copies(), keep="longest")
    assert set(found.kept.tolist()) == {*range(40, 340)}
    assert found.owners[:40].tolist() == list(range(300, 340))


def test_an_index_finds_what_all_pairs_do(monkeypatch):
    space = rows_with_copies()
    every = dedup(space)
    monkeypatch.setattr(task, "_COMPARED", 10)
    by_index = dedup(space, threads=1)
    np.testing.assert_array_equal(by_index.owners, every.owners)
    np.testing.assert_allclose(by_index.similarities, every.similarities, atol=1e-6)
    assert "hnsw" in by_index.report.notes[0]


def test_what_is_between_joins_what_it_is_near_to(monkeypatch):
    angles = np.array([0, 0.1, 0.2, 0.3, 1.5])
    space = Space.of(list("abcde"), np.stack([np.cos(angles), np.sin(angles)], axis=1), group="document")
    monkeypatch.setattr(task, "_JOINED", 1)
    found = dedup(space, threshold=0.99)
    assert found.owners.tolist() == [0, 0, 0, 0, 4]
    assert found.similarities[3] == pytest.approx(np.cos(0.3), abs=1e-6)


def test_the_same_words_are_one_text_whatever_their_rows():
    texts = ["The  Ｃat\nsat", "a dog", "the cat sat ", "A DOG", "", "", "a dog."]
    rows = np.eye(7)
    space = Space.of(list("abcdefg"), rows, group="document").with_attribute("text", texts)
    for exact in (True, False):
        found = dedup(space, exact=exact)
        assert found.owners.tolist() == [0, 1, 0, 1, 4, 5, 6]
        assert found.report["dropped, the same word for word"].value == 2
    assert len(dedup(space, exact=True).space) == 5


def test_rows_of_zeros_are_like_none_and_other_groups_stay():
    keys = Keys(["w", "v", "a", "b", "c", "d"], {"word": 2, "document": 4})
    space = Space.of(keys, np.array([[1, 0], [1, 0], [0, 0], [0, 0], [0, 1], [0, 2]]))
    found = dedup(space)
    assert list(found.space.keys) == ["w", "v", "a", "b", "c"]
    assert {name: len(rows) for name, rows in found.space.groups.items()} == {"word": 2, "document": 3}


def planted_texts(alike, seed=0):
    """Pairs of texts of 100 runs of 3 words each, of which so large a share of both is common."""
    rng = np.random.default_rng(seed)
    texts, truth = [], []
    for share in alike:
        text = rng.choice(WORDS, 102, replace=False).tolist()
        # Cut behind so many words, the rest new: common runs c of 100 + 100 - c.
        common = round(200 * share / (1 + share))
        other = [*text[: common + 2], *(f"new{rng.integers(1 << 30)}" for _ in range(100 - common))]
        texts += [" ".join(text), " ".join(other)]
        truth.append(common / (200 - common))
    return texts, np.array(truth)


def test_texts_alike_by_a_known_share_are_found():
    texts, truth = planted_texts(np.repeat([0.3, 0.5, 0.65, 0.75, 0.9], 20))
    found = of_texts(texts, threshold=0.7)
    dropped = found.owners[1::2] == np.arange(0, len(texts), 2)
    assert not dropped[truth < 0.7].any()
    assert dropped[truth >= 0.7].mean() > 0.97
    np.testing.assert_allclose(found.similarities[1::2][dropped], truth[dropped], atol=1e-6)
    assert found.space is None
    assert found.texts[0].as_py() == texts[0]


def test_the_same_seed_gives_the_same_and_texts_without_words_stay():
    texts = ["", "?", "?!", "one", "One!", "two words", "two  words", "some five words are here"]
    found = of_texts(texts, threads=1)
    assert found.owners.tolist() == [0, 1, 2, 3, 3, 5, 5, 7]
    assert of_texts(texts, threads=1).report == found.report
    assert of_texts(texts, exact=True).owners.tolist() == [0, 1, 2, 3, 4, 5, 5, 7]
    assert of_texts(texts, keep="longest").owners.tolist() == [0, 1, 2, 4, 4, 6, 6, 7]


def test_groups_are_written_a_line_each(tmp_path):
    found = dedup(rows_with_copies(20, 3))
    found.save(tmp_path / "groups.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "groups.jsonl").read_text().splitlines()]
    assert [line["key"] for line in lines] == ["d0", "d1", "d2"]
    assert lines[1]["dropped"][0]["key"] == "d21"
    assert lines[1]["dropped"][0]["exact"] is False
    assert lines[1]["text"].startswith("text 1")


def test_what_cannot_be_told_apart_is_said():
    space = rows_with_copies(5, 1)
    for threshold in (0, 1.5, -1):
        with pytest.raises(BadOption, match="threshold is"):
            dedup(space, threshold=threshold)
    with pytest.raises(BadOption, match="first or longest"):
        dedup(space, keep="last")
    bare = Space.of(list("ab"), np.eye(2), group="document")
    assert dedup(bare).kept.tolist() == [0, 1]
    for options in ({"exact": True}, {"keep": "longest"}, {"text": "body"}):
        with pytest.raises(BadData, match="are needed here"):
            dedup(bare, **options)
    with pytest.raises(BadData, match="no texts"):
        of_texts([])
    with pytest.raises(BadData, match="text 1 is int"):
        of_texts(["a", 3])
    with pytest.raises(BadOption, match="shingle is 0"):
        of_texts(["a"], shingle=0)
