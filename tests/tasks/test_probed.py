import json

import numpy as np
import pytest
from models import tiny

import kinfold as kf
from kinfold.core.errors import BadData, BadFile, BadOption, FrameMismatch
from kinfold.core.space import Space
from kinfold.tasks.classify import train
from kinfold.tasks.curve import counted, curve

SEA = ["the ship and the sea", "a blue wave", "sea and wave", "the wave is blue", "a ship is a ship"]
LAND = ["the farm and the barn", "green hay", "hay and barn", "the barn is red", "a farm is a farm"]
TEXTS, LABELS = (SEA + LAND) * 8, (["sea"] * 5 + ["land"] * 5) * 8


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny(tmp_path_factory.mktemp("model") / "m")


@pytest.fixture(scope="module")
def probe(folder):
    return train(TEXTS, LABELS, model=folder, threads=1)


@pytest.fixture(scope="module")
def tuned(folder):
    how = {"epochs": 6, "learning_rate": 3e-3, "batch": 8, "threads": 1}
    return train(TEXTS, LABELS, model=folder, tune=True, **how)


def test_a_probe_tells_texts_that_it_has_not_seen(probe):
    assert [hits.keys[0] for hits in probe.predict(["wave and ship", "barn and hay"])] == ["sea", "land"]
    hits = probe.predict(["wave"], k=2)[0]
    assert hits.scores.sum() == pytest.approx(1, abs=1e-5)
    assert probe.predict(["", "zzz"])[0].keys
    report = probe.evaluate(TEXTS, LABELS)
    assert report["accuracy"].low > report["majority"].high
    assert probe.space.keys.groups == {"label": range(2)}
    assert probe.training["calibration error after"].value <= probe.training["calibration error before"].value + 0.02


def test_saved_and_opened_it_tells_the_same(probe, folder, tmp_path):
    probe.save(tmp_path / "probe.arrow")
    again = kf.tasks.classify.open(tmp_path / "probe.arrow")
    one, two = (each.predict(["wave and ship"], k=2)[0] for each in (probe, again))
    assert one.keys == two.keys
    np.testing.assert_array_equal(one.scores, two.scores)
    assert again.space.card.parameters["model"] == str(folder.absolute())
    assert again.training.to_dict() == probe.training.to_dict()
    # Its rows are in the frame of the texts' own: they can be compared.
    texts = kf.encoder(folder).encode(["the wave"])
    again.space.same_frame(texts)
    with pytest.raises(FrameMismatch, match="learned on rows in the frame"):
        kf.tasks.classify.open(tmp_path / "probe.arrow", model=tiny(tmp_path / "other", seed=3))


def test_several_layers_and_another_pooling_are_remembered(folder, probe, tmp_path):
    made = train(TEXTS, LABELS, model=folder, layers=2, pooling="mean+max", threads=1)
    assert made.space.dim == 4 * probe.space.dim
    made.save(tmp_path / "probe.arrow")
    again = kf.tasks.classify.open(tmp_path / "probe.arrow")
    assert [hits.keys[0] for hits in again.predict(["wave and ship", "barn and hay"])] == ["sea", "land"]
    with pytest.raises(BadOption, match="this model has 2"):
        train(TEXTS, LABELS, model=folder, layers=7)
    with pytest.raises(BadOption, match="fine-tuning reads the last layer"):
        train(TEXTS, LABELS, model=folder, layers=2, tune=True)
    with pytest.raises(BadOption, match="whose folder is named"):
        train(TEXTS, LABELS, model=Space.of(["sea"], [[0.0, 1.0]], group="word"), layers=2)


def test_words_and_static_vectors_are_models_too():
    rng = np.random.default_rng(0)
    names = sorted({word for text in TEXTS for word in text.split()})
    words = Space.of(names, rng.normal(size=(len(names), 12)), group="word")
    probe = train(TEXTS, LABELS, model=words, threads=1)
    assert probe.evaluate(TEXTS, LABELS)["accuracy"].value > 0.9
    assert probe.evaluate(["zzz", "wave"], ["sea", "sea"]).notes == ["1 of 2 texts have no word that the model knows."]


def test_several_labels_a_text(folder):
    both = [*zip(TEXTS, [[each] for each in LABELS], strict=True)] + [
        (f"{one} and {other}", ["sea", "land"]) for one in SEA for other in LAND
    ]
    texts, labels = [text for text, _ in both], [each for _, each in both]
    probe = train(texts, labels, model=folder, threads=1)
    assert probe.space.card.parameters["loss"] == "one-vs-rest"
    hits = probe.predict(["the ship and the sea and the farm and the barn", "a blue wave"], k=2, threshold=0.5)
    assert [set(each.keys) for each in hits] == [{"sea", "land"}, {"sea"}]
    how = {"tune": True, "epochs": 2, "threads": 1}
    tuned = train(texts, labels, model=folder, **how)
    assert tuned.model.config.problem_type == "multi_label_classification"
    assert tuned.evaluate(texts, labels)["accuracy"].n == len(texts)


def test_fine_tuning_gives_a_folder_that_transformers_loads(tuned, folder, tmp_path):
    import torch
    import transformers

    assert tuned.evaluate(TEXTS, LABELS)["accuracy"].value > 0.9
    assert len(tuned.training.tables[0].rows) == 6
    tuned.save(tmp_path / "t")
    again = kf.tasks.classify.open(tmp_path / "t")
    (hits,) = again.predict(["wave and ship"], k=2)
    np.testing.assert_array_equal(hits.scores, tuned.predict(["wave and ship"], k=2)[0].scores)
    theirs = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "t").eval()
    tokens = transformers.AutoTokenizer.from_pretrained(tmp_path / "t")("wave and ship", return_tensors="pt")
    with torch.inference_mode():
        chances = torch.softmax(theirs(tokens["input_ids"], tokens["attention_mask"]).logits, 1)[0]
    told = {theirs.config.id2label[at]: float(each) for at, each in enumerate(chances)}
    # The temperature is in the weights: another program tells the same probabilities.
    assert told == {key: pytest.approx(score, abs=1e-5) for key, score in hits}
    assert json.loads((tmp_path / "t" / "kinfold.json").read_text())["temperature"] > 0
    with pytest.raises(BadFile, match="exists already"):
        tuned.save(tmp_path / "t")


def test_the_same_seed_learns_the_same(tuned, folder):
    how = {"epochs": 6, "learning_rate": 3e-3, "batch": 8, "threads": 1}
    again = train(TEXTS, LABELS, model=folder, tune=True, **how)
    for one, two in zip(tuned.model.parameters(), again.model.parameters(), strict=True):
        np.testing.assert_array_equal(one.detach().numpy(), two.detach().numpy())


def test_a_label_with_one_example_is_told_of(folder):
    texts, labels = [*TEXTS[:40], "red"], [*LABELS[:40], "color"]
    for how in ({}, {"tune": True, "epochs": 1}):
        made = train(texts, labels, model=folder, threads=1, **how)
        assert any("1 of 3 labels have one example only ('color')" in note for note in made.training.notes)
        assert set(made.labels) == {"sea", "land", "color"}


def test_a_given_part_chooses_the_epoch(folder, tmp_path):
    (tmp_path / "dev.txt").write_text("__label__sea a wave\n__label__land hay\n__label__fog grey\n")
    made = train(TEXTS, LABELS, model=folder, tune=True, dev=tmp_path / "dev.txt", epochs=1, threads=1)
    assert any("best on 2 texts that were held out" in note for note in made.training.notes)


def test_what_cannot_be_is_said(folder, probe, tmp_path):
    with pytest.raises(BadData, match="all texts have the label 'x'"):
        train(["a", "b"], ["x", "x"], model=folder)
    with pytest.raises(BadOption, match="model=…"):
        train(TEXTS, LABELS, tune=True)
    with pytest.raises(BadOption, match="dev goes with fine-tuning"):
        train(TEXTS, LABELS, model=folder, dev="x")
    with pytest.raises(BadOption, match=r"no option 'epoch'\. Did you mean 'epochs'"):
        train(TEXTS, LABELS, model=folder, tune=True, epoch=1)
    with pytest.raises(BadOption, match="learning_rate is 2"):
        train(TEXTS, LABELS, model=folder, tune=True, learning_rate=2)
    with pytest.raises(BadFile, match="no such folder"):
        train(TEXTS, LABELS, model=tmp_path / "none")
    with pytest.raises(BadData, match="no head that labels texts"):
        kf.tasks.classify.open(folder)
    with pytest.raises(BadData, match="texts are strings"):
        probe.predict([["a", "b"]])


def test_counts_are_learned_and_a_curve_compares(folder, tmp_path):
    items = kf.sources.labeled.read(TEXTS, LABELS)
    assert counted(items).evaluate(TEXTS, LABELS)["accuracy"].value == 1
    for name in ("train", "test"):
        lines = [f"__label__{label} {text}" for label, text in zip(LABELS, TEXTS, strict=True)]
        (tmp_path / f"{name}.txt").write_text("\n".join(lines))
    how = {"model": folder, "shares": (0.1, 1.0), "draws": 2, "tune": False, "threads": 1}
    report = curve(tmp_path / "train.txt", tmp_path / "test.txt", **how)
    assert report.tables[0].columns == ("labels", "TF-IDF", "fastText", "frozen")
    assert [row[0] for row in report.tables[0].rows] == [8, 80]
    assert report["frozen/80 labels"].value > 0.9
    assert report["frozen/8 labels"].n == 160
    with pytest.raises(BadOption, match="shares"):
        curve(tmp_path / "train.txt", tmp_path / "test.txt", model=folder, shares=(2,))
