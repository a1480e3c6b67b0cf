import dataclasses
import json

import numpy as np
import pytest
from worlds import accents, partners

import kinfold as kf
from kinfold import Space
from kinfold.sources.pairs import read


@pytest.fixture
def files(tmp_path):
    """Two accents, a dictionary of a third of the words and a test of another, one word of each unknown."""
    here, there = accents()
    here.save(tmp_path / "here.arrow")
    there.save(tmp_path / "there.arrow")
    for name, start in (("seeds.tsv", 0), ("test.tsv", 1)):
        lines = [f"a{i}\tb{i}\n" for i in range(start, 240, 3)]
        (tmp_path / name).write_text("# word, translation\n" + "".join(lines) + "lost\tb1\n")
    return tmp_path


def test_align_writes_a_space_in_the_other_frame(kinfold, files):
    out = files / "out.arrow"
    command = ("align", files / "here.arrow", "--to", files / "there.arrow", "--dictionary", files / "seeds.tsv")
    ran = kinfold(*command, "-o", out, "--json")
    assert ran.code == 0, ran.err
    aligned, there = kf.open(out), kf.open(files / "there.arrow")
    aligned.same_frame(there)
    assert partners(aligned, there) > 0.95
    assert ran.json["frame"] == there.frame
    assert ran.json["step"]["links"] == 80
    assert [each["name"] for each in ran.json["report"]["findings"]][:2] == ["coverage", "cosine"]
    assert "lost" in json.dumps(ran.json["report"])
    assert "align" in kinfold("info", out).out


def test_every_field_of_align_and_retrofit_is_an_option(kinfold):
    from kinfold.transform import TRANSFORMS

    for name in ("align", "retrofit"):
        text = kinfold(name, "--help").out
        for field in dataclasses.fields(TRANSFORMS[name]):
            assert "--" + field.name in text


def test_align_takes_its_options(kinfold, files):
    out = files / "out.arrow"
    asked = (
        "--method refine --no-unit --no-center --rounds 3 --neighbors 5 --restrict 100 --no-lower --seed 4 --group word"
    )
    command = ("align", files / "here.arrow", "--to", files / "there.arrow", "--dictionary", files / "seeds.tsv")
    ran = kinfold(*command, "-o", out, *asked.split(), "--json")
    assert ran.code == 0, ran.err
    wanted = {"method": "refine", "unit": False, "center": False, "rounds": 3, "neighbors": 5, "restrict": 100}
    assert wanted.items() <= ran.json["step"].items()
    assert ran.json["step"]["seed"] == 4


def test_translate_answers_words(kinfold, files):
    command = ("translate", files / "here.arrow", files / "there.arrow", "--dictionary", files / "seeds.tsv")
    ran = kinfold(*command, "a7", "A100", "-k", 3, "--json")
    assert ran.code == 0, ran.err
    answers = ran.json["translations"]
    assert [each["query"] for each in answers] == ["a7", "a100"]
    assert [each["hits"][0]["key"] for each in answers] == ["b7", "b100"]
    assert all(len(each["hits"]) == 3 for each in answers)
    text = kinfold(*command, "a7", "a100").out
    assert "here → there" in text
    assert len([line for line in text.splitlines() if line.startswith("a")]) == 2


def test_translate_judges_itself_on_a_test(kinfold, files):
    command = ("translate", files / "here.arrow", files / "there.arrow", "--dictionary", files / "seeds.tsv")
    ran = kinfold(*command, "--test", files / "test.tsv", "a7", "--json")
    assert ran.code == 0, ran.err
    assert len(ran.json["translations"]) == 1
    found = {(each["group"], each["name"]): each for each in ran.json["report"]["findings"]}
    assert found["", "precision@1"]["value"] > 0.9
    assert found["", "precision@1"]["n"] == 80
    assert found["no alignment", "precision@1"]["value"] < 0.1
    text = kinfold(*command, "--test", files / "test.tsv", "--method", "refine", "--by", "nearest").out
    for part in ("precision@5", "random rotation", "random answers", "lost"):
        assert part in text


def test_translate_goes_on_with_an_aligned_space(kinfold, files):
    out = files / "out.arrow"
    command = ("align", files / "here.arrow", "--to", files / "there.arrow", "--dictionary", files / "seeds.tsv")
    assert kinfold(*command, "-o", out).code == 0
    answers = kinfold("translate", out, files / "there.arrow", "a7", "--json").json["translations"]
    assert answers[0]["hits"][0]["key"] == "b7"


def test_mine_writes_judges_and_shows_pairs(kinfold, files):
    rows = np.random.default_rng(0).normal(size=(50, 8))
    left = Space.of([f"s{i}" for i in range(50)], rows)
    right = Space.of(left.keys, rows + 0.2 * np.random.default_rng(1).normal(size=rows.shape))
    left.save(files / "left.arrow")
    dataclasses.replace(right, card=left.card).save(files / "right.arrow")
    command = ("mine", files / "left.arrow", files / "right.arrow")
    ran = kinfold(*command, "--threshold", 1.1, "-o", files / "pairs.tsv", "--same-keys", "--json")
    assert ran.code == 0, ran.err
    pairs = read(files / "pairs.tsv", weighted=True)
    assert len(pairs) == ran.json["count"] > 40
    assert min(pairs.weights) >= 1.1
    findings = {each["name"]: each["value"] for each in ran.json["report"]["findings"] if not each["group"]}
    assert findings["precision"] > 0.95
    (files / "truth.tsv").write_text("s1 s1\ns2 s2\n")
    assert kinfold(*command, "--truth", files / "truth.tsv", "--json").json["report"]["findings"][1]["n"] == 2
    plain = kinfold(*command, "--margin", "absolute", "--select", "intersect", "-k", 2, "--json").json
    assert plain["pairs"][0]["left"] == plain["pairs"][0]["right"]
    text = kinfold(*command).out
    assert "50 pairs, the best 20" in text
    assert len(text.splitlines()) == 22


def test_retrofit_moves_the_words_of_a_lexicon(kinfold, files):
    (files / "lexicon.txt").write_text("a0 a200 a150 2\na3 lost 1\n")
    out = files / "out.arrow"
    asked = "--iterations 5 --alpha 0.5 --beta 2 --weighted --group word --lower"
    ran = kinfold(
        "retrofit", files / "here.arrow", "--pairs", files / "lexicon.txt", "-o", out, *asked.split(), "--json"
    )
    assert ran.code == 0, ran.err
    assert {"iterations": 5, "alpha": 0.5, "beta": 2, "weighted": True}.items() <= ran.json["step"].items()
    assert ran.json["step"]["moved"] == 3
    before, after = kf.open(files / "here.arrow"), kf.open(out)
    assert "a200" not in before.nearest("a0", 2).keys
    assert set(after.nearest("a0", 2).keys) == {"a200", "a150"}
    assert "lost" in kinfold("retrofit", files / "here.arrow", "--pairs", files / "lexicon.txt", "-o", out).out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("translate", "{here}", "{there}", "a1"), "Give a dictionary"),
        (("translate", "{here}", "{there}", "--dictionary", "{seeds}"), "--test"),
        (("translate", "{here}", "{there}", "--dictionary", "{seeds}", "aa"), "'aa'"),
        (("translate", "{here}", "{there}", "--dictionary", "{seeds}", "a1", "--by", "cslss"), "Did you mean 'csls'"),
        (("translate", "{here}", "{there}", "--dictionary", "nowhere.tsv", "a1"), "nowhere.tsv"),
        (("align", "{here}", "--to", "{there}", "-o", "{out}"), "0 of 0 pairs"),
        (("align", "{here}", "--to", "{there}", "--dictionary", "{seeds}", "-o", "no/folder.arrow"), "folder"),
        (("align", "{here}", "--to", "{there}", "--dictionary", "{bad}", "-o", "{out}"), "line 2"),
        (
            ("align", "{here}", "--to", "{there}", "--method", "x", "--dictionary", "{seeds}", "-o", "{out}"),
            "procrustes",
        ),
        (("mine", "{here}", "{there}"), "different frames"),
        (("mine", "{here}", "{here}", "-o", "{out}", "--margin", "raito"), "Did you mean 'ratio'"),
        (("retrofit", "{here}", "--pairs", "{seeds}", "-o", "{out}"), "0 of 81 pairs"),
    ],
)
def test_an_error_is_one_line_and_code_2_and_leaves_nothing(kinfold, files, words, says):
    (files / "bad.tsv").write_text("a1\tb1\nalone\n")
    before = sorted(each.name for each in files.iterdir())
    places = {"here": files / "here.arrow", "there": files / "there.arrow", "seeds": files / "seeds.tsv"}
    ran = kinfold(*(word.format(**places, bad=files / "bad.tsv", out=files / "out.arrow") for word in words))
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert says in ran.err
    assert ran.out == ""
    assert sorted(each.name for each in files.iterdir()) == before
