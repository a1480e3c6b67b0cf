import os
import random
from pathlib import Path

import pytest
from quality.planted import found, places, table

import kinfold as kf
from kinfold.core.errors import UnknownName

DATA = Path(os.environ.get("KINFOLD_DATA", Path(__file__).parents[3] / "shared" / "data"))


def clean(users=60, each=20, items=80, seed=0, begin=1_000_000_000):
    """Rows of users who each met different items, one after another."""
    rng = random.Random(seed)
    rows = []
    for user in range(users):
        time = begin
        for item in rng.sample(range(items), each):
            time += rng.randint(1, 5000)
            rows.append([f"u{user}", f"i{item}", rng.randint(1, 5), time])
    return rows


def written(folder, name, rows, header="user,item,rating,timestamp"):
    path = folder / name
    path.write_text("\n".join([*([header] if header else []), *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path


def test_clean_interactions_raise_no_alarm(tmp_path):
    report = kf.check(written(tmp_path, "met.csv", clean()))
    assert found(report) == {}
    assert "read as interactions: user user, item item, weight rating, time timestamp" in report.notes[1]
    assert table(report, "Files")[0][1:4] == [1200, 60, 80]


def test_broken_rows_are_counted_each_with_its_place(tmp_path):
    rows = clean()
    rows[4][0] = ""
    rows[9][1] = " "
    rows[10][2] = "good"
    rows[11][2] = -1
    rows[12][2] = "nan"
    rows[20][3] = "yesterday"
    rows[30] = ["u1", "i1"]
    path = written(tmp_path, "met.csv", rows)
    report = kf.check(path)
    assert found(report) == {
        "rows with too few or too many fields": ("serious", 1),
        "rows without a user or an item": ("serious", 2),
        "weights that are no finite number of at least 0": ("serious", 3),
        "times that are no number or date": ("serious", 1),
    }
    assert [where for where, _ in places(report, "rows without a user or an item")] == [
        f"{path} row 5",
        f"{path} row 10",
    ]
    assert places(report, "times that are no number or date") == [(f"{path} row 21", "yesterday")]
    assert places(report, "rows with too few or too many fields")[0][0] == f"{path} row 31"


def test_rows_behind_a_broken_one_keep_their_number(tmp_path):
    rows = clean()
    rows[30] = ["u1", "i1"]
    rows[40][2] = "bad"
    report = kf.check(written(tmp_path, "met.csv", rows))
    assert places(report, "weights that are no finite number of at least 0")[0][0].endswith("row 41")


def test_what_stands_twice_and_who_meets_again(tmp_path):
    rows = clean()
    again = [*rows[7][:3], rows[7][3] + 77]
    report = kf.check(written(tmp_path, "met.csv", [*rows, rows[3], rows[3], again]))
    assert found(report) == {
        "rows that stand twice": ("warning", 2),
        "interactions of two who met before": ("note", 1),
    }
    assert places(report, "rows that stand twice")[0][0].endswith("row 1,201")
    assert places(report, "interactions of two who met before")[0][0].endswith("row 1,203")


def test_one_user_with_a_third_and_a_machine_in_step_with_a_clock(tmp_path):
    rows = clean(users=80)
    rng = random.Random(1)
    rows += [["u_big", f"i{rng.randrange(80)}", 3, 1_000_000_000 + rng.randrange(10**7)] for _ in range(700)]
    rows += [["u_clock", f"i{at % 80}", 3, 1_000_000_000 + 60 * at] for at in range(60)]
    report = kf.check(written(tmp_path, "met.csv", rows))
    told = found(report)
    assert told["interactions of users that dominate"] == ("warning", 700)
    assert places(report, "interactions of users that dominate")[0][0] == "user u_big"
    assert told["users that look like machines"] == ("warning", 1)
    where, shown = places(report, "users that look like machines")[0]
    assert (where, shown) == ("user u_clock", "59 of its 59 steps take exactly 60")
    assert set(told) <= {
        "interactions of users that dominate",
        "users that look like machines",
        "interactions of two who met before",
    }


def test_a_user_far_busier_than_the_busiest_percent(tmp_path):
    rows = clean(users=300, each=10, items=2000)
    rows += [["bot", f"i{at}", 1 + at % 5, 1_000_000_000 + at * at] for at in range(1500)]
    told = found(kf.check(written(tmp_path, "met.csv", rows)))
    assert told["users that look like machines"] == ("warning", 1)


def test_a_first_file_that_knows_the_future(tmp_path):
    train, test = (
        clean(),
        [["u1", "i900", 4, 2_000_000_000], ["u2", "i901", 4, 1_000_000_001], ["new", "i1", 1, 2_000_000_000]],
    )
    shared = train[45]
    train_file = written(tmp_path, "train.csv", train)
    report = kf.check([train_file, written(tmp_path, "test.csv", [*test, shared])])
    name = "interactions of the first file that are later than the user's first in another"
    # All that u2 did in the first file is later; it also has the row that both files have.
    assert found(report)[name] == ("serious", 20)
    assert found(report)["interactions of a later file that an earlier one has"] == ("serious", 1)
    assert found(report)["interactions of later files with users that the first has not"] == ("warning", 1)
    assert found(report)["interactions of later files with items that the first has not"] == ("warning", 2)
    assert places(report, name)[0][0] == f"{train_file} row 41"


def test_lines_of_users_and_their_items(tmp_path):
    path = tmp_path / "met.txt"
    rows = [" ".join(map(str, [user, *range(user, user + 12)])) for user in range(50)]
    path.write_text("\n".join(rows) + "\n")
    assert found(kf.check(path)) == {}
    path.write_text("\n".join([*rows, "77", "78 1 2 2"]) + "\n")
    report = kf.check(path, kind="interactions")
    assert found(report)["lines of a user without an item"] == ("serious", 1)
    assert places(report, "lines of a user without an item")[0][0] == f"{path} line 51"
    assert found(report)["rows that stand twice"] == ("warning", 1)


def test_columns_are_named_or_found(tmp_path):
    rows = [[f"x{row[0]}", row[1], row[2], row[3]] for row in clean()]
    path = written(tmp_path, "met.csv", rows, header="member,thing,liked,moment")
    report = kf.check(path, kind="interactions", user="member", item="thing", time="moment")
    assert table(report, "Files")[0][2] == 60
    with pytest.raises(UnknownName, match=r"no column 'memeber'.*Did you mean 'member'"):
        kf.check(path, kind="interactions", user="memeber", item="thing")
    bare = tmp_path / "u.data"
    bare.write_text("\n".join("\t".join(str(each).lstrip("xui") for each in row) for row in rows) + "\n")
    report = kf.check(bare)
    assert "user 1, item 2, weight 3, time 4" in report.notes[1]


@pytest.mark.data
@pytest.mark.skipif(not (DATA / "interactions").exists(), reason=f"{DATA} is not there; set KINFOLD_DATA")
def test_real_interactions_raise_no_alarm():
    report = kf.check(DATA / "interactions" / "ml-100k" / "u.data.gz")
    assert found(report) == {}
    assert table(report, "Files")[0][1:4] == [100_000, 943, 1682]
