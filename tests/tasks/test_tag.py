import random

import numpy as np
import pytest
from models import tiny

from kinfold.core.errors import BadData, BadFile, BadOption, FrameMismatch
from kinfold.core.space import Space
from kinfold.tasks import tag

COLORS, THINGS = ["red", "green", "blue"], ["sea", "ship", "hay", "farm", "wave", "barn"]


def planted(count, seed=0):
    """Colors before a thing are a span with it; a color by itself is none: context counts."""
    draw = random.Random(seed)
    made = []
    for _ in range(count):
        color, thing = draw.choice(COLORS), draw.choice(THINGS)
        if draw.random() < 0.5:
            made.append((["the", color, thing, "is", "a", "."], ["O", "B-X", "I-X", "O", "O", "O"]))
        else:
            made.append((["the", thing, "is", color, "."], ["O", "B-Y", "O", "O", "O"]))
    return made


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny(tmp_path_factory.mktemp("model") / "m", places=64)


@pytest.fixture(scope="module")
def probe(folder):
    return tag.train(planted(120), model=folder, threads=1)


def words():
    rng = np.random.default_rng(0)
    names = [*COLORS, *THINGS, "the", "a", "is", "."]
    return Space.of(names, rng.normal(size=(len(names), 12)), group="word")


def test_a_chain_over_states_finds_what_was_planted(probe):
    report = probe.evaluate(planted(60, 1), seen={"the"})
    assert report["F1"].value > 0.95
    assert report["new words/F1"].n == 60
    assert probe.training["calibration error after"].n > 0
    (spans,) = probe.predict(["The red  ship is a."])
    assert [(span.text, span.type, span.begin, span.end) for span in spans] == [("red  ship", "X", 4, 13)]
    assert 0.5 < spans[0].probability <= 1
    assert probe.predict(["", ["hay"], " "], threshold=0.9999) == [[], [], []]


def test_a_chain_over_static_vectors_reads_the_neighbors():
    tagger = tag.train(planted(120), model=words(), threads=1)
    assert tagger.evaluate(planted(60, 1))["F1"].value > 0.95
    assert sorted(tagger.tags) == ["B-X", "B-Y", "I-X", "I-Y", "O"]


def test_saved_and_opened_it_tells_the_same(probe, folder, tmp_path):
    probe.save(tmp_path / "chain.arrow")
    assert tag.is_tagger(tmp_path / "chain.arrow")
    again = tag.open(tmp_path / "chain.arrow")
    assert again.predict(["the blue wave is a ."]) == probe.predict(["the blue wave is a ."])
    other = tiny(tmp_path / "other", seed=5)
    with pytest.raises(FrameMismatch, match="learned on rows in the frame"):
        tag.open(tmp_path / "chain.arrow", model=other)


def test_the_same_seed_learns_the_same(probe, folder):
    again = tag.train(planted(120), model=folder, threads=1)
    np.testing.assert_array_equal(probe.space.rows.values, again.space.rows.values)


def test_a_fine_tuned_tagger_is_a_folder_of_transformers(folder, tmp_path):
    from transformers import AutoModelForTokenClassification

    how = {"epochs": 6, "learning_rate": 3e-3, "batch": 8, "threads": 1}
    tagger = tag.train(planted(200), model=folder, tune=True, dev=planted(30, 2), **how)
    report = tagger.evaluate(planted(60, 1))
    assert report["F1"].value > 0.8
    assert any("was the best on 30 sentences" in note for note in tagger.training.notes)
    tagger.save(tmp_path / "t")
    again = tag.open(tmp_path / "t")
    assert again.predict(["the blue wave is a ."]) == tagger.predict(["the blue wave is a ."])
    theirs = AutoModelForTokenClassification.from_pretrained(tmp_path / "t")
    assert list(theirs.config.id2label.values()) == tagger.tags
    # Longer than what the model reads: spans are found to the end.
    long = tagger.predict(["the red ship is a . " * 30])[0]
    assert long[-1].end > 450


def test_labels_with_one_example_and_broken_lines_are_told(folder, tmp_path):
    path = tmp_path / "a.conll"
    path.write_text("the O\nsea B-X\n\nhay O\nbad\nfarm B-X\n\nred B-ONE\nbarn O\n")
    tagger = tag.train(path, model=words(), on_bad="skip")
    assert "1 of 2 types have one example only ('ONE')." in tagger.training.notes
    assert "1 broken lines were skipped." in tagger.training.notes
    report = tagger.evaluate([(["the", "sea"], ["O", "B-Z"])])
    assert any("no span of the types Z" in note for note in report.notes)


def test_what_cannot_be_is_said(folder, tmp_path):
    with pytest.raises(BadData, match="none of the 1 sentences has a span"):
        tag.train([(["a"], ["O"])], model=folder)
    with pytest.raises(BadOption, match="no option 'epoch'"):
        tag.train(planted(4), model=folder, tune=True, epoch=3)
    with pytest.raises(BadOption, match="dev goes with fine-tuning"):
        tag.train(planted(4), model=folder, dev=planted(4))
    with pytest.raises(BadFile, match="no such folder"):
        tag.train(planted(4), model=tmp_path / "none")
    with pytest.raises(BadData, match="no head that tags words"):
        tag.open(folder)
    with pytest.raises(BadData, match="is no tagger"):
        tag.ChainTagger(words())
