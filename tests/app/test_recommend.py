import json

import pytest

import kinfold as kf

MET = {
    f"u{n}": ["a1", "a2", "a3", "a4"][: 2 + n % 3] if n % 2 else ["b1", "b2", "b3", "b4"][: 2 + n % 3]
    for n in range(24)
}


@pytest.fixture
def files(tmp_path):
    rows = [
        f"{user},{item},{1 + place},{100 * place + number}"
        for number, (user, items) in enumerate(MET.items())
        for place, item in enumerate(items)
    ]
    (tmp_path / "ratings.csv").write_text("user_id,movie_id,rating,ts\n" + "\n".join(rows) + "\n")
    (tmp_path / "movies.csv").write_text(
        "movie_id,title,genre\n" + "".join(f"{k}{n},Film {k}{n},{k}\n" for k in "ab" for n in range(1, 6))
    )
    (tmp_path / "users.csv").write_text(
        "user_id,gender\n" + "".join(f"{user},{'fm'[n % 2]}\n" for n, user in enumerate(MET))
    )
    return tmp_path


@pytest.fixture
def learned(kinfold, files):
    ran = kinfold(
        *("learn", "items", files / "ratings.csv", "-o", files / "m.arrow", "--dim", 2),
        *("--user", "user_id", "--item", "movie_id", "--weight", "rating", "--time", "ts"),
        *("--item-table", files / "movies.csv", "--user-table", files / "users.csv"),
    )
    assert ran.code == 0, ran.err
    assert "24 users × 2 from 72 interactions by als" in ran.out
    assert "kinfold recommend" in ran.out
    return files


COLUMNS = ("--user", "user_id", "--item", "movie_id", "--weight", "rating", "--time", "ts")


def test_recommend_to_a_user_a_history_and_all(kinfold, learned):
    ran = kinfold("recommend", learned / "m.arrow", "--user", "u1", "-k", 1, "--show", "title")
    assert ran.code == 0, ran.err
    assert "Film a" in ran.out
    ran = kinfold("recommend", learned / "m.arrow", "--history", "b1, b2", "-k", 2, "--json")
    assert {each["key"] for each in ran.json[0]["hits"]} <= {"b3", "b4"}
    ran = kinfold("recommend", learned / "m.arrow", "--all", "-k", 2, "--json")
    assert [each["query"] for each in ran.json] == list(MET)
    ran = kinfold("recommend", learned / "m.arrow", "--user", "u1", "--where", "genre = 'b'", "--json")
    assert {each["key"][0] for each in ran.json[0]["hits"]} == {"b"}


def test_what_comes_next_by_sasrec(kinfold, files):
    pytest.importorskip("torch", reason="not installed; pip install 'kinfold[deep]'")
    path = files / "next.arrow"
    options = ("--method", "sasrec", "--dim", 8, "--epochs", 30, "--learning-rate", 0.01, "--batch", 8)
    ran = kinfold("learn", "items", files / "ratings.csv", "-o", path, *COLUMNS, *options)
    assert ran.code == 0, ran.err
    ran = kinfold("recommend", path, "--history", "a1,a2", "-k", 1, "--show", "count", "--json")
    assert [each["key"] for each in ran.json[0]["hits"]] == ["a3"]
    assert kinfold("recommend", path, "--user", "u0", "--json").json[0]["hits"][0]["key"] == "b3"
    ran = kinfold("encode", path, "a1,a2", "a2,a1", "-o", files / "new.arrow")
    assert ran.code == 0, ran.err
    one, two = kf.open(files / "new.arrow").rows.values
    assert abs(one - two).max() > 0.01
    for how in ("leave-last", "time", "user"):
        ran = kinfold("evaluate", path, "--interactions", files / "ratings.csv", *COLUMNS, "--split", how)
        assert ran.code == 0, ran.err
    ran = kinfold("why", path, "--user", "u0", "--item", "b3")
    assert ran.code != 0
    assert "no sum" in ran.err


def test_options_of_recommend(kinfold, learned):
    path = learned / "m.arrow"
    seen = learned / "more.csv"
    seen.write_text("who,what\nu1,a3\n")
    ran = kinfold(
        "recommend",
        path,
        "--user",
        "u1",
        "--exclude-seen",
        seen,
        "--user-column",
        "who",
        "--item-column",
        "what",
        "--json",
    )
    assert "a3" not in {each["key"] for each in ran.json[0]["hits"]}
    ran = kinfold("recommend", path, "--user", "u1", "--allow", "b1,b2", "--deny", "b1", "--diversity", 0.5, "--json")
    assert [each["key"] for each in ran.json[0]["hits"]] == ["b2"]
    ran = kinfold("recommend", path, "--user", "u1", "--repeat", "-k", 2, "--json")
    assert ran.json[0]["hits"][0]["key"] in ("a1", "a2", "a3")
    for wrong in ((), ("--all", "--user", "u1"), ("--user", "nobody"), ("--history", "zz")):
        ran = kinfold("recommend", path, *wrong)
        assert ran.code == 2
        assert ran.err.startswith("kinfold: ")


def test_why_adds_up(kinfold, learned):
    ran = kinfold("why", learned / "m.arrow", "--user", "u1", "--item", "a4", "--json")
    assert ran.code == 0, ran.err
    parts = [row[2] for row in ran.json["tables"][0]["rows"]]
    space = kf.open(learned / "m.arrow")
    assert sum(parts) == pytest.approx(float(space["u1"] @ space["a4"]), abs=1e-4)
    assert "a1" in kinfold("why", learned / "m.arrow", "--history", "a1,a2", "--item", "a4").out


@pytest.mark.parametrize("split", ["time", "user", "leave-last", "random"])
def test_evaluate_learns_anew_from_a_part(kinfold, learned, split):
    ran = kinfold(
        "evaluate",
        learned / "m.arrow",
        "--interactions",
        learned / "ratings.csv",
        "--split",
        split,
        *COLUMNS,
        "--at",
        "1,2",
        "--by",
        "gender",
        "--json",
    )
    assert ran.code == 0, ran.err
    (report,) = ran.json
    assert report["tables"][0]["rows"][0][:2] == ["als", 1]
    assert {row[0] for row in report["tables"][1]["rows"]} <= {"f", "m"}
    assert any("learned anew by als" in note for note in report["notes"])


def test_evaluate_by_what_came_later(kinfold, learned):
    later = learned / "later.txt"
    later.write_text("u1 a4 a3\nu2 b3\n")
    ran = kinfold("evaluate", learned / "m.arrow", "--interactions", later, "--at", "2", "--json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)[0]["findings"][0]["name"] == "recall@2"
    assert kinfold("evaluate", learned / "m.arrow", "--interactions", later, "--at", "x").code == 2


def test_fold_in_from_the_command_line(kinfold, learned):
    ran = kinfold("encode", learned / "m.arrow", "a1,a2", "b1, nothing", "-o", learned / "new.arrow", "--json")
    assert ran.code == 0, ran.err
    assert ran.json["rows"] == 2
    assert ran.json["unknown"] == 1
    made, space = kf.open(learned / "new.arrow"), kf.open(learned / "m.arrow")
    made.same_frame(space)
    assert space.nearest(made["0"], k=1, group="item").keys[0][0] == "a"
