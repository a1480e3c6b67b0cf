import numpy as np
import pytest

from kinfold import Space, show
from kinfold.core.errors import BadData, BadOption
from kinfold.core.keys import Keys
from kinfold.tasks.topics import topics

THEMES = {
    "sea": ["ship", "sailor", "sea", "whale", "wave", "sail", "harbor", "deep", "water"],
    "land": ["horse", "farmer", "field", "hay", "plough", "barn", "wheat", "meadow", "soil"],
    "law": ["judge", "court", "jury", "verdict", "trial", "lawyer", "crime", "sentence", "oath"],
    "sky": ["star", "planet", "comet", "moon", "orbit", "telescope", "galaxy", "night", "sun"],
}
COMMON = ["the", "of", "and", "to", "in", "a", "is", "it", "was", "for"]


def world(size=60, noise=0.5, seed=0):
    """Texts of four themes, full of words that all share; rows in four crowds."""
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(len(THEMES), 16))
    texts, rows, kinds = [], [], []
    for at in range(size * len(THEMES)):
        kind = at % len(THEMES)
        words = [*rng.choice(list(THEMES.values())[kind], 8), *rng.choice(COMMON, 12)]
        if kind == 0:
            words += ["deep", "water"]
        texts.append(" ".join(words if kind == 0 else rng.permutation(words)))
        rows.append(centers[kind] + noise * rng.normal(size=16))
        kinds.append(list(THEMES)[kind])
    space = Space.of([f"t{at}" for at in range(len(texts))], rows, group="document")
    return space.with_attribute("text", texts).with_attribute("kind", kinds)


def test_planted_topics_are_found_and_named_by_their_own_words():
    space = world()
    found = topics(space, threads=1)
    assert len(found.topics) == 4
    told = dict(zip(found.space.attribute("topic").to_pylist(), space.attribute("kind").to_pylist(), strict=True))
    assert sorted(told.values()) == sorted(THEMES)
    for number, kind in zip(
        found.space.attribute("topic").to_pylist(), space.attribute("kind").to_pylist(), strict=True
    ):
        assert told[number] == kind
    for each in found.topics:
        words = {part for word in each.words for part in word.split()}
        assert not words & set(COMMON)
        assert words <= set(THEMES[told[each.number]])
        assert each.name == ", ".join(each.words[:3])
        assert each.texts == 60
        assert each.silhouette > 0.5
        assert all(told[each.number] == space.attribute("kind")[space.keys.row(key)].as_py() for key in each.examples)
    assert (
        found.space.attribute("topic_name").to_pylist()[0]
        == found.topics[found.space.attribute("topic")[0].as_py()].name
    )
    assert found.report["silhouette"].low > 0.5
    assert found.report["diversity"].value == 1


def test_words_that_belong_together_are_one():
    space = world()
    assert any("deep water" in each.words for each in topics(space, 4, threads=1).topics)
    assert not any(" " in word for each in topics(space, 4, phrases=False, threads=1).topics for word in each.words)


def test_coherence_is_the_npmi_of_texts_that_have_both():
    texts = ["red blue", "red blue", "red", "green", "green gold", "gold"] * 3
    rows = [[1, 0], [1, 0.1], [1, 0.2], [0, 1], [0.1, 1], [0.2, 1]] * 3
    space = Space.of(range(18), rows, group="document").with_attribute("text", texts)
    found = topics(space, 2, phrases=False, threads=1)
    # p(red) = 1/2, p(blue) = 1/3, together 1/3; p(green) = p(gold) = 1/3, together 1/6.
    expected = {"red": np.log(2) / np.log(3), "green": np.log(1.5) / np.log(6)}
    for each in found.topics:
        name = "red" if "red" in each.words else "green"
        assert each.coherence == pytest.approx(expected[name])
    assert found.report["coherence"].value == pytest.approx(np.mean(list(expected.values())))


def test_the_same_seed_gives_the_same_and_saved_is_opened(tmp_path):
    space = world(20)
    one, two = (topics(space, seed=3, threads=1) for _ in range(2))
    assert one.topics == two.topics
    assert one.space.table == two.space.table
    one.space.save(tmp_path / "s.arrow")
    assert Space.open(tmp_path / "s.arrow").table == one.space.table
    assert one.space.card.steps[-1]["step"] == "clusters"


def test_only_the_texts_have_topics():
    space = world(20)
    keys = Keys([*(f"w{at}" for at in range(9)), *space.keys], {"word": 9, "document": 80})
    rows = np.concatenate([np.ones((9, 16), np.float32), space.rows.dense()])
    both = Space.of(keys, rows).with_attribute("text", [None] * 9 + space.attribute("text").to_pylist())
    found = topics(both, 4, threads=1)
    assert found.group == "document"
    assert found.space.attribute("topic").to_pylist()[:9] == [None] * 9
    assert found.space.attribute("topic_name").null_count == 9


def test_the_page_has_map_names_words_and_texts(tmp_path):
    found = topics(world(20), threads=1)
    text = found.space.attribute("text").to_pylist()
    text[int(found.topics[0].examples[0][1:])] = "<script>alert(1)</script>"
    found = topics(found.space.with_attribute("text", text), 4, threads=1)
    show.topics.write(found, tmp_path / "t.html", method="pca")
    page = (tmp_path / "t.html").read_text()
    for each in found.topics:
        assert each.name in page
    assert "<script>alert" not in page
    assert "data-map" in page
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_one_text_two_texts_and_texts_all_alike():
    for count in (1, 2, 3):
        space = Space.of(range(count), np.eye(count), group="document").with_attribute("text", ["the same"] * count)
        found = topics(space, threads=1)
        assert sum(each.texts for each in found.topics) == count
    same = Space.of(range(9), np.ones((9, 2)), group="document").with_attribute("text", ["the same"] * 9)
    assert len(topics(same, threads=1).topics) == 1


def test_what_has_no_topics_is_said():
    space = world(5)
    with pytest.raises(BadOption, match="there are 20 rows"):
        topics(space, 21)
    with pytest.raises(BadOption, match="k is 0"):
        topics(space, 0)
    with pytest.raises(BadOption, match="words is 0"):
        topics(space, words=0)
    words = Space.of(["cat", "dog"], np.eye(2), group="word")
    with pytest.raises(BadData, match="named by words of texts"):
        topics(words)
    with pytest.raises(BadData, match="has a word"):
        topics(space.with_attribute("text", ["?"] * 20), 2)
