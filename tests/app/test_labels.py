import json

import pytest
from models import tiny

SEA = ["the ship and the sea", "a blue wave", "sea and wave", "the wave is blue"]
LAND = ["the farm and the barn", "green hay", "hay and barn", "the barn is red"]
TAGGED = "the O\nred B-X\nship I-X\n\na O\nbarn B-Y\nis O\n\ngreen O\n\n"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("labels")
    tiny(folder / "model")
    rows = [f'sea,"{text}"\n' for text in SEA] + [f'land,"{text}"\n' for text in LAND]
    (folder / "table.csv").write_text("label,text\n" + "".join(rows * 6))
    (folder / "tagged.conll").write_text(TAGGED * 12)
    return folder


def test_a_probe_is_learned_judged_kept_and_asked(kinfold, files, tmp_path):
    out = tmp_path / "probe.arrow"
    table = files / "table.csv"
    ran = kinfold("classify", table, table, "--model", files / "model", "--label", "label", "-o", out, "--json")
    assert ran.code == 0, ran.err
    assert ran.json["card"]["method"] == "probe"
    findings = {each["name"]: each["value"] for each in ran.json["report"]["findings"]}
    assert findings["accuracy"] == 1
    assert {"calibration error before", "calibration error after", "temperature"} <= {
        each["name"] for each in ran.json["training"]["findings"]
    }
    told = kinfold("predict", out, "a blue wave", "-k", 2, "--json").json["predictions"][0]["labels"]
    assert told[0]["label"] == "sea"
    spoken = kinfold("classify", table, table, "--model", files / "model")
    assert "calibration error before" in spoken.out
    assert "2 labels × 32 from 48 labeled texts" in spoken.out


def test_fine_tuning_writes_a_folder_that_predict_opens(kinfold, files, tmp_path):
    out = tmp_path / "tuned"
    how = ["--fine-tune", "--epochs", 5, "--learning-rate", 0.003, "--batch", 8, "--threads", 1, "--max-length", 16]
    ran = kinfold("classify", files / "table.csv", files / "table.csv", "--model", files / "model", "-o", out, *how)
    assert ran.code == 0, ran.err
    assert "held-out accuracy" in ran.out
    told = kinfold("predict", out, "a blue wave", "--json")
    assert told.json["predictions"][0]["labels"][0]["label"] == "sea"
    again = kinfold("classify", files / "table.csv", "--model", files / "model", "-o", out, *how)
    assert again.code == 2
    assert "exists already" in again.err


def test_tag_learns_judges_and_predict_finds_spans(kinfold, files, tmp_path):
    out, tagged = tmp_path / "tagger.arrow", files / "tagged.conll"
    ran = kinfold("tag", tagged, tagged, "--model", files / "model", "-o", out, "--json")
    assert ran.code == 0, ran.err
    assert ran.json["sentences"] == 36
    assert ran.json["tags"] == ["O", "B-X", "I-X", "B-Y", "I-Y"]
    assert next(each for each in ran.json["report"]["findings"] if each["name"] == "F1")["value"] == 1
    told = kinfold("predict", out, "the red ship", "--json").json["predictions"][0]["spans"]
    assert [(each["text"], each["type"], each["begin"], each["end"]) for each in told] == [("red ship", "X", 4, 12)]
    assert "red ship" in kinfold("predict", out, "the red ship").out
    assert "-k, --label" in kinfold("predict", out, "the red ship", "-k", 3).err
    how = ["--fine-tune", "--epochs", "1", "--threads", "1", "--dev"]
    tuned = kinfold("tag", tagged, tagged, "--model", files / "model", *how, tagged, "-o", tmp_path / "t")
    assert tuned.code == 0, tuned.err
    assert kinfold("predict", tmp_path / "t", "the red ship", "--json").code == 0


def test_a_curve_is_printed_and_drawn(kinfold, files, tmp_path):
    page, table = tmp_path / "curve.html", files / "table.csv"
    how = ["--epochs", "1", "--threads", "1"]
    ran = kinfold("classify", table, table, "--model", files / "model", "--curve", "--page", page, *how, "--json")
    assert ran.code == 0, ran.err
    (drawn,) = ran.json["report"]["tables"]
    assert drawn["columns"] == ["labels", "TF-IDF", "fastText", "frozen", "fine-tuned"]
    assert [row[0] for row in drawn["rows"]] == [2, 4, 48]
    assert "<svg" in page.read_text()
    assert json.dumps("fine-tuned").strip('"') in page.read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("classify", "table.csv", "--model", "model"), "would be lost"),
        (("classify", "table.csv", "table.csv", "--fine-tune"), "name its folder with --model"),
        (("classify", "table.csv", "table.csv", "--model", "model", "--dim", "8"), "probe has no option 'dim'"),
        (("classify", "table.csv", "table.csv", "--model", "none"), "none: no such folder"),
        (("classify", "table.csv", "--model", "model", "--curve"), "takes --curve, --model and a TEST"),
        (("classify", "table.csv", "table.csv", "--page", "x.html"), "takes --curve, --model and a TEST"),
        (("tag", "table.csv", "table.csv", "--model", "model"), "line 1: 'label,text' is not a word and its tag"),
        (("tag", "tagged.conll", "none.conll", "--model", "model"), "no such file"),
        (("tag", "tagged.conll", "--model", "model"), "would be lost"),
        (("predict", "model", "text"), "no head that labels texts"),
    ],
)
def test_what_cannot_be_is_one_line(kinfold, files, monkeypatch, words, said):
    monkeypatch.chdir(files)
    ran = kinfold(*words)
    assert ran.code == 2
    assert said in ran.err
    assert ran.err.count("\n") == 1
