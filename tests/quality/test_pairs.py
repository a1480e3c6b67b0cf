import os
import random
from pathlib import Path

import pytest
from quality.planted import found, places, sentences, table

import kinfold as kf

DATA = Path(os.environ.get("KINFOLD_DATA", Path(__file__).parents[3] / "shared" / "data"))


def clean(count=300, seed=0):
    rng = random.Random(seed)
    texts = sentences(2 * count, seed)
    return [[texts[2 * at], texts[2 * at + 1], f"{rng.randint(0, 50) / 10:g}"] for at in range(count)]


def written(folder, name, rows):
    path = folder / name
    path.write_text("\n".join("\t".join(row) for row in [["sentence1", "sentence2", "score"], *rows]) + "\n")
    return path


def test_clean_pairs_raise_no_alarm(tmp_path):
    report = kf.check(written(tmp_path, "pairs.tsv", clean()))
    assert found(report) == {}
    assert "read as pairs" in report.notes[1]
    assert table(report, "Files")[0][1] == 300
    assert sum(row[1] for row in table(report, "Scores")) == 300


def test_faults_of_pairs_are_counted_each_with_its_place(tmp_path):
    rows = clean()
    rows[3][1] = ""
    rows[4][2] = "alike"
    rows[10] = [*rows[11][:2], "0.1"]
    rows[11][2] = "4.9"
    rows[20] = [rows[21][1], rows[21][0], rows[21][2]]
    rows[30][1] = rows[30][0]
    rows[40] = rows[41]
    path = written(tmp_path, "pairs.tsv", rows)
    report = kf.check(path)
    assert found(report) == {
        "rows that are no pair": ("serious", 2),
        "pairs that stand twice": ("warning", 2),
        "pairs whose copies have other scores": ("warning", 2),
        "pairs that stand twice the other way round": ("note", 1),
        "pairs of a text with itself that are scored": ("note", 1),
        # The runs of words are the same, whatever the order of the two.
        "pairs that nearly repeat another": ("note", 1),
    }
    assert [where for where, _ in places(report, "rows that are no pair")] == [f"{path} line 5", f"{path} line 6"]
    assert places(report, "pairs that stand twice the other way round")[0][0].startswith(
        f"{path} line 23 = {path} line 22"
    )


def test_pairs_and_texts_that_splits_share(tmp_path):
    train, test = clean(), clean(50, seed=1)
    test[3] = train[5]
    test[4][0] = train[6][1]
    report = kf.check([written(tmp_path, "train.tsv", train), written(tmp_path, "test.tsv", test)])
    assert found(report) == {
        "pairs of a later file that an earlier one has": ("serious", 1),
        "pairs of later files with a text that the first has": ("note", 2),
    }


def test_one_and_the_same_score_tells_nothing(tmp_path):
    rows = [[left, right, "1"] for left, right, _ in clean()]
    assert found(kf.check(written(tmp_path, "pairs.tsv", rows))) == {
        "pairs of one and the same score": ("warning", 300)
    }


@pytest.mark.data
@pytest.mark.skipif(not (DATA / "text" / "stsbenchmark").exists(), reason=f"{DATA} is not there; set KINFOLD_DATA")
def test_the_benchmark_of_pairs_shares_some_between_its_splits():
    files = [DATA / "text" / "stsbenchmark" / name for name in ("sts-train.csv.gz", "sts-dev.csv", "sts-test.csv")]
    report = kf.check(files)
    assert found(report)["pairs of a later file that an earlier one has"] == ("serious", 16)
    assert [row[1] for row in table(report, "Files")] == [5749, 1500, 1379]


def test_words_that_are_the_same_in_two_languages_are_no_fault_of_a_dictionary(tmp_path):
    rows = [f"house{at}\tHaus{at}" for at in range(200)] + [f"taxi{at}\ttaxi{at}" for at in range(20)]
    path = tmp_path / "words.tsv"
    path.write_text("\n".join(rows) + "\n")
    assert found(kf.check(path, kind="pairs")) == {"pairs of a text with itself": ("note", 20)}
