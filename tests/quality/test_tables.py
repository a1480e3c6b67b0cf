import json
import os
import random
from pathlib import Path

import pytest
from quality.planted import found, places, table

import kinfold as kf
from kinfold.core.errors import BadOption, UnknownName

DATA = Path(os.environ.get("KINFOLD_DATA", Path(__file__).parents[3] / "shared" / "data"))
HEADER = ["row_id", "age", "height", "town", "label"]
TOWNS = ["Ulm", "Bonn", "Kiel", "Trier"]


def clean(count=400, seed=0):
    rng = random.Random(seed)
    return [
        [
            seed * 100_000 + at,
            rng.randint(18, 90),
            round(rng.gauss(170, 9), 3),
            rng.choice(TOWNS),
            rng.choice(["yes", "no"]),
        ]
        for at in range(count)
    ]


def written(folder, name, rows, header=HEADER):
    path = folder / name
    path.write_text("\n".join(",".join(map(str, row)) for row in [header, *rows]) + "\n")
    return path


IDS = {"columns of names or numbers of rows": ("note", 1)}


def test_a_clean_table_raises_no_alarm(tmp_path):
    report = kf.check(written(tmp_path, "a.csv", clean()))
    assert found(report) == IDS
    assert "read as table" in report.notes[0]
    kinds = {row[0]: row[1:4] for row in table(report, "Columns (5)")}
    assert kinds["town"] == ["text", 4, 0]
    assert kinds["age"][0] == "number"


def test_values_that_are_missing_mixed_or_no_numbers(tmp_path):
    rows = clean()
    for at in range(5):
        rows[10 + at][3] = ""
    rows[20][3], rows[21][3], rows[22][3] = "NA", "?", "?"
    rows[30][2], rows[31][2] = "nan", "inf"
    rows[40][1], rows[41][1] = "about 40", "50 years"
    rows[50][4] = ""
    for at in range(60, 66):
        rows[at][1] = 999
    path = written(tmp_path, "a.csv", rows)
    report = kf.check(path)
    assert found(report) == {
        **IDS,
        "missing values in 'town'": ("note", 6),
        "missing values that are written as a mark or a word": ("warning", 2),
        "NaN or infinite numbers in 'height'": ("serious", 2),
        "text among the numbers of 'age'": ("warning", 2),
        "missing values in 'label'": ("serious", 1),
        "999 in place of a value in 'age'": ("warning", 6),
    }
    assert places(report, "text among the numbers of 'age'") == [
        (f"{path} row 41", "age: about 40"),
        (f"{path} row 42", "age: 50 years"),
    ]
    assert places(report, "missing values that are written as a mark or a word")[0] == (
        f"column town, first {path} row 22",
        "? (2 times)",
    )


def test_columns_that_say_nothing_or_everything(tmp_path):
    rows = [[*row[:4], "x", "", row[4][0], row[4]] for row in clean()]
    report = kf.check(written(tmp_path, "a.csv", rows, [*HEADER[:4], "same", "nothing", "verdict", "label"]))
    assert found(report) == {
        **IDS,
        "constant column 'same'": ("warning", 400),
        "empty column 'nothing'": ("warning", 400),
        "column 'verdict' that alone tells the label 'label'": ("serious", 400),
    }


def test_a_number_that_gives_a_label_or_a_number_away(tmp_path):
    rng = random.Random(3)
    rows = [[*row[:4], rng.random(), row[4]] for row in clean(600)]
    for row in rows:
        row[4] += 3 if row[5] == "yes" else 0
    report = kf.check(written(tmp_path, "a.csv", rows, [*HEADER[:4], "score", "label"]))
    assert "column 'score' that alone tells the label 'label'" in found(report)
    prices = [[*row[:4], 2.5 * row[2] + 1] for row in clean(600)]
    report = kf.check(written(tmp_path, "b.csv", prices, [*HEADER[:4], "price"]), label="price")
    assert found(report)["column 'height' that alone tells the label 'price'"][0] == "serious"
    assert "column 'age' that alone tells the label 'price'" not in found(report)


def test_broken_rows_and_values_in_several_ways(tmp_path):
    rows = clean()
    rows[5] = rows[5][:3]
    rows[9] = [*rows[9], "more"]
    rows[15][3] = "ulm"
    rows[16][3] = " U.L.M"
    path = written(tmp_path, "a.csv", rows)
    report = kf.check(path)
    told = found(report)
    assert told["rows with too few or too many fields"] == ("serious", 2)
    assert [where for where, _ in places(report, "rows with too few or too many fields")] == [
        f"{path} row 6",
        f"{path} row 10",
    ]
    assert told["values that are written in several ways in 'town'"] == ("warning", 2)
    assert told["columns with white space around values"] == ("warning", 1)


def test_rows_that_stand_twice_and_that_splits_share(tmp_path):
    train, test = clean(), clean(100, seed=1)
    train.append(train[3])
    train.append([9999, *train[4][1:]])
    test[5] = train[8]
    test[6] = [9998, *train[9][1:4], "no" if train[9][4] == "yes" else "yes"]
    test[7] = [9997, *train[10][1:]]
    paths = [written(tmp_path, "train.csv", train), written(tmp_path, "test.csv", test)]
    report = kf.check(paths)
    told = {name: each for name, each in found(report).items() if "names or numbers" not in name}
    assert told == {
        "rows that stand twice": ("note", 1),
        "rows that stand twice but for row_id": ("note", 1),
        "rows of a later file that an earlier one has": ("serious", 1),
        "rows of a later file that an earlier one has but for row_id": ("warning", 1),
        "rows that differ in their label alone": ("note", 2),
    }
    assert places(report, "rows that stand twice")[0][0] == f"{paths[0]} row 401 = {paths[0]} row 4"
    assert (
        places(report, "rows of a later file that an earlier one has")[0][0] == f"{paths[1]} row 6 = {paths[0]} row 9"
    )


def test_labels_that_the_first_file_has_not(tmp_path):
    test = [[*row[:4], row[4] + "."] for row in clean(60, seed=1)]
    first, second = written(tmp_path, "train.csv", clean()), written(tmp_path, "test.csv", test)
    told = found(kf.check([first, second]))
    assert told[f"rows of classes that {first} has not"] == ("serious", 60)
    assert told["values that are written in several ways in 'label'"] == ("serious", 60)


def test_a_group_in_two_splits(tmp_path):
    train, test = clean(), clean(100, seed=1)
    header = [*HEADER[:3], "clinic", "label"]
    for at, row in enumerate(test):
        row[3] = "Ulm" if at < 7 else f"Hof{at % 3}"
    paths = [written(tmp_path, "train.csv", train, header), written(tmp_path, "test.csv", test, header)]
    assert "rows of groups that an earlier file has" not in found(kf.check(paths))
    named = [
        written(tmp_path, f"{each.stem}2.csv", rows, [*HEADER[:3], "patient", "label"])
        for each, rows in zip(paths, (train, test), strict=True)
    ]
    assert found(kf.check(named))["rows of groups that an earlier file has"] == ("warning", 7)
    report = kf.check(paths, group="clinic")
    assert found(report)["rows of groups that an earlier file has"] == ("serious", 7)


def test_lines_of_json_with_several_types_in_a_column(tmp_path):
    path = tmp_path / "a.jsonl"
    rows = [dict(zip(HEADER, row, strict=True)) for row in clean()]
    rows[12]["age"] = "forty"
    rows[13]["age"] = None
    lines = [json.dumps(row) for row in rows]
    lines[50] = lines[50][:20]
    path.write_text("\n".join(lines) + "\n")
    report = kf.check(path)
    told = found(report)
    assert told["values of mixed kinds in 'age'"] == ("warning", 1)
    assert told["missing values in 'age'"] == ("note", 1)
    assert told["lines that are no JSON"] == ("serious", 1)
    assert places(report, "lines that are no JSON")[0][0] == f"{path} line 51"
    assert places(report, "missing values in 'age'")[0][0] == f"{path} line 14"


def test_columns_of_odd_names(tmp_path):
    header = ["", "a", "A", "_place", 'x y"z']
    report = kf.check(written(tmp_path, "a.csv", clean(), header))
    assert found(report) == {"columns of names or numbers of rows": ("note", 1)}
    assert [row[0] for row in table(report, "Columns (5)")] == ["1", "a", "A_", "_place_", 'x y"z']
    path = tmp_path / "b.jsonl"
    path.write_text("".join(json.dumps({"a": at, "A": at % 3, "_file": "x"}) + "\n" for at in range(60)))
    assert found(kf.check(path))["constant column '_file_'"] == ("warning", 60)


def test_a_quote_that_is_not_closed_is_told(tmp_path):
    rows = clean()
    rows[20][3] = '"Ulm'
    report = kf.check(written(tmp_path, "a.csv", rows))
    assert any(group == "serious" for group, _ in found(report).values())


def test_columns_that_are_not_there_are_named(tmp_path):
    path = written(tmp_path, "a.csv", clean())
    with pytest.raises(BadOption, match="user: table has label and group"):
        kf.check(path, user="town", kind="table")
    with pytest.raises(UnknownName, match=r"no column 'lable'.*Did you mean 'label'"):
        kf.check(path, label="lable", kind="table")
    other = written(tmp_path, "b.csv", [row[:4] for row in clean(50, seed=1)], HEADER[:4])
    with pytest.raises(UnknownName, match=r"which .*a.csv has"):
        kf.check([path, other])


@pytest.mark.data
@pytest.mark.skipif(not (DATA / "tabular").exists(), reason=f"{DATA} is not there; set KINFOLD_DATA")
def test_a_real_table_tells_what_is_known_of_it():
    files = [DATA / "tabular" / "adult" / name for name in ("adult.data.gz", "adult.test.gz")]
    told = found(kf.check(files))
    assert told[f"rows of classes that {files[0]} has not"] == ("serious", 16_281)
    assert told["rows with too few or too many fields"] == ("serious", 1)
    assert told["missing values that are written as a mark or a word"] == ("warning", 6_465)
    assert told["99999 in place of a value in '11'"] == ("warning", 244)
    assert told["rows that stand twice"] == ("note", 29)
