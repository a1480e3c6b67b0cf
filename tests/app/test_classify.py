import dataclasses

import pytest

import kinfold as kf
from kinfold.learn import Supervised

TEXTS = ["sun and sea", "snow and ice", "a warm sea", "cold, cold ice"] * 30
LABELS = ["summer", "winter"] * 60


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The same labeled texts as lines, as a table, and with other words for it."""
    folder = tmp_path_factory.mktemp("labeled")
    pairs = list(zip(LABELS, TEXTS, strict=True))
    (folder / "lines.txt").write_text("".join(f"__label__{label} {text}\n" for label, text in pairs))
    (folder / "first.txt").write_text("".join(f"{label} {text}\n" for label, text in pairs))
    (folder / "table.csv").write_text("season,words\n" + "".join(f'{label},"{text}"\n' for label, text in pairs))
    (folder / "plain.txt").write_text("the sea\n\nice\n")
    return folder


@pytest.fixture(scope="module")
def model(files):
    path = files / "model.arrow"
    kf.tasks.classify.train(files / "lines.txt", dim=8, epochs=20, threads=1).save(path)
    return path


@pytest.mark.parametrize(
    ("name", "options"),
    [("lines.txt", ()), ("first.txt", ("--prefix", "")), ("table.csv", ("--text", "words", "--label", "season"))],
)
def test_classify_trains_and_judges(kinfold, files, tmp_path, name, options):
    out = tmp_path / "model.arrow"
    asked = (
        "--dim 6 --epochs 9 --word-ngrams 2 --buckets 500 --loss one-vs-all --threads 1 --seed 4 --no-lower -k 1 -k 2"
    )
    ran = kinfold("classify", files / name, files / name, "-o", out, *asked.split(), *options, "--json")
    assert ran.code == 0, ran.err
    space = kf.open(out)
    wanted = {"dim": 6, "epochs": 9, "word_ngrams": 2, "buckets": 500, "loss": "one-vs-all"}
    assert wanted.items() <= dict(space.card.parameters).items()
    assert space.card.seed == 4
    assert space.card.data["text"] == {"tokenizer": "words", "lower": False}
    assert ran.json["labeled"] == ran.json["texts"] == 120
    assert ran.json["groups"]["label"] == 2
    assert len(ran.json["epochs"]) == 9
    findings = {each["name"]: each for each in ran.json["report"]["findings"]}
    assert findings["accuracy"]["value"] > 0.9
    assert findings["recall@2"]["value"] == 1
    assert [report.title for report in space.card.reports] == ["training", f"Classification · {name}"]


def test_classify_speaks_to_people(kinfold, files, tmp_path):
    ran = kinfold("classify", files / "lines.txt", files / "lines.txt", "-o", tmp_path / "m.arrow", "--epochs", 20)
    assert ran.code == 0, ran.err
    assert "2 labels × 100 from 120 labeled texts" in ran.out
    assert "accuracy" in ran.out
    assert "kinfold predict" in ran.out
    kept = kinfold("classify", files / "lines.txt", "-o", tmp_path / "m.arrow")
    assert kept.code == 0
    assert "accuracy" not in kept.out


def test_every_field_of_the_learner_is_an_option(kinfold):
    text = kinfold("classify", "--help").out
    for field in dataclasses.fields(Supervised):
        assert "--" + field.name.replace("_", "-") in text
    assert "classify" in kinfold("--help").out


def test_predict_labels_texts(kinfold, model):
    ran = kinfold("predict", model, "the SEA", "ice", "-k", 2, "--json")
    assert ran.code == 0, ran.err
    first, second = ran.json["predictions"]
    assert first["text"] == "the SEA"
    assert [each["label"] for each in first["labels"]] == ["summer", "winter"]
    assert first["labels"][0]["probability"] > 0.8
    assert second["labels"][0]["label"] == "winter"
    assert ran.json["report"] is None
    shown = kinfold("predict", model, "the SEA").out
    assert "summer 0." in shown
    assert "winter" not in shown


def test_predict_reads_files_and_judges_where_labels_are_known(kinfold, model, files):
    plain = kinfold("predict", model, "--file", files / "plain.txt", "--json").json
    assert [each["text"] for each in plain["predictions"]] == ["the sea", "", "ice"]
    for options in (
        ("--file", files / "lines.txt", "--prefix", "__label__"),
        ("--file", files / "first.txt", "--prefix", ""),
        ("--file", files / "table.csv", "--text", "words", "--label", "season"),
    ):
        ran = kinfold("predict", model, *options, "--json")
        assert ran.code == 0, ran.err
        assert len(ran.json["predictions"]) == 120
        assert ran.json["predictions"][0]["text"] == "sun and sea"
        assert {each["name"]: each["value"] for each in ran.json["report"]["findings"]}["accuracy"] > 0.9
    assert "macro F1" in kinfold("predict", model, *options).out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("classify", "{lines}"), "-o FILE"),
        (("classify", "{plain}", "-o", "{out}"), "none of the 3 texts has a label"),
        (("classify", "nowhere.txt", "{lines}"), "no such file"),
        (("classify", "{lines}", "nowhere.txt", "--epochs", "100000"), "no such file"),
        (("classify", "{lines}", "{plain}", "-o", "{out}"), "plain.txt: none of the 3 texts"),
        (("classify", "{table}", "-o", "{out}"), "no column 'label'"),
        (("classify", "{lines}", "-o", "{out}", "--loss", "sofmax"), "Did you mean 'softmax'"),
        (("classify", "{lines}", "-o", "{out}.bin"), "kinfold convert"),
        (("classify", "{lines}", "{lines}", "-k", "0"), "at least 1"),
        (("classify", "{lines}", "-o", "{out}", "-k", "0"), "at least 1"),
        (("classify", "{lines}", "-o", "{out}", "--min-n", "4", "--max-n", "2"), "min_n"),
        (("predict", "{model}"), "give texts"),
        (("predict", "{model}", "sea", "--file", "{plain}"), "one of the two"),
        (("predict", "{model}", "sea", "--label", "season"), "--file"),
        (("predict", "{model}", "sea", "-k", "0"), "k is 0"),
        (("predict", "{model}", "sea", "--threshold", "7"), "threshold"),
        (("predict", "{plain}", "sea"), "plain.txt"),
    ],
)
def test_an_error_is_one_line_and_code_2_and_leaves_nothing(kinfold, files, model, tmp_path, words, says):
    places = {"lines": "lines.txt", "plain": "plain.txt", "table": "table.csv", "model": "model.arrow"}
    given = {name: files / file for name, file in places.items()} | {"out": tmp_path / "out"}
    ran = kinfold(*(word.format(**given) for word in words))
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert says in ran.err
    assert ran.out == ""
    assert list(tmp_path.iterdir()) == []
