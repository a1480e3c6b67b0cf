import json

import numpy as np
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


FEATURES = ("--item-table", "movies.csv", "--item-features", "genre", "--user-table", "users.csv")


def test_items_that_nobody_met_are_placed_by_their_features(kinfold, files, monkeypatch):
    monkeypatch.chdir(files)
    ran = kinfold(
        *("learn", "items", "ratings.csv", "-o", "m.arrow", "--dim", 2, *FEATURES, "--user-features", "gender"),
        *("--user", "user_id", "--item", "movie_id"),
    )
    assert ran.code == 0, ran.err
    assert "3 item_features" in ran.out
    space = kf.open("m.arrow")
    # Nobody met a5 and b5; odd users meet what begins with a.
    assert space.group("item")["a5"] @ space["u1"] > space.group("item")["b5"] @ space["u1"]
    assert space.nearest("a5", k=1).keys[0][0] == "a"
    assert space.nearest("item_feature:genre=a", k=3, group="item").keys[0][0] == "a"
    ran = kinfold("why", "m.arrow", "--user", "u1", "--item", "a4", "--json")
    rows = ran.json["tables"][0]["rows"]
    assert sum(row[2] for row in rows) == pytest.approx(float(space["u1"] @ space["a4"]), abs=1e-5)
    assert "(all else)" in {row[0] for row in rows}
    columns = ("--user", "user_id", "--item", "movie_id", "--split", "random", "--at", "2", "--json")
    ran = kinfold("evaluate", "m.arrow", "--interactions", "ratings.csv", *columns)
    assert ran.code == 0, ran.err


def test_what_is_wrong_with_features_is_told(kinfold, files, monkeypatch):
    monkeypatch.chdir(files)
    learn = ("learn", "items", "ratings.csv", "-o", "m.arrow", "--user", "user_id", "--item", "movie_id")
    ran = kinfold(*learn, "--item-features", "genre")
    assert ran.code == 2
    assert "item_features are columns of a table; name it with --item-table …." in ran.err
    assert "no column 'genres'. Did you mean 'genre'" in kinfold(*learn, *FEATURES, "--item-features", "genres").err
    assert "learned by als, not by svd" in kinfold(*learn, *FEATURES, "--method", "svd").err
    (files / "movies.csv").write_bytes("movie_id,genre\na1,Comédie\na2,Comédie\n".encode("latin-1"))
    assert "latin-1" in kinfold(*learn, *FEATURES).err
    assert kinfold(*learn, *FEATURES, "--encoding", "latin-1").code == 0
    assert "genre=Comédie" in kf.open("m.arrow").group("item_feature").keys
    assert "which is none" in kinfold(*learn, *FEATURES, "--encoding", "utf-99").err


def test_evaluate_some_items_and_the_exposure_of_groups(kinfold, learned):
    run = ("evaluate", learned / "m.arrow", "--interactions", learned / "ratings.csv", *COLUMNS, "--split", "random")
    ran = kinfold(*run, "--at", "2", "--exposure", "genre", "--json")
    assert ran.code == 0, ran.err
    table = next(each for each in ran.json[0]["tables"] if each["title"] == "Exposure of groups of items")
    assert [row[:2] for row in table["rows"]] == [["a", 4], ["b", 4]]
    assert sum(row[4] for row in table["rows"]) == pytest.approx(1)
    ran = kinfold(*run, "--at", "2", "--where", "genre = 'a'", "--json")
    assert "all 4 items ranked" in ran.json[0]["notes"][0]
    assert "holds for no item" in kinfold(*run, "--where", "genre = 'c'").err
    assert "no column 'kind'" in kinfold(*run, "--exposure", "kind").err


def test_similar_items_are_alike_and_not_popular():
    met = {f"u{n}": ["hit", "twin", "sister"][: 1 + n % 3] if n < 9 else ["hit", "other"] for n in range(30)}
    space = kf.items(met, dim=3)
    found = space.nearest("twin", k=1)
    items = space.group("item")
    cosine = items["twin"] @ items["sister"] / (np.linalg.norm(items["twin"]) * np.linalg.norm(items["sister"]))
    assert found.keys == ["sister"]
    assert found.scores[0] == pytest.approx(cosine, abs=1e-5)
    assert space.similarity("twin", "sister") == pytest.approx(cosine, abs=1e-5)
    # Between the sides the product counts.
    assert space.nearest("u0", k=1, group="item").scores[0] == pytest.approx(max(items.rows.dense() @ space["u0"]))


def test_more_interactions_update_who_took_part(kinfold, learned):
    (learned / "more.csv").write_text("user_id,movie_id,rating,ts\nu1,a4,2,900\nnewcomer,b1,1,901\n")
    out = learned / "n.arrow"
    run = ("learn", "items", learned / "more.csv", "--resume", learned / "m.arrow", "-o", out, *COLUMNS)
    ran = kinfold(*run)
    assert ran.code == 0, ran.err
    assert "new rows for 2 users and 2 items, all others as they were" in ran.out
    before, after = kf.open(learned / "m.arrow"), kf.open(out)
    assert (before.group("user")["u2"] == after.group("user")["u2"]).all()
    assert kinfold("recommend", out, "--user", "newcomer", "-k", 1, "--json").json[0]["hits"][0]["key"][0] == "b"
    assert kinfold(*run, "--method", "als").code == 2


def test_the_space_knows_the_columns_that_it_was_learned_from(kinfold, learned):
    path, ratings = learned / "m.arrow", learned / "ratings.csv"
    seen = learned / "more.csv"
    seen.write_text("user_id,movie_id,rating,ts\nu1,a3,1,5\nu1,b3,1,5\n")
    ran = kinfold("recommend", path, "--user", "u1", "--exclude-seen", seen, "--json")
    assert not {"a3", "b3"} & {each["key"] for each in ran.json[0]["hits"]}
    assert kinfold("evaluate", path, "--interactions", ratings, "--split", "time", "--at", "2").code == 0
    assert kinfold("learn", "items", seen, "--resume", path, "-o", path).code == 0
    assert kf.open(path).card.data["fields"]["time"] == "ts"
